"""Route 53 with boto3, and what dig and plain sockets get to hear: every record type and policy, health checks that fail
over, many records, changes under load. The argument is the name server's address and port.
"""

import collections
import http.server
import json
import random
import socket
import struct
import subprocess
import sys
import threading
import time

import boto3
from botocore.exceptions import ClientError

from cloud import until

HOST, PORT = sys.argv[1].rsplit(":", 1)
QUERIES = 10_000
RECORDS = 100_000
BATCH = 1000
route53 = boto3.client("route53")


def dig(name, kind, *options):
    """The answer section: data of the records, sorted."""
    line = ["dig", f"@{HOST}", "-p", PORT, "+noall", "+answer", "+tries=1", "+time=3", *options, name, kind]
    said = subprocess.run(line, check=True, capture_output=True, text=True).stdout
    return sorted(" ".join(one.split()[4:]) for one in said.splitlines() if one.strip())


def status(name, kind, *options):
    line = ["dig", f"@{HOST}", "-p", PORT, "+tries=1", "+time=3", *options, name, kind]
    said = subprocess.run(line, check=True, capture_output=True, text=True).stdout
    return said.split("status: ")[1].split(",")[0]


class Asker:
    """A questions, as fast as they go."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(3)
        self.socket.connect((HOST, int(PORT)))

    def ask(self, name):
        """Addresses of a name."""
        number = random.randrange(65536)
        labels = b"".join(bytes([len(it)]) + it.encode() for it in name.rstrip(".").split("."))
        self.socket.send(struct.pack(">HHHHHH", number, 0, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", 1, 1))
        packet = self.socket.recv(4096)
        assert struct.unpack(">H", packet[:2])[0] == number
        count = struct.unpack(">H", packet[6:8])[0]
        at, found = 12 + len(labels) + 1 + 4, []
        for _ in range(count):
            at += 2 if packet[at] >= 192 else len(labels) + 1
            kind, _, _, length = struct.unpack(">HHIH", packet[at:at + 10])
            at += 10
            if kind == 1:
                found.append(socket.inet_ntoa(packet[at:at + 4]))
            at += length
        return found


asker = Asker()


def change(zone, *changes, wait=True):
    batch = {"Changes": [{"Action": action, "ResourceRecordSet": record} for action, record in changes]}
    info = route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)["ChangeInfo"]
    assert info["Status"] == "PENDING", info
    if wait:
        route53.get_waiter("resource_record_sets_changed").wait(
            Id=info["Id"], WaiterConfig={"Delay": 1, "MaxAttempts": 10}
        )


def record(name, kind, *values, ttl=60, **more):
    return {"Name": name, "Type": kind, "TTL": ttl, "ResourceRecords": [{"Value": it} for it in values], **more}


def make_zone(name, **more):
    made = route53.create_hosted_zone(Name=name, CallerReference=f"{name} {time.time()}", **more)
    assert made["Location"].endswith(made["HostedZone"]["Id"].rsplit("/", 1)[1])
    return made["HostedZone"]["Id"]


def every_type():
    zone = make_zone("types.example")
    digest = "0123456789ABCDEF" * 4
    data = {
        "A": ["192.0.2.1", "192.0.2.2"], "AAAA": ["2001:db8::1"], "CAA": ['0 issue "ca.example"'],
        "CNAME": ["www.types.example."], "DS": [f"12345 13 2 {digest}"], "MX": ["10 mail.types.example."],
        "NAPTR": ['100 50 "u" "sip+E2U" "!^.*$!sip:a@b.example!" .'], "NS": ["ns1.other.example."],
        "PTR": ["host.types.example."], "SPF": ['"v=spf1 -all"'], "SRV": ["1 2 5269 xmpp.types.example."],
        "SSHFP": [f"4 2 {digest}"], "TLSA": [f"3 1 1 {digest}"], "TXT": ['"one" "two; three"'],
        "HTTPS": ["1 . alpn=\"h2\""], "SVCB": ["1 svc.types.example. port=8443"],
    }
    change(zone, *[("CREATE", record(f"{kind.lower()}.types.example", kind, *values)) for kind, values in data.items()])
    for kind, values in data.items():
        if kind == "NS":
            continue
        name = f"{kind.lower()}.types.example"
        said = dig(name, {"HTTPS": "TYPE65", "SVCB": "TYPE64"}.get(kind, kind))
        plain = lambda text: text.replace(" ", "").replace('"', "").upper()
        if kind in ("HTTPS", "SVCB"):
            assert len(said) == 1, said
        elif kind != "CNAME":
            assert sorted(map(plain, said)) == sorted(map(plain, values)), (kind, said)
        else:
            assert said == values
    assert dig("types.example", "SOA")[0].split()[1] == "awsdns-hostmaster.amazon.com."
    assert len(dig("types.example", "NS")) == 4
    # A delegation is a referral; what is not there is said with the zone's SOA.
    assert status("below.ns.types.example", "A", "+norecurse") == "NOERROR"
    assert (status("nothing.types.example", "A"), status("a.types.example", "MX")) == ("NXDOMAIN", "NOERROR")
    change(zone, ("CREATE", record("*.types.example", "TXT", '"wild"')))
    assert dig("any.thing.types.example", "TXT") == ['"wild"']
    assert dig("a.types.example", "TXT") == []
    listed = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    assert any(it["Name"] == "\\052.types.example." for it in listed)
    large = [f"10.0.{n // 256}.{n % 256}" for n in range(300)]
    change(zone, ("CREATE", record("large.types.example", "A", *large)))
    assert len(dig("large.types.example", "A")) == 300, "by TCP when it does not fit"
    answer = route53.test_dns_answer(HostedZoneId=zone, RecordName="a.types.example", RecordType="A")
    assert (answer["ResponseCode"], sorted(answer["RecordData"])) == ("NOERROR", data["A"])
    return zone


def policies():
    zone = make_zone("policy.example")
    weights = {"192.0.2.1": 10, "192.0.2.2": 30, "192.0.2.3": 60}
    change(zone, *[
        ("CREATE", record("weighted.policy.example", "A", address, SetIdentifier=address, Weight=weight))
        for address, weight in weights.items()
    ])
    seen = collections.Counter(asker.ask("weighted.policy.example")[0] for _ in range(QUERIES))
    for address, weight in weights.items():
        assert abs(seen[address] / QUERIES - weight / 100) < 0.02, seen
    change(zone, *[
        ("CREATE", record("multi.policy.example", "A", f"192.0.2.{n}", SetIdentifier=str(n), MultiValueAnswer=True))
        for n in range(1, 13)
    ])
    assert len(asker.ask("multi.policy.example")) == 8
    change(zone,
           ("CREATE", record("near.policy.example", "A", "192.0.2.1", SetIdentifier="us", Region="us-east-1")),
           ("CREATE", record("near.policy.example", "A", "192.0.2.2", SetIdentifier="eu", Region="eu-west-1")))
    assert asker.ask("near.policy.example") == ["192.0.2.1"]
    change(zone, ("CREATE", {
        "Name": "policy.example", "Type": "A",
        "AliasTarget": {"HostedZoneId": zone.rsplit("/", 1)[1], "DNSName": "near.policy.example", "EvaluateTargetHealth": False},
    }))
    assert asker.ask("policy.example") == ["192.0.2.1"]
    return zone


class Server:
    """An endpoint that can die."""

    def __init__(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"all is well")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def die(self):
        self.server.shutdown()
        self.server.server_close()


def failover(zone):
    first, second = Server(), Server()

    def check(server, kind="HTTP", **more):
        config = {"IPAddress": "127.0.0.1", "Port": server.port, "Type": kind, "RequestInterval": 10,
                  "FailureThreshold": 1, **more}
        made = route53.create_health_check(CallerReference=f"{server.port} {kind}", HealthCheckConfig=config)
        return made["HealthCheck"]["Id"]

    one, two = check(first), check(second, "HTTP_STR_MATCH", SearchString="is well", ResourcePath="/health")
    tcp = check(first, "TCP")
    both = route53.create_health_check(
        CallerReference="both",
        HealthCheckConfig={"Type": "CALCULATED", "HealthThreshold": 2, "ChildHealthChecks": [one, two]},
    )["HealthCheck"]["Id"]
    pair = lambda name, address, role, check: record(
        name, "A", address, SetIdentifier=role, Failover=role, HealthCheckId=check
    )
    change(zone,
           ("CREATE", pair("pair.policy.example", "192.0.2.1", "PRIMARY", one)),
           ("CREATE", pair("pair.policy.example", "192.0.2.2", "SECONDARY", two)),
           ("CREATE", pair("sum.policy.example", "192.0.2.1", "PRIMARY", both)),
           ("CREATE", pair("sum.policy.example", "192.0.2.2", "SECONDARY", two)),
           ("CREATE", record("many.policy.example", "A", "192.0.2.1", SetIdentifier="1", MultiValueAnswer=True,
                             HealthCheckId=tcp)),
           ("CREATE", record("many.policy.example", "A", "192.0.2.2", SetIdentifier="2", MultiValueAnswer=True,
                             HealthCheckId=two)))

    def observations():
        seen = route53.get_health_check_status(HealthCheckId=one)["HealthCheckObservations"]
        return len(seen) == 8 and all(it["StatusReport"]["Status"].startswith("Success: HTTP Status Code 200") for it in seen)

    until("all checkers have looked", observations)
    assert asker.ask("pair.policy.example") == ["192.0.2.1"]
    assert sorted(asker.ask("many.policy.example")) == ["192.0.2.1", "192.0.2.2"]
    try:
        route53.delete_health_check(HealthCheckId=one)
        raise AssertionError("a check that is used cannot go")
    except ClientError as error:
        assert error.response["Error"]["Code"] == "HealthCheckInUse"
    died = time.monotonic()
    first.die()
    until("the secondary answers", lambda: asker.ask("pair.policy.example") == ["192.0.2.2"])
    took = time.monotonic() - died
    until("the sum fails too", lambda: asker.ask("sum.policy.example") == ["192.0.2.2"])
    until("the dead one is left out", lambda: asker.ask("many.policy.example") == ["192.0.2.2"])
    reasons = route53.get_health_check_last_failure_reason(HealthCheckId=one)["HealthCheckObservations"]
    assert any(it["StatusReport"]["Status"].startswith("Failure") for it in reasons), reasons
    print(f"failover after {took:.1f} s", file=sys.stderr)


def many():
    """A zone with very many records; what is changed while it is large is heard at once."""
    zone = make_zone("many.example")
    for first in range(0, RECORDS, BATCH):
        names = range(first, first + BATCH)
        change(zone, *[("CREATE", record(f"h{n}.many.example", "A", f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}"))
                       for n in names], wait=False)
    count = route53.get_hosted_zone(Id=zone)["HostedZone"]["ResourceRecordSetCount"]
    assert count == RECORDS + 2, count
    for n in random.sample(range(RECORDS), 200):
        assert asker.ask(f"h{n}.many.example") == [f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}"]
    stop, asked = threading.Event(), collections.Counter()

    def load():
        own = Asker()
        while not stop.is_set():
            own.ask(f"h{random.randrange(RECORDS)}.many.example")
            asked["all"] += 1

    loads = [threading.Thread(target=load) for _ in range(2)]
    [it.start() for it in loads]
    late = 0
    for n in range(200):
        address = f"192.0.2.{n % 250 + 1}"
        change(zone, ("UPSERT", record("live.many.example", "A", address)), wait=False)
        late += asker.ask("live.many.example") != [address]
    stop.set()
    [it.join() for it in loads]
    assert late == 0, f"{late} of 200 changes were not heard by the next query"
    page = route53.list_resource_record_sets(HostedZoneId=zone, StartRecordName="h99999.many.example", MaxItems="1")
    assert page["ResourceRecordSets"][0]["Name"] == "h99999.many.example."


def refusals(zone):
    def code(call, **arguments):
        try:
            call(**arguments)
        except ClientError as error:
            return error.response["Error"]["Code"], error.response["Error"]["Message"]
        raise AssertionError(f"{call.__name__} was not refused")

    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record("a.types.example", "A", "1.2.3")}]}
    said = code(route53.change_resource_record_sets, HostedZoneId=zone, ChangeBatch=batch)
    assert said[0] == "InvalidChangeBatch" and "ARRDATAIllegalIPv4Address" in said[1], said
    assert code(route53.get_hosted_zone, Id="ZNOTHERE")[0] == "NoSuchHostedZone"
    assert code(route53.delete_hosted_zone, Id=zone)[0] == "HostedZoneNotEmpty"
    assert code(route53.get_change, Id="CNOTHERE")[0] == "NoSuchChange"
    assert code(route53.list_traffic_policies)[0] == "InvalidAction"


types = every_type()
print("types")
policy = policies()
print("policies")
failover(policy)
print("failover")
many()
print("many")
refusals(types)
print("refusals")
