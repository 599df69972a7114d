"""Rolls a service again and again while others watch: its floor and its ceiling hold at every moment.

Arguments: cluster, service, how often, and the name of the application's process, of which each task has one.
"""

import os
import sys
import threading
import time

import boto3

cluster, service, times, program = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
ecs = boto3.client("ecs")
floor = ceiling = None
violations, looks = [], {"describe-services": 0, "kernel": 0}
done = threading.Event()


def describe():
    return ecs.describe_services(cluster=cluster, services=[service])["services"][0]


def processes():
    """Processes of that name in this cloud's containers."""
    found = set()
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/comm") as file:
                if file.read().strip() != program:
                    continue
            with open(f"/proc/{entry}/cgroup") as file:
                if os.environ["WHARF_INSTANCE"] in file.read():
                    found.add(entry)
        except OSError:
            continue
    return found


def watch(name, look):
    while not done.is_set():
        sentence = look()
        looks[name] += 1
        if sentence:
            violations.append(f"{name}: {sentence}")
        time.sleep(0.02)


def by_description():
    seen = describe()
    running, pending = seen["runningCount"], seen["pendingCount"]
    if running < floor or running + pending > ceiling:
        return f"{running} running and {pending} pending, not {floor} to {ceiling}"


def by_kernel():
    # A look takes a while. What runs between two of them is in one of them at least; what is in both runs between them.
    one, other = processes(), processes()
    most, least = len(one | other), len(one & other)
    if most < floor or least > ceiling:
        return f"{least} to {most} processes, not {floor} to {ceiling}"


first = describe()
desired, percent = first["desiredCount"], first["deploymentConfiguration"]
floor = -(-desired * percent["minimumHealthyPercent"] // 100)
ceiling = desired * percent["maximumPercent"] // 100
watchers = [threading.Thread(target=watch, args=pair)
            for pair in (("describe-services", by_description), ("kernel", by_kernel))]
for watcher in watchers:
    watcher.start()
deployments = set()
try:
    for _ in range(times):
        made = ecs.update_service(cluster=cluster, service=service, forceNewDeployment=True)["service"]
        deployments.add(made["deployments"][0]["id"])
        end = time.monotonic() + 60
        while True:
            seen = describe()
            if len(seen["deployments"]) == 1 and seen["deployments"][0]["rolloutState"] == "COMPLETED":
                break
            assert time.monotonic() < end, seen
            time.sleep(0.05)
finally:
    done.set()
    for watcher in watchers:
        watcher.join()
assert len(deployments) == times, f"{len(deployments)} deployments"
assert not violations, "\n".join(violations[:10])
assert min(looks.values()) > times, looks
print(f"{times} deployments, {looks}")
