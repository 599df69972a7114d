"""The deployment guide's task definition as written, on instances: a network, an Auto Scaling group behind a capacity
provider, a load balancer; a second copy needs a second instance; an instance dies under load.
"""

import base64
import json
import threading
import time
import urllib.request

import boto3

from cloud import assert_within, until

CLUSTER, GROUP, SERVICE = "guide", "guide-instances", "guide-service"
PORT = 80
WORKERS = 8
POLICY = "arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"
IMAGE = "/aws/service/ecs/optimized-ami/amazon-linux-2/recommended/image_id"
ANYWHERE = "0.0.0.0/0"

ec2, ecs, elb = boto3.client("ec2"), boto3.client("ecs"), boto3.client("elbv2")
iam, logs, ssm = boto3.client("iam"), boto3.client("logs"), boto3.client("ssm")
autoscaling = boto3.client("autoscaling")


def network():
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock=ANYWHERE, GatewayId=gateway)
    subnets, associations = [], []
    for number, zone in enumerate("ab", 1):
        made = ec2.create_subnet(
            VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{ec2.meta.region_name}{zone}"
        )
        subnets.append(made["Subnet"]["SubnetId"])
        ec2.modify_subnet_attribute(SubnetId=subnets[-1], MapPublicIpOnLaunch={"Value": True})
        answer = ec2.associate_route_table(RouteTableId=table, SubnetId=subnets[-1])
        associations.append(answer["AssociationId"])
    group = ec2.create_security_group(GroupName="guide", Description="web", VpcId=vpc)["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": PORT, "ToPort": PORT, "IpRanges": [{"CidrIp": ANYWHERE}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    return {"vpc": vpc, "gateway": gateway, "table": table, "subnets": subnets, "group": group,
            "associations": associations}


def profile():
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.create_role(RoleName="ecsInstanceRole", AssumeRolePolicyDocument=document)
    iam.attach_role_policy(RoleName="ecsInstanceRole", PolicyArn=POLICY)
    iam.create_instance_profile(InstanceProfileName="ecsInstanceRole")
    iam.add_role_to_instance_profile(InstanceProfileName="ecsInstanceRole", RoleName="ecsInstanceRole")


def capacity(net):
    """The launch template, the group, and the provider before it."""
    user_data = f"#!/bin/bash\necho ECS_CLUSTER={CLUSTER} >> /etc/ecs/ecs.config\n"
    ec2.create_launch_template(
        LaunchTemplateName="guide",
        LaunchTemplateData={
            "ImageId": ssm.get_parameter(Name=IMAGE)["Parameter"]["Value"],
            "InstanceType": "t3.small",
            "IamInstanceProfile": {"Name": "ecsInstanceRole"},
            "SecurityGroupIds": [net["group"]],
            "UserData": base64.b64encode(user_data.encode()).decode(),
        },
    )
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=GROUP,
        LaunchTemplate={"LaunchTemplateName": "guide", "Version": "$Latest"},
        MinSize=1,
        MaxSize=3,
        DesiredCapacity=1,
        VPCZoneIdentifier=",".join(net["subnets"]),
        NewInstancesProtectedFromScaleIn=True,
        Tags=[{"Key": "AmazonECSManaged", "Value": "", "PropagateAtLaunch": True}],
    )
    scaling = {"status": "ENABLED", "targetCapacity": 100, "instanceWarmupPeriod": 1}
    provider = {
        "autoScalingGroupArn": group()["AutoScalingGroupARN"],
        "managedScaling": scaling,
        "managedTerminationProtection": "ENABLED",
    }
    made = ecs.create_capacity_provider(name="guide-capacity", autoScalingGroupProvider=provider)
    assert_within(provider, made["capacityProvider"]["autoScalingGroupProvider"], "provider")
    strategy = [{"capacityProvider": "guide-capacity", "weight": 1}]
    ecs.put_cluster_capacity_providers(
        cluster=CLUSTER, capacityProviders=["guide-capacity"], defaultCapacityProviderStrategy=strategy
    )


def definition():
    options = {"awslogs-group": "/ecs/guide", "awslogs-region": logs.meta.region_name,
               "awslogs-stream-prefix": "ecs"}
    container = {
        "name": "web",
        "image": "busybox:1.35",
        "essential": True,
        "privileged": True,
        "interactive": True,
        "pseudoTerminal": True,
        "portMappings": [{"containerPort": 8502, "hostPort": PORT, "protocol": "tcp"}],
        "command": ["sh", "-c", "mkdir /www; hostname | tee /www/index.html; exec httpd -f -p 8502 -h /www"],
        "logConfiguration": {"logDriver": "awslogs", "options": options},
        # The first process of a container that does not listen to SIGTERM would take the whole half minute to go.
        "stopTimeout": 2,
    }
    written = {
        "family": "guide",
        "networkMode": "bridge",
        "requiresCompatibilities": ["EC2"],
        "cpu": "256",
        "memory": "512",
        "containerDefinitions": [container],
    }
    made = ecs.register_task_definition(**written)["taskDefinition"]
    assert_within(written, made, "definition")
    return made["taskDefinitionArn"]


def entrance(net):
    made = elb.create_load_balancer(Name="guide", Subnets=net["subnets"], SecurityGroups=[net["group"]])
    balancer = made["LoadBalancers"][0]
    target_group = elb.create_target_group(
        Name="guide", Protocol="HTTP", Port=PORT, VpcId=net["vpc"], TargetType="instance",
        HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2, HealthyThresholdCount=2,
    )["TargetGroups"][0]["TargetGroupArn"]
    elb.modify_target_group_attributes(
        TargetGroupArn=target_group,
        Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "5"}],
    )
    forward = {"Type": "forward", "TargetGroupArn": target_group}
    elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=PORT, DefaultActions=[forward]
    )
    elb.get_waiter("load_balancer_available").wait(
        LoadBalancerArns=[balancer["LoadBalancerArn"]], WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    return balancer, target_group


def group():
    return autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])["AutoScalingGroups"][0]


