"""Production, as people write it down for AWS: what is missing is made, what is there is left. Safe to run again.

Every step either looks first or takes AWS's word that it is there. Prints the ids of all that stands.
"""

import base64
import json
import re
import subprocess
import sys

import boto3
from botocore.exceptions import ClientError

NAME = "production"
REGION = boto3.session.Session().region_name
ANYWHERE = "0.0.0.0/0"
MANAGED = "arn:aws:iam::aws:policy/service-role/"
ZONES = "abc"
TAGS = [{"Key": "Name", "Value": NAME}, {"Key": "Environment", "Value": "production"}]

ec2, ecs, ecr = boto3.client("ec2"), boto3.client("ecs"), boto3.client("ecr")
elb, iam, logs = boto3.client("elbv2"), boto3.client("iam"), boto3.client("logs")
ssm, sts, autoscaling = boto3.client("ssm"), boto3.client("sts"), boto3.client("autoscaling")

made, found = [], []


def ensure(call, code, sentence, **arguments):
    """Calls; None if AWS says with that code and in these words that it is there."""
    try:
        answer = call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] != code:
            raise
        message = error.response["Error"]["Message"]
        assert re.fullmatch(sentence, message), f"{code} says: {message}"
        found.append(code)
        return None
    made.append(call.__name__)
    return answer


def tagged(kind):
    return [{"ResourceType": kind, "Tags": TAGS}]


def by_name(*more):
    return [{"Name": "tag:Name", "Values": [NAME]}, *more]


def of(vpc):
    return {"Name": "vpc-id", "Values": [vpc]}


def create(call, **arguments):
    made.append(call.__name__)
    return call(**arguments)


def network():
    there = ec2.describe_vpcs(Filters=by_name())["Vpcs"]
    vpc = (there or [create(
        ec2.create_vpc, CidrBlock="10.0.0.0/16", TagSpecifications=tagged("vpc")
    )["Vpc"]])[0]["VpcId"]
    ec2.get_waiter("vpc_available").wait(VpcIds=[vpc])
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsSupport={"Value": True})
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    for attribute in ("enableDnsSupport", "enableDnsHostnames"):
        answer = ec2.describe_vpc_attribute(VpcId=vpc, Attribute=attribute)
        assert answer[attribute[0].upper() + attribute[1:]]["Value"], attribute

    there = ec2.describe_internet_gateways(Filters=by_name())["InternetGateways"]
    gateway = (there or [create(
        ec2.create_internet_gateway, TagSpecifications=tagged("internet-gateway")
    )["InternetGateway"]])[0]["InternetGatewayId"]
    ensure(
        ec2.attach_internet_gateway, "Resource.AlreadyAssociated",
        f"resource {gateway} is already attached to network {vpc}",
        InternetGatewayId=gateway, VpcId=vpc,
    )

    there = ec2.describe_route_tables(Filters=by_name(of(vpc)))["RouteTables"]
    table = (there or [create(
        ec2.create_route_table, VpcId=vpc, TagSpecifications=tagged("route-table")
    )["RouteTable"]])[0]["RouteTableId"]
    ensure(
        ec2.create_route, "RouteAlreadyExists", "The route identified by 0.0.0.0/0 already exists.",
        RouteTableId=table, DestinationCidrBlock=ANYWHERE, GatewayId=gateway,
    )

    subnets = []
    for number, zone in enumerate(ZONES, 1):
        cidr = f"10.0.{number}.0/24"
        answer = ensure(
            ec2.create_subnet, "InvalidSubnet.Conflict",
            f"The CIDR '{re.escape(cidr)}' conflicts with another subnet",
            VpcId=vpc, CidrBlock=cidr, AvailabilityZone=f"{REGION}{zone}", TagSpecifications=tagged("subnet"),
        )
        if answer:
            subnet = answer["Subnet"]["SubnetId"]
        else:
            filters = [of(vpc), {"Name": "cidr-block", "Values": [cidr]}]
            subnet = ec2.describe_subnets(Filters=filters)["Subnets"][0]["SubnetId"]
        ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
        ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
        subnets.append(subnet)
    ec2.get_waiter("subnet_available").wait(SubnetIds=subnets)
    return vpc, gateway, table, subnets


