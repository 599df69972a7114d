//! Joins a cluster: what ECS's agent tells when it starts.

use std::fs;
use std::path::Path;
use std::time::Duration;

use aws_client::{Client, Metadata, Overrides};
use aws_protocol::ApiError;
use aws_shape::ecs::{
    Api as _, Attribute, CreateClusterRequest, RegisterContainerInstanceRequest, Resource, Tag, VersionInfo,
};
use serde_json::{Value, json};

use crate::Agent;
use crate::journal::Journal;
use crate::settings::{DEFAULT_CLUSTER, Settings};

const CONFIG: &str = "etc/ecs/ecs.config";
/// Which cluster the instance has joined and as what, so that it is the same after a reboot.
const STATE: &str = "var/lib/ecs/data/agent.json";
/// Ports that the real agent, Docker and SSH have, and which it never offers.
const RESERVED_PORTS: [u16; 5] = [22, 2375, 2376, 51678, 51679];
const RETRY_FIRST: Duration = Duration::from_millis(500);
const RETRY_MAX: Duration = Duration::from_secs(30);

/// What instances here can do for tasks, in the names of the ECS agent.
const CAPABILITIES: [&str; 25] = [
    "com.amazonaws.ecs.capability.docker-remote-api.1.17",
    "com.amazonaws.ecs.capability.docker-remote-api.1.18",
    "com.amazonaws.ecs.capability.docker-remote-api.1.19",
    "com.amazonaws.ecs.capability.docker-remote-api.1.20",
    "com.amazonaws.ecs.capability.docker-remote-api.1.21",
    "com.amazonaws.ecs.capability.docker-remote-api.1.22",
    "com.amazonaws.ecs.capability.docker-remote-api.1.23",
    "com.amazonaws.ecs.capability.docker-remote-api.1.24",
    "com.amazonaws.ecs.capability.docker-remote-api.1.25",
    "com.amazonaws.ecs.capability.docker-remote-api.1.29",
    "com.amazonaws.ecs.capability.ecr-auth",
    "com.amazonaws.ecs.capability.logging-driver.awslogs",
    "com.amazonaws.ecs.capability.logging-driver.json-file",
    "com.amazonaws.ecs.capability.logging-driver.none",
    "com.amazonaws.ecs.capability.privileged-container",
    "com.amazonaws.ecs.capability.task-iam-role",
    "com.amazonaws.ecs.capability.task-iam-role-network-host",
    "ecs.capability.container-health-check",
    "ecs.capability.container-ordering",
    "ecs.capability.execution-role-awslogs",
    "ecs.capability.execution-role-ecr-pull",
    "ecs.capability.pid-ipc-namespace-sharing",
    "ecs.capability.secrets.asm.environment-variables",
    "ecs.capability.secrets.ssm.environment-variables",
    "ecs.capability.task-eni",
];

