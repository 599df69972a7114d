"""An application inside a task that is itself an AWS client: driven from outside, run inside with `inside`."""

import json
import os
import sys
import urllib.request


def inside():
    """What the container runs; nothing is configured."""
    import boto3

    sts = boto3.client("sts")
    own = sts.get_caller_identity()["Arn"]
    assumed = sts.assume_role(RoleArn=os.environ["READER"], RoleSessionName="reading")["Credentials"]
    reader = boto3.session.Session(assumed["AccessKeyId"], assumed["SecretAccessKey"], assumed["SessionToken"])
    parameters, token = {}, {}
    while True:
        page = reader.client("ssm").get_parameters_by_path(Path="/shop/", Recursive=True, WithDecryption=True,
                                                           MaxResults=2, **token)
        parameters.update({one["Name"]: one["Value"] for one in page["Parameters"]})
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}

    def get(path):
        with urllib.request.urlopen(os.environ["ECS_CONTAINER_METADATA_URI_V4"] + path) as answer:
            return json.load(answer)

    task, stats = get("/task"), get("/stats")
    print(json.dumps({"own": own, "reader": reader.client("sts").get_caller_identity()["Arn"],
                      "parameters": parameters, "container": get("")["Name"], "family": task["Family"],
                      "task": task["TaskARN"], "memory": stats["memory_stats"]["usage"] > 0,
                      "cpu": stats["cpu_stats"]["cpu_usage"]["total_usage"] > 0}), flush=True)


def outside(image):
    import boto3
    import cloud

    network = cloud.prepare()
    iam, ssm = boto3.client("iam"), boto3.client("ssm")
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                                     "Principal": {"Service": "ecs-tasks.amazonaws.com"}}]}
    own = iam.create_role(RoleName="shop", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    trust["Statement"][0]["Principal"] = {"AWS": own}
    reader = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    for name, kind, value in [("/shop/db/password", "SecureString", "s3cret"), ("/shop/db/user", "String", "web"),
                              ("/shop/key", "SecureString", "k3y"), ("/other", "String", "no")]:
        ssm.put_parameter(Name=name, Type=kind, Value=value)
    definition = cloud.register({
        "family": "shop", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256",
        "memory": "512", "taskRoleArn": own,
        "containerDefinitions": [cloud.logged({"name": "app", "image": image,
                                               "environment": [{"name": "READER", "value": reader}]})],
    })
    task, said = cloud.run(definition, launchType="FARGATE", networkConfiguration=network)
    assert task["containers"][0]["exitCode"] == 0, f"{said['app']}\n{task}"
    seen = json.loads(said["app"].splitlines()[-1])
    identity = task["taskArn"].rsplit("/", 1)[1]
    assert seen["own"].endswith(f":assumed-role/shop/{identity}"), seen
    assert seen["reader"].endswith(":assumed-role/reader/reading"), seen
    assert seen["parameters"] == {"/shop/db/password": "s3cret", "/shop/db/user": "web", "/shop/key": "k3y"}, seen
    assert (seen["container"], seen["family"], seen["task"]) == ("app", "shop", task["taskArn"]), seen
    assert seen["memory"] and seen["cpu"], seen
    print("done")


if sys.argv[1] == "inside":
    inside()
else:
    outside(sys.argv[1])
