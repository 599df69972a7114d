"""A service that is measured, and scaled by what is measured: CPU, memory and requests beside the kernel's and the caller's own
count; target tracking out and in, steps, a schedule; activities that say why. The argument is the name server's address
and port.
"""

import datetime
import glob
import http.client
import os
import subprocess
import sys
import time

import boto3

from cloud import CLUSTER, ecs, ec2, logged, prepare, until
from sampled import Sampled, within

HOST, PORT = sys.argv[1].rsplit(":", 1)
elb, metrics, scaling = (boto3.client(name) for name in ("elbv2", "cloudwatch", "application-autoscaling"))
SERVICE = {"ServiceNamespace": "ecs", "ResourceId": f"service/{CLUSTER}/web",
           "ScalableDimension": "ecs:service:DesiredCount"}
NAMES = [{"Name": "ClusterName", "Value": CLUSTER}, {"Name": "ServiceName", "Value": "web"}]
REQUESTS = 3000
HELD_MIB = 64


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def make():
    network = prepare()
    subnets = network["awsvpcConfiguration"]["subnets"]
    vpc = ec2.describe_subnets(SubnetIds=subnets)["Subnets"][0]["VpcId"]
    other = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.2.0/24", AvailabilityZone="us-east-1b")["Subnet"]["SubnetId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    balancer = elb.create_load_balancer(Name="web", Subnets=[*subnets, other])["LoadBalancers"][0]
    group = elb.create_target_group(
        Name="web", Protocol="HTTP", Port=8080, VpcId=vpc, TargetType="ip", HealthCheckIntervalSeconds=5,
        HealthCheckTimeoutSeconds=2,
    )["TargetGroups"][0]["TargetGroupArn"]
    elb.modify_target_group_attributes(
        TargetGroupArn=group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "0"}])
    elb.create_listener(LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80,
                        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])
    # Works at a steady pace and holds a known amount of memory, in memory that cannot be dropped.
    work = (f"mkdir /w; echo hello > /w/index.html; httpd -p 8080 -h /w; "
            f"dd if=/dev/zero of=/dev/shm/held bs=1048576 count={HELD_MIB} 2>/dev/null; : wharf-scaling-burner; "
            "while :; do i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done; sleep 0.1; done")
    ecs.register_task_definition(
        family="web", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
        containerDefinitions=[logged({"name": "app", "image": "busybox:1.35", "command": ["sh", "-c", work],
                                      "stopTimeout": 2, "portMappings": [{"containerPort": 8080}]})],
    )
    ecs.create_service(
        cluster=CLUSTER, serviceName="web", taskDefinition="web", desiredCount=1, launchType="FARGATE",
        networkConfiguration=network,
        loadBalancers=[{"targetGroupArn": group, "containerName": "app", "containerPort": 8080}],
    )
    ecs.get_waiter("services_stable").wait(cluster=CLUSTER, services=["web"],
                                           WaiterConfig={"Delay": 1, "MaxAttempts": 90})
    line = ["dig", f"@{HOST}", "-p", PORT, "+short", balancer["DNSName"]]
    address = subprocess.run(line, check=True, capture_output=True, text=True).stdout.split()[0]
    dimension = "app/" + balancer["LoadBalancerArn"].split("/app/")[1]
    return address, dimension, group.split(":")[-1]


def group_of(kind):
    """The kernel's folder of this kind for the container that works."""
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            line = open(path, "rb").read()
            if b"wharf-scaling-burner" not in line or b"python" in line:
                continue
            for entry in open(path.replace("cmdline", "cgroup")):
                _, controllers, place = entry.strip().split(":", 2)
                if kind in controllers.split(","):
                    return next(it for it in (f"/sys/fs/cgroup/{controllers}{place}", f"/sys/fs/cgroup/{kind}{place}")
                                if os.path.exists(it))
                if controllers == "" and os.path.exists(f"/sys/fs/cgroup{place}/cpu.stat"):
                    return f"/sys/fs/cgroup{place}"
        except OSError:
            continue
    raise AssertionError(f"no control group for {kind}")