def service():
    return ecs.describe_services(cluster=CLUSTER, services=[SERVICE])["services"][0]


def tasks():
    arns = ecs.list_tasks(cluster=CLUSTER, serviceName=SERVICE)["taskArns"]
    return ecs.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"] if arns else []


def healthy(target_group):
    seen = elb.describe_target_health(TargetGroupArn=target_group)["TargetHealthDescriptions"]
    return {it["Target"]["Id"] for it in seen if it["TargetHealth"]["State"] == "healthy"}


def hosts(shown):
    """The EC2 instance of each task, by the task's ARN; no container instance has two."""
    places = [it["containerInstanceArn"] for it in shown if "containerInstanceArn" in it]
    assert len(set(places)) == len(places), f"two copies share an instance: {places}"
    if not places:
        return {}
    described = ecs.describe_container_instances(cluster=CLUSTER, containerInstances=places)
    names = {it["containerInstanceArn"]: it["ec2InstanceId"] for it in described["containerInstances"]}
    return {it["taskArn"]: names[it["containerInstanceArn"]] for it in shown
            if it.get("containerInstanceArn") in names}


def settled(count, target_group):
    """The service runs so many copies, each on an instance of its own and healthy behind the load balancer."""
    def look():
        now = service()
        running = [it for it in tasks() if it["lastStatus"] == "RUNNING"]
        on = set(hosts(running).values())
        done = now["runningCount"] == count == len(running) and now["pendingCount"] == 0
        return on if done and healthy(target_group) == on else None
    return until(f"{count} copies that serve", look)


class Load:
    """Requests, one after the other by each worker, each on a connection of its own."""

    def __init__(self, url):
        self.url, self.over = url, threading.Event()
        self.good, self.failed, self.answered = [0] * WORKERS, [], set()
        self.workers = [threading.Thread(target=self.work, args=[number]) for number in range(WORKERS)]
        for worker in self.workers:
            worker.start()

    def work(self, number):
        while not self.over.is_set():
            began = time.monotonic()
            try:
                with urllib.request.urlopen(self.url, timeout=20) as answer:
                    self.answered.add(answer.read().decode().strip())
                self.good[number] += 1
            except OSError as error:
                self.failed.append((number, began, str(error)))

    def finish(self):
        self.over.set()
        for worker in self.workers:
            worker.join()


def second_copy():
    """The port is taken on the one instance: the second copy waits for another."""
    seen = {}
    ecs.update_service(cluster=CLUSTER, service=SERVICE, desiredCount=2)

    def look():
        shown = tasks()
        hosts(shown)
        for task in shown:
            seen.setdefault(task["taskArn"], []).append(task["lastStatus"])
        return len([it for it in shown if it["lastStatus"] == "RUNNING"]) == 2

    until("the second copy", look)
    second = max(seen.values(), key=lambda it: it.count("PROVISIONING"))
    assert second[0] == "PROVISIONING", seen
    assert group()["DesiredCapacity"] == 2
    activities = autoscaling.describe_scaling_activities(AutoScalingGroupName=GROUP)["Activities"]
    assert all(it["StatusCode"] in ("Successful", "InProgress") for it in activities), activities


def die_under_load(url, target_group):
    load = Load(url)
    until("a thousand answers", lambda: sum(load.good) > 1000)
    assert not load.failed, load.failed
    assert len(load.answered) == 2, load.answered
    victim = sorted(healthy(target_group))[0]
    before = time.monotonic()
    ec2.terminate_instances(InstanceIds=[victim])
    until("a new instance", lambda: victim not in {it["InstanceId"] for it in group()["Instances"]})
    on = settled(2, target_group)
    assert victim not in on, on
    count = sum(load.good)
    until("five hundred more answers", lambda: sum(load.good) > count + 500)
    load.finish()
    # Each worker has one request open: those on the dead instance may be lost, and no later one.
    lost = [number for number, _, _ in load.failed]
    assert len(set(lost)) == len(lost), f"more than was in flight: {load.failed}"
    assert all(began >= before - 20 for _, began, _ in load.failed), load.failed
    causes = " ".join(it["Cause"] for it in activities())
    assert "was taken out of service in response to" in causes, causes
    return len(lost), sum(load.good)


