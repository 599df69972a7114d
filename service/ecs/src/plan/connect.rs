//! Service Connect: what the proxy listens to inside each task's network, and where that leads. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use contract::agent::{ALIAS_DOOR, ALIASES};
use contract::route::{
    Action, HealthCheck, Listener, ListenerProtocol, RouteTable, Target, TargetGroup, WeightedGroup,
};

use crate::model::discovery::{Connect, Presence, Upstream};
use crate::model::task::{Stage, Task};

/// How long a connection may stay open with a task that shall stop.
const DRAINING_SECONDS_MAX: u32 = 5;
/// How long a request may take that says nothing.
const IDLE_SECONDS_MAX: u32 = 60;
/// Of one task.
const UPSTREAMS_MAX: usize = 1000;

/// What a task of this namespace reaches, from what its services offer now.
pub(crate) fn upstreams<'a>(own: &Connect, all: impl Iterator<Item = &'a Connect>) -> Vec<Upstream> {
    let mut names: BTreeMap<(String, u16), Upstream> = BTreeMap::new();
    for connect in all.filter(|it| it.namespace_id == own.namespace_id) {
        for server in &connect.servers {
            for (name, port) in connect.aliases(server) {
                let upstream = Upstream {
                    name: name.clone(),
                    address: Ipv4Addr::UNSPECIFIED,
                    port,
                    http: server.http,
                    registry: server.registry.clone(),
                };
                names.entry((name, port)).or_insert(upstream);
            }
        }
    }
    // One name is one address, whatever its ports.
    let mut addresses: BTreeMap<String, Ipv4Addr> = BTreeMap::new();
    let mut upstreams: Vec<Upstream> = names.into_values().take(UPSTREAMS_MAX).collect();
    for upstream in &mut upstreams {
        // One each, from the first one on.
        let next = Ipv4Addr::from(u32::from(ALIASES.network()) + 1 + addresses.len() as u32);
        upstream.address = *addresses.entry(upstream.name.clone()).or_insert(next);
    }
    upstreams
}

/// The whole table; the generation is the caller's to set.
pub(crate) fn routes(tasks: &[Arc<Task>]) -> RouteTable {
    let targets = targets(tasks);
    let mut table = RouteTable::default();
    for task in tasks {
        let (Stage::Placed { .. }, Some(attachment)) = (&task.stage, task.attachment()) else {
            continue;
        };
        let network = &attachment.interface.id;
        let mut groups: BTreeSet<&str> = BTreeSet::new();
        for upstream in &task.upstreams {
            let group = group_id(&task.id, &upstream.registry);
            table.listeners.push(Listener {
                id: format!("{}/{}:{}", task.id, upstream.address, upstream.port),
                bind: SocketAddr::from((upstream.address, upstream.port)),
                network: network.clone(),
                behind: Some(ALIAS_DOOR.into()),
                protocol: match upstream.http {
                    true => ListenerProtocol::Http,
                    false => ListenerProtocol::Tcp,
                },
                names: vec![],
                default_action: Action::Forward(vec![WeightedGroup {
                    target_group: group.clone(),
                    weight: 1,
                }]),
                idle_timeout_seconds: IDLE_SECONDS_MAX,
            });
            if !groups.insert(&upstream.registry) {
                continue;
            }
            table.target_groups.push(TargetGroup {
                id: group,
                network: network.clone(),
                feet: vec![],
                health_check: unchecked(),
                targets: targets
                    .get(upstream.registry.as_str())
                    .cloned()
                    .unwrap_or_default(),
                deregistration_delay_seconds: DRAINING_SECONDS_MAX,
                stickiness: None,
            });
        }
    }
    table
}

fn group_id(task: &str, registry: &str) -> String {
    format!("{task}/{registry}")
}

/// By registry, everybody who serves there or is about to stop doing so.
fn targets(tasks: &[Arc<Task>]) -> BTreeMap<&str, Vec<Target>> {
    let mut targets: BTreeMap<&str, Vec<Target>> = BTreeMap::new();
    for task in tasks {
        let (Stage::Placed { .. }, Some(attachment)) = (&task.stage, task.attachment()) else {
            continue;
        };
        if matches!(task.presence, Presence::NotYet | Presence::Listing) {
            continue;
        }
        for server in task.discovery.servers() {
            targets.entry(&server.registry).or_default().push(Target {
                address: attachment.interface.address,
                port: server.port,
                draining: task.stop.is_some() || task.presence != Presence::Listed,
            });
        }
    }
    targets
}

/// Whether a task is well is known from its containers; the proxy asks nobody.
fn unchecked() -> HealthCheck {
    HealthCheck {
        enabled: false,
        port: None,
        path: String::new(),
        matcher: vec![],
        interval_seconds: 30,
        timeout_seconds: 5,
        healthy_threshold: 1,
        unhealthy_threshold: 1,
    }
}

#[cfg(test)]
mod tests;