def security_group(vpc):
    answer = ensure(
        ec2.create_security_group, "InvalidGroup.Duplicate",
        f"The security group '{NAME}' already exists for VPC '{vpc}'",
        GroupName=NAME, Description="web and ssh", VpcId=vpc, TagSpecifications=tagged("security-group"),
    )
    filters = [of(vpc), {"Name": "group-name", "Values": [NAME]}]
    group = ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]["GroupId"]
    assert answer is None or answer["GroupId"] == group
    for port in (80, 22):
        ensure(
            ec2.authorize_security_group_ingress, "InvalidPermission.Duplicate",
            f'the specified rule "peer: 0.0.0.0/0, TCP, from port: {port}, to port: {port}, ALLOW" already exists',
            GroupId=group,
            IpPermissions=[{"IpProtocol": "tcp", "FromPort": port, "ToPort": port,
                            "IpRanges": [{"CidrIp": ANYWHERE, "Description": f"port {port}"}]}],
        )
    # A new group lets everything out already, so that this is there from the first run on.
    ensure(
        ec2.authorize_security_group_egress, "InvalidPermission.Duplicate",
        'the specified rule "peer: 0.0.0.0/0, ALL, ALLOW" already exists',
        GroupId=group, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": ANYWHERE}]}],
    )
    return group


def role(name, service, policy):
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    ensure(
        iam.create_role, "EntityAlreadyExists", f"Role with name {name} already exists.",
        RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    iam.attach_role_policy(RoleName=name, PolicyArn=MANAGED + policy)
    iam.get_waiter("role_exists").wait(RoleName=name)
    return iam.get_role(RoleName=name)["Role"]["Arn"]


def identity():
    role("ecsInstanceRole", "ec2.amazonaws.com", "AmazonEC2ContainerServiceforEC2Role")
    ensure(
        iam.create_instance_profile, "EntityAlreadyExists", "Instance Profile ecsInstanceRole already exists.",
        InstanceProfileName="ecsInstanceRole",
    )
    ensure(
        iam.add_role_to_instance_profile, "LimitExceeded",
        "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1",
        InstanceProfileName="ecsInstanceRole", RoleName="ecsInstanceRole",
    )
    iam.get_waiter("instance_profile_exists").wait(InstanceProfileName="ecsInstanceRole")
    profile = iam.get_instance_profile(InstanceProfileName="ecsInstanceRole")["InstanceProfile"]
    execution = role("ecsTaskExecutionRole", "ecs-tasks.amazonaws.com", "AmazonECSTaskExecutionRolePolicy")
    return profile["Arn"], execution


def instances(subnets, group, profile):
    """The key pair, the launch template, the group, and the provider before it."""
    key = ensure(
        ec2.create_key_pair, "InvalidKeyPair.Duplicate", "The keypair already exists", KeyName=NAME, KeyType="rsa"
    )
    assert key is None or key["KeyMaterial"].startswith("-----BEGIN RSA PRIVATE KEY-----")
    image = ssm.get_parameter(Name="/aws/service/ecs/optimized-ami/amazon-linux-2/recommended/image_id")
    user_data = f"#!/bin/bash\necho ECS_CLUSTER={NAME} >> /etc/ecs/ecs.config\n"
    ensure(
        ec2.create_launch_template, "InvalidLaunchTemplateName.AlreadyExistsException",
        "Launch template name already in use.",
        LaunchTemplateName=NAME,
        LaunchTemplateData={
            "ImageId": image["Parameter"]["Value"],
            "InstanceType": "t3.medium",
            "KeyName": NAME,
            "IamInstanceProfile": {"Arn": profile},
            "NetworkInterfaces": [
                {"DeviceIndex": 0, "AssociatePublicIpAddress": True, "Groups": [group], "DeleteOnTermination": True}
            ],
            "UserData": base64.b64encode(user_data.encode()).decode(),
            "TagSpecifications": [{"ResourceType": "instance", "Tags": TAGS}],
        },
    )
    ensure(
        autoscaling.create_auto_scaling_group, "AlreadyExists",
        f"AutoScalingGroup by this name already exists - A group with the name {NAME} already exists",
        AutoScalingGroupName=NAME,
        LaunchTemplate={"LaunchTemplateName": NAME, "Version": "$Latest"},
        MinSize=1, MaxSize=3, DesiredCapacity=1,
        VPCZoneIdentifier=",".join(subnets),
        HealthCheckType="EC2", HealthCheckGracePeriod=60,
        NewInstancesProtectedFromScaleIn=True,
        Tags=[{**tag, "PropagateAtLaunch": True} for tag in [*TAGS, {"Key": "AmazonECSManaged", "Value": ""}]],
    )
    standing = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[NAME])["AutoScalingGroups"][0]
    ensure(
        ecs.create_capacity_provider, "ClientException",
        "The specified capacity provider already exists. To change the configuration of an existing capacity "
        "provider, update the capacity provider.",
        name=NAME,
        autoScalingGroupProvider={
            "autoScalingGroupArn": standing["AutoScalingGroupARN"],
            "managedScaling": {
                "status": "ENABLED", "targetCapacity": 100,
                "minimumScalingStepSize": 1, "maximumScalingStepSize": 2,
            },
            "managedTerminationProtection": "ENABLED",
        },
    )
    return standing["AutoScalingGroupARN"]


