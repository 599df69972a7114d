"""An instance that works is measured: CPU and network beside the kernel's own count over a whole minute, by instance and by
group, and what it sends through its NAT gateway; its group follows an alarm, and the clock."""

import base64
import datetime
import glob
import os
import time

import boto3

from cloud import until
from sampled import Sampled, within

MARK = b"wharf-instance-burner"
WORK = "while :; do curl -s -o /dev/null http://169.254.169.254/latest/meta-data/; seq 20000 > /tmp/numbers; done"

ec2, groups, metrics = (boto3.client(it) for it in ("ec2", "autoscaling", "cloudwatch"))
image = boto3.client("ssm").get_parameter(
    Name="/aws/service/ecs/optimized-ami/amazon-linux-2/recommended/image_id")["Parameter"]["Value"]


SIZES = {"GroupDesiredCapacity": 1.0, "GroupInServiceInstances": 1.0, "GroupMaxSize": 3.0}


def network(number):
    """A private subnet behind a NAT gateway: the subnet, the gateway and its address."""
    vpc = ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")["Vpc"]["VpcId"]
    door = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=door, VpcId=vpc)
    public, private = (ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.{number}.{it}.0/24")["Subnet"]["SubnetId"] for it in (1, 2))
    address = ec2.allocate_address()
    gateway = ec2.create_nat_gateway(SubnetId=public, AllocationId=address["AllocationId"])["NatGateway"]["NatGatewayId"]
    ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[gateway], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    for subnet, way in ((public, {"GatewayId": door}), (private, {"NatGatewayId": gateway})):
        table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
        ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", **way)
    return private, gateway, address["PublicIp"]


def launch(subnet, closed):
    calls = f"while :; do curl -s -m 1 http://{closed}/; done"
    user_data = (f"#!/bin/sh\nsetsid sh -c '{WORK}' {MARK.decode()} > /dev/null 2>&1 &\n"
                 f"setsid sh -c '{calls}' > /dev/null 2>&1 &\n")
    ec2.create_launch_template(LaunchTemplateName="workers", LaunchTemplateData={
        "ImageId": image, "InstanceType": "t3.small",
        "UserData": base64.b64encode(user_data.encode()).decode(),
    })
    groups.create_auto_scaling_group(
        AutoScalingGroupName="workers", MinSize=1, MaxSize=3, DesiredCapacity=1, VPCZoneIdentifier=subnet,
        LaunchTemplate={"LaunchTemplateName": "workers"})
    groups.enable_metrics_collection(AutoScalingGroupName="workers", Granularity="1Minute", Metrics=list(SIZES))

    def in_service():
        found = groups.describe_auto_scaling_groups(AutoScalingGroupNames=["workers"])["AutoScalingGroups"][0]["Instances"]
        return [it["InstanceId"] for it in found if it["LifecycleState"] == "InService"]
    instance = until("an instance in service", in_service)[0]
    assert ec2.monitor_instances(InstanceIds=[instance])["InstanceMonitorings"][0]["Monitoring"]["State"] == "enabled"
    return instance


def worker():
    """The process that works: its number."""
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            line = open(path, "rb").read().split(b"\0")
        except OSError:
            continue
        if MARK in line:
            return path.split("/")[2]
    return None


def cpu_seconds(pid):
    """Of the instance, which is the group around the worker's, as the kernel counts."""
    for line in open(f"/proc/{pid}/cgroup"):
        _, controllers, place = line.strip().split(":", 2)
        place = "/".join(place.split("/")[:3])
        if "cpuacct" in controllers.split(","):
            both = (f"/sys/fs/cgroup/{controllers}{place}", f"/sys/fs/cgroup/cpuacct{place}")
            folder = next(it for it in both if os.path.exists(it))
            return int(open(f"{folder}/cpuacct.usage").read()) / 1e9
        if controllers == "" and os.path.exists(f"/sys/fs/cgroup{place}/cpu.stat"):
            lines = dict(it.split() for it in open(f"/sys/fs/cgroup{place}/cpu.stat"))
            return int(lines["usage_usec"]) / 1e6
    raise AssertionError("no control group")


def link_bytes(pid):
    """Received and sent at the instance's own link."""
    line = next(it for it in open(f"/proc/{pid}/net/dev") if it.strip().startswith("eth0:"))
    counts = line.split(":")[1].split()
    return int(counts[0]), int(counts[8])


def statistic(name, dimension, value, start, stat, namespace="AWS/EC2"):
    query = {"Id": "it", "MetricStat": {"Metric": {
        "Namespace": namespace, "MetricName": name, "Dimensions": [{"Name": dimension, "Value": value}]}, "Period": 60, "Stat": stat}}
    end = start + datetime.timedelta(minutes=1)
    return metrics.get_metric_data(MetricDataQueries=[query], StartTime=start, EndTime=end)["MetricDataResults"][0]["Values"]


subnet, gateway, _ = network(8)
# Another network's gateway lets nobody in: what the worker sends there is not answered.
_, _, closed = network(7)
instance = launch(subnet, closed)
pid = until("the worker", worker)
kernel = Sampled(lambda: (cpu_seconds(pid), *link_bytes(pid)))
start = kernel.minute()
rises = kernel.rises(start)
minute = datetime.datetime.fromtimestamp(start, datetime.timezone.utc)
for dimension, value in (("InstanceId", instance), ("AutoScalingGroupName", "workers"), ("InstanceType", "t3.small")):
    def look(name, stat):
        return until(f"{name} by {dimension}", lambda: statistic(name, dimension, value, minute, stat), 30)[0]
    within("CPU", look("CPUUtilization", "Average"), [counts[0] / seconds / 2 * 100 for seconds, counts in rises])
    within("bytes in", look("NetworkIn", "Sum"), [counts[1] for _, counts in rises])
    within("bytes out", look("NetworkOut", "Sum"), [counts[2] for _, counts in rises])
    assert look("NetworkPacketsOut", "Sum") > 100
for name, size in SIZES.items():
    told = statistic(name, "AutoScalingGroupName", "workers", minute, "Sum", "AWS/AutoScaling")
    assert told == [size], f"{name}: {told}"
assert all(count > 0 for _, counts in rises for count in counts), "the worker works and asks its metadata"

def passed(name):
    return statistic(name, "NatGatewayId", gateway, minute, "Sum", "AWS/NATGateway")


attempts = until("the gateway's minute", lambda: passed("ConnectionAttemptCount"), 30)[0]
# One call a second, and where a second is over before the call is, its repetition.
assert 20 <= attempts <= 130, attempts
assert passed("ConnectionEstablishedCount") == [0.0]
sent = passed("BytesOutToDestination")[0]
assert passed("BytesInFromSource") == [sent] and attempts * 40 <= sent <= attempts * 60, f"{sent} bytes in {attempts} packets"
print("measured")


def group():
    return groups.describe_auto_scaling_groups(AutoScalingGroupNames=["workers"])["AutoScalingGroups"][0]


def in_service():
    return sum(it["LifecycleState"] == "InService" for it in group()["Instances"])


def put(value, minutes, weight=1):
    """A value for each of the last minutes that are over."""
    now = datetime.datetime.now(datetime.timezone.utc)
    metrics.put_metric_data(Namespace="load", MetricData=[
        {"MetricName": "queue", "Timestamp": now - datetime.timedelta(minutes=it), "Values": [value], "Counts": [weight]}
        for it in range(1, minutes + 1)])


def causes():
    told = groups.describe_scaling_activities(AutoScalingGroupName="workers")["Activities"]
    return [it["Cause"] for it in told]


policy = groups.put_scaling_policy(
    AutoScalingGroupName="workers", PolicyName="queue", PolicyType="TargetTrackingScaling", EstimatedInstanceWarmup=1,
    TargetTrackingConfiguration={"TargetValue": 10.0, "CustomizedMetricSpecification": {
        "Namespace": "load", "MetricName": "queue", "Statistic": "Average"}})
high, low = (it["AlarmName"] for it in policy["Alarms"])
put(30.0, 3)
until("three instances", lambda: in_service() == 3, 90)
assert f"a monitor alarm {high} in state ALARM triggered policy queue changing the desired capacity from 1 to 3." in causes()[0], causes()
# The same minutes with so many low values that their average is low.
put(1.0, 15, 1000)
until("one instance", lambda: len(group()["Instances"]) == 1, 90)
assert f"a monitor alarm {low} in state ALARM triggered policy queue" in causes()[0], causes()
groups.delete_policy(AutoScalingGroupName="workers", PolicyName="queue")
assert not metrics.describe_alarms(AlarmNames=[high, low])["MetricAlarms"], "alarms go with their policy"
soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=3)
groups.put_scheduled_update_group_action(
    AutoScalingGroupName="workers", ScheduledActionName="night", StartTime=soon, MinSize=0, MaxSize=1, DesiredCapacity=0)
until("no instance", lambda: not group()["Instances"], 60)
assert "the scheduled action night executed.  Setting min size from 1 to 0.  Setting max size from 3 to 1." in causes()[0], causes()
assert not groups.describe_scheduled_actions(AutoScalingGroupName="workers")["ScheduledUpdateGroupActions"]
print("scaled")
