//! From stored rows to the documents of the task metadata endpoint. Pure.

use std::net::Ipv4Addr;

use aws_shape::ecs as shape;
use base_id::Scope;
use contract::agent::AgentError;
use contract::network::{DesiredNetwork, Interface};
use contract::task::{Health, ObservedTask, Transport, runtime_id};
use ipnet::Ipv4Net;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::model::container::{Container, Log};
use crate::model::instance::Mode;
use crate::model::task::Task;
use crate::model::task_definition::TaskDefinition;

const UNITS_PER_CPU: f64 = 1024.0;
const MIB: u64 = 1024 * 1024;
const MIB_PER_GIB: i64 = 1024;

/// Where a task is in its network.
pub(super) struct Place {
    range: Ipv4Net,
    resolver: Option<Ipv4Addr>,
}

impl Place {
    pub(super) fn of(network: &DesiredNetwork, interface: &Interface) -> Option<Self> {
        let mut subnets = network.subnets.iter();
        let subnet = subnets.find(|subnet| subnet.id == interface.subnet)?;
        // As in every VPC: the third address of its first range answers names.
        let first = network.ranges.first();
        Some(Self {
            range: subnet.range,
            resolver: first.map(|range| Ipv4Addr::from(u32::from(range.network()) + 2)),
        })
    }
}

/// All that is known about a task.
pub(super) struct Source<'a> {
    pub(super) scope: &'a Scope,
    pub(super) task: &'a Task,
    pub(super) definition: &'a TaskDefinition,
    pub(super) seen: Option<&'a ObservedTask>,
    /// As DescribeTasks shows it.
    pub(super) shape: &'a shape::Task,
    pub(super) place: Option<&'a Place>,
}

/// An object without the members that have no value.
fn object(members: Vec<(&str, Value)>) -> Value {
    let there = members.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(
        there
            .map(|(name, value)| (name.to_owned(), value))
            .collect::<Map<_, _>>(),
    )
}

fn time(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| json!(at.to_string()))
}

