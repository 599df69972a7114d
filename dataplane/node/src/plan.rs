//! From desired to what a shim is told, and from what a shim tells to observed: translations only.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use contract::task::{
    Container, ContainerPhase, DesiredTask, Health, HostNetwork, Linux, LogTarget, Names, ObservedContainer,
    ObservedTask, Root, StopCause, TaskPhase, runtime_id,
};
use dataplane_runtime::{
    ContainerSpec, ContainerStatus, Full, HostSpec, Limits, OWN_PROGRAM, SpoolSpec, TaskSpec, TaskStatus,
    process,
};
use jiff::Timestamp;

use crate::image::PreparedImage;

const LOOPBACK: &str = "127.0.0.1 localhost\n";

/// Where a task's processes are to live, as far as it had to be made.
#[derive(Debug, Default)]
pub(crate) struct Place {
    /// The network namespace of all containers but those with a seat of their own.
    pub network: Option<PathBuf>,
    /// Each container's, behind the host's bridge.
    pub ends: Vec<PathBuf>,
    /// Of all containers but those with a seat of their own.
    pub address: Option<Ipv4Addr>,
    pub resolver: Option<Ipv4Addr>,
    pub host: Option<HostSpec>,
    /// What is the machine's own, for who is in its network.
    pub machine: Option<Machine>,
}

/// Names as the machine knows them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Machine {
    pub hostname: String,
    pub hosts: String,
    pub resolv_conf: String,
}

/// What the task's shim is told.
///
/// # Errors
/// A sentence, when a container has nothing to run.
pub(crate) fn task_spec(
    desired: &DesiredTask,
    images: &[PreparedImage],
    place: Place,
    host_arguments: &[String],
) -> Result<TaskSpec, String> {
    // The size of what it is to be first in is not to be seen from inside.
    let size = [desired.cpu_units, desired.memory_mib].map(|limit| limit.unwrap_or_default().to_string());
    let host_arguments = [host_arguments, &size].concat();
    let hostname = match (place.address, &place.machine) {
        (Some(address), _) => format!("ip-{}", address.to_string().replace('.', "-")),
        (None, Some(machine)) => machine.hostname.clone(),
        (None, None) => desired.id.chars().take(12).collect(),
    };
    let mut hosts = match &place.machine {
        Some(machine) => machine.hosts.clone(),
        None => LOOPBACK.to_owned(),
    };
    if let Some(address) = place.address {
        hosts.push_str(&format!("{address} {hostname}\n"));
    }
    let containers = desired
        .containers
        .iter()
        .zip(images)
        .enumerate()
        .map(|(index, (container, image))| {
            let mut spec = container_spec(&desired.id, index, container, image, &host_arguments)?;
            let names = &container.names;
            let own = bridge_address(desired, index);
            spec.network = place.ends.get(index).cloned();
            spec.hosts = match &place.machine {
                Some(_) => machines_hosts(names, &hosts),
                None => own_hosts(names, own, place.address, &hostname),
            };
            spec.resolv_conf = own_resolv_conf(names, place.resolver);
            Ok(spec)
        })
        .collect::<Result<_, String>>()?;
    Ok(TaskSpec {
        id: desired.id.clone(),
        hostname,
        network: place.network,
        resolv_conf: match (place.resolver, place.machine) {
            (Some(address), _) => format!("nameserver {address}\n"),
            (None, machine) => machine.unwrap_or_default().resolv_conf,
        },
        hosts,
        limits: Limits {
            cpu_units: desired.cpu_units,
            memory_mib: desired.memory_mib,
        },
        volumes: desired.volumes.clone(),
        processes: desired.processes,
        ipc: desired.ipc,
        host: place.host,
        containers,
    })
}

/// A container's address behind its host's bridge.
fn bridge_address(desired: &DesiredTask, index: usize) -> Option<Ipv4Addr> {
    match &desired.host.as_ref()?.network {
        HostNetwork::Bridge(ends) => Some(ends.get(index)?.address),
        HostNetwork::Apart | HostNetwork::Shared => None,
    }
}

