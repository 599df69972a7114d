"""An instance that works is measured: CPU, network and disk beside the kernel's own count over a whole minute, by instance and
by group."""

import base64
import datetime
import glob
import os
import subprocess
import time

import boto3

from cloud import until

MARK = b"wharf-instance-burner"
WORK = "while :; do curl -s -o /dev/null http://169.254.169.254/latest/meta-data/; seq 20000 > /tmp/numbers; done"
USER_DATA = f"#!/bin/sh\nsetsid sh -c '{WORK}' {MARK.decode()} > /dev/null 2>&1 &\n"

ec2, groups, metrics = (boto3.client(it) for it in ("ec2", "autoscaling", "cloudwatch"))
image = boto3.client("ssm").get_parameter(
    Name="/aws/service/ecs/optimized-ami/amazon-linux-2/recommended/image_id")["Parameter"]["Value"]


SIZES = ["GroupDesiredCapacity", "GroupInServiceInstances", "GroupMaxSize"]


def launch():
    vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.8.1.0/24")["Subnet"]["SubnetId"]
    ec2.create_launch_template(LaunchTemplateName="workers", LaunchTemplateData={
        "ImageId": image, "InstanceType": "t3.small",
        "UserData": base64.b64encode(USER_DATA.encode()).decode(),
    })
    groups.create_auto_scaling_group(
        AutoScalingGroupName="workers", MinSize=1, MaxSize=1, VPCZoneIdentifier=subnet,
        LaunchTemplate={"LaunchTemplateName": "workers"})
    groups.enable_metrics_collection(AutoScalingGroupName="workers", Granularity="1Minute", Metrics=SIZES)

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
    seen = subprocess.run(["nsenter", "-t", pid, "-n", "cat", "/proc/net/dev"], check=True, capture_output=True, text=True)
    line = next(it for it in seen.stdout.splitlines() if it.strip().startswith("eth0:"))
    counts = line.split(":")[1].split()
    return int(counts[0]), int(counts[8])


def statistic(name, dimension, value, start, stat, namespace="AWS/EC2"):
    query = {"Id": "it", "MetricStat": {"Metric": {
        "Namespace": namespace, "MetricName": name, "Dimensions": [{"Name": dimension, "Value": value}]}, "Period": 60, "Stat": stat}}
    end = start + datetime.timedelta(minutes=1)
    return metrics.get_metric_data(MetricDataQueries=[query], StartTime=start, EndTime=end)["MetricDataResults"][0]["Values"]


def near(what, found, expected, part=0.02):
    assert abs(found - expected) <= abs(expected) * part, f"{what}: {found}, not {expected}"


instance = launch()
pid = until("the worker", worker)
# From one whole minute to the next.
time.sleep(60 - time.time() % 60)
begun, cpu, (received, sent) = time.time(), cpu_seconds(pid), link_bytes(pid)
time.sleep(60 - time.time() % 60)
seconds = time.time() - begun
cpu, (received_after, sent_after) = cpu_seconds(pid) - cpu, link_bytes(pid)
minute = datetime.datetime.fromtimestamp(int(begun), datetime.timezone.utc)
for dimension, value in (("InstanceId", instance), ("AutoScalingGroupName", "workers"), ("InstanceType", "t3.small")):
    def look(name, stat):
        return until(f"{name} by {dimension}", lambda: statistic(name, dimension, value, minute, stat), 30)[0]
    near("CPU", look("CPUUtilization", "Average"), cpu / seconds / 2 * 100)
    near("bytes in", look("NetworkIn", "Sum"), received_after - received)
    near("bytes out", look("NetworkOut", "Sum"), sent_after - sent)
    assert look("NetworkPacketsOut", "Sum") > 100
for name in SIZES:
    told = statistic(name, "AutoScalingGroupName", "workers", minute, "Sum", "AWS/AutoScaling")
    assert told == [1.0], f"{name}: {told}"
assert received_after > received and sent_after > sent, "the worker asks its metadata"
print("measured")
