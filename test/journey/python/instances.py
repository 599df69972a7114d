"""Instances as people use them: user data, metadata, stop and start, refusals, tasks on ports, daemons, groups.

Every check prints nothing; the first that fails ends the script with what was seen.
"""

import base64
import json
import time
import urllib.request

import boto3
from botocore.exceptions import ClientError

ec2, ecs, iam, groups = (boto3.client(it) for it in ("ec2", "ecs", "iam", "autoscaling"))
FAST = {"Delay": 1, "MaxAttempts": 40}
NAME = "journey"
image = boto3.client("ssm").get_parameter(
    Name="/aws/service/ecs/optimized-ami/amazon-linux-2/recommended/image_id")["Parameter"]["Value"]


def until(what, look, seconds=40):
    end = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < end, what
        time.sleep(0.2)
    return seen


def refused(code, sentence, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        said = error.response["Error"]
        assert said["Code"] == code and sentence in said["Message"], said
    else:
        raise AssertionError(f"{code} did not come")


def get(url):
    try:
        return urllib.request.urlopen(url, timeout=2).read().decode()
    except OSError:
        return None


def describe(instance):
    return ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]


def wait(word, instance):
    ec2.get_waiter(word).wait(InstanceIds=[instance], WaiterConfig=FAST)


def network():
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    subnets = []
    for number, zone in enumerate(["us-east-1a", "us-east-1b"]):
        made = ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=zone)["Subnet"]
        ec2.associate_route_table(RouteTableId=table, SubnetId=made["SubnetId"])
        ec2.modify_subnet_attribute(SubnetId=made["SubnetId"], MapPublicIpOnLaunch={"Value": True})
        subnets.append(made["SubnetId"])
    group = ec2.create_security_group(GroupName=NAME, Description=NAME, VpcId=vpc)["GroupId"]
    everything = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[everything])
    return subnets, group


def role():
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.create_role(RoleName=NAME, AssumeRolePolicyDocument=document)
    iam.attach_role_policy(
        RoleName=NAME,
        PolicyArn="arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role")
    iam.create_instance_profile(InstanceProfileName=NAME)
    iam.add_role_to_instance_profile(InstanceProfileName=NAME, RoleName=NAME)


USER_DATA = r"""#!/bin/bash
cat <<'WORDS' >> /root/words
not $expanded
WORDS
cat /root/words
token=$(curl -s -X PUT http://169.254.169.254/latest/api/token -H 'X-aws-ec2-metadata-token-ttl-seconds: 60')
ask() { curl -s -H "X-aws-ec2-metadata-token: $token" "http://169.254.169.254/latest/meta-data/$1"; echo; }
echo "id $(ask instance-id)"
echo "tag $(ask tags/instance/Name)"
ask iam/security-credentials/journey
echo "version 1: $(curl -s -o /dev/null -w '%{http_code}' http://169.254.169.254/latest/meta-data/)"
dd if=/dev/zero of=/dev/null bs=600M count=1
echo "eater $?"
echo the end
"""


def life(subnets, group):
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "one two"}]}]
    machine = ec2.run_instances(
        ImageId=image, InstanceType="t3.nano", MinCount=1, MaxCount=1, SubnetId=subnets[0],
        SecurityGroupIds=[group], UserData=USER_DATA, IamInstanceProfile={"Name": NAME},
        MetadataOptions={"HttpTokens": "required", "InstanceMetadataTags": "enabled"},
        TagSpecifications=tags)["Instances"][0]["InstanceId"]
    wait("instance_running", machine)
    wait("instance_status_ok", machine)
    console = lambda: ec2.get_console_output(InstanceId=machine, Latest=True).get("Output", "")
    said = until("user data ends", lambda: "the end" in console() and console())
    for word in ("not $expanded", f"id {machine}", "tag one two", '"AccessKeyId"', "version 1: 401", "eater 137"):
        assert word in said, (word, said)
    before = describe(machine)
    ec2.stop_instances(InstanceIds=[machine])
    wait("instance_stopped", machine)
    assert "PublicIpAddress" not in describe(machine)
    ec2.start_instances(InstanceIds=[machine])
    wait("instance_running", machine)
    after = describe(machine)
    assert after["PrivateIpAddress"] == before["PrivateIpAddress"]
    assert after["PublicIpAddress"] != before["PublicIpAddress"]
    assert console().count("not $expanded") <= 1, "user data runs once"
    ec2.terminate_instances(InstanceIds=[machine])
    wait("instance_terminated", machine)
    assert describe(machine)["State"] == {"Code": 48, "Name": "terminated"}
    nobody = "i-0123456789abcdef0"
    refused("IncorrectInstanceState", "can be started", ec2.start_instances, InstanceIds=[machine])
    refused("InvalidInstanceID.NotFound", nobody, ec2.describe_instances, InstanceIds=[nobody])
    refused("InvalidInstanceID.NotFound", nobody, ec2.create_tags, Resources=[nobody], Tags=[{"Key": "a", "Value": "b"}])
    order = {"ImageId": image, "InstanceType": "t3.nano", "MinCount": 1, "MaxCount": 1}
    refused("DryRunOperation", "would have succeeded", ec2.run_instances, **order, DryRun=True)
    refused("InvalidGroupId.Malformed", "sg-...", ec2.run_instances, **order, SecurityGroupIds=["web"])
    refused("InvalidParameterValue", "Invalid availability zone: [us-east-1z]", ec2.run_instances, **order,
            Placement={"AvailabilityZone": "us-east-1z"})


