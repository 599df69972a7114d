//! What is to be done next about an instance. Pure.

use std::time::Duration;

use contract::image::ImageRef;
use contract::network;
use contract::task::{
    Container, DesiredTask, LogTarget, Names, ObservedTask, Root, Sharing, Stop, StopKind, TaskPhase,
};
use jiff::Timestamp;

use crate::model::Interface;
use crate::model::instance::{Instance, Life, Reason, Shutdown};
use crate::model::{image, instance_type};

/// How long a terminated instance can still be described, as in AWS.
pub(crate) const TERMINATED_KEPT: Duration = Duration::from_secs(3600);
/// Between the wish to stop and the end by force.
const STOP_TIMEOUT_SECONDS: u32 = 30;
const CPU_UNITS_PER_VCPU: u32 = 1024;
/// The one container of a boot.
const CONTAINER: &str = "instance";

/// An instance with all that is known of it.
pub(crate) struct Picture<'a> {
    pub(crate) instance: &'a Instance,
    pub(crate) interface: Option<&'a Interface>,
    /// The row of its boot.
    pub(crate) desired: Option<&'a DesiredTask>,
    pub(crate) seen: Option<&'a ObservedTask>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    Nothing,
    Wait(Timestamp),
    /// This row stands, and no other with its disk.
    Row(Box<DesiredTask>),
    Become(Life, Option<Reason>),
    /// Its boot is gone, and its row, interface and addresses go.
    Release(Timestamp),
    Forget,
}

/// `fresh` names the next boot, if there is one.
pub(crate) fn next(picture: &Picture<'_>, now: Timestamp, fresh: &str) -> Step {
    let ended =
        picture.seen.is_some_and(|seen| seen.phase == TaskPhase::Stopped) || picture.desired.is_none();
    match &picture.instance.life {
        Life::Up { boot, again, .. } => match picture.seen {
            Some(seen) if seen.phase == TaskPhase::Stopped => by_itself(picture.instance, seen, *again, now),
            _ => up(picture, boot, now),
        },
        Life::Rebooting { .. } if ended => Step::Become(
            Life::Up {
                boot: fresh.to_owned(),
                again: true,
                reboot: true,
            },
            None,
        ),
        Life::Rebooting { .. } => stop(picture, "Instance is rebooted", false),
        Life::Stopping { boot, .. } if ended => Step::Become(
            Life::Stopped { boot: boot.clone() },
            picture.instance.reason.clone(),
        ),
        Life::Stopping { force, .. } => stop(picture, "Instance is stopped", *force),
        // A boot that ended by itself must not be taken for one that shall still run.
        Life::Stopped { .. } => stop(picture, "Instance is stopped", false),
        Life::ShuttingDown { .. } if ended => Step::Release(now),
        Life::ShuttingDown { force, .. } => stop(picture, "Instance is terminated", *force),
        Life::Terminated { at } if *at + TERMINATED_KEPT <= now => Step::Forget,
        Life::Terminated { at } => Step::Wait(*at + TERMINATED_KEPT),
    }
}

/// Nobody asked for the end: a shutdown from inside, a failure, or the machine was started again.
fn by_itself(instance: &Instance, seen: &ObservedTask, again: bool, now: Timestamp) -> Step {
    let cause = seen.stop_cause.as_ref();
    let kind = cause.map_or(StopKind::Lost, |cause| cause.kind);
    let sentence = cause.map_or("The instance is gone", |cause| cause.reason.as_str());
    let reason = |code: &str, sentence: &str| {
        Some(Reason {
            code: code.to_owned(),
            message: format!("{code}: {sentence}"),
            at: now,
        })
    };
    let boot = seen.id.clone();
    match (kind, instance.shutdown) {
        (StopKind::FailedToStart, _) if !again => Step::Become(
            Life::ShuttingDown { boot, force: false },
            reason("Server.InternalError", sentence),
        ),
        (StopKind::FailedToStart | StopKind::Lost, Shutdown::Stop) | (StopKind::FailedToStart, _) => {
            Step::Become(Life::Stopped { boot }, reason("Server.InternalError", sentence))
        }
        (StopKind::Lost, Shutdown::Terminate) => Step::Become(
            Life::ShuttingDown { boot, force: false },
            reason("Server.InternalError", sentence),
        ),
        (_, shutdown) => {
            let reason = reason("Client.InstanceInitiatedShutdown", "Instance initiated shutdown");
            match shutdown {
                Shutdown::Stop => Step::Become(Life::Stopped { boot }, reason),
                Shutdown::Terminate => Step::Become(Life::ShuttingDown { boot, force: false }, reason),
            }
        }
    }
}

