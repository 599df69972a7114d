"""Operations at random with `kill -9` in between; then the kernel is compared with what is described, and everything is
deleted, and nothing may be left.

Arguments: seed, how many operations, the address that the cloud listens on, the path of its program.
"""

import base64
import json
import os
import random
import signal
import subprocess
import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

import kernel

seed, operations, listen, program = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
chance = random.Random(seed)
config = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=20)
ec2 = boto3.client("ec2", config=config)
ecs = boto3.client("ecs", config=config)
iam = boto3.client("iam", config=config)
ssm = boto3.client("ssm", config=config)
autoscaling = boto3.client("autoscaling", config=config)
CLUSTER = FLEET = "storm"
QUIET_LIMIT = 90
VPCS_MAX, INSTANCES_MAX, TASKS_MAX = 3, 4, 8
ZONES = ["us-east-1a", "us-east-1b"]
refused, done, faults = {}, {}, []


def sure(call, **arguments):
    """A call that only ends with an answer, however often the control process dies meanwhile."""
    end = time.monotonic() + 30
    while True:
        try:
            return call(**arguments)
        except BotoCoreError as error:
            if time.monotonic() > end:
                raise AssertionError(f"no answer to {call.__name__}: {error}") from error
            time.sleep(0.05)


def attempt(call, **arguments):
    """A call that may be refused, or whose answer may be lost with the control process."""
    try:
        answer = call(**arguments)
        done[call.__name__] = done.get(call.__name__, 0) + 1
        return answer
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        code = f"{call.__name__}: {error.response['Error']['Code']}"
        refused[code] = refused.get(code, 0) + 1
        if status >= 500 and "InsufficientInstanceCapacity" not in code:
            faults.append(f"{code} {error} for {arguments}")
    except BotoCoreError:
        refused["no answer"] = refused.get("no answer", 0) + 1
    return None


def pick(things):
    things = list(things)
    return chance.choice(things) if things else None


def vpcs():
    return [it["VpcId"] for it in sure(ec2.describe_vpcs)["Vpcs"] if not it["IsDefault"] and it["VpcId"] != base["vpc"]]


def subnets():
    return [it["SubnetId"] for it in sure(ec2.describe_subnets)["Subnets"] if it["VpcId"] in [*vpcs(), base["vpc"]]]


def groups(standard=False):
    found = sure(ec2.describe_security_groups)["SecurityGroups"]
    return [it for it in found if standard or it["GroupName"] != "default"]


def instances(*states):
    found = sure(ec2.describe_instances)["Reservations"]
    every = [it for reservation in found for it in reservation["Instances"]]
    return [it for it in every if not states or it["State"]["Name"] in states]


def single_instances(*states):
    """Those that no Auto Scaling group looks after."""
    owned = "aws:autoscaling:groupName"
    return [it for it in instances(*states) if all(tag["Key"] != owned for tag in it.get("Tags", []))]


def tasks():
    arns = [arn for wish in ("RUNNING", "STOPPED") for arn in every_task(wish)]
    found = []
    for at in range(0, len(arns), 100):
        found += sure(ecs.describe_tasks, cluster=CLUSTER, tasks=arns[at:at + 100])["tasks"]
    return found


def every_task(wish):
    found, token = [], {}
    while True:
        page = sure(ecs.list_tasks, cluster=CLUSTER, desiredStatus=wish, **token)
        found += page["taskArns"]
        if not page.get("nextToken"):
            return found
        token = {"nextToken": page["nextToken"]}


def container_instances():
    arns = sure(ecs.list_container_instances, cluster=CLUSTER)["containerInstanceArns"]
    if not arns:
        return []
    return sure(ecs.describe_container_instances, cluster=CLUSTER, containerInstances=arns)["containerInstances"]


def name(arn):
    return arn.rsplit("/", 1)[1]


# What can happen.

def make_vpc():
    if len(vpcs()) < VPCS_MAX:
        attempt(ec2.create_vpc, CidrBlock=pick(["10.0.0.0/16", "10.0.0.0/16", "10.0.128.0/17"]))


def drop_vpc():
    if vpc := pick(vpcs()):
        attempt(ec2.delete_vpc, VpcId=vpc)


def make_subnet():
    if vpc := pick(vpcs()):
        cidr = f"10.0.{chance.randrange(128, 132)}.0/24"
        attempt(ec2.create_subnet, VpcId=vpc, CidrBlock=cidr, AvailabilityZone=pick(ZONES))


