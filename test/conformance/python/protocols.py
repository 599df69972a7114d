"""boto3 against the small services: each protocol, good and bad."""

import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

URL = sys.argv[1]


def client(name, **more):
    config = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
    return boto3.client(
        name, endpoint_url=URL, region_name="eu-west-3", aws_access_key_id="AKIATEST",
        aws_secret_access_key="secret", config=config, **more,
    )


def refused(call, code, status, part, **arguments):
    try:
        answer = call(**arguments)
    except ClientError as error:
        found = error.response["Error"]
        assert found["Code"] == code, found
        assert part in found["Message"], found
        metadata = error.response["ResponseMetadata"]
        assert metadata["HTTPStatusCode"] == status, metadata
        assert metadata["RequestId"], metadata
        return error
    raise AssertionError(f"not refused: {answer}")


ecs, ecr, elbv2, ec2, logs, sts, iam = map(client, ["ecs", "ecr", "elbv2", "ec2", "logs", "sts", "iam"])

# awsJson
cluster = ecs.create_cluster(clusterName="web ü", tags=[{"key": "a", "value": "b"}])["cluster"]
assert cluster["clusterArn"] == "arn:aws:ecs:eu-west-3:000000000000:cluster/web ü", cluster
assert cluster["tags"] == [{"key": "a", "value": "b"}], cluster
definition = ecs.register_task_definition(
    family="f", networkMode="awsvpc",
    containerDefinitions=[{"name": "c", "image": "i", "cpu": 256, "environment": [], "dockerLabels": {"x": "y"}}],
)["taskDefinition"]
assert definition["containerDefinitions"][0]["dockerLabels"] == {"x": "y"}, definition
assert definition["containerDefinitions"][0]["environment"] == [], definition
assert definition["registeredAt"].timestamp() == 1767225600.25, definition
assert logs.create_log_group(logGroupName="/a/b")["ResponseMetadata"]["HTTPStatusCode"] == 200
error = refused(ecs.describe_services, "ClusterNotFoundException", 400, "Cluster not found.", services=["a"])
assert isinstance(error, ecs.exceptions.ClusterNotFoundException), type(error)
refused(ecs.create_cluster, "ServerException", 500, "internal error", clusterName="crash")
refused(ecs.create_cluster, "ServerException", 500, "internal error", clusterName="panic")
refused(ecs.create_capacity_provider, "UnknownOperationException", 400, "does not serve the operation "
        "CreateCapacityProvider", name="x")
refused(ecs.list_clusters, "UnknownOperationException", 400, "does not serve the operation ListClusters")
refused(ecs.register_task_definition, "InvalidParameterException", 400,
        "1 validation error detected: Value 'bridged' at 'networkMode' failed to satisfy constraint: Member must "
        "satisfy enum value set: [bridge, host, awsvpc, none]",
        family="f", networkMode="bridged", containerDefinitions=[])
refused(ecs.register_task_definition, "InvalidParameterException", 400,
        "2 validation errors detected: Value null at 'family' failed to satisfy constraint: Member must not be null; "
        "Value null at 'containerDefinitions' failed to satisfy constraint: Member must not be null")
refused(ecs.create_cluster, "SerializationException", 400, "NUMBER_VALUE can not be converted to a String",
        clusterName=7)
refused(ecr.create_repository, "InvalidParameterException", 400,
        "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular expression '",
        repositoryName="Upper")
refused(ecr.create_repository, "InvalidParameterException", 400, "'must have length greater than or equal to 2'",
        repositoryName="x")
refused(logs.create_log_group, "InvalidParameterException", 400,
        "1 validation error detected: Value 'a b' at 'logGroupName' failed to satisfy constraint: Member must satisfy "
        "regular expression pattern: ", logGroupName="a b")

# awsQuery
identity = sts.get_caller_identity()
assert (identity["Account"], identity["UserId"]) == ("000000000000", "AKIATEST"), identity
assert identity["ResponseMetadata"]["RequestId"] == "00000000-0000-0000-0000-" + "%012x" % int(
    identity["ResponseMetadata"]["RequestId"][-12:], 16), identity
balancer = elbv2.create_load_balancer(Name="x", SecurityGroups=["sg-1", "sg-2"])["LoadBalancers"][0]
assert balancer["SecurityGroups"] == ["sg-1", "sg-2"], balancer
assert balancer["CreatedTime"].timestamp() == 1767225600, balancer
assert elbv2.describe_load_balancers()["LoadBalancers"] == []
error = refused(elbv2.describe_load_balancers, "LoadBalancerNotFound", 400, "'[<none> & \"more\"]'", Names=["x"])
assert isinstance(error, elbv2.exceptions.LoadBalancerNotFoundException), type(error)
refused(elbv2.create_load_balancer, "ValidationError", 400,
        "1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null")
refused(elbv2.describe_ssl_policies, "InvalidAction", 400, "does not serve the operation DescribeSSLPolicies")
refused(client("elb").describe_load_balancers, "InvalidAction", 400, "for version 2012-06-01")
error = refused(iam.get_role, "NoSuchEntity", 404, "The role with name x cannot be found.", RoleName="x")
assert isinstance(error, iam.exceptions.NoSuchEntityException), type(error)

# ec2Query
vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=[
    {"ResourceType": "vpc", "Tags": [{"Key": "k", "Value": "v&<>"}]}])["Vpc"]
assert (vpc["VpcId"], vpc["CidrBlock"], vpc["Tags"]) == ("vpc-1", "10.0.0.0/16", [{"Key": "k", "Value": "v&<>"}]), vpc
assert ec2.delete_vpc(VpcId="vpc-1")["ResponseMetadata"]["HTTPStatusCode"] == 200
refused(ec2.delete_vpc, "InvalidVpcID.NotFound", 400, "The vpc ID 'vpc-2' does not exist", VpcId="vpc-2")
refused(ec2.delete_vpc, "MissingParameter", 400, "The request must contain the parameter VpcId")
refused(ec2.run_instances, "InvalidAction", 400, "does not serve the operation RunInstances", MinCount=1, MaxCount=1)
refused(ec2.describe_vpcs, "InvalidParameterValue", 400, "Value ( 2 ) for parameter MaxResults is invalid", MaxResults=2)
refused(ec2.describe_vpcs, "InvalidParameterValue", 400, "Value (many) for parameter MaxResults is invalid",
        MaxResults="many")

# what is no served service
refused(client("sqs").list_queues, "UnknownOperationException", 404, "Wharf does not serve the service sqs yet.")
refused(client("lambda").list_functions, "UnknownOperationException", 404,
        "Wharf does not serve the service lambda yet.")
