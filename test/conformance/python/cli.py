"""The AWS CLI, configured by its environment."""

import json
import os
import subprocess
import sys

ENVIRONMENT = {**os.environ, "AWS_ENDPOINT_URL": sys.argv[1], "AWS_REGION": "us-west-2",
               # Version 1 of the CLI knows the older name only.
               "AWS_DEFAULT_REGION": "us-west-2", "AWS_ACCESS_KEY_ID": "AKIATEST",
               "AWS_SECRET_ACCESS_KEY": "secret", "AWS_CONFIG_FILE": "/dev/null", "AWS_MAX_ATTEMPTS": "1",
               "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_PAGER": ""}


def aws(*arguments):
    done = subprocess.run(["aws", *arguments, "--output", "json"], env=ENVIRONMENT, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


code, out, err = aws("sts", "get-caller-identity")
assert code == 0 and json.loads(out)["Account"] == "000000000000", err
code, out, err = aws("ecs", "create-cluster", "--cluster-name", "web")
assert code == 0 and json.loads(out)["cluster"]["clusterArn"].startswith("arn:aws:ecs:us-west-2:"), err
code, out, err = aws("ec2", "create-vpc", "--cidr-block", "10.0.0.0/16")
assert code == 0 and json.loads(out)["Vpc"]["CidrBlock"] == "10.0.0.0/16", err
code, out, err = aws("elbv2", "describe-load-balancers", "--names", "x")
assert code != 0 and "(LoadBalancerNotFound)" in err, (out, err)
code, out, err = aws("logs", "create-log-group", "--log-group-name", "a b")
assert code != 0 and "Member must satisfy regular expression pattern" in err, (out, err)