def drop_subnet():
    if subnet := pick(set(subnets()) - set(base["subnets"])):
        attempt(ec2.delete_subnet, SubnetId=subnet)


def make_gateway():
    made = attempt(ec2.create_internet_gateway)
    if made and (vpc := pick(vpcs())):
        gateway = made["InternetGateway"]["InternetGatewayId"]
        attempt(ec2.attach_internet_gateway, InternetGatewayId=gateway, VpcId=vpc)


def drop_gateway():
    found = sure(ec2.describe_internet_gateways)["InternetGateways"]
    gateway = pick([it for it in found if it["InternetGatewayId"] != base["gateway"]])
    if not gateway:
        return
    for attachment in gateway["Attachments"]:
        attempt(ec2.detach_internet_gateway, InternetGatewayId=gateway["InternetGatewayId"],
                VpcId=attachment["VpcId"])
    attempt(ec2.delete_internet_gateway, InternetGatewayId=gateway["InternetGatewayId"])


def route_tables():
    found, own = sure(ec2.describe_route_tables)["RouteTables"], vpcs()
    main = [it for it in found if any(link.get("Main") for link in it["Associations"])]
    return [it for it in found if it["VpcId"] in own and it not in main]


def make_routes():
    vpc = pick(vpcs())
    made = vpc and attempt(ec2.create_route_table, VpcId=vpc)
    if not made:
        return
    table = made["RouteTable"]["RouteTableId"]
    gateways = sure(ec2.describe_internet_gateways)["InternetGateways"]
    own = [it for it in gateways if any(to["VpcId"] == vpc for to in it["Attachments"])]
    if own:
        attempt(ec2.create_route, RouteTableId=table, DestinationCidrBlock="0.0.0.0/0",
                GatewayId=own[0]["InternetGatewayId"])
    there = sure(ec2.describe_subnets, Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    if subnet := pick(it["SubnetId"] for it in there):
        attempt(ec2.associate_route_table, RouteTableId=table, SubnetId=subnet)


def drop_routes():
    if table := pick(route_tables()):
        for association in table["Associations"]:
            attempt(ec2.disassociate_route_table, AssociationId=association["RouteTableAssociationId"])
        attempt(ec2.delete_route_table, RouteTableId=table["RouteTableId"])


def addresses(free=None):
    found = sure(ec2.describe_addresses)["Addresses"]
    return [it for it in found if free is None or free == ("AssociationId" not in it)]


def make_address():
    if len(addresses()) < 4:
        attempt(ec2.allocate_address, Domain="vpc")


def give_address():
    address, instance = pick(addresses(free=True)), pick(single_instances("running", "stopped"))
    if address and instance:
        attempt(ec2.associate_address, AllocationId=address["AllocationId"], InstanceId=instance["InstanceId"])


def take_address():
    if address := pick(addresses(free=False)):
        attempt(ec2.disassociate_address, AssociationId=address["AssociationId"])


def drop_address():
    if address := pick(addresses()):
        attempt(ec2.release_address, AllocationId=address["AllocationId"])


def nat_gateways():
    found = sure(ec2.describe_nat_gateways)["NatGateways"]
    return [it for it in found if it["State"] in ("pending", "available")]


def make_nat():
    address, subnet = pick(addresses(free=True)), pick(subnets())
    if address and subnet and len(nat_gateways()) < 2:
        attempt(ec2.create_nat_gateway, SubnetId=subnet, AllocationId=address["AllocationId"])


def drop_nat():
    if gateway := pick(nat_gateways()):
        attempt(ec2.delete_nat_gateway, NatGatewayId=gateway["NatGatewayId"])


def make_group():
    if vpc := pick([*vpcs(), base["vpc"]]):
        attempt(ec2.create_security_group, GroupName=f"g{chance.randrange(5)}", Description="storm", VpcId=vpc)


def change_group():
    if group := pick(groups(standard=True)):
        port = chance.randrange(20, 24)
        rule = [{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]
        change = pick([ec2.authorize_security_group_ingress, ec2.revoke_security_group_ingress])
        attempt(change, GroupId=group["GroupId"], IpPermissions=rule)


def drop_group():
    if group := pick(it for it in groups() if it["GroupId"] != base["group"]):
        attempt(ec2.delete_security_group, GroupId=group["GroupId"])


def make_interface():
    if subnet := pick(subnets()):
        attempt(ec2.create_network_interface, SubnetId=subnet)


def drop_interface():
    found = sure(ec2.describe_network_interfaces)["NetworkInterfaces"]
    if interface := pick(it for it in found if it["Status"] == "available"):
        attempt(ec2.delete_network_interface, NetworkInterfaceId=interface["NetworkInterfaceId"])


def launch(**more):
    if len(single_instances("pending", "running", "stopping", "stopped")) < INSTANCES_MAX:
        kind = pick(["t3.nano", "t3.micro"])
        attempt(ec2.run_instances, ImageId=base["image"], InstanceType=kind, MinCount=1, MaxCount=1, **more)


def make_host():
    launch(SubnetId=pick(base["subnets"]), SecurityGroupIds=[base["group"]], UserData=USER_DATA,
           IamInstanceProfile={"Name": "storm"})


def make_instance():
    if subnet := pick(subnets()):
        launch(SubnetId=subnet, UserData="#!/bin/sh\ndate > /var/started\n")


def on_instance(call, *states):
    def act():
        if instance := pick(single_instances(*states)):
            attempt(call, InstanceIds=[instance["InstanceId"]])
    return act


def drop_any_instance():
    if instance := pick(instances("pending", "running", "stopping", "stopped")):
        attempt(ec2.terminate_instances, InstanceIds=[instance["InstanceId"]])


def scale():
    attempt(autoscaling.set_desired_capacity, AutoScalingGroupName=FLEET, DesiredCapacity=chance.randrange(3))


def running_tasks():
    return [it for it in tasks() if it["lastStatus"] != "STOPPED"]


def run_fargate():
    if len(running_tasks()) < TASKS_MAX:
        place = {"awsvpcConfiguration": {"subnets": [pick(base["subnets"])], "assignPublicIp": "ENABLED"}}
        attempt(ecs.run_task, cluster=CLUSTER, taskDefinition="own", launchType="FARGATE",
                networkConfiguration=place)


def run_on_host():
    if len(running_tasks()) < TASKS_MAX:
        attempt(ecs.run_task, cluster=CLUSTER, taskDefinition=pick(["behind", "beside"]), launchType="EC2")


def scale_service():
    attempt(ecs.update_service, cluster=CLUSTER, service="behind", desiredCount=chance.randrange(4))


def stop_task():
    if task := pick(running_tasks()):
        attempt(ecs.stop_task, cluster=CLUSTER, task=task["taskArn"])


def drain():
    if host := pick(container_instances()):
        wish = pick(["DRAINING", "ACTIVE", "ACTIVE"])
        attempt(ecs.update_container_instances_state, cluster=CLUSTER, status=wish,
                containerInstances=[host["containerInstanceArn"]])


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def kill_role(role):
    def act():
        kill(kernel.process(role))
    return act


def kill_supervisor():
    kill(kernel.process("supervise"))
    subprocess.run([program, "cloud", "start", "--listen", listen], check=True, capture_output=True, timeout=90)


def kill_shim():
    if shim := pick(sorted(kernel.shims().values())):
        kill(shim)


def kill_contained():
    if pid := pick(sorted(kernel.contained())):
        kill(pid)


def kill_several():
    """A host's shim, or all of them, while the control process looks away."""
    kill(kernel.process("control"))
    for shim in kernel.shims().values():
        if chance.random() < 0.4:
            kill(shim)


ACTS = [
    (4, make_vpc), (2, drop_vpc), (5, make_subnet), (2, drop_subnet), (3, make_gateway), (2, drop_gateway),
    (3, make_routes), (2, drop_routes), (4, make_address), (4, give_address), (2, take_address), (2, drop_address),
    (2, make_nat), (2, drop_nat), (3, make_group), (6, change_group), (2, drop_group), (3, make_interface),
    (2, drop_interface), (6, make_host), (3, make_instance),
    (3, on_instance(ec2.stop_instances, "running", "pending")), (5, on_instance(ec2.start_instances, "stopped")),
    (2, on_instance(ec2.reboot_instances, "running")),
    (2, on_instance(ec2.terminate_instances, "running", "pending", "stopped", "stopping")),
    (1, drop_any_instance), (4, scale), (7, run_fargate), (9, run_on_host), (4, scale_service), (6, stop_task),
    (3, drain),
    (3, kill_role("control")), (1, kill_role("proxy")), (1, kill_supervisor), (5, kill_shim), (5, kill_contained),
    (1, kill_several),
]
USER_DATA = f"#!/bin/bash\necho ECS_CLUSTER={CLUSTER} >> /etc/ecs/ecs.config\n"
base = {}


def definition(family, mode, host_port, port, **more):
    web = {"name": "web", "image": "busybox:1.35", "memory": 32, "stopTimeout": 2, "essential": True,
           "command": ["sh", "-c", f"echo {family} > index.html; exec httpd -f -p {port}"],
           "portMappings": [{"containerPort": port, "hostPort": host_port}]}
    ecs.register_task_definition(family=family, networkMode=mode, containerDefinitions=[web], **more)


def prepare():
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    main = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"][0]
    ec2.create_route(RouteTableId=main["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    made = []
    for index, zone in enumerate(ZONES):
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{index}.0/24", AvailabilityZone=zone)["Subnet"]
        ec2.modify_subnet_attribute(SubnetId=subnet["SubnetId"], MapPublicIpOnLaunch={"Value": True})
        made.append(subnet["SubnetId"])
    group = ec2.create_security_group(GroupName="base", Description="storm", VpcId=vpc)["GroupId"]
    image = "/aws/service/ecs/optimized-ami/amazon-linux-2/recommended/image_id"
    image = ssm.get_parameter(Name=image)["Parameter"]["Value"]
    base.update(vpc=vpc, gateway=gateway, subnets=made, group=group, image=image)
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName="storm", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17",
                                                                           "Statement": [trust]}))
    policy = "arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"
    iam.attach_role_policy(RoleName="storm", PolicyArn=policy)
    iam.create_instance_profile(InstanceProfileName="storm")
    iam.add_role_to_instance_profile(InstanceProfileName="storm", RoleName="storm")
    ecs.create_cluster(clusterName=CLUSTER)
    definition("own", "awsvpc", 8080, 8080, cpu="256", memory="512", requiresCompatibilities=["FARGATE"])
    definition("behind", "bridge", 0, 8080)
    definition("beside", "host", 8090, 8090)
    ec2.create_launch_template(LaunchTemplateName=FLEET, LaunchTemplateData={
        "ImageId": image, "InstanceType": "t3.nano", "SecurityGroupIds": [group],
        "IamInstanceProfile": {"Name": "storm"}, "UserData": base64.b64encode(USER_DATA.encode()).decode()})
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=FLEET, MinSize=0, MaxSize=2, DesiredCapacity=1, VPCZoneIdentifier=",".join(made),
        LaunchTemplate={"LaunchTemplateName": FLEET}, HealthCheckGracePeriod=0)
    ecs.create_service(cluster=CLUSTER, serviceName="behind", taskDefinition="behind", desiredCount=1,
                       launchType="EC2")