impl Source<'_> {
    pub(super) fn container(&self, index: usize) -> Value {
        let one = &self.definition.spec.containers[index];
        let shapes = self.shape.containers.as_deref().unwrap_or_default();
        let shape = shapes
            .iter()
            .find(|it| it.name.as_deref() == Some(one.name.as_str()));
        let seen = self.seen.and_then(|seen| seen.containers.get(index));
        let known = match shape.and_then(|it| it.last_status.as_deref()) {
            Some(status @ ("RUNNING" | "STOPPED")) => status,
            _ if self.seen.is_some_and(|seen| seen.pull_stopped_at.is_some()) => "PULLED",
            _ => "NONE",
        };
        let digest = shape.and_then(|it| it.image_digest.clone());
        object(vec![
            ("DockerId", json!(runtime_id(&self.task.id, index))),
            ("Name", json!(one.name)),
            ("DockerName", json!(one.name)),
            ("Image", json!(one.image)),
            ("ImageID", json!(digest)),
            ("Labels", self.labels(one)),
            ("DesiredStatus", json!(self.shape.desired_status)),
            ("KnownStatus", json!(known)),
            ("ExitCode", json!(seen.and_then(|seen| seen.exit_code))),
            ("Limits", self.limits(one)),
            (
                "CreatedAt",
                time(seen.and(self.seen.and_then(|it| it.pull_stopped_at))),
            ),
            ("StartedAt", time(seen.and_then(|seen| seen.started_at))),
            ("FinishedAt", time(seen.and_then(|seen| seen.stopped_at))),
            ("Type", json!("NORMAL")),
            ("Health", self.health(one, index)),
            (
                "RestartCount",
                one.restart
                    .as_ref()
                    .map_or(Value::Null, |_| json!(seen.map_or(0, |seen| seen.restarts))),
            ),
            ("LogDriver", self.log_driver(one)),
            ("LogOptions", self.log_options(one)),
            (
                "ContainerARN",
                json!(shape.and_then(|it| it.container_arn.clone())),
            ),
            ("Ports", self.ports(one)),
            ("Networks", self.networks(one)),
            ("Snapshotter", json!("overlayfs")),
        ])
    }

    fn labels(&self, one: &Container) -> Value {
        let mut labels = one.labels.clone();
        let own = [
            ("cluster", self.shape.cluster_arn.clone().unwrap_or_default()),
            ("container-name", one.name.clone()),
            ("task-arn", self.task.arn.clone()),
            ("task-definition-family", self.definition.family.clone()),
            ("task-definition-version", self.definition.revision.to_string()),
        ];
        labels.extend(own.map(|(name, value)| (format!("com.amazonaws.ecs.{name}"), value)));
        json!(labels)
    }

    fn limits(&self, one: &Container) -> Value {
        let size = self.task.size_of(one);
        let cpu = size.cpu_units.unwrap_or(0);
        object(vec![("CPU", json!(cpu)), ("Memory", json!(size.memory_mib))])
    }

    fn health(&self, one: &Container, index: usize) -> Value {
        if one.health_check.is_none() {
            return Value::Null;
        }
        let seen = self.seen.and_then(|seen| seen.containers.get(index));
        let status = match seen.map(|seen| seen.health) {
            Some(Health::Healthy) => "HEALTHY",
            Some(Health::Unhealthy) => "UNHEALTHY",
            Some(Health::Unknown) | None => "UNKNOWN",
        };
        json!({ "status": status })
    }

    fn log_driver(&self, one: &Container) -> Value {
        match one.log {
            Log::None => Value::Null,
            Log::Group { .. } => json!("awslogs"),
        }
    }

    fn log_options(&self, one: &Container) -> Value {
        let Log::Group {
            name,
            region,
            prefix,
            create,
            ..
        } = &one.log
        else {
            return Value::Null;
        };
        let head = prefix
            .as_ref()
            .map_or_else(String::new, |prefix| format!("{prefix}/"));
        object(vec![
            ("awslogs-group", json!(name)),
            ("awslogs-region", json!(region)),
            (
                "awslogs-stream",
                json!(format!("{head}{}/{}", one.name, self.task.id)),
            ),
            (
                "awslogs-create-group",
                create.then(|| json!("true")).unwrap_or_default(),
            ),
        ])
    }

    /// On an instance's bridge, or in its own network.
    fn lodged(&self, one: &Container) -> Value {
        let Some(lodging) = &self.task.lodging else {
            return json!([]);
        };
        let (mode, address) = match lodging.mode {
            Mode::Apart => return json!([]),
            Mode::Shared => ("host", Some(lodging.address)),
            Mode::Bridge => ("bridge", lodging.addresses.get(&one.name).copied()),
        };
        json!([object(vec![
            ("NetworkMode", json!(mode)),
            ("IPv4Addresses", json!(address.map(|it| [it]))),
        ])])
    }

    /// Ports of the instance that lead to a container.
    fn ports(&self, one: &Container) -> Value {
        let ports = self
            .task
            .lodging
            .as_ref()
            .and_then(|it| it.publish.get(&one.name));
        let ports: Vec<Value> = ports
            .into_iter()
            .flatten()
            .map(|it| {
                let protocol = match it.protocol {
                    Transport::Tcp => "tcp",
                    Transport::Udp => "udp",
                };
                json!({
                    "ContainerPort": it.container_port,
                    "Protocol": protocol,
                    "HostPort": it.host_port,
                    "HostIp": "0.0.0.0",
                })
            })
            .collect();
        if ports.is_empty() {
            Value::Null
        } else {
            json!(ports)
        }
    }

    fn networks(&self, one: &Container) -> Value {
        let Some(attachment) = self.task.attachment() else {
            return self.lodged(one);
        };
        let interface = &attachment.interface;
        let router = self.place.map(|place| {
            let first = Ipv4Addr::from(u32::from(place.range.network()) + 1);
            format!("{first}/{}", place.range.prefix_len())
        });
        let name = interface.address.to_string().replace('.', "-");
        json!([object(vec![
            ("NetworkMode", json!("awsvpc")),
            ("IPv4Addresses", json!([interface.address])),
            ("AttachmentIndex", json!(0)),
            ("MACAddress", json!(interface.mac)),
            ("IPv4SubnetCIDRBlock", json!(self.place.map(|it| it.range))),
            (
                "DomainNameServers",
                json!(self.place.and_then(|it| it.resolver).map(|it| [it])),
            ),
            (
                "PrivateDNSName",
                json!(format!("ip-{name}.{}.compute.internal", self.scope.region)),
            ),
            ("SubnetGatewayIpv4Address", json!(router)),
        ])])
    }

    pub(super) fn task(&self, storage_bytes: Option<u64>) -> Value {
        object(self.members(storage_bytes))
    }

    pub(super) fn task_with_tags(&self, storage_bytes: Option<u64>) -> Value {
        let mut members = self.members(storage_bytes);
        members.push(("TaskTags", json!(self.task.tags)));
        object(members)
    }

    fn members(&self, storage_bytes: Option<u64>) -> Vec<(&'static str, Value)> {
        let known = match self.shape.last_status.as_deref().unwrap_or_default() {
            "PROVISIONING" | "PENDING" => "NONE",
            "DEPROVISIONING" | "STOPPED" => "STOPPED",
            _ => "RUNNING",
        };
        let number = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<f64>().ok());
        let cpus = number(&self.shape.cpu).map(|units| units / UNITS_PER_CPU);
        let memory = self
            .shape
            .memory
            .as_ref()
            .and_then(|text| text.parse::<u32>().ok());
        let limits = object(vec![("CPU", json!(cpus)), ("Memory", json!(memory))]);
        let network = self.task.attachment().map(|it| it.interface.network.clone());
        let reserved = self.shape.ephemeral_storage.as_ref().map(|it| it.size_in_gi_b);
        let storage = storage_bytes.zip(reserved).map(
            |(used, gib)| json!({ "Utilized": used.div_ceil(MIB), "Reserved": i64::from(gib) * MIB_PER_GIB }),
        );
        let containers = 0..self.definition.spec.containers.len();
        let containers: Vec<Value> = containers.map(|index| self.container(index)).collect();
        vec![
            ("Cluster", json!(self.shape.cluster_arn)),
            ("TaskARN", json!(self.task.arn)),
            ("Family", json!(self.definition.family)),
            ("Revision", json!(self.definition.revision.to_string())),
            ("ServiceName", json!(self.task.service())),
            ("DesiredStatus", json!(self.shape.desired_status)),
            ("KnownStatus", json!(known)),
            ("Limits", limits),
            ("PullStartedAt", time(self.shape.pull_started_at)),
            ("PullStoppedAt", time(self.shape.pull_stopped_at)),
            ("ExecutionStoppedAt", time(self.shape.execution_stopped_at)),
            ("AvailabilityZone", json!(self.shape.availability_zone)),
            (
                "LaunchType",
                json!(self.shape.launch_type.as_ref().map(|it| it.as_str())),
            ),
            ("Containers", json!(containers)),
            ("VPCID", json!(network)),
            ("EphemeralStorageMetrics", json!(storage)),
        ]
    }
}

/// What the body of a request to change the protection wishes: on or off, and for how many minutes.
pub(super) fn protection(body: &str) -> Result<(bool, Option<i32>), AgentError> {
    let refused = |why: &str| AgentError::Refused(format!("UpdateTaskProtection: {why}"));
    let wish: Map<String, Value> = serde_json::from_str(body).map_err(|_| refused("invalid request"))?;
    let known = ["ProtectionEnabled", "ExpiresInMinutes"];
    if let Some(other) = wish.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(refused(&format!("unknown field {other}")));
    }
    let enabled = wish.get("ProtectionEnabled").and_then(Value::as_bool);
    let enabled = enabled.ok_or_else(|| refused("does not contain ProtectionEnabled field"))?;
    let minutes = match wish.get("ExpiresInMinutes") {
        None | Some(Value::Null) => None,
        Some(minutes) => {
            let minutes = minutes.as_i64().and_then(|it| i32::try_from(it).ok());
            Some(minutes.ok_or_else(|| refused("ExpiresInMinutes is not a whole number"))?)
        }
    };
    Ok((enabled, minutes))
}