def group_of_two(subnets, group):
    data = f"#!/bin/bash\necho 'ECS_CLUSTER={NAME}' >> /etc/ecs/ecs.config\n"
    ec2.create_launch_template(LaunchTemplateName=NAME, LaunchTemplateData={
        "ImageId": image, "InstanceType": "t3.micro", "SecurityGroupIds": [group],
        "IamInstanceProfile": {"Name": NAME}, "UserData": base64.b64encode(data.encode()).decode()})
    ecs.create_cluster(clusterName=NAME)
    groups.create_auto_scaling_group(
        AutoScalingGroupName=NAME, MinSize=1, MaxSize=3, DesiredCapacity=2,
        VPCZoneIdentifier=",".join(subnets), LaunchTemplate={"LaunchTemplateName": NAME, "Version": "$Latest"},
        Tags=[{"Key": "Name", "Value": "member", "PropagateAtLaunch": True}])
    joined = until("both join", lambda: len(
        found := ecs.list_container_instances(cluster=NAME)["containerInstanceArns"]) == 2 and found)
    found = ecs.describe_container_instances(cluster=NAME, containerInstances=joined)["containerInstances"]
    machines = {it["ec2InstanceId"]: it["containerInstanceArn"] for it in found}
    for machine in machines:
        tags = {it["Key"]: it["Value"] for it in describe(machine)["Tags"]}
        assert tags["Name"] == "member" and tags["aws:autoscaling:groupName"] == NAME, tags
        assert tags["aws:ec2launchtemplate:version"] == "1", tags
    return machines


def define(family, words, port=None):
    command = f"mkdir -p /www; echo {words} > /www/index.html; exec httpd -f -p 8080 -h /www"
    container = {"name": "web", "image": "busybox:1.35", "memory": 32, "stopTimeout": 2, "command": ["sh", "-c", command]}
    if port is not None:
        container["portMappings"] = [{"containerPort": 8080, "hostPort": port}]
    ecs.register_task_definition(family=family, networkMode="bridge", containerDefinitions=[container])


def stable(name):
    ecs.get_waiter("services_stable").wait(cluster=NAME, services=[name], WaiterConfig=FAST)
    return ecs.describe_services(cluster=NAME, services=[name])["services"][0]


def services(machines):
    define("static", "one", 80)
    define("static", "two", 80)
    define("shared", "many", 0)
    ecs.create_service(cluster=NAME, serviceName="static", taskDefinition="static:1", desiredCount=2, launchType="EC2")
    stable("static")
    addresses = [describe(it)["PublicIpAddress"] for it in machines]
    assert [get(f"http://{it}/") for it in addresses] == ["one\n", "one\n"]
    failures = ecs.run_task(cluster=NAME, taskDefinition="static", launchType="EC2")["failures"]
    assert {it["reason"] for it in failures} == {"RESOURCE:PORTS"}, failures
    # Port 80 is taken on both: the new ones can only come after old ones went.
    tight = {"minimumHealthyPercent": 50, "maximumPercent": 100}
    ecs.update_service(cluster=NAME, service="static", taskDefinition="static:2", deploymentConfiguration=tight)
    stable("static")
    assert [get(f"http://{it}/") for it in addresses] == ["two\n", "two\n"]
    first = next(iter(machines))
    only = [{"type": "memberOf", "expression": f"ec2InstanceId == '{first}'"}]
    tasks = ecs.run_task(cluster=NAME, taskDefinition="shared", launchType="EC2", count=2, placementConstraints=only)["tasks"]
    arns = [it["taskArn"] for it in tasks]
    ecs.get_waiter("tasks_running").wait(cluster=NAME, tasks=arns, WaiterConfig=FAST)
    for task in ecs.describe_tasks(cluster=NAME, tasks=arns)["tasks"]:
        assert task["containerInstanceArn"] == machines[first]
        port = task["containers"][0]["networkBindings"][0]["hostPort"]
        assert get(f"http://{addresses[0]}:{port}/") == "many\n"
    ecs.create_service(cluster=NAME, serviceName="daemon", taskDefinition="shared", schedulingStrategy="DAEMON", launchType="EC2")
    assert stable("daemon")["runningCount"] == 2


def replaced(machines):
    lost = next(iter(machines))
    groups.set_instance_health(InstanceId=lost, HealthStatus="Unhealthy")
    look = lambda: groups.describe_auto_scaling_groups(AutoScalingGroupNames=[NAME])["AutoScalingGroups"]
    alive = lambda: [it["InstanceId"] for it in look()[0]["Instances"] if it["LifecycleState"] == "InService"]
    until("another takes its place", lambda: len(alive()) == 2 and lost not in alive())
    until("the tasks are back", lambda: stable("static")["runningCount"] == 2)
    for name in ("static", "daemon"):
        ecs.delete_service(cluster=NAME, service=name, force=True)
    refused("ResourceInUse", "while there are instances", groups.delete_auto_scaling_group, AutoScalingGroupName=NAME)
    groups.delete_auto_scaling_group(AutoScalingGroupName=NAME, ForceDelete=True)
    until("the group is gone", lambda: not look(), 60)
    mine = [{"Name": "tag:aws:autoscaling:groupName", "Values": [NAME]}]
    states = [it["State"]["Name"] for one in ec2.describe_instances(Filters=mine)["Reservations"] for it in one["Instances"]]
    assert states and set(states) == {"terminated"}, states


subnets, group = network()
role()
life(subnets, group)
machines = group_of_two(subnets, group)
services(machines)
replaced(machines)