/// Names of everything that a task holds in the network.
pub(crate) fn places(desired: &DesiredTask) -> Vec<String> {
    let own = desired.interface.iter().map(|interface| interface.id.clone());
    let seats = (0..desired.containers.len())
        .filter(|index| bridge_address(desired, *index).is_some())
        .map(|index| runtime_id(&desired.id, index));
    own.chain(seats).collect()
}

/// A container's `/etc/hosts`, where it differs from the task's.
fn own_hosts(
    names: &Names,
    own: Option<Ipv4Addr>,
    tasks: Option<Ipv4Addr>,
    tasks_hostname: &str,
) -> Option<String> {
    if names.hostname.is_none() && names.hosts.is_empty() && own.is_none() {
        return None;
    }
    let address = own.or(tasks);
    let mut hosts = LOOPBACK.to_owned();
    match (&names.hostname, address) {
        (Some(own), address) => {
            let address = address.unwrap_or(Ipv4Addr::LOCALHOST);
            hosts.push_str(&format!("{address} {own}\n"));
        }
        (None, Some(address)) => hosts.push_str(&format!("{address} {tasks_hostname}\n")),
        (None, None) => {}
    }
    for (name, address) in &names.hosts {
        hosts.push_str(&format!("{address} {name}\n"));
    }
    Some(hosts)
}

/// The machine's names, and those that a container is given beside them.
fn machines_hosts(names: &Names, machine: &str) -> Option<String> {
    if names.hosts.is_empty() {
        return None;
    }
    let mut hosts = format!("{}\n", machine.trim_end());
    for (name, address) in &names.hosts {
        hosts.push_str(&format!("{address} {name}\n"));
    }
    Some(hosts)
}

/// A container's `/etc/resolv.conf`, where it differs from the task's.
fn own_resolv_conf(names: &Names, resolver: Option<Ipv4Addr>) -> Option<String> {
    if names.dns_servers.is_empty() && names.dns_search.is_empty() {
        return None;
    }
    let networks = resolver.map(|address| address.to_string());
    let servers: Vec<&String> = if names.dns_servers.is_empty() {
        networks.iter().collect()
    } else {
        names.dns_servers.iter().collect()
    };
    let mut text: String = servers
        .into_iter()
        .map(|server| format!("nameserver {server}\n"))
        .collect();
    if !names.dns_search.is_empty() {
        text.push_str(&format!("search {}\n", names.dns_search.join(" ")));
    }
    Some(text)
}

fn container_spec(
    task: &str,
    index: usize,
    container: &Container,
    image: &PreparedImage,
    host_arguments: &[String],
) -> Result<ContainerSpec, String> {
    let (disk, arguments) = match &container.root {
        Root::Machine { disk } => {
            let program = std::iter::once(OWN_PROGRAM.to_owned());
            (
                Some(disk.clone()),
                program.chain(host_arguments.iter().cloned()).collect(),
            )
        }
        Root::Image => {
            let arguments = process::arguments(
                &image.defaults,
                container.entry_point.as_deref(),
                container.command.as_deref(),
            );
            let named = |sentence| format!("container {}: {sentence}", container.name);
            (None, arguments.map_err(named)?)
        }
    };
    let directory = container
        .working_directory
        .clone()
        .or_else(|| image.working_directory.clone());
    Ok(ContainerSpec {
        name: container.name.clone(),
        runtime_id: runtime_id(task, index),
        image_digest: image.digest.clone(),
        lower: image.layers.clone(),
        disk,
        network: None,
        arguments,
        environment: process::environment(&image.defaults, &container.environment),
        working_directory: absolute(directory.as_deref().unwrap_or("/")),
        user: container.user.clone().or_else(|| image.user.clone()),
        stop_signal: image.stop_signal.clone(),
        essential: container.essential,
        depends_on: container.depends_on.clone(),
        start_timeout_seconds: container.start_timeout_seconds,
        stop_timeout_seconds: container.stop_timeout_seconds,
        readonly_root: container.readonly_root,
        interactive: container.interactive,
        pseudo_terminal: container.pseudo_terminal,
        disable_networking: container.disable_networking,
        limits: Limits {
            cpu_units: container.cpu_units,
            memory_mib: container.memory_mib,
        },
        memory_reservation_mib: container.memory_reservation_mib,
        health_check: container.health_check.clone(),
        ulimits: container.ulimits.clone(),
        mounts: container.mounts.clone(),
        hostname: container.names.hostname.clone(),
        resolv_conf: None,
        hosts: None,
        linux: Linux {
            // What is left of a host's processes is reaped by somebody who does nothing else.
            init: container.linux.init || container.root != Root::Image,
            ..container.linux.clone()
        },
        restart: container.restart.clone(),
        frames: container.log == LogTarget::Frames,
        spool: spool(container),
    })
}

