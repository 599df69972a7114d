"""Two services find each other by Cloud Map name and by Service Connect alias, through rolling deployments, without a
failed call. Arguments: how many deployments.
"""

import sys
import time

import boto3

from cloud import CLUSTER, GROUP, ecs, ec2, logged, logs, prepare, until

TIMES = int(sys.argv[1])
IMAGE = "busybox:1.35"
PORT = 8080
names = boto3.client("servicediscovery")
route53 = boto3.client("route53")


def done(operation):
    def look():
        found = names.get_operation(OperationId=operation)["Operation"]
        assert found["Status"] != "FAIL", found
        return found["Status"] == "SUCCESS" and found
    return until("the operation is over", look)


def definition(family, command, **more):
    container = {"name": "app", "image": IMAGE, "command": command, "stopTimeout": 2, **more}
    ecs.register_task_definition(
        family=family, networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
        containerDefinitions=[logged(container)],
    )


def stable(service):
    ecs.get_waiter("services_stable").wait(
        cluster=CLUSTER, services=[service], WaiterConfig={"Delay": 1, "MaxAttempts": 120}
    )


def lines(word):
    found, token = [], {}
    while True:
        page = logs.filter_log_events(logGroupName=GROUP, logStreamNamePrefix="t/app/", filterPattern=word, **token)
        found += [it["message"] for it in page["events"] if it["message"].startswith(word)]
        if "nextToken" not in page:
            return found
        token = {"nextToken": page["nextToken"]}


network = prepare()
vpc = ec2.describe_subnets(SubnetIds=network["awsvpcConfiguration"]["subnets"])["Subnets"][0]["VpcId"]
namespace = done(names.create_private_dns_namespace(Name="shop.local", Vpc=vpc)["OperationId"])["Targets"]["NAMESPACE"]
registry = names.create_service(
    Name="api", NamespaceId=namespace, HealthCheckCustomConfig={"FailureThreshold": 1},
    DnsConfig={"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": 2}]},
)["Service"]
# Requests are looked at one by one on the first, connections on the second.
ports = [{"containerPort": PORT, "name": "http", "appProtocol": "http"}, {"containerPort": PORT + 1, "name": "raw"}]
definition("api", ["sh", "-c", f"mkdir /w; echo hello > /w/index.html; httpd -p {PORT + 1} -h /w; exec httpd -f -p {PORT} -h /w"], portMappings=ports)
connect = {"enabled": True, "namespace": "shop.local"}
ecs.create_service(
    cluster=CLUSTER, serviceName="api", taskDefinition="api", desiredCount=2, launchType="FARGATE",
    networkConfiguration=network, serviceRegistries=[{"registryArn": registry["Arn"]}],
    serviceConnectConfiguration={**connect, "services": [
        {"portName": "http", "discoveryName": "api-connect", "clientAliases": [{"port": PORT, "dnsName": "api"}]},
        {"portName": "raw", "clientAliases": [{"port": 8001, "dnsName": "api"}]},
    ]},
)
stable("api")
found = names.discover_instances(NamespaceName="shop.local", ServiceName="api")["Instances"]
assert len(found) == 2 and all(it["HealthStatus"] == "HEALTHY" for it in found), found
print("found")

CLIENT = f"""
import itertools, time, urllib.request
urls = ["http://api.shop.local:{PORT}/", "http://api:{PORT}/", "http://api:8001/"]
for n in itertools.count(1):
    for url in urls:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                assert answer.read() == b"hello\\n"
        except Exception as error:
            print("FAILED", url, error, flush=True)
    if n % 20 == 0:
        print("CALLS", 3 * n, flush=True)
    time.sleep(0.02)
"""
definition("client", ["python3", "-c", CLIENT], image="python:3.12")
ecs.create_service(
    cluster=CLUSTER, serviceName="client", taskDefinition="client", desiredCount=1, launchType="FARGATE",
    networkConfiguration=network, serviceConnectConfiguration=connect,
)
stable("client")
until("the client calls", lambda: lines("CALLS"))
slowest = 0
for _ in range(TIMES):
    begun = time.monotonic()
    ecs.update_service(cluster=CLUSTER, service="api", forceNewDeployment=True)
    stable("api")
    slowest = max(slowest, time.monotonic() - begun)
before = max(int(it.split()[1]) for it in lines("CALLS"))
until("the client goes on", lambda: max(int(it.split()[1]) for it in lines("CALLS")) > before)
failed = lines("FAILED")
assert not failed, failed[:10]
print(f"{before} calls, slowest deployment {slowest:.1f} s", file=sys.stderr)
print("rolled")

zone = names.get_namespace(Id=namespace)["Namespace"]["Properties"]["DnsProperties"]["HostedZoneId"]
for service in ["client", "api"]:
    ecs.update_service(cluster=CLUSTER, service=service, desiredCount=0)
    stable(service)
    ecs.delete_service(cluster=CLUSTER, service=service)
kinds = lambda: {it["Type"] for it in route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]}
until("the records go with their tasks", lambda: kinds() == {"NS", "SOA"})
left = lambda: [it["Name"] for it in names.list_services()["Services"]]
until("the service of Service Connect goes with its service", lambda: left() == ["api"])
names.delete_service(Id=registry["Id"])
done(names.delete_namespace(Id=namespace)["OperationId"])
assert not route53.list_hosted_zones()["HostedZones"]
print("gone")