def repository():
    ensure(
        ecr.create_repository, "RepositoryAlreadyExistsException",
        f"The repository with name '{NAME}/web' already exists in the registry with id "
        f"'{sts.get_caller_identity()['Account']}'",
        repositoryName=f"{NAME}/web", imageScanningConfiguration={"scanOnPush": False},
    )
    uri = ecr.describe_repositories(repositoryNames=[f"{NAME}/web"])["repositories"][0]["repositoryUri"]
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    user, password = base64.b64decode(token).decode().split(":", 1)
    docker = lambda *words, **more: subprocess.run(
        ["docker", *words], check=True, stdout=sys.stderr, text=True, **more
    )
    docker("login", "--username", user, "--password-stdin", uri.split("/")[0], input=password)
    docker("tag", "busybox:1.35", f"{uri}:1")
    docker("push", f"{uri}:1")
    return f"{uri}:1"


def log_group():
    ensure(
        logs.create_log_group, "ResourceAlreadyExistsException", "The specified log group already exists",
        logGroupName=f"/ecs/{NAME}",
    )
    logs.put_retention_policy(logGroupName=f"/ecs/{NAME}", retentionInDays=30)


def cluster():
    tags = [{"key": "Environment", "value": "production"}]
    arn = ecs.create_cluster(clusterName=NAME, tags=tags)["cluster"]["clusterArn"]
    ecs.put_cluster_capacity_providers(
        cluster=arn, capacityProviders=[NAME],
        defaultCapacityProviderStrategy=[{"capacityProvider": NAME, "weight": 1, "base": 1}],
    )
    return arn


def definition(family, image, execution, **container):
    try:
        return ecs.describe_task_definition(taskDefinition=family)["taskDefinition"]["taskDefinitionArn"]
    except ClientError as error:
        assert error.response["Error"]["Code"] == "ClientException", error
        assert error.response["Error"]["Message"] == "Unable to describe task definition."
    options = {"awslogs-group": f"/ecs/{NAME}", "awslogs-region": REGION, "awslogs-stream-prefix": family}
    return create(
        ecs.register_task_definition, family=family, networkMode="bridge", requiresCompatibilities=["EC2"],
        executionRoleArn=execution, cpu="256", memory="256",
        containerDefinitions=[{
            "name": family, "image": image, "essential": True, **container,
            "logConfiguration": {"logDriver": "awslogs", "options": options},
        }],
    )["taskDefinition"]["taskDefinitionArn"]


def entrance(vpc, subnets, group):
    """The target group, the load balancer and its listener: AWS answers with what is there if it is the same."""
    target_group = elb.create_target_group(
        Name=NAME, Protocol="HTTP", Port=80, VpcId=vpc, TargetType="instance", HealthCheckPath="/",
        HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2, HealthyThresholdCount=2,
    )["TargetGroups"][0]["TargetGroupArn"]
    balancer = elb.create_load_balancer(
        Name=NAME, Subnets=subnets, SecurityGroups=[group], Scheme="internet-facing", Type="application"
    )["LoadBalancers"][0]["LoadBalancerArn"]
    elb.get_waiter("load_balancer_available").wait(LoadBalancerArns=[balancer])
    forward = {"Type": "forward", "TargetGroupArn": target_group}
    there = elb.describe_listeners(LoadBalancerArn=balancer)["Listeners"]
    listener = (there or create(
        elb.create_listener, LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=[forward]
    )["Listeners"])[0]["ListenerArn"]
    return target_group, balancer, listener