def activities():
    return autoscaling.describe_scaling_activities(AutoScalingGroupName=GROUP)["Activities"]


def one_again(target_group):
    """What is busy is protected from scale-in, what is idle is not."""
    ecs.update_service(cluster=CLUSTER, service=SERVICE, desiredCount=1)
    on = settled(1, target_group)

    def look():
        members = group()["Instances"]
        return {it["InstanceId"] for it in members if it["ProtectedFromScaleIn"]} == on
    until("only the busy instance is protected", look)


def delete(net, balancer, target_group):
    ecs.update_service(cluster=CLUSTER, service=SERVICE, desiredCount=0)
    ecs.delete_service(cluster=CLUSTER, service=SERVICE)
    brief = {"Delay": 1, "MaxAttempts": 60}
    ecs.get_waiter("services_inactive").wait(cluster=CLUSTER, services=[SERVICE], WaiterConfig=brief)
    elb.delete_load_balancer(LoadBalancerArn=balancer["LoadBalancerArn"])
    elb.get_waiter("load_balancers_deleted").wait(
        LoadBalancerArns=[balancer["LoadBalancerArn"]], WaiterConfig=brief
    )
    elb.delete_target_group(TargetGroupArn=target_group)
    ecs.put_cluster_capacity_providers(
        cluster=CLUSTER, capacityProviders=[], defaultCapacityProviderStrategy=[]
    )
    ecs.delete_capacity_provider(capacityProvider="guide-capacity")
    ids = [it["InstanceId"] for it in group()["Instances"]]
    autoscaling.delete_auto_scaling_group(AutoScalingGroupName=GROUP, ForceDelete=True)
    ec2.get_waiter("instance_terminated").wait(InstanceIds=ids, WaiterConfig=brief)
    until("the group is gone", lambda: not autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"])
    left = lambda: ecs.list_container_instances(cluster=CLUSTER)["containerInstanceArns"]
    until("no container instance", lambda: not left())
    ecs.delete_cluster(cluster=CLUSTER)
    ec2.delete_launch_template(LaunchTemplateName="guide")
    iam.remove_role_from_instance_profile(InstanceProfileName="ecsInstanceRole", RoleName="ecsInstanceRole")
    iam.delete_instance_profile(InstanceProfileName="ecsInstanceRole")
    iam.detach_role_policy(RoleName="ecsInstanceRole", PolicyArn=POLICY)
    iam.delete_role(RoleName="ecsInstanceRole")
    logs.delete_log_group(logGroupName="/ecs/guide")
    delete_network(net)


def delete_network(net):
    ec2.delete_security_group(GroupId=net["group"])
    for association in net["associations"]:
        ec2.disassociate_route_table(AssociationId=association)
    for subnet in net["subnets"]:
        ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_route_table(RouteTableId=net["table"])
    ec2.detach_internet_gateway(InternetGatewayId=net["gateway"], VpcId=net["vpc"])
    ec2.delete_internet_gateway(InternetGatewayId=net["gateway"])
    ec2.delete_vpc(VpcId=net["vpc"])


def main():
    net = network()
    profile()
    logs.create_log_group(logGroupName="/ecs/guide")
    ecs.create_cluster(clusterName=CLUSTER)
    capacity(net)
    arn = definition()
    balancer, target_group = entrance(net)
    ecs.create_service(
        cluster=CLUSTER, serviceName=SERVICE, taskDefinition=arn, desiredCount=1,
        loadBalancers=[{"targetGroupArn": target_group, "containerName": "web", "containerPort": 8502}],
    )
    settled(1, target_group)
    # Python does not know that every name under `.localhost` is this machine.
    url = f"http://{balancer['AvailabilityZones'][0]['LoadBalancerAddresses'][0]['IpAddress']}/"
    with urllib.request.urlopen(url, timeout=10) as answer:
        name = answer.read().decode().strip()
    task = tasks()[0]
    binding = task["containers"][0]["networkBindings"][0]
    assert (binding["containerPort"], binding["hostPort"]) == (8502, PORT), binding
    assert task["capacityProviderName"] == "guide-capacity", task
    stream = f"ecs/web/{task['taskArn'].rsplit('/', 1)[1]}"
    printed = logs.get_log_events(logGroupName="/ecs/guide", logStreamName=stream)["events"]
    assert [it["message"].strip() for it in printed] == [name], printed
    print("live")
    second_copy()
    settled(2, target_group)
    print("two")
    lost, good = die_under_load(url, target_group)
    assert lost <= WORKERS and good > 1000
    print("recovered")
    one_again(target_group)
    delete(net, balancer, target_group)
    print("deleted")


main()
