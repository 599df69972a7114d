//! Services: asks the planner what to do and writes it down.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_protocol::{ApiError, Context};
use base_id::Scope;
use base_reconcile::{Outcome, Reconciler};
use base_store::{Snapshot, Transaction};
use contract::route::RouteTable;
use jiff::Timestamp;

use super::conclude::{Hand, conclude};
use super::standing::standing;
use super::target;
use crate::history::{self, Order};
use crate::model::placement::Constraint;
use crate::model::service::{Rollout, Service, State};
use crate::model::task::{Changes, Launch, Stage, StopCode, Task};
use crate::model::task_definition::TaskDefinition;
use crate::model::{Tags, cluster};
use crate::plan::rolling::{self, Picture, Steps, Why};
use crate::table::{self, INSTANCES, OBSERVED, ROUTES, SERVICE_DEPLOYMENTS, SERVICES, TASKS, key};
use crate::{Ecs, event, lodging};

/// How long a deleted service can still be described.
const INACTIVE_KEPT: Duration = Duration::from_secs(3600);

/// The reconciler of services.
pub struct Services(Ecs);

impl Services {
    /// What wakes it.
    pub const READS: &[&str] = &[
        SERVICES.name,
        SERVICE_DEPLOYMENTS.name,
        TASKS.name,
        OBSERVED.name,
        ROUTES.name,
        RouteTable::TABLE,
        INSTANCES.name,
    ];

    pub fn new(ecs: Ecs) -> Self {
        Self(ecs)
    }

    async fn one(&self, snapshot: &Snapshot, key: &str, service: &Arc<Service>) -> Result<Outcome, ApiError> {
        let scope = Scope::of_key(key);
        let context = Ecs::own_context(&scope, "ecs-services");
        if let Some(outcome) = self.count_instances(snapshot, key, service).await? {
            return Ok(outcome);
        }
        let tasks = living(snapshot, &scope, service);
        let health = target::health(&self.0, &context, &target::groups(service, &tasks)).await?;
        let now = self.0.clock.now();
        let picture = self.picture(snapshot, &scope, service, &tasks, &health, now);
        // A deployment that a user has stopped ends first; what is to be done then is planned next time.
        let order = history::order(snapshot, &scope, service);
        let steps = match order {
            Some(_) => Steps::default(),
            None => rolling::plan(&picture, now),
        };
        let saved = self
            .save(&context, key, (service, order), &tasks, steps.clone())
            .await?;
        if !saved {
            return Ok(Outcome::Again);
        }
        let protections = tasks.iter().filter_map(|task| task.protected_until);
        let ends = protections.filter(|until| *until > now && !steps.steady);
        let due = ends.chain(steps.look_again_at).min();
        Ok(due.map_or(Outcome::Settled, Outcome::Until))
    }

    /// A daemon's desired number is that of the instances on which it shall run.
    async fn count_instances(
        &self,
        snapshot: &Snapshot,
        place: &str,
        service: &Arc<Service>,
    ) -> Result<Option<Outcome>, ApiError> {
        let Some(count) =
            lodging::daemon_places(snapshot, &Scope::of_key(place), service).map(|it| it.len() as u32)
        else {
            return Ok(None);
        };
        if count == service.desired {
            return Ok(None);
        }
        let (place, seen) = (place.to_owned(), Arc::clone(service));
        self.0
            .store
            .write(move |tx| {
                if tx.get(SERVICES, &place).as_deref() == Some(&*seen) {
                    let changed = Service {
                        desired: count,
                        steady: false,
                        ..Service::clone(&seen)
                    };
                    tx.put(SERVICES, &place, changed);
                }
                Ok::<_, ApiError>(Some(Outcome::Again))
            })
            .await
    }

    fn picture(
        &self,
        snapshot: &Snapshot,
        scope: &Scope,
        service: &Service,
        tasks: &[Arc<Task>],
        health: &target::Health,
        now: Timestamp,
    ) -> Picture {
        let primary = service.primary();
        let active = service.state == State::Active;
        let leaving = leaving(snapshot, scope, service);
        let view = |task: &Arc<Task>| rolling::Task {
            id: task.id.clone(),
            // One that has to leave its instance is replaced like one of an older deployment.
            new: task.started_by.as_ref() == primary.map(|it| &it.id) && !leaving(task),
            standing: standing(snapshot, scope, service, task, health, now),
            // Nothing outlives its service.
            protected: active && task.is_protected(now),
        };
        Picture {
            desired: if active { service.desired } else { 0 },
            minimum_healthy_percent: if active {
                service.minimum_healthy_percent
            } else {
                0
            },
            maximum_percent: service.maximum_percent,
            circuit_breaker: service.circuit_breaker.is_some(),
            failures: primary.map_or(0, |it| it.failed_tasks),
            last_failure_at: primary.and_then(|it| it.last_failure_at),
            rollout: match primary.map(|it| &it.rollout) {
                Some(Rollout::Failed { .. }) => rolling::Rollout::Failed,
                Some(Rollout::InProgress { .. }) => rolling::Rollout::InProgress,
                Some(Rollout::Completed { .. }) | None => rolling::Rollout::Completed,
            },
            has_old: service.deployments.len() > 1,
            tasks: tasks.iter().map(view).collect(),
        }
    }

