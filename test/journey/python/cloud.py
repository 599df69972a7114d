"""What the scripts share: a network, a cluster, and tasks that are run to their end."""

import time

import boto3

CLUSTER = "inside"
GROUP = "/inside"

ecs = boto3.client("ecs")
ec2 = boto3.client("ec2")
logs = boto3.client("logs")


def prepare():
    """Makes what tasks need; returns the network configuration of a task on Fargate."""
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    ecs.create_cluster(clusterName=CLUSTER)
    logs.create_log_group(logGroupName=GROUP)
    return {"awsvpcConfiguration": {"subnets": [subnet]}}


def logged(container):
    """The container with its output in the log store."""
    options = {"awslogs-group": GROUP, "awslogs-region": logs.meta.region_name, "awslogs-stream-prefix": "t"}
    return {**container, "logConfiguration": {"logDriver": "awslogs", "options": options}}


def register(definition):
    """Registers a definition, and reads it back as it was written."""
    made = ecs.register_task_definition(**definition)["taskDefinition"]
    read = ecs.describe_task_definition(taskDefinition=made["taskDefinitionArn"])["taskDefinition"]
    assert_within(definition, read, "definition")
    return made["taskDefinitionArn"]


def assert_within(written, read, place):
    if isinstance(written, dict):
        for key, value in written.items():
            assert key in read, f"{place}.{key} is not read back"
            assert_within(value, read[key], f"{place}.{key}")
    elif isinstance(written, list):
        assert len(written) == len(read), f"{place}: {written} became {read}"
        for index, (one, other) in enumerate(zip(written, read)):
            assert_within(one, other, f"{place}[{index}]")
    else:
        assert written == read, f"{place}: {written!r} became {read!r}"


def run(definition, **arguments):
    """Runs a task to its end; returns it, and what each of its containers printed."""
    answer = ecs.run_task(cluster=CLUSTER, taskDefinition=definition, **arguments)
    assert not answer["failures"], answer["failures"]
    arn = answer["tasks"][0]["taskArn"]
    waiter = ecs.get_waiter("tasks_stopped")
    waiter.wait(cluster=CLUSTER, tasks=[arn], WaiterConfig={"Delay": 1, "MaxAttempts": 90})
    task = ecs.describe_tasks(cluster=CLUSTER, tasks=[arn])["tasks"][0]
    return task, {one["name"]: printed(one["name"], arn) for one in task["containers"]}


def printed(container, arn):
    stream = f"t/{container}/{arn.rsplit('/', 1)[1]}"
    try:
        events = logs.get_log_events(logGroupName=GROUP, logStreamName=stream, startFromHead=True)["events"]
    except logs.exceptions.ResourceNotFoundException:
        return ""
    return "\n".join(event["message"] for event in events)


def facts(text):
    """Lines of the form name=value."""
    return dict(line.strip().split("=", 1) for line in text.splitlines() if "=" in line)


def until(what, look, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"never came: {what}")
