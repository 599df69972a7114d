//! Container instances and tasks brought together: what of an instance is free, which one a task gets, and which of its
//! ports and addresses. All of it within the transaction that writes the task, so that nothing is given twice.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use aws_protocol::ApiError;
use base_id::Scope;
use base_store::{Snapshot, Transaction};
use contract::task::{BRIDGE_RANGE, Publish, TaskPhase, Transport};
use jiff::Timestamp;

use crate::error::client;
use crate::model::container::PortMapping;
use crate::model::instance::{Amount, Instance, Lodging, Mode};
use crate::model::placement::{Constraint, Placement};
use crate::model::service::{Service, State};
use crate::model::task::{StopCode, Task};
use crate::model::task_definition::{TaskDefinition, TaskSpec};
use crate::plan::placement::{self, Lack, Request};
use crate::plan::query::Facts;
use crate::table::{self, TASKS};

pub(crate) mod need;

/// Where ports come from that a task leaves open: Linux's own range.
const EPHEMERAL_PORTS: (u16, u16) = (32768, 60999);

/// A container instance with its tasks that are not history.
pub(crate) struct House {
    pub(crate) instance: Arc<Instance>,
    pub(crate) tasks: Vec<Arc<Task>>,
}

/// The container instances of a cluster.
pub(crate) fn houses(snapshot: &Snapshot, scope: &Scope, cluster: &str) -> Vec<House> {
    let tasks = table::tasks(snapshot, scope, cluster);
    let of = |instance: &Arc<Instance>| {
        let here = |task: &&Arc<Task>| !task.is_stopped() && task.lives_on(&instance.id);
        tasks.iter().filter(here).cloned().collect()
    };
    table::instances(snapshot, scope, cluster)
        .into_iter()
        .map(|instance| House {
            tasks: of(&instance),
            instance,
        })
        .collect()
}

impl House {
    /// What is free, and which ports are taken.
    pub(crate) fn remaining(&self) -> Amount {
        let mut left = self.instance.total.clone();
        for lodging in self.tasks.iter().filter_map(|task| task.lodging.as_ref()) {
            left.cpu -= lodging.cpu;
            left.memory -= lodging.memory;
            left.tcp.extend(lodging.ports(Transport::Tcp));
            left.udp.extend(lodging.ports(Transport::Udp));
        }
        left
    }

    /// How many of its tasks run, and how many are on their way.
    pub(crate) fn counts(&self, snapshot: &Snapshot) -> (usize, usize) {
        let phase = |task: &Arc<Task>| table::observed(snapshot, task).map(|seen| seen.phase);
        let of = |which: fn(Option<TaskPhase>) -> bool| {
            self.tasks.iter().filter(|task| which(phase(task))).count()
        };
        (
            of(|phase| phase == Some(TaskPhase::Running)),
            of(|phase| phase.is_none_or(|phase| phase < TaskPhase::Running)),
        )
    }

    pub(crate) fn facts(&self, snapshot: &Snapshot) -> Facts {
        let one = &self.instance;
        let wanted = self.tasks.iter().filter(|task| task.stop.is_none());
        Facts {
            attributes: one.attributes.clone(),
            agent_connected: one.connected,
            agent_version: one.agent.version.clone(),
            ec2_instance: one.ec2_instance.clone(),
            registered_at: one.registered_at,
            running_tasks: self.counts(snapshot).0,
            groups: wanted.map(|task| task.group.clone()).collect(),
        }
    }

    fn pictured(&self, snapshot: &Snapshot) -> placement::Instance {
        let (facts, left) = (self.facts(snapshot), self.remaining());
        placement::Instance {
            id: self.instance.id.clone(),
            wanted: facts.groups.clone(),
            facts,
            active: !self.instance.draining,
            capacity_provider: self.instance.capacity_provider.clone(),
            cpu: left.cpu,
            memory: left.memory,
            tcp: left.tcp,
            udp: left.udp,
        }
    }
}

/// What a task takes of an instance.
pub(crate) fn claim(task: &Task, spec: &TaskSpec) -> Amount {
    let size = task.size(Some(spec));
    let sizes: Vec<_> = spec.containers.iter().map(|one| task.size_of(one)).collect();
    let sum = |of: &dyn Fn(&crate::model::task::Size) -> Option<u32>| {
        sizes.iter().filter_map(of).map(i64::from).sum::<i64>()
    };
    let asked = |it: &crate::model::task::Size| it.memory_reservation_mib.or(it.memory_mib);
    let fixed = |protocol: Transport| {
        let all = spec.containers.iter().flat_map(|one| &one.publish);
        let of = all.filter(move |it| it.protocol == protocol && mode(spec) != Mode::Apart);
        of.filter_map(|it| it.host).collect()
    };
    Amount {
        cpu: size.cpu_units.map_or_else(|| sum(&|it| it.cpu_units), i64::from),
        memory: size.memory_mib.map_or_else(|| sum(&asked), i64::from),
        tcp: fixed(Transport::Tcp),
        udp: fixed(Transport::Udp),
    }
}