# What must be true.

def until(what, look):
    """Waits until a look finds nothing to complain of."""
    end = time.monotonic() + QUIET_LIMIT
    while True:
        complaints = look()
        if not complaints:
            return
        if time.monotonic() > end:
            raise AssertionError(f"{what}:\n  " + "\n  ".join(map(str, complaints)))
        time.sleep(0.25)


def restless():
    found = [f"{it['InstanceId']} is {it['State']['Name']}"
             for it in instances("pending", "shutting-down", "stopping")]
    # A task that finds no host waits for one; one that has a host must come to an end of its way.
    for task in tasks():
        if task["lastStatus"] not in ("RUNNING", "STOPPED"):
            found.append(f"{task['taskArn']} is {task['lastStatus']}, to be {task['desiredStatus']}")
        elif task["lastStatus"] == "RUNNING" and task["desiredStatus"] == "STOPPED":
            found.append(f"{task['taskArn']} runs, to be stopped")
    group = sure(autoscaling.describe_auto_scaling_groups, AutoScalingGroupNames=[FLEET])["AutoScalingGroups"]
    for it in group:
        live = [member for member in it["Instances"] if member["LifecycleState"] == "InService"]
        if len(it["Instances"]) != it["DesiredCapacity"] or len(live) != len(it["Instances"]):
            found.append(f"the group wants {it['DesiredCapacity']} and has {it['Instances']}")
    return found