/// Registers, and tries again until that has worked.
pub(crate) async fn keep(agent: &Agent, metadata: &Metadata, journal: &Journal) {
    let text = fs::read_to_string(agent.root.join(CONFIG)).unwrap_or_default();
    let settings = Settings::parse(&text);
    if text.trim().is_empty() && !agent.joins_by_default {
        return;
    }
    for note in &settings.notes {
        journal.say(&format!("/{CONFIG}: {note}"));
    }
    let mut pause = RETRY_FIRST;
    loop {
        match register(agent, metadata, &settings).await {
            Ok(arn) => {
                remember(&agent.root, &settings, &arn);
                return journal.say(&format!("Registered container instance {arn}."));
            }
            Err(sentence) => journal.say(&format!("Unable to register as a container instance: {sentence}")),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(RETRY_MAX);
    }
}

async fn register(agent: &Agent, metadata: &Metadata, settings: &Settings) -> Result<String, String> {
    let document = metadata.get("/latest/dynamic/instance-identity/document").await?;
    let document = document.ok_or("the instance has no identity document")?;
    let identity: Value = serde_json::from_str(&document).map_err(|error| error.to_string())?;
    // Looked for first: the search for credentials would end in a sentence that names every place but the one that
    // matters.
    let role = metadata
        .get("/latest/meta-data/iam/security-credentials/")
        .await?;
    role.ok_or("the instance has no role; give it an instance profile with the policy AmazonEC2ContainerServiceforEC2Role")?;
    let client = Client::from_environment(Overrides {
        endpoint: Some(agent.endpoint.clone()),
        region: identity["region"].as_str().map(str::to_owned),
        ..Overrides::default()
    });
    let client = client.await.map_err(|error| error.to_string())?;
    let cluster = settings.cluster.as_deref().unwrap_or(DEFAULT_CLUSTER);
    let mut input = input(agent, settings, cluster, &document);
    if let Some(arn) = remembered(&agent.root, cluster) {
        input.container_instance_arn = Some(arn);
    }
    let context = client.context();
    let mut answer = client.register_container_instance(&context, input.clone()).await;
    if is_missing(&answer) && settings.cluster.is_none() {
        // The cluster that instances join when they name none is made by the first of them.
        let wish = CreateClusterRequest {
            cluster_name: Some(DEFAULT_CLUSTER.to_owned()),
            ..Default::default()
        };
        let made = client.create_cluster(&context, wish).await;
        made.map_err(|error| error.to_string())?;
        answer = client.register_container_instance(&context, input.clone()).await;
    }
    if answer.is_err() && input.container_instance_arn.take().is_some() {
        // It was deregistered meanwhile.
        answer = client.register_container_instance(&context, input).await;
    }
    let answer = answer.map_err(|error| error.to_string())?;
    let arn = answer.container_instance.and_then(|it| it.container_instance_arn);
    arn.ok_or_else(|| "the answer has no ARN".to_owned())
}

fn is_missing<T>(answer: &Result<T, ApiError>) -> bool {
    answer
        .as_ref()
        .is_err_and(|error| error.code == "ClusterNotFoundException")
}

fn input(
    agent: &Agent,
    settings: &Settings,
    cluster: &str,
    document: &str,
) -> RegisterContainerInstanceRequest {
    let number = |name: &str, value: u32| Resource {
        name: Some(name.to_owned()),
        type_: Some("INTEGER".to_owned()),
        integer_value: Some(i32::try_from(value).unwrap_or(i32::MAX)),
        ..Default::default()
    };
    let set = |name: &str, ports: Vec<u16>| Resource {
        name: Some(name.to_owned()),
        type_: Some("STRINGSET".to_owned()),
        string_set_value: Some(ports.iter().map(u16::to_string).collect()),
        ..Default::default()
    };
    let mut ports = RESERVED_PORTS.to_vec();
    ports.extend(&settings.reserved_ports);
    let memory = agent.memory_mib.saturating_sub(settings.reserved_memory_mib);
    let capabilities = CAPABILITIES.iter().map(|name| ((*name).to_owned(), None));
    let own = settings
        .attributes
        .iter()
        .map(|(name, value)| (name.clone(), Some(value.clone())));
    let attributes = capabilities.chain(own).map(|(name, value)| Attribute {
        name,
        value,
        ..Default::default()
    });
    let tags = settings.tags.iter().map(|(key, value)| Tag {
        key: Some(key.clone()),
        value: Some(value.clone()),
    });
    RegisterContainerInstanceRequest {
        cluster: Some(cluster.to_owned()),
        instance_identity_document: Some(document.to_owned()),
        total_resources: Some(vec![
            number("CPU", agent.cpu_units),
            number("MEMORY", memory),
            set("PORTS", ports),
            set("PORTS_UDP", vec![]),
        ]),
        version_info: Some(VersionInfo {
            agent_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            agent_hash: None,
            docker_version: None,
        }),
        attributes: Some(attributes.collect()),
        tags: (!settings.tags.is_empty()).then(|| tags.collect()),
        ..Default::default()
    }
}

fn remember(root: &Path, settings: &Settings, arn: &str) {
    let cluster = settings.cluster.as_deref().unwrap_or(DEFAULT_CLUSTER);
    let text = json!({"cluster": cluster, "containerInstanceArn": arn}).to_string();
    // One that is not remembered is found again by its instance.
    let _ = fs::write(root.join(STATE), text);
}

fn remembered(root: &Path, cluster: &str) -> Option<String> {
    let text = fs::read_to_string(root.join(STATE)).ok()?;
    let state: Value = serde_json::from_str(&text).ok()?;
    (state["cluster"] == cluster).then(|| state["containerInstanceArn"].as_str().map(str::to_owned))?
}

#[cfg(test)]
mod tests;