fn mode(spec: &TaskSpec) -> Mode {
    match spec.network_mode.as_str() {
        "bridge" => Mode::Bridge,
        "host" => Mode::Shared,
        _ => Mode::Apart,
    }
}

/// A number from a task's id, which is chance enough.
fn seed(task: &Task) -> u64 {
    let head = task.id.get(..16).unwrap_or_default();
    u64::from_str_radix(head, 16).unwrap_or_default()
}

/// What a task asks of the instances.
pub(crate) fn request(task: &Task, definition: &TaskDefinition) -> Request {
    let spec = &definition.spec;
    let claim = claim(task, spec);
    let own = spec.constraints.iter().cloned().map(Constraint::MemberOf);
    let constraints: Vec<Constraint> = task.placement.constraints.iter().cloned().chain(own).collect();
    Request {
        cpu: claim.cpu,
        memory: claim.memory,
        tcp: claim.tcp,
        udp: claim.udp,
        group: task.group.clone(),
        attributes: spec.needs.clone(),
        capacity_provider: task.capacity_provider.clone(),
        zones: task.network.zones.iter().cloned().collect(),
        constraints: constraints.iter().filter_map(Constraint::planned).collect(),
        strategies: Placement::planned(&task.placement, task.service().is_some(), seed(task)),
    }
}

/// Gives a task a place on an instance of its cluster.
///
/// # Errors
/// Ids of the instances that were asked, the closest first, and what each lacks.
pub(crate) fn lodge(
    snapshot: &Snapshot,
    scope: &Scope,
    task: &mut Task,
    definition: &TaskDefinition,
) -> Result<(), Vec<(String, Lack)>> {
    let houses = houses(snapshot, scope, &task.cluster);
    let pictures: Vec<_> = houses.iter().map(|house| house.pictured(snapshot)).collect();
    let at = placement::choose(&pictures, &request(task, definition))?;
    let id = houses[at].instance.id.clone();
    move_in(&houses[at], task, definition).map_err(|lack| vec![(id, lack)])
}

/// Gives a task a place on this instance, whatever the strategies prefer.
///
/// # Errors
/// What the instance lacks.
pub(crate) fn lodge_on(
    snapshot: &Snapshot,
    house: &House,
    task: &mut Task,
    definition: &TaskDefinition,
) -> Result<(), Lack> {
    match placement::lack(&house.pictured(snapshot), &request(task, definition)) {
        Some(lack) => Err(lack),
        None => move_in(house, task, definition),
    }
}

fn move_in(house: &House, task: &mut Task, definition: &TaskDefinition) -> Result<(), Lack> {
    let (spec, left) = (&definition.spec, house.remaining());
    let (mode, claim) = (mode(spec), claim(task, spec));
    let mut taken = BTreeMap::from([(Transport::Tcp, left.tcp), (Transport::Udp, left.udp)]);
    // What is asked for by number is not given away to those that do not care.
    taken.entry(Transport::Tcp).or_default().extend(&claim.tcp);
    taken.entry(Transport::Udp).or_default().extend(&claim.udp);
    let mut publish = BTreeMap::new();
    let mut addresses = BTreeMap::new();
    for one in &spec.containers {
        if mode == Mode::Apart {
            break;
        }
        let ports = one.publish.iter().map(|it| host_port(it, &mut taken, seed(task)));
        publish.insert(one.name.clone(), ports.collect::<Result<_, _>>()?);
        if mode == Mode::Bridge {
            let address = free_address(&house.tasks, &addresses).ok_or(Lack::Ports)?;
            addresses.insert(one.name.clone(), address);
        }
    }
    let one = &house.instance;
    task.lodging = Some(Lodging {
        instance: one.id.clone(),
        ec2_instance: one.ec2_instance.clone(),
        address: one.address,
        zone: one.zone.clone(),
        cpu: claim.cpu,
        memory: claim.memory,
        mode,
        publish,
        addresses,
    });
    Ok(())
}