    /// Writes the plan down, unless what it was made from has changed meanwhile. Returns whether it was written.
    async fn save(
        &self,
        context: &Context,
        key: &str,
        (seen, order): (&Arc<Service>, Option<Order>),
        tasks: &[Arc<Task>],
        steps: Steps,
    ) -> Result<bool, ApiError> {
        let now = self.0.clock.now();
        let (scope, place, seen) = (context.scope.clone(), key.to_owned(), Arc::clone(seen));
        let versions: BTreeMap<String, u64> =
            tasks.iter().map(|task| (task.id.clone(), task.version)).collect();
        let ids = Arc::clone(&self.0.ids);
        self.0
            .store
            .write(move |tx| {
                let Some(service) = tx.get(SERVICES, &place).filter(|service| **service == *seen) else {
                    return Ok(false);
                };
                if history::order(&tx.snapshot(), &scope, &service) != order {
                    return Ok(false);
                }
                let present = living(&tx.snapshot(), &scope, &service);
                if present
                    .iter()
                    .map(|task| (task.id.clone(), task.version))
                    .ne(versions)
                {
                    return Ok(false);
                }
                let mut service = Service::clone(&service);
                let new_id = || ids.hex(32);
                for task in stop(&mut service, &present, &steps, now, &new_id) {
                    tx.put(
                        TASKS,
                        &table::key(&scope, &format!("{}/{}", task.cluster, task.id)),
                        task,
                    );
                }
                let definition = service
                    .primary()
                    .and_then(|it| table::definition_of(&tx.snapshot(), &scope, &it.task_definition));
                let tags = propagated(&service, definition.as_deref());
                let hand = Hand {
                    scope: &scope,
                    now,
                    new_id: &new_id,
                };
                let tasks = start(&service, steps.start, present.len(), tags, &hand);
                admit(tx, &mut service, definition.as_deref(), tasks, &hand);
                history::follow(tx, &scope, &service, &present, now);
                conclude(tx, &mut service, &steps, order, &present, &hand);
                if service.state == State::Inactive && old(&service, now) {
                    tx.delete(SERVICES, &place);
                } else if service != *seen {
                    tx.put(SERVICES, &place, service);
                }
                Ok(true)
            })
            .await
    }
}

fn old(service: &Service, now: Timestamp) -> bool {
    service.inactive_at.is_none_or(|at| at + INACTIVE_KEPT < now)
}

/// A service's tasks that are not yet history, by id.
fn living(snapshot: &Snapshot, scope: &Scope, service: &Service) -> Vec<Arc<Task>> {
    let all = table::tasks(snapshot, scope, &service.cluster);
    all.into_iter()
        .filter(|task| task.service() == Some(&service.name) && !task.is_stopped())
        .collect()
}

/// Orders tasks to stop; returns the changed rows.
fn stop(
    service: &mut Service,
    tasks: &[Arc<Task>],
    steps: &Steps,
    now: Timestamp,
    new_id: &dyn Fn() -> String,
) -> Vec<Task> {
    let mut changed = Vec::new();
    let mut retired = 0;
    for (id, why) in &steps.stop {
        let Some(task) = tasks.iter().find(|task| task.id == *id) else {
            continue;
        };
        let mut task = Task::clone(task);
        match why {
            Why::Unhealthy(why) => {
                service.say(new_id(), now, event::unhealthy(service, id, why));
                let reason = event::unhealthy_reason(why);
                task.order_stop(StopCode::ServiceScheduler, &reason, now);
                let primary = service.deployments.first_mut();
                if let Some(deployment) = primary.filter(|it| Some(&it.id) == task.started_by.as_ref()) {
                    deployment.count_failure(now, &reason);
                }
            }
            Why::Replaced | Why::ScaledIn => {
                retired += 1;
                let deployment = task.started_by.clone().unwrap_or_default();
                let reason = format!("Scaling activity initiated by (deployment {deployment})");
                task.order_stop(StopCode::ServiceScheduler, &reason, now);
            }
        }
        changed.push(task);
    }
    if retired > 0 && !service.load_balancers.is_empty() {
        service.say(new_id(), now, event::draining(service, retired));
    }
    changed
}

/// The tags of a service's new tasks: its own or its task definition's, and those that ECS manages.
fn propagated(service: &Service, definition: Option<&TaskDefinition>) -> Tags {
    let mut tags = match service.propagate_tags.as_str() {
        "SERVICE" => service.tags.clone(),
        "TASK_DEFINITION" => definition.map(|it| it.tags.clone()).unwrap_or_default(),
        _ => Tags::new(),
    };
    if service.enable_managed_tags {
        tags.insert("aws:ecs:clusterName".to_owned(), service.cluster.clone());
        tags.insert("aws:ecs:serviceName".to_owned(), service.name.clone());
    }
    tags
}

