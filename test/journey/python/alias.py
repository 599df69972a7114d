"""An application behind a load balancer under a name of its own: an alias here and inside the VPC, HTTPS with a certificate
that DNS has validated, a private zone that only its VPC sees, an alias that fails over when its targets die.
The arguments are the name server's address and port, and a file with the certificate of the local authority.
"""

import http.client
import subprocess
import sys

import boto3

from cloud import CLUSTER, ecs, ec2, logged, prepare, run, until

HOST, PORT = sys.argv[1].rsplit(":", 1)
DOMAIN = "shop.example.test"
elb, acm, route53 = boto3.client("elbv2"), boto3.client("acm"), boto3.client("route53")


def dig(name, kind="A"):
    line = ["dig", f"@{HOST}", "-p", PORT, "+short", "+tries=1", "+time=3", name, kind]
    return subprocess.run(line, check=True, capture_output=True, text=True).stdout.split()


def change(zone, **record):
    batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)


network = prepare()
subnets = network["awsvpcConfiguration"]["subnets"]
vpc = ec2.describe_subnets(SubnetIds=subnets)["Subnets"][0]["VpcId"]
other = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.2.0/24", AvailabilityZone="us-east-1b")["Subnet"]["SubnetId"]
gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
balancer = elb.create_load_balancer(Name="shop", Subnets=[*subnets, other])["LoadBalancers"][0]
elb.get_waiter("load_balancer_available").wait(LoadBalancerArns=[balancer["LoadBalancerArn"]],
                                               WaiterConfig={"Delay": 1, "MaxAttempts": 60})
group = elb.create_target_group(
    Name="shop", Protocol="HTTP", Port=8080, VpcId=vpc, TargetType="ip", HealthCheckIntervalSeconds=5,
    HealthCheckTimeoutSeconds=2, UnhealthyThresholdCount=2,
)["TargetGroups"][0]["TargetGroupArn"]
forward = [{"Type": "forward", "TargetGroupArn": group}]
elb.create_listener(LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=forward)
serve = "mkdir /w; echo hello > /w/index.html; exec httpd -f -p 8080 -h /w"
ecs.register_task_definition(
    family="shop", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
    containerDefinitions=[logged({"name": "app", "image": "busybox:1.35", "command": ["sh", "-c", serve],
                                  "stopTimeout": 2, "portMappings": [{"containerPort": 8080}]})],
)
ecs.create_service(
    cluster=CLUSTER, serviceName="shop", taskDefinition="shop", desiredCount=1, launchType="FARGATE",
    networkConfiguration=network,
    loadBalancers=[{"targetGroupArn": group, "containerName": "app", "containerPort": 8080}],
)
ecs.get_waiter("services_stable").wait(cluster=CLUSTER, services=["shop"],
                                       WaiterConfig={"Delay": 1, "MaxAttempts": 60})

zone = route53.create_hosted_zone(Name=DOMAIN, CallerReference="shop")["HostedZone"]["Id"].rsplit("/", 1)[1]
target = {"HostedZoneId": balancer["CanonicalHostedZoneId"], "DNSName": balancer["DNSName"],
          "EvaluateTargetHealth": True}
change(zone, Name=DOMAIN, Type="A", SetIdentifier="first", Failover="PRIMARY", AliasTarget=target)
change(zone, Name=DOMAIN, Type="A", SetIdentifier="second", Failover="SECONDARY", TTL=5,
       ResourceRecords=[{"Value": "192.0.2.9"}])
address = until("the alias is answered", lambda: [it for it in dig(DOMAIN) if it.startswith("127.")])[0]
assert dig(DOMAIN, "AAAA") == []
connection = http.client.HTTPConnection(address, 80, timeout=5)
connection.request("GET", "/", headers={"Host": DOMAIN})
assert connection.getresponse().read() == b"hello\n"
print("alias")

arn = acm.request_certificate(DomainName=DOMAIN, ValidationMethod="DNS")["CertificateArn"]
options = until("ACM says which record it looks for", lambda: [
    it for it in acm.describe_certificate(CertificateArn=arn)["Certificate"].get("DomainValidationOptions", [])
    if "ResourceRecord" in it
])
wanted = options[0]["ResourceRecord"]
change(zone, Name=wanted["Name"], Type=wanted["Type"], TTL=60, ResourceRecords=[{"Value": wanted["Value"]}])
acm.get_waiter("certificate_validated").wait(CertificateArn=arn, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
elb.create_listener(
    LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTPS", Port=443, DefaultActions=forward,
    Certificates=[{"CertificateArn": arn}], SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06",
)
elb.create_listener(
    LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=8080,
    DefaultActions=[{"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}}],
)
curl = ["curl", "-sS", "--cacert", sys.argv[2], "--resolve", f"{DOMAIN}:443:{address}",
        "--resolve", f"{DOMAIN}:8080:{address}"]
fetch = lambda url, *more: subprocess.run([*curl, *more, url], capture_output=True, text=True)
until("HTTPS answers", lambda: fetch(f"https://{DOMAIN}/").stdout == "hello\n")
moved = fetch(f"http://{DOMAIN}:8080/a?b=c", "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}").stdout
assert moved == f"301 https://{DOMAIN}:443/a?b=c", moved
stranger = subprocess.run(["curl", "-sS", "--resolve", f"{DOMAIN}:443:{address}", f"https://{DOMAIN}/"],
                          capture_output=True, text=True)
assert stranger.returncode == 60, "nobody trusts the authority without being told"
print("secure")

private = route53.create_hosted_zone(
    Name="inside.test", CallerReference="inside", VPC={"VPCRegion": ec2.meta.region_name, "VPCId": vpc}
)["HostedZone"]["Id"].rsplit("/", 1)[1]
change(private, Name="db.inside.test", Type="A", TTL=5, ResourceRecords=[{"Value": "10.9.1.200"}])
look = f"""
import socket, urllib.request
print("web=" + urllib.request.urlopen("http://{DOMAIN}/", timeout=5).read().decode().strip())
print("db=" + socket.gethostbyname("db.inside.test"))
own = socket.gethostbyname(socket.gethostname())
print("own=" + socket.gethostbyname("ip-" + own.replace(".", "-") + ".ec2.internal"), "address=" + own, sep="\\n")
"""
ecs.register_task_definition(
    family="look", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
    containerDefinitions=[logged({"name": "look", "image": "python:3.12", "command": ["python3", "-c", look]})],
)
_, printed = run("look", launchType="FARGATE", networkConfiguration=network)
seen = dict(line.split("=", 1) for line in printed["look"].splitlines() if "=" in line)
assert seen.get("web") == "hello", printed
print("inside")
assert seen["db"] == "10.9.1.200" and seen["own"] == seen["address"], seen
assert dig("db.inside.test") == [], "a private zone is nobody else's"
print("private")

ecs.update_service(cluster=CLUSTER, service="shop", desiredCount=0)
until("the second answers when the first has no targets", lambda: dig(DOMAIN) == ["192.0.2.9"])
print("failed over")