def kernel_cpu(folder):
    if os.path.exists(f"{folder}/cpuacct.usage"):
        return int(open(f"{folder}/cpuacct.usage").read()) / 1e9
    lines = dict(line.split() for line in open(f"{folder}/cpu.stat"))
    return int(lines["usage_usec"]) / 1e6


def statistic(namespace, name, dimensions, start, end, stat):
    query = {"Id": "it", "MetricStat": {"Metric": {"Namespace": namespace, "MetricName": name, "Dimensions": dimensions},
                                        "Period": 60, "Stat": stat}}
    answer = metrics.get_metric_data(MetricDataQueries=[query], StartTime=start, EndTime=end)
    return answer["MetricDataResults"][0]["Values"]


def near(what, found, expected, part=0.02):
    assert abs(found - expected) <= abs(expected) * part, f"{what}: {found}, not {expected}"


def measured(address, balancer, group):
    begin = now()
    # From one whole minute to the next, beside the kernel.
    folder = group_of("cpuacct")
    kernel = Sampled(lambda: (kernel_cpu(folder),))
    start = kernel.minute()
    connection = http.client.HTTPConnection(address, 80)
    carried = 0
    for _ in range(REQUESTS):
        connection.request("GET", "/")
        answer = connection.getresponse()
        assert answer.status == 200 and answer.read() == b"hello\n"
        request = f"GET / HTTP/1.1\r\nHost: {address}\r\nAccept-Encoding: identity\r\n\r\n"
        head = f"HTTP/1.1 200 OK\r\n" + "".join(f"{name}: {value}\r\n" for name, value in answer.getheaders()) + "\r\n"
        carried += len(request) + len(head) + len(b"hello\n")
    rises = kernel.rises(start)
    minute = datetime.datetime.fromtimestamp(start, datetime.timezone.utc)
    span = (minute, minute + datetime.timedelta(minutes=1))
    found = until("CPU", lambda: statistic("AWS/ECS", "CPUUtilization", NAMES, *span, "Average"), 30)
    within("CPU", found[0], [used / seconds / 0.25 * 100 for seconds, (used,) in rises])
    held = statistic("AWS/ECS", "MemoryUtilization", NAMES, *span, "Average")[0] / 100 * 512
    assert HELD_MIB <= held <= HELD_MIB + 8, f"{held} MiB"
    both = [{"Name": "LoadBalancer", "Value": balancer}, {"Name": "TargetGroup", "Value": group}]
    soon = begin + datetime.timedelta(minutes=9)

    def count(name, stat="Sum", of=both):
        return sum(statistic("AWS/ApplicationELB", name, of, begin - datetime.timedelta(minutes=1), soon, stat))

    until("requests", lambda: count("RequestCount") >= REQUESTS, 30)
    near("requests", count("RequestCount"), REQUESTS)
    near("answers", count("HTTPCode_Target_2XX_Count"), REQUESTS)
    near("bytes", count("ProcessedBytes", of=both[:1]), carried)
    # One by the client, who keeps it; one to the target for each request, as busybox closes them.
    near("connections", count("NewConnectionCount", of=both[:1]), REQUESTS + 1)
    until("a look at open connections", lambda: count("ActiveConnectionCount", of=both[:1]) >= 1, 60)
    times = statistic("AWS/ApplicationELB", "TargetResponseTime", both, begin - datetime.timedelta(minutes=1), soon, "p99")
    assert times and all(0 < it < 1 for it in times), times
    assert count("HealthyHostCount", "Maximum") >= 1
    print("measured")


def desired():
    return ecs.describe_services(cluster=CLUSTER, services=["web"])["services"][0]["desiredCount"]


def settled(count):
    def look():
        service = ecs.describe_services(cluster=CLUSTER, services=["web"])["services"][0]
        return service["runningCount"] == count == service["desiredCount"] and len(service["deployments"]) == 1
    until(f"{count} tasks", look, 90)