/// Whether a task must leave its instance: that is drained, or a daemon shall not run there any more.
fn leaving(snapshot: &Snapshot, scope: &Scope, service: &Service) -> impl Fn(&Task) -> bool {
    let staying = lodging::daemon_places(snapshot, scope, service);
    let draining: BTreeSet<String> = table::instances(snapshot, scope, &service.cluster)
        .iter()
        .filter(|it| it.draining)
        .map(|it| it.id.clone())
        .collect();
    move |task| {
        task.lodging.as_ref().is_some_and(|it| {
            draining.contains(&it.instance)
                || staying
                    .as_ref()
                    .is_some_and(|staying| !staying.contains(&it.instance))
        })
    }
}

/// Stores new tasks, those on instances with their places. What fits nowhere is not started, and the service says so.
fn admit(
    tx: &mut Transaction,
    service: &mut Service,
    definition: Option<&TaskDefinition>,
    tasks: Vec<Task>,
    hand: &Hand<'_>,
) {
    let mut started = Vec::new();
    for mut task in tasks {
        if let (Launch::Ec2, Some(definition)) = (task.launch, definition) {
            let snapshot = tx.snapshot();
            let refused = lodging::lodge(&snapshot, hand.scope, &mut task, definition).err();
            if let Some(refused) = refused
                && !lodging::may_wait(&snapshot, hand.scope, &task).unwrap_or(false)
            {
                let sentence = event::unplaced(service, task.capacity_provider.as_deref(), refused.first());
                service.complain((hand.new_id)(), hand.now, sentence);
                break;
            }
        }
        started.push(task.id.clone());
        let place = table::key(hand.scope, &format!("{}/{}", task.cluster, task.id));
        tx.put(TASKS, &place, task);
    }
    if !started.is_empty() {
        service.say((hand.new_id)(), hand.now, event::started(service, &started));
    }
}

/// New tasks of the primary deployment.
fn start(service: &Service, count: u32, present: usize, tags: Tags, hand: &Hand<'_>) -> Vec<Task> {
    let (scope, now, new_id) = (hand.scope, hand.now, hand.new_id);
    let Some(primary) = service.primary().cloned() else {
        return vec![];
    };
    let group = service.group();
    let mut placement = service.placement.clone();
    if service.daemon && !placement.constraints.contains(&Constraint::DistinctInstance) {
        placement.constraints.push(Constraint::DistinctInstance);
    }
    let make = |nth: u32| {
        let id = new_id();
        Task {
            arn: scope.arn("ecs", &format!("task/{}/{id}", service.cluster)),
            id,
            cluster: service.cluster.clone(),
            task_definition: primary.task_definition.clone(),
            group: group.clone(),
            started_by: Some(primary.id.clone()),
            network: primary.network.clone(),
            load_balancers: primary.load_balancers.clone(),
            discovery: primary.discovery.clone(),
            presence: Default::default(),
            upstreams: vec![],
            overrides: vec![],
            changes: Changes::default(),
            launch: primary.launch,
            capacity_provider: cluster::provider(&primary.strategy, present + nth as usize)
                .map(str::to_owned),
            placement: placement.clone(),
            lodging: None,
            execute_command: service.execute_command,
            credentials_id: Some(base_id::uuid(&new_id())),
            protected_until: None,
            client_token: None,
            created_at: now,
            stage: Stage::Provisioning,
            stop: None,
            tags: tags.clone(),
            version: 1,
        }
    };
    (0..count).map(make).collect()
}

#[async_trait]
impl Reconciler for Services {
    fn name(&self) -> &'static str {
        "ecs services"
    }

    async fn activate(&self) -> Result<Outcome, String> {
        let snapshot = self.0.store.snapshot();
        let (mut outcome, mut failures) = (Outcome::Settled, Vec::new());
        for (place, service) in snapshot.list(SERVICES) {
            match self.one(&snapshot, &place, &service).await {
                Ok(next) => outcome = sooner(outcome, next),
                Err(error) => {
                    failures.push(format!("{}: {error}", key(&Scope::of_key(&place), &service.name)))
                }
            }
        }
        if failures.is_empty() {
            Ok(outcome)
        } else {
            Err(failures.join("; "))
        }
    }
}

pub(super) fn sooner(a: Outcome, b: Outcome) -> Outcome {
    match (a, b) {
        (Outcome::Again, _) | (_, Outcome::Again) => Outcome::Again,
        (Outcome::Until(x), Outcome::Until(y)) => Outcome::Until(x.min(y)),
        (Outcome::Until(x), Outcome::Settled) | (Outcome::Settled, Outcome::Until(x)) => Outcome::Until(x),
        (Outcome::Settled, Outcome::Settled) => Outcome::Settled,
    }
}
