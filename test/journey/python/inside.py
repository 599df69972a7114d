"""Every field of a task definition: registered, read back equal, and seen from inside a container."""

import os
import sys
import tempfile

import boto3

import cloud
from cloud import ecs, facts, logged

IMAGE = "busybox:1.35"
network = cloud.prepare()
secrets = boto3.client("secretsmanager")
ssm = boto3.client("ssm")
secret = secrets.create_secret(Name="db", SecretString='{"user": "web", "password": "s3cret"}')["ARN"]
ssm.put_parameter(Name="/app/key", Value="k3y", Type="SecureString")


def shell(script):
    return {"image": IMAGE, "command": ["sh", "-c", script]}


def limit(path_v1, path_v2):
    return f"$(cat /sys/fs/cgroup/{path_v1} 2>/dev/null || cat /sys/fs/cgroup/{path_v2})"


LOOK = f"""
echo user=$(id -u):$(id -g)
echo directory=$(pwd)
echo variable=$PLAIN
echo password=$PASSWORD
echo whole=$WHOLE
echo key=$KEY
echo files=$(ulimit -Sn):$(ulimit -Hn)
echo bounding=$(grep CapBnd /proc/self/status | tr -d '\\t ' | cut -d: -f2)
echo first=$(cat /proc/1/comm)
echo root=$(touch /x 2>&1 | grep -c 'Read-only')
echo shared=$(cat /shared/token)
echo mount=$(touch /shared/y 2>&1 | grep -c 'Read-only')
echo terminal=$(tty)
echo backlog=$(cat /proc/sys/net/core/somaxconn)
echo memory={limit("memory/memory.limit_in_bytes", "memory.max")}
echo soft={limit("memory/memory.soft_limit_in_bytes", "memory.low")}
echo region=$AWS_REGION:$AWS_DEFAULT_REGION
echo endpoint=$AWS_ENDPOINT_URL
echo metadata=$ECS_CONTAINER_METADATA_URI_V4
echo neighbours=$(ls -d /proc/[0-9]* | wc -l)
"""


def fargate():
    definition = cloud.register({
        "family": "fargate", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
        "cpu": "512", "memory": "1024", "pidMode": "task", "ephemeralStorage": {"sizeInGiB": 21},
        "executionRoleArn": "arn:aws:iam::000000000000:role/reader",
        "taskRoleArn": "arn:aws:iam::000000000000:role/app",
        "runtimePlatform": {"cpuArchitecture": "ARM64" if os.uname().machine == "aarch64" else "X86_64",
                            "operatingSystemFamily": "LINUX"},
        "volumes": [{"name": "shared"}],
        "containerDefinitions": [
            logged({
                "name": "first", "essential": False, **shell("echo filled > /shared/token"),
                "mountPoints": [{"sourceVolume": "shared", "containerPath": "/shared"}],
            }),
            logged({
                "name": "app", **shell(LOOK), "cpu": 128, "memory": 256, "memoryReservation": 128,
                "portMappings": [{"containerPort": 8080, "name": "web", "appProtocol": "http", "protocol": "tcp"}],
                "dependsOn": [{"containerName": "first", "condition": "SUCCESS"}],
                "startTimeout": 30, "stopTimeout": 5, "user": "1000:1001", "workingDirectory": "/work",
                "environment": [{"name": "PLAIN", "value": "a b"}],
                "secrets": [{"name": "PASSWORD", "valueFrom": f"{secret}:password::"},
                            {"name": "WHOLE", "valueFrom": secret}, {"name": "KEY", "valueFrom": "/app/key"}],
                "ulimits": [{"name": "nofile", "softLimit": 1000, "hardLimit": 2000}],
                "linuxParameters": {"capabilities": {"add": ["SYS_PTRACE"], "drop": ["ALL"]},
                                    "initProcessEnabled": True},
                "readonlyRootFilesystem": True, "interactive": True, "pseudoTerminal": True,
                "mountPoints": [{"sourceVolume": "shared", "containerPath": "/shared", "readOnly": True}],
                "healthCheck": {"command": ["CMD-SHELL", "true"], "interval": 5, "timeout": 2, "retries": 3,
                                "startPeriod": 0},
                "dockerLabels": {"team": "web"},
                "systemControls": [{"namespace": "net.core.somaxconn", "value": "1234"}],
                "restartPolicy": {"enabled": False},
            }),
        ],
    })
    task, said = cloud.run(definition, launchType="FARGATE", networkConfiguration=network, count=1,
                           tags=[{"key": "who", "value": "me"}], startedBy="test", group="tests")
    inside = facts(said["app"])
    capability = f"{1 << 19:016x}"
    expected = {
        "user": "1000:1001", "directory": "/work", "variable": "a b", "password": "s3cret", "key": "k3y",
        "whole": '{"user": "web", "password": "s3cret"}', "files": "1000:2000", "bounding": capability,
        "root": "1", "shared": "filled", "mount": "1", "terminal": "/dev/pts/0", "backlog": "1234",
        "memory": str(256 << 20), "region": "us-east-1:us-east-1",
    }
    for name, value in expected.items():
        assert inside.get(name) == value, f"{name}: {inside.get(name)!r}, not {value!r}\n{said['app']}"
    assert inside["metadata"].startswith("http://169.254.170.2/v4/"), inside
    assert inside["endpoint"].startswith("http://169.254.170.2:"), inside
    containers = {one["name"]: one for one in task["containers"]}
    assert containers["first"]["exitCode"] == 0 and containers["app"]["exitCode"] == 0, containers
    assert task["stopCode"] == "EssentialContainerExited", task
    assert task["startedBy"] == "test" and task["group"] == "tests", task
    assert task["ephemeralStorage"] == {"sizeInGiB": 21}, task
    for before, after in [("createdAt", "pullStartedAt"), ("pullStartedAt", "pullStoppedAt"),
                          ("pullStoppedAt", "startedAt"), ("startedAt", "stoppingAt"),
                          ("stoppingAt", "stoppedAt")]:
        assert task[before] <= task[after], f"{before} is after {after}"