def differ(what, seen, told):
    found = [f"{what} {it} is there and not described" for it in sorted(seen - told)]
    return found + [f"{what} {it} is described and not there" for it in sorted(told - seen)]


def untrue():
    """Everything in which the kernel and what is described differ."""
    live = instances("running")
    kept = {it["InstanceId"] for it in instances("running", "stopped")}
    running = [it for it in tasks() if it["lastStatus"] == "RUNNING"]
    on_hosts = {name(it["taskArn"]) for it in running if it["launchType"] == "EC2"}
    own = {name(it["taskArn"]) for it in running if it["launchType"] == "FARGATE"}
    found = differ("disk", kernel.disks(), kept)
    # The default network is made when somebody uses it.
    told = {it["VpcId"] for it in sure(ec2.describe_vpcs)["Vpcs"] if not it["IsDefault"]}
    found += differ("network", kernel.networks(), told | (kernel.networks() & default_vpcs()))
    found += differ("uplink", kernel.uplinks(), kernel.networks())
    at_work = {it["NetworkInterfaces"][0]["NetworkInterfaceId"]: it["VpcId"] for it in live}
    described = {it["NetworkInterfaceId"]: it for it in sure(ec2.describe_network_interfaces)["NetworkInterfaces"]}
    for task in running:
        for attachment in task.get("attachments", []):
            for detail in attachment["details"]:
                if detail["name"] == "networkInterfaceId":
                    interface = described.get(detail["value"])
                    at_work[detail["value"]] = interface["VpcId"] if interface else "nowhere"
    found += differ("interface", {it for it in kernel.pins() if it.startswith("eni-")}, set(at_work))
    for network in kernel.networks():
        veths = {it for it in kernel.links(kernel.network_pin(network)) if it.startswith("t") and len(it) == 13}
        wanted = [it for it in at_work.values() if it == network]
        if len(veths) != len(wanted):
            found.append(f"network {network} has {len(veths)} veths and {len(wanted)} interfaces")
        bridges = {it for it in kernel.links(kernel.network_pin(network)) if it.startswith("br")}
        told = sure(ec2.describe_subnets, Filters=[{"Name": "vpc-id", "Values": [network]}])["Subnets"]
        if len(bridges) != len(told):
            found.append(f"network {network} has {len(bridges)} bridges and {len(told)} subnets")
    found += differ("public address", kernel.public_routes(), public_addresses(live, described))
    seats = {it for it in kernel.pins() if not it.startswith("eni-")}
    behind = {name(it["taskArn"]) for it in running if it["taskDefinitionArn"].split("/")[1].startswith("behind")}
    found += differ("seat of task", {it.split("-")[0] for it in seats}, behind)
    hosts = {it["containerInstanceArn"]: it["ec2InstanceId"] for it in container_instances()}
    for instance in live:
        mine = [it for it in running if hosts.get(it.get("containerInstanceArn")) == instance["InstanceId"]
                and name(it["taskArn"]) in behind]
        pin = kernel.pin(instance["NetworkInterfaces"][0]["NetworkInterfaceId"])
        ports = {it for it in kernel.links(pin) if it.startswith("b") and len(it) == 13}
        published = {it for it in kernel.tables(pin) if it.startswith("publish-")}
        if not len(mine) == len(ports) == len(published):
            found.append(f"{instance['InstanceId']} has {len(mine)} tasks, ports {ports}, tables {published}")
    groups_own, groups_guests = kernel.tasks_in_groups()
    found += differ("control group in a host", groups_guests, on_hosts)
    found += differ("control group", own, own & groups_own)
    if len(groups_own - own) != len(live):
        found.append(f"{groups_own - own} control groups for {len(live)} instances")
    shims = set(kernel.shims())
    found += differ("shim", shims, groups_own | groups_guests)
    found += [f"mount {it} is there" for it in kernel.mounts()]
    found += differ("directory of a task", kernel.directories() & on_hosts | own, on_hosts | own)
    return found + mute(live, running, hosts)