fn up(picture: &Picture<'_>, boot: &str, now: Timestamp) -> Step {
    let (Some(interface), Some(kind)) = (picture.interface, instance_type::find(&picture.instance.kind))
    else {
        let reason = Reason {
            code: "Server.InternalError".into(),
            message: "Server.InternalError: The network interface of the instance is gone".into(),
            at: now,
        };
        return Step::Become(
            Life::ShuttingDown {
                boot: boot.to_owned(),
                force: false,
            },
            Some(reason),
        );
    };
    let mut wanted = row(picture.instance, boot, interface, &kind);
    let Some(old) = picture.desired else {
        return Step::Row(Box::new(wanted));
    };
    wanted.generation = old.generation;
    if old.interface == wanted.interface {
        return Step::Nothing;
    }
    // Only the groups of a running instance change.
    Step::Row(Box::new(DesiredTask {
        generation: old.generation + 1,
        interface: wanted.interface,
        ..old.clone()
    }))
}

fn stop(picture: &Picture<'_>, why: &str, force: bool) -> Step {
    let Some(row) = picture.desired.filter(|row| row.stop.is_none()) else {
        return Step::Nothing;
    };
    let mut row = row.clone();
    row.generation += 1;
    row.stop = Some(Stop { reason: why.into() });
    if force {
        row.containers
            .iter_mut()
            .for_each(|one| one.stop_timeout_seconds = 0);
    }
    Step::Row(Box::new(row))
}

/// The data plane's name for an interface.
pub(crate) fn attachable(interface: &Interface) -> network::Interface {
    network::Interface {
        id: interface.id.clone(),
        network: interface.vpc.clone(),
        subnet: interface.subnet.clone(),
        address: interface.address,
        mac: interface.mac.clone(),
        groups: interface.groups.clone(),
    }
}

fn row(
    instance: &Instance,
    boot: &str,
    interface: &Interface,
    kind: &instance_type::InstanceType,
) -> DesiredTask {
    DesiredTask {
        id: boot.to_owned(),
        generation: 1,
        label: instance.id.clone(),
        cpu_units: Some(kind.vcpus * CPU_UNITS_PER_VCPU),
        memory_mib: Some(kind.memory_mib),
        interface: Some(attachable(interface)),
        host: None,
        containers: vec![container(instance)],
        volumes: vec![],
        processes: Sharing::default(),
        ipc: Sharing::default(),
        stop: None,
    }
}

/// Tells the instance's first process that its image has ECS's agent, which then joins a cluster unasked.
fn agent(instance: &Instance) -> Vec<(String, String)> {
    let region = instance
        .zone
        .trim_end_matches(|letter: char| letter.is_ascii_lowercase());
    let with_agent = image::find(region, &instance.image).is_some_and(|image| image.name.contains("-ecs-"));
    let variable = ("ECS_OPTIMIZED".to_owned(), "true".to_owned());
    with_agent.then_some(variable).into_iter().collect()
}

fn container(instance: &Instance) -> Container {
    Container {
        name: CONTAINER.into(),
        image: ImageRef {
            name: instance.image.clone(),
            digest: None,
        },
        root: Root::Machine {
            disk: instance.id.clone(),
        },
        entry_point: None,
        command: None,
        environment: agent(instance),
        working_directory: None,
        user: None,
        essential: true,
        depends_on: vec![],
        start_timeout_seconds: None,
        stop_timeout_seconds: STOP_TIMEOUT_SECONDS,
        readonly_root: false,
        interactive: false,
        pseudo_terminal: false,
        disable_networking: false,
        cpu_units: None,
        memory_mib: None,
        health_check: None,
        ulimits: vec![],
        ports: vec![],
        log: LogTarget::None,
        delivery: Default::default(),
        memory_reservation_mib: None,
        mounts: vec![],
        names: Names {
            hostname: Some(format!("ip-{}", instance.address.to_string().replace('.', "-"))),
            ..Names::default()
        },
        linux: contract::task::Linux::default(),
        restart: None,
    }
}