def put(name, value, minutes, weight=1):
    """A value for each of the last minutes that are over."""
    data = [{"MetricName": name, "Timestamp": now() - datetime.timedelta(minutes=it),
             "Values": [value], "Counts": [weight]} for it in range(1, minutes + 1)]
    metrics.put_metric_data(Namespace="load", MetricData=data)


def activities(**further):
    return scaling.describe_scaling_activities(ServiceNamespace="ecs", ResourceId=SERVICE["ResourceId"],
                                               **further)["ScalingActivities"]


def tracked():
    scaling.register_scalable_target(**SERVICE, MinCapacity=1, MaxCapacity=4)
    policy = scaling.put_scaling_policy(
        **SERVICE, PolicyName="queue", PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 10.0, "ScaleOutCooldown": 1, "ScaleInCooldown": 1,
            "CustomizedMetricSpecification": {"Namespace": "load", "MetricName": "queue", "Statistic": "Average"},
        })
    alarms = [it["AlarmName"] for it in policy["Alarms"]]
    assert len(metrics.describe_alarms(AlarmNames=alarms)["MetricAlarms"]) == 2
    put("queue", 30.0, 3)
    until("more tasks", lambda: desired() == 3, 60)
    settled(3)
    why = until("an activity", lambda: [it for it in activities() if it["StatusCode"] == "Successful"], 30)[0]
    assert why["Description"] == "Setting desired count to 3.", why
    assert why["Cause"] == f"monitor alarm {alarms[0]} in state ALARM triggered policy queue", why
    # The same minutes again, now with so many low values that their average is low: the alarm for more ends, the one
    # for less, which looks at a quarter of an hour, begins.
    put("queue", 1.0, 15, 1000)
    until("fewer tasks", lambda: desired() == 1, 90)
    settled(1)
    why = activities()[0]
    assert alarms[1] in why["Cause"], why
    scaling.delete_scaling_policy(**SERVICE, PolicyName="queue")
    assert not metrics.describe_alarms(AlarmNames=alarms)["MetricAlarms"], "alarms go with their policy"
    print("tracked")


def stepped():
    policy = scaling.put_scaling_policy(
        **SERVICE, PolicyName="steps", PolicyType="StepScaling",
        StepScalingPolicyConfiguration={
            "AdjustmentType": "ChangeInCapacity", "Cooldown": 1,
            "StepAdjustments": [{"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 50, "ScalingAdjustment": 1},
                                {"MetricIntervalLowerBound": 50, "ScalingAdjustment": 2}],
        })["PolicyARN"]
    metrics.put_metric_alarm(
        AlarmName="steps", Namespace="load", MetricName="depth", Statistic="Maximum", Period=60, EvaluationPeriods=1,
        Threshold=100, ComparisonOperator="GreaterThanOrEqualToThreshold", AlarmActions=[policy])
    put("depth", 170.0, 1)
    until("two more tasks", lambda: desired() == 3, 60)
    metrics.delete_alarms(AlarmNames=["steps"])
    scaling.delete_scaling_policy(**SERVICE, PolicyName="steps")
    settled(3)
    print("stepped")


def scheduled():
    soon = now() + datetime.timedelta(seconds=5)
    scaling.put_scheduled_action(
        **SERVICE, ScheduledActionName="evening", Schedule=f"at({soon:%Y-%m-%dT%H:%M:%S})",
        ScalableTargetAction={"MinCapacity": 1, "MaxCapacity": 2})
    until("at most two tasks", lambda: desired() == 2, 30)
    why = activities()[0]
    assert why["Cause"].endswith("by the scheduled action evening"), why
    until("a past action is gone", lambda: not scaling.describe_scheduled_actions(ServiceNamespace="ecs")["ScheduledActions"])
    scaling.deregister_scalable_target(**SERVICE)
    assert not scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    print("scheduled")


place = make()
measured(*place)
tracked()
stepped()
scheduled()