BOX = """
echo name=$(hostname)
echo db=$(grep -w db.corp /etc/hosts | cut -f1 -d' ')
echo servers=$(grep nameserver /etc/resolv.conf | cut -d' ' -f2 | tr '\\n' ,)
echo search=$(grep search /etc/resolv.conf | cut -d' ' -f2-)
echo shm=$(df -k /dev/shm | tail -1 | awk '{print $2}')
echo tmpfs=$(df -k /fast | tail -1 | awk '{print $2}')
echo options=$(grep ' /fast ' /proc/self/mounts | grep -c noexec)
echo device=$(test -c /dev/mine && echo yes)
echo host=$(cat /host/file)
echo kept=$(cat /kept/count)
echo x >> /kept/count
echo links=$(ls /sys/class/net)
echo privileges=$(grep NoNewPrivs /proc/self/status | tr -d '\\t ' | cut -d: -f2)
"""


def machine():
    folder = tempfile.mkdtemp()
    with open(os.path.join(folder, "file"), "w") as file:
        file.write("from the machine")
    definition = cloud.register({
        "family": "machine", "networkMode": "none", "requiresCompatibilities": ["EXTERNAL"],
        "pidMode": "task", "ipcMode": "none",
        "volumes": [
            {"name": "host", "host": {"sourcePath": folder}},
            {"name": "kept", "dockerVolumeConfiguration": {"scope": "shared", "autoprovision": True,
                                                           "driver": "local", "labels": {"a": "b"}}},
        ],
        "containerDefinitions": [
            logged({
                "name": "box", **shell(BOX), "memory": 128, "hostname": "box.corp",
                "dependsOn": [{"containerName": "root", "condition": "COMPLETE"}],
                "extraHosts": [{"hostname": "db.corp", "ipAddress": "10.1.2.3"}],
                "dnsServers": ["10.9.9.9", "10.9.9.8"], "dnsSearchDomains": ["corp", "example.org"],
                "dockerSecurityOptions": ["no-new-privileges"],
                "linuxParameters": {
                    "sharedMemorySize": 32, "maxSwap": 0, "swappiness": 0,
                    "tmpfs": [{"containerPath": "/fast", "size": 16, "mountOptions": ["noexec"]}],
                    "devices": [{"hostPath": "/dev/zero", "containerPath": "/dev/mine", "permissions": ["read"]}],
                },
                "mountPoints": [{"sourceVolume": "host", "containerPath": "/host", "readOnly": True},
                                {"sourceVolume": "kept", "containerPath": "/kept", "readOnly": False}],
            }),
            logged({
                "name": "root", "essential": False, "memory": 64, "privileged": True, "disableNetworking": True,
                **shell("echo all=$(grep CapEff /proc/self/status | tr -d '\\t ' | cut -d: -f2); "
                        "echo taken=$(cat /host/file); echo write=$(touch /host/new 2>&1 | grep -c 'Read-only')"),
                "volumesFrom": [{"sourceContainer": "box", "readOnly": True}],
            }),
        ],
    })
    for turn in ("", "x"):
        task, said = cloud.run(definition, launchType="EXTERNAL")
        inside = facts(said["box"])
        expected = {
            "name": "box.corp", "db": "10.1.2.3", "servers": "10.9.9.9,10.9.9.8,", "search": "corp example.org",
            "shm": str(32 << 10), "tmpfs": str(16 << 10), "options": "1", "device": "yes",
            "host": "from the machine", "kept": turn, "links": "lo", "privileges": "1",
        }
        for name, value in expected.items():
            assert inside.get(name) == value, f"{name}: {inside.get(name)!r}, not {value!r}\n{said['box']}\n{task}"
        root = facts(said["root"])
        assert root["taken"] == "from the machine" and root["write"] == "1", (root, task)
        assert int(root["all"], 16) & (1 << 21), f"privileged is CAP_SYS_ADMIN too: {root}"
    assert not os.path.exists(os.path.join(folder, "new"))