def different_ones(target_group, vpc, subnets, balancer):
    """Of the same names, but not the same: AWS refuses them."""
    refused = [
        (elb.create_target_group, "DuplicateTargetGroupName",
         f"A target group with the same name '{NAME}' exists, but with different settings",
         {"Name": NAME, "Protocol": "HTTP", "Port": 8080, "VpcId": vpc}),
        (elb.create_load_balancer, "DuplicateLoadBalancerName",
         f"A load balancer with the same name '{NAME}' exists, but with different settings",
         {"Name": NAME, "Subnets": subnets[:2], "Scheme": "internal"}),
        (elb.create_listener, "DuplicateListener",
         f"A listener already exists on this port for this load balancer '{balancer}'",
         {"LoadBalancerArn": balancer, "Protocol": "HTTP", "Port": 80,
          "DefaultActions": [{"Type": "forward", "TargetGroupArn": target_group}]}),
    ]
    for call, code, sentence, arguments in refused:
        assert ensure(call, code, sentence, **arguments) is None, code


def service(where, name, task_definition, **more):
    there = ecs.describe_services(cluster=where, services=[name])["services"]
    standing = [it for it in there if it["status"] == "ACTIVE"]
    return (standing or [create(
        ecs.create_service, cluster=where, serviceName=name, taskDefinition=task_definition, desiredCount=1, **more
    )["service"]])[0]["serviceArn"]


def main():
    vpc, gateway, table, subnets = network()
    group = security_group(vpc)
    profile, execution = identity()
    scaling = instances(subnets, group, profile)
    image = repository()
    log_group()
    where = cluster()
    target_group, balancer, listener = entrance(vpc, subnets, group)
    different_ones(target_group, vpc, subnets, balancer)
    web = definition(
        "web", image, execution, privileged=True, interactive=True, pseudoTerminal=True,
        portMappings=[{"containerPort": 8502, "hostPort": 80}],
        command=["sh", "-c", "mkdir /www; echo well > /www/index.html; exec httpd -f -p 8502 -h /www"],
    )
    worker = definition("worker", image, execution, command=["sh", "-c", "while :; do date; sleep 5; done"])
    balancers = [{"targetGroupArn": target_group, "containerName": "web", "containerPort": 8502}]
    services = [
        service(where, "web", web, loadBalancers=balancers, healthCheckGracePeriodSeconds=30),
        service(NAME, "worker", worker, placementStrategy=[{"type": "binpack", "field": "memory"}]),
    ]
    ecs.get_waiter("services_stable").wait(cluster=where, services=services)
    elb.get_waiter("target_in_service").wait(TargetGroupArn=target_group)
    standing = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[NAME])["AutoScalingGroups"][0]
    ids = sorted(it["InstanceId"] for it in standing["Instances"])
    ec2.get_waiter("instance_running").wait(InstanceIds=ids)
    ec2.get_waiter("instance_status_ok").wait(InstanceIds=ids)
    tasks = sorted(ecs.list_tasks(cluster=NAME)["taskArns"])
    group_ids = [it["GroupId"] for it in ec2.describe_security_groups(Filters=[of(vpc)])["SecurityGroups"]]
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    shown = {
        "vpc": vpc, "gateway": gateway, "table": table, "subnets": subnets, "group": group,
        "groups": sorted(group_ids),
        "rules": sorted(it["SecurityGroupRuleId"] for it in rules["SecurityGroupRules"]),
        "profile": profile, "execution": execution, "scaling": scaling, "image": image, "cluster": where,
        "target group": target_group, "load balancer": balancer, "listener": listener,
        "definitions": sorted(ecs.list_task_definitions()["taskDefinitionArns"]),
        "services": services, "instances": ids, "tasks": tasks,
        "vpcs": sorted(it["VpcId"] for it in ec2.describe_vpcs()["Vpcs"]),
        "tables": sorted(it["RouteTableId"] for it in ec2.describe_route_tables()["RouteTables"]),
        "associations": sorted(one["RouteTableAssociationId"] for it in ec2.describe_route_tables()["RouteTables"]
                               for one in it["Associations"]),
        "versions": [it["VersionNumber"] for it in ec2.describe_launch_template_versions(
            LaunchTemplateName=NAME)["LaunchTemplateVersions"]],
        "revisions": [it["status"] for it in ecs.describe_services(
            cluster=NAME, services=["web", "worker"])["services"][0]["deployments"]],
    }
    print(json.dumps({"stands": shown, "made": sorted(made), "found": sorted(set(found))}))


main()