fn host_port(
    mapping: &PortMapping,
    taken: &mut BTreeMap<Transport, BTreeSet<u16>>,
    seed: u64,
) -> Result<Publish, Lack> {
    let used = taken.entry(mapping.protocol).or_default();
    let host_port = match mapping.host {
        Some(port) => port,
        // Not the lowest one, which somebody may just have given back: who still knows it would meet a stranger.
        None => placement::free_port(used, EPHEMERAL_PORTS, (seed >> 32) as u32).ok_or(Lack::Ports)?,
    };
    used.insert(host_port);
    Ok(Publish {
        protocol: mapping.protocol,
        host_port,
        container_port: mapping.container,
    })
}

/// The first address of the bridge is the instance's own.
fn free_address(tasks: &[Arc<Task>], own: &BTreeMap<String, Ipv4Addr>) -> Option<Ipv4Addr> {
    let lodgings = tasks.iter().filter_map(|task| task.lodging.as_ref());
    let used: BTreeSet<Ipv4Addr> = lodgings
        .flat_map(|it| it.addresses.values())
        .chain(own.values())
        .copied()
        .collect();
    BRIDGE_RANGE
        .hosts()
        .skip(1)
        .find(|address| !used.contains(address))
}

/// Tasks of a cluster that may wait for an instance at a time, as in AWS.
const WAITING_MAX: usize = 500;

/// Whether a task that fits nowhere now may wait for an instance that its capacity provider will add.
///
/// # Errors
/// When too many wait already.
pub(crate) fn may_wait(snapshot: &Snapshot, scope: &Scope, task: &Task) -> Result<bool, ApiError> {
    let provider = task.capacity_provider.as_deref();
    if !provider.is_some_and(|name| table::grows(snapshot, scope, name)) {
        return Ok(false);
    }
    let all = table::tasks(snapshot, scope, &task.cluster);
    if all.iter().filter(|task| task.waits()).count() >= WAITING_MAX {
        return Err(client(format!(
            "You have reached the limit of {WAITING_MAX} tasks in the PROVISIONING state."
        )));
    }
    Ok(true)
}

/// The tasks of an instance that goes are told to stop.
pub(crate) fn evict(
    tx: &mut Transaction,
    scope: &Scope,
    tasks: &[Arc<Task>],
    (code, reason): (StopCode, &str),
    now: Timestamp,
) {
    for task in tasks {
        let mut task = Task::clone(task);
        task.order_stop(code, reason, now);
        let place = table::key(scope, &format!("{}/{}", task.cluster, task.id));
        tx.put(TASKS, &place, task);
    }
}

/// Ids of the instances on which an active service's tasks shall run, if it is a daemon.
pub(crate) fn daemon_places(
    snapshot: &Snapshot,
    scope: &Scope,
    service: &Service,
) -> Option<BTreeSet<String>> {
    if !service.daemon || service.state != State::Active {
        return None;
    }
    let definition = table::definition_of(snapshot, scope, &service.primary()?.task_definition)?;
    Some(for_daemon(snapshot, scope, service, &definition))
}

/// Ids of the instances on which a daemon shall run: those that take tasks and have what its tasks need, room aside.
fn for_daemon(
    snapshot: &Snapshot,
    scope: &Scope,
    service: &Service,
    definition: &TaskDefinition,
) -> BTreeSet<String> {
    let own = definition
        .spec
        .constraints
        .iter()
        .cloned()
        .map(Constraint::MemberOf);
    let constraints = service.placement.constraints.iter().cloned().chain(own);
    let constraints: Vec<Constraint> = constraints.collect();
    let request = Request {
        attributes: definition.spec.needs.clone(),
        constraints: constraints.iter().filter_map(Constraint::planned).collect(),
        ..Request::default()
    };
    let houses = houses(snapshot, scope, &service.cluster).into_iter();
    let pictures = houses.map(|house| placement::Instance {
        cpu: 0,
        memory: 0,
        ..house.pictured(snapshot)
    });
    pictures
        .filter(|one| one.active && placement::lack(one, &request).is_none())
        .map(|one| one.id)
        .collect()
}

impl House {
    /// Whether it has tasks other than daemons, which follow their instance wherever it goes.
    pub(crate) fn is_busy(&self, snapshot: &Snapshot, scope: &Scope) -> bool {
        let is_daemon = |task: &Arc<Task>| {
            let service = task.service();
            let service = service.and_then(|name| table::service(snapshot, scope, &task.cluster, name));
            service.is_some_and(|it| it.daemon)
        };
        self.tasks.iter().any(|task| !is_daemon(task))
    }
}