fn spool(container: &Container) -> SpoolSpec {
    let delivery = &container.delivery;
    let full = match (&container.log, delivery.buffer_bytes_max) {
        (LogTarget::None | LogTarget::Frames, _) => Full::DropOldest,
        (LogTarget::Stream(_), None) => Full::Hold,
        (LogTarget::Stream(_), Some(bytes_max)) => Full::DropNewest { bytes_max },
    };
    SpoolSpec {
        full,
        event_start: delivery.event_start.clone(),
    }
}

fn absolute(directory: &str) -> String {
    if directory.starts_with('/') {
        directory.to_owned()
    } else {
        format!("/{directory}")
    }
}

/// A task of which nothing has happened yet.
pub(crate) fn provisioning(desired: &DesiredTask) -> ObservedTask {
    let containers = desired
        .containers
        .iter()
        .enumerate()
        .map(|(index, container)| ObservedContainer {
            name: container.name.clone(),
            runtime_id: runtime_id(&desired.id, index),
            phase: ContainerPhase::Pending,
            image_digest: container.image.digest.clone(),
            exit_code: None,
            reason: None,
            health: Health::Unknown,
            started_at: None,
            stopped_at: None,
            restarts: 0,
            notes: vec![],
        })
        .collect();
    ObservedTask {
        id: desired.id.clone(),
        generation: desired.generation,
        phase: TaskPhase::Provisioning,
        address: desired.interface.as_ref().map(|interface| interface.address),
        containers,
        pull_started_at: None,
        pull_stopped_at: None,
        started_at: None,
        stopping_at: None,
        stopped_at: None,
        stop_cause: None,
    }
}

/// Takes in what the shim tells. `Stopped` is for later, when everything is given back.
pub(crate) fn take_in(observed: &mut ObservedTask, status: &TaskStatus) {
    observed.phase = match status.phase {
        TaskPhase::Stopped => TaskPhase::Stopping,
        phase => phase,
    };
    observed.started_at = status.started_at;
    observed.stopping_at = status.stopping_at;
    observed.stop_cause = status.cause.clone();
    observed.containers = status.containers.iter().map(container).collect();
}

fn container(status: &ContainerStatus) -> ObservedContainer {
    ObservedContainer {
        name: status.name.clone(),
        runtime_id: status.runtime_id.clone(),
        phase: status.phase,
        image_digest: status.image_digest.clone(),
        exit_code: status.exit_code,
        reason: status.reason.clone(),
        health: status.health,
        started_at: status.started_at,
        stopped_at: status.stopped_at,
        restarts: status.restarts,
        notes: status.notes.clone(),
    }
}

/// The end, whatever came before.
pub(crate) fn stopped(observed: &mut ObservedTask, cause: StopCause, now: Timestamp) {
    observed.phase = TaskPhase::Stopped;
    observed.stopping_at.get_or_insert(now);
    observed.stopped_at = Some(now);
    observed.stop_cause.get_or_insert(cause);
    for container in &mut observed.containers {
        if container.phase == ContainerPhase::Running {
            container.stopped_at.get_or_insert(now);
        }
        container.phase = ContainerPhase::Stopped;
    }
}

#[cfg(test)]
mod tests;