def default_vpcs():
    return {it["VpcId"] for it in sure(ec2.describe_vpcs)["Vpcs"] if it["IsDefault"]}


def public_addresses(live, described):
    """Those of what runs, of gateways, and elastic ones that somebody has."""
    found = {it["PublicIpAddress"] for it in live if it.get("PublicIpAddress")}
    found |= {it["PublicIp"] for it in addresses(free=False)}
    for interface in described.values():
        public = interface.get("Association", {}).get("PublicIp")
        if public and interface["Status"] == "in-use" and "InstanceId" not in interface.get("Attachment", {}):
            found.add(public)
    return found


def mute(live, running, hosts):
    """What is described as running and does not answer."""
    found = []
    pins = {it["InstanceId"]: kernel.pin(it["NetworkInterfaces"][0]["NetworkInterfaceId"]) for it in live}
    for instance in live:
        pin = pins[instance["InstanceId"]]
        token = kernel.inside(pin, "curl", "-s", "-m", "5", "-X", "PUT", "http://169.254.169.254/latest/api/token",
                              "-H", "X-aws-ec2-metadata-token-ttl-seconds: 60")
        said = kernel.inside(pin, "curl", "-s", "-m", "5", "-H", f"X-aws-ec2-metadata-token: {token}",
                             "http://169.254.169.254/latest/meta-data/instance-id")
        if said != instance["InstanceId"]:
            found.append(f"{instance['InstanceId']} hears {said!r} of itself")
    for task in running:
        family = task["taskDefinitionArn"].split("/")[1].split(":")[0]
        if family == "own":
            details = {it["name"]: it["value"] for it in task["attachments"][0]["details"]}
            pin, port = kernel.pin(details["networkInterfaceId"]), 8080
        else:
            pin = pins.get(hosts.get(task["containerInstanceArn"]), "nowhere")
            bindings = task["containers"][0].get("networkBindings", [])
            port = bindings[0]["hostPort"] if bindings else 0
        said = kernel.inside(pin, "curl", "-s", "-m", "5", f"http://127.0.0.1:{port}/").strip()
        if said != family:
            found.append(f"{task['taskArn']} ({family}) answers {said!r} on port {port}")
    return found