def overrides():
    definition = cloud.register({
        "family": "overridden", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
        "cpu": "256", "memory": "512",
        "containerDefinitions": [logged({"name": "app", **shell("echo mode=none"),
                                         "environment": [{"name": "MODE", "value": "usual"}]})],
    })
    change = {"name": "app", "command": ["sh", "-c", "echo mode=$MODE; exit 3"],
              "environment": [{"name": "MODE", "value": "once"}], "memory": 300}
    token = "the-same-request"
    arguments = {"launchType": "FARGATE", "networkConfiguration": network, "clientToken": token,
                 "overrides": {"containerOverrides": [change]}}
    task, said = cloud.run(definition, **arguments)
    assert facts(said["app"]) == {"mode": "once"}, said
    assert task["containers"][0]["exitCode"] == 3 and task["containers"][0]["memory"] == "300", task
    again = ecs.run_task(cluster=cloud.CLUSTER, taskDefinition=definition, **arguments)["tasks"]
    assert [one["taskArn"] for one in again] == [task["taskArn"]], "the same request is answered with the same task"


def failures():
    """What goes wrong is told in the words of ECS."""
    base = {"networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512"}
    arguments = {"launchType": "FARGATE", "networkConfiguration": network}

    def reason(family, container, **more):
        definition = cloud.register({**base, "family": family, **more, "containerDefinitions": [logged(container)]})
        task, said = cloud.run(definition, **arguments)
        return task, task["containers"][0], said

    task, container, _ = reason("unknown", {"name": "app", "image": "127.0.0.1:1/none:1"})
    assert task["stopCode"] == "TaskFailedToStart", task
    assert "CannotPullContainerError" in task["stoppedReason"], task
    eat = "x=x; while :; do x=$x$x$x$x; done"
    task, container, _ = reason("hungry", {"name": "app", **shell(eat), "memory": 32})
    assert container["exitCode"] == 137 and "OutOfMemoryError" in container["reason"], container
    task, container, _ = reason("lost", {"name": "app", "image": IMAGE, "command": ["/no/such"]})
    assert "no such file" in str(task["stoppedReason"]) + str(container.get("reason")), task
    task, _, _ = reason("secretless", {"name": "app", **shell("true"),
                                       "secrets": [{"name": "A", "valueFrom": "/not/there"}]},
                        executionRoleArn="arn:aws:iam::000000000000:role/reader")
    assert "invalid ssm parameters: /not/there" in task["stoppedReason"], task


for part in sys.argv[1:] or ["fargate", "machine", "overrides", "failures"]:
    globals()[part]()
    print(part)
