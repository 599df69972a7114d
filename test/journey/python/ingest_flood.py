"""Many containers write as fast as they can: all of it is stored, in order, and nothing else.

Arguments: how many containers, how many lines each of them writes.
"""

import sys
import time

import cloud
from cloud import CLUSTER, GROUP, ecs, logs

containers, lines = int(sys.argv[1]), int(sys.argv[2])
network = cloud.prepare()
# A file is made first, so that what is measured is not awk.
PADDING = "INFO request finished method=GET path=/api/orders status=200 duration_ms=12 request_id=5f3a9c user=alice agent=curl"
SCRIPT = (
    f"awk 'BEGIN {{ for (i = 1; i <= 10000; i++) printf \"%05d {PADDING}\\n\", i }}' > /lines; "
    f"sleep 20; for n in $(seq {lines // 10000}); do cat /lines; done; echo end; sleep 1000"
)
options = {
    "awslogs-group": GROUP, "awslogs-region": logs.meta.region_name, "awslogs-stream-prefix": "t", "mode": "blocking",
}
definition = cloud.register({
    "family": "flood", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
    "containerDefinitions": [{
        "name": "app", "image": "busybox:1.35", "command": ["sh", "-c", SCRIPT], "stopTimeout": 1,
        "logConfiguration": {"logDriver": "awslogs", "options": options},
    }],
})
tasks = []
for _ in range(0, containers, 10):
    answer = ecs.run_task(cluster=CLUSTER, taskDefinition=definition, launchType="FARGATE", networkConfiguration=network,
                          count=min(10, containers - len(tasks)))
    assert not answer["failures"], answer["failures"]
    tasks += [task["taskArn"].rsplit("/", 1)[1] for task in answer["tasks"]]


def streams():
    found = logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix="t/app/")["logStreams"]
    return {stream["logStreamName"].rsplit("/", 1)[1]: stream for stream in found}


def last(task):
    stream = streams().get(task)
    if not stream:
        return None
    events = logs.get_log_events(logGroupName=GROUP, logStreamName=f"t/app/{task}", limit=1)["events"]
    return events and events[-1]["message"]


cloud.until("all that was written", lambda: all(last(task) == "end" for task in tasks), 300)
wanted, first, end = [], [], []
for task in tasks:
    token, count = {}, 0
    while True:
        page = logs.get_log_events(logGroupName=GROUP, logStreamName=f"t/app/{task}", startFromHead=True, **token)
        for event in page["events"]:
            if event["message"] != "end":
                assert int(event["message"][:5]) == count % 10000 + 1, f"{task}: {event['message']} after {count} lines"
                count += 1
        if page["events"]:
            first.append(page["events"][0]["timestamp"])
            end.append(page["events"][-1]["ingestionTime"])
        if token.get("nextToken") == page["nextForwardToken"]:
            break
        token = {"nextToken": page["nextForwardToken"]}
    assert count == lines, f"{task}: {count} of {lines} lines"
seconds = (max(end) - min(first)) / 1000
print(f"{containers} containers, {containers * lines} lines in {seconds:.1f} s: {containers * lines / seconds:.0f} lines/s")
for task in tasks:
    ecs.stop_task(cluster=CLUSTER, task=task)
cloud.until("the end of all tasks", lambda: not ecs.list_tasks(cluster=CLUSTER)["taskArns"], 120)