def unfree():
    """Subnets that keep addresses nobody has."""
    found = []
    interfaces = sure(ec2.describe_network_interfaces)["NetworkInterfaces"]
    for subnet in sure(ec2.describe_subnets)["Subnets"]:
        size = 2 ** (32 - int(subnet["CidrBlock"].split("/")[1])) - 5
        taken = sum(len(it["PrivateIpAddresses"]) for it in interfaces if it["SubnetId"] == subnet["SubnetId"])
        if subnet["AvailableIpAddressCount"] != size - taken:
            found.append(f"{subnet['SubnetId']} has {subnet['AvailableIpAddressCount']} of {size}, {taken} taken")
    return found


def clear():
    sure(autoscaling.update_auto_scaling_group, AutoScalingGroupName=FLEET, MinSize=0, DesiredCapacity=0)
    sure(autoscaling.delete_auto_scaling_group, AutoScalingGroupName=FLEET, ForceDelete=True)
    sure(ecs.update_service, cluster=CLUSTER, service="behind", desiredCount=0)
    sure(ecs.delete_service, cluster=CLUSTER, service="behind", force=True)
    for task in running_tasks():
        sure(ecs.stop_task, cluster=CLUSTER, task=task["taskArn"])
    if left := [it["InstanceId"] for it in instances("pending", "running", "stopping", "stopped")]:
        sure(ec2.terminate_instances, InstanceIds=left)
    for gateway in nat_gateways():
        sure(ec2.delete_nat_gateway, NatGatewayId=gateway["NatGatewayId"])
    until("what ends does not end", lambda: restless() + groups_left() + instances(
        "pending", "running", "stopping", "stopped", "shutting-down") + nat_left())
    for address in addresses():
        sure(ec2.release_address, AllocationId=address["AllocationId"])
    for interface in sure(ec2.describe_network_interfaces)["NetworkInterfaces"]:
        sure(ec2.delete_network_interface, NetworkInterfaceId=interface["NetworkInterfaceId"])
    until("addresses are not given back", unfree)
    until("hosts stay in the cluster", container_instances)
    # Described for an hour, and kept as long.
    stopped = {name(it["taskArn"]) for it in tasks()}
    sure(ecs.delete_cluster, cluster=CLUSTER)
    sure(ec2.delete_launch_template, LaunchTemplateName=FLEET)
    for gateway in sure(ec2.describe_internet_gateways)["InternetGateways"]:
        for attachment in gateway["Attachments"]:
            sure(ec2.detach_internet_gateway, InternetGatewayId=gateway["InternetGatewayId"],
                 VpcId=attachment["VpcId"])
        sure(ec2.delete_internet_gateway, InternetGatewayId=gateway["InternetGatewayId"])
    for subnet in sure(ec2.describe_subnets)["Subnets"]:
        sure(ec2.delete_subnet, SubnetId=subnet["SubnetId"])
    for table in sure(ec2.describe_route_tables)["RouteTables"]:
        if not any(it.get("Main") for it in table["Associations"]):
            sure(ec2.delete_route_table, RouteTableId=table["RouteTableId"])
    for group in groups():
        sure(ec2.delete_security_group, GroupId=group["GroupId"])
    for vpc in sure(ec2.describe_vpcs)["Vpcs"]:
        sure(ec2.delete_vpc, VpcId=vpc["VpcId"])
    return stopped


