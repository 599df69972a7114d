"""Containers write numbered lines while control processes and shims are killed: no accepted line is lost or doubled.

A line is accepted when its shim has written it to the task's spool. That file outlives every process; what is still in the
pipe between container and shim ends with the shim, as the container itself does.

Arguments: how many deaths.
"""

import os
import random
import re
import signal
import sys
import time
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

import cloud
from cloud import CLUSTER, GROUP, ecs, logs

deaths = int(sys.argv[1])
chance = random.Random(deaths)
TASKS = 5
BURST = 40
network = cloud.prepare()
lock = Path(f"/run/wharf-{os.environ['WHARF_INSTANCE']}/control.lock")

# Numbers in bursts, to both streams of the container in turn: their common order is the order of the lines.
COUNT = (
    'awk \'BEGIN { for (i = 1; ; i++) { print "line", i; '
    f'if (i % {BURST} == 0) {{ fflush(); system("usleep 20000") }} }} }}\''
)


def sure(call, **arguments):
    """A call that only ends with an answer, however often the control process dies meanwhile."""
    end = time.monotonic() + 60
    while True:
        try:
            return call(**arguments)
        except BotoCoreError as error:
            assert time.monotonic() < end, f"no answer to {call.__name__}: {error}"
            time.sleep(0.1)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            assert status >= 500 and time.monotonic() < end, error
            time.sleep(0.1)


def define(family, command, **options):
    options = {"awslogs-group": GROUP, "awslogs-region": logs.meta.region_name, "awslogs-stream-prefix": "t", **options}
    container = {
        "name": "app", "image": "busybox:1.35", "command": ["sh", "-c", command], "stopTimeout": 2,
        "logConfiguration": {"logDriver": "awslogs", "options": options},
    }
    return cloud.register({
        "family": family, "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
        "containerDefinitions": [container],
    })


def start(definition):
    answer = sure(ecs.run_task, cluster=CLUSTER, taskDefinition=definition, launchType="FARGATE",
                  networkConfiguration=network)
    assert not answer["failures"], answer["failures"]
    return answer["tasks"][0]["taskArn"].rsplit("/", 1)[1]


def shim(task):
    """Number of the task's shim, and its directory."""
    for process in Path("/proc").iterdir():
        try:
            words = (process / "cmdline").read_bytes().decode().split("\0")
        except (OSError, UnicodeDecodeError):
            continue
        if "shim" in words and "task" in words and any(word.endswith(f"/{task}") for word in words):
            return int(process.name), Path(next(word for word in words if word.endswith(f"/{task}")))
    return None


def accepted(directory):
    """The last whole line in the spool."""
    segments = sorted(directory.glob("app.*.spool"), key=lambda path: int(path.name.split(".")[1]))
    for path in reversed(segments):
        try:
            numbers = re.findall(rb" line (\d+)\n", path.read_bytes())
        except FileNotFoundError:
            continue
        if numbers:
            return int(numbers[-1])
    return 0


def events(task):
    found, token = [], {}
    while True:
        page = sure(logs.get_log_events, logGroupName=GROUP, logStreamName=f"t/app/{task}", startFromHead=True, **token)
        found += page["events"]
        if token.get("nextToken") == page["nextForwardToken"]:
            return found
        token = {"nextToken": page["nextForwardToken"]}


def running(task):
    return cloud.until("a task that writes", lambda: (found := shim(task)) and accepted(found[1]) and found)


def kill_control():
    """The one that runs; after the death of another it takes a moment until there is one."""
    end = time.monotonic() + 30
    while True:
        try:
            return os.kill(int(lock.read_text()), signal.SIGKILL)
        except (ProcessLookupError, ValueError):
            assert time.monotonic() < end, "no control process comes back"
            time.sleep(0.05)


def die(definition, tasks, floors):
    """Kills the control process, or a shim, or both at once; what a shim's task had accepted is remembered."""
    kind = chance.choice(["control", "shim", "both"])
    if kind != "control":
        task = chance.choice(tasks)
        number, directory = running(task)
        floors[task] = accepted(directory)
        os.kill(number, signal.SIGKILL)
        tasks.remove(task)
    if kind != "shim":
        kill_control()
    time.sleep(chance.uniform(0.05, 1))
    while len(tasks) < TASKS:
        tasks.append(start(definition))


def numbered():
    definition = define("numbered", COUNT, mode="blocking")
    tasks = [start(definition) for _ in range(TASKS)]
    everyone, floors = set(tasks), {}
    for task in tasks:
        running(task)
    for _ in range(deaths):
        die(definition, tasks, floors)
        everyone |= set(tasks)
    for task in tasks:
        running(task)
    for task in tasks:
        sure(ecs.stop_task, cluster=CLUSTER, task=task)
    cloud.until("the end of all tasks", lambda: not sure(ecs.list_tasks, cluster=CLUSTER)["taskArns"], 120)
    total = 0
    for task in everyone:
        found = [event["message"] for event in events(task)]
        expected = [f"line {number}" for number in range(1, len(found) + 1)]
        if found != expected:
            place = next(n for n, pair in enumerate(zip(found, expected)) if pair[0] != pair[1])
            raise AssertionError(f"{task}: {found[max(0, place - 2):place + 3]} at line {place + 1} of {len(found)}")
        assert len(found) >= floors.get(task, 1), f"{task}: {len(found)} lines, {floors[task]} were accepted"
        total += len(found)
    print(f"{deaths} deaths, {len(everyone)} tasks, {len(floors)} of them with their shims, {total} lines")


def joined():
    """Events of several lines, by a pattern and by the format of a time."""
    script = "for n in 1 2 3; do echo \"2026-11-2$n 10:00:00 failed\"; echo '  at main'; echo '  at start'; done"
    wanted = [f"2026-11-2{n} 10:00:00 failed\n  at main\n  at start" for n in (1, 2, 3)]
    for option in [{"awslogs-multiline-pattern": "^[0-9]{4}-"}, {"awslogs-datetime-format": "%Y-%m-%d %H:%M:%S"}]:
        task = start(define("joined", f"{script}; sleep 100", **option))
        look = lambda: shim(task) and [event["message"] for event in found_events(task)] == wanted
        cloud.until("events of several lines, while the task runs", look)
        sure(ecs.stop_task, cluster=CLUSTER, task=task)


def found_events(task):
    try:
        return events(task)
    except (AssertionError, ClientError):
        return []


numbered()
joined()
