// The JavaScript SDK: its waiters, its types, its errors. Configured by the environment alone.

import assert from "node:assert/strict";
import { CreateSubnetCommand, CreateVpcCommand, EC2Client } from "@aws-sdk/client-ec2";
import {
  ClusterNotFoundException, CreateClusterCommand, CreateServiceCommand, DeleteServiceCommand,
  DescribeServiceDeploymentsCommand, DescribeServiceRevisionsCommand, DescribeServicesCommand,
  DescribeTaskDefinitionCommand, ECSClient, ListServiceDeploymentsCommand, ListTasksCommand,
  RegisterTaskDefinitionCommand, RunTaskCommand, StopTaskCommand, UpdateServiceCommand,
  waitUntilServicesInactive, waitUntilServicesStable, waitUntilTasksRunning, waitUntilTasksStopped,
} from "@aws-sdk/client-ecs";
import { CreateSecretCommand, GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { GetParametersByPathCommand, PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const ecs = new ECSClient({});
const ec2 = new EC2Client({});
const wait = { client: ecs, maxWaitTime: 60, minDelay: 1, maxDelay: 2 };
const cluster = "node";

const account = (await new STSClient({}).send(new GetCallerIdentityCommand({}))).Account;
assert.match(account, /^\d{12}$/);

const vpc = (await ec2.send(new CreateVpcCommand({ CidrBlock: "10.7.0.0/16" }))).Vpc.VpcId;
const subnet = (await ec2.send(new CreateSubnetCommand({ VpcId: vpc, CidrBlock: "10.7.1.0/24" }))).Subnet.SubnetId;
const networkConfiguration = { awsvpcConfiguration: { subnets: [subnet] } };

await assert.rejects(ecs.send(new DescribeServicesCommand({ cluster: "none", services: ["x"] })),
  (error) => error instanceof ClusterNotFoundException && error.message === "Cluster not found.");
await ecs.send(new CreateClusterCommand({ clusterName: cluster }));
const missing = await ecs.send(new DescribeServicesCommand({ cluster, services: ["x"] }));
assert.equal(missing.failures[0].reason, "MISSING");

const { taskDefinition } = await ecs.send(new RegisterTaskDefinitionCommand({
  family: "node", networkMode: "awsvpc", requiresCompatibilities: ["FARGATE"], cpu: "256", memory: "512",
  containerDefinitions: [{
    name: "app", image: "busybox:1.35", stopTimeout: 2,
    command: ["sh", "-c", "trap 'exit 0' TERM; while :; do :; done"],
  }],
}));
assert.ok(taskDefinition.registeredAt instanceof Date);
const read = await ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition: "node", include: ["TAGS"] }));
assert.equal(read.taskDefinition.taskDefinitionArn, taskDefinition.taskDefinitionArn);

const run = await ecs.send(new RunTaskCommand({
  cluster, taskDefinition: "node", launchType: "FARGATE", networkConfiguration, volumeConfigurations: [], tags: [],
}));
assert.deepEqual(run.failures, []);
const tasks = run.tasks.map((task) => task.taskArn);
await waitUntilTasksRunning(wait, { cluster, tasks });
await ecs.send(new StopTaskCommand({ cluster, task: tasks[0], reason: "enough" }));
const stopped = await waitUntilTasksStopped(wait, { cluster, tasks });
assert.equal(stopped.state, "SUCCESS");
assert.equal(stopped.reason.tasks[0].stoppedReason, "enough");
assert.ok(stopped.reason.tasks[0].stoppedAt instanceof Date);

const services = ["web"];
await ecs.send(new CreateServiceCommand({
  cluster, serviceName: "web", taskDefinition: "node", desiredCount: 2, launchType: "FARGATE", networkConfiguration,
  enableExecuteCommand: true,
}));
await waitUntilServicesStable(wait, { cluster, services });
const first = (await ecs.send(new DescribeServicesCommand({ cluster, services }))).services[0];
assert.equal(first.runningCount, 2);
assert.ok(first.deployments[0].createdAt instanceof Date && first.events[0].createdAt instanceof Date);
// As the official deploy action sends it.
const updated = await ecs.send(new UpdateServiceCommand({
  cluster, service: "web", taskDefinition: "node", forceNewDeployment: true, volumeConfigurations: [],
}));
const deployment = updated.service.deployments.find((one) => one.status === "PRIMARY");
assert.equal(deployment.rolloutState, "IN_PROGRESS");
await waitUntilServicesStable(wait, { cluster, services });
const second = (await ecs.send(new DescribeServicesCommand({ cluster, services }))).services[0];
assert.equal(second.deployments[0].id, deployment.id);
assert.equal(second.deployments[0].rolloutState, "COMPLETED");

const listed = await ecs.send(new ListServiceDeploymentsCommand({ cluster, service: "web" }));
assert.equal(listed.serviceDeployments.length, 2);
const described = await ecs.send(new DescribeServiceDeploymentsCommand({
  serviceDeploymentArns: [listed.serviceDeployments[0].serviceDeploymentArn],
}));
assert.equal(described.serviceDeployments[0].status, "SUCCESSFUL");
assert.ok(described.serviceDeployments[0].finishedAt instanceof Date);
const revisions = await ecs.send(new DescribeServiceRevisionsCommand({
  serviceRevisionArns: [described.serviceDeployments[0].targetServiceRevision.arn],
}));
assert.equal(revisions.serviceRevisions[0].taskDefinition, taskDefinition.taskDefinitionArn);

assert.equal((await ecs.send(new ListTasksCommand({ cluster, serviceName: "web" }))).taskArns.length, 2);
await ecs.send(new DeleteServiceCommand({ cluster, service: "web", force: true }));
await waitUntilServicesInactive(wait, { cluster, services });

const secrets = new SecretsManagerClient({});
await secrets.send(new CreateSecretCommand({ Name: "node", SecretBinary: new Uint8Array([1, 2, 255]) }));
const secret = await secrets.send(new GetSecretValueCommand({ SecretId: "node" }));
assert.deepEqual([...secret.SecretBinary], [1, 2, 255]);
assert.ok(secret.CreatedDate instanceof Date);
await assert.rejects(secrets.send(new GetSecretValueCommand({ SecretId: "none" })),
  (error) => error.name === "ResourceNotFoundException");
const ssm = new SSMClient({});
await ssm.send(new PutParameterCommand({ Name: "/node/a", Value: "1", Type: "SecureString" }));
const found = await ssm.send(new GetParametersByPathCommand({ Path: "/node", WithDecryption: true }));
assert.equal(found.Parameters[0].Value, "1");
console.log("done");