def groups_left():
    found = sure(autoscaling.describe_auto_scaling_groups, AutoScalingGroupNames=[FLEET])["AutoScalingGroups"]
    return [it["AutoScalingGroupName"] for it in found]


def nat_left():
    found = sure(ec2.describe_nat_gateways)["NatGateways"]
    return [f"{it['NatGatewayId']} is {it['State']}" for it in found if it["State"] not in ("deleted", "failed")]


def left(stopped):
    """What is still there although nothing is described any more but tasks that have stopped."""
    found = [f"network {it}" for it in kernel.networks()] + [f"pin {it}" for it in kernel.pins()]
    found += [f"uplink {it}" for it in kernel.uplinks()] + [f"route {it}" for it in kernel.public_routes()]
    own, guests = kernel.tasks_in_groups()
    found += [f"control group {it}" for it in own | guests] + [f"disk {it}" for it in kernel.disks()]
    found += [f"shim {it}" for it in kernel.shims().values()] + [f"process {it}" for it in kernel.contained()]
    found += [f"mount {it}" for it in kernel.mounts()]
    found += [f"directory {it}" for it in kernel.directories() - stopped]
    nft = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True).stdout
    found += [line for line in nft.splitlines() if kernel.INSTANCE in line]
    return found + rows_left(stopped)


def rows_left(stopped):
    rows = kernel.rows()
    found = []
    gone = ["ec2/vpc", "ec2/subnet", "ec2/network_interface", "ec2/elastic_address", "ec2/security_group",
            "ec2/route_table", "ec2/network_acl", "ec2/internet_gateway", "ec2/launch_template",
            "ecs/container_instance", "autoscaling/group", "dataplane/desired_network", "dataplane/observed_network"]
    found += [f"row {key} of {table}" for table in gone for key in rows.get(table, ())]
    for table in ("dataplane/desired_task", "dataplane/observed_task", "ecs/task"):
        found += [f"row {key} of {table}" for key in rows.get(table, ()) if key.rsplit("/", 1)[-1] not in stopped]
    terminated = {it["InstanceId"] for it in instances()}
    found += [f"row {it} of ec2/instance" for it in rows.get("ec2/instance", ()) if it.split("/")[-1] not in terminated]
    return found


def main():
    print(f"WHARF_SEED={seed}", flush=True)
    prepare()
    weights = [weight for weight, _ in ACTS]
    begun = time.monotonic()
    for number in range(operations):
        act = chance.choices([act for _, act in ACTS], weights)[0]
        if os.environ.get("WHARF_STORM_TELL"):
            print(f"{time.monotonic() - begun:6.2f} {number} {act.__qualname__}", flush=True)
        act()
        time.sleep(chance.choice([0, 0, 0, 0.02, 0.2]))
    print(f"{operations} operations in {time.monotonic() - begun:.0f} s: {json.dumps(done)}; {json.dumps(refused)}",
          flush=True)
    assert not faults, "\n".join(faults)
    until("it does not come to rest", restless)
    print(f"quiet after {time.monotonic() - begun:.0f} s: {len(instances('running'))} instances, "
          f"{len(running_tasks())} tasks", flush=True)
    until("the kernel is not as described", lambda: restless() or untrue() + unfree())
    stopped = clear()
    until("something is left", lambda: left(stopped))
    print(f"nothing is left after {time.monotonic() - begun:.0f} s", flush=True)


main()
