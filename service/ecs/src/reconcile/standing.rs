//! How a task stands in its service: what the data plane and the load balancers have seen of it, in one word.

use std::time::Duration;

use aws_shape::elbv2::TargetHealthStateEnum;
use base_id::Scope;
use base_store::Snapshot;
use contract::task::{Health, TaskPhase};
use jiff::Timestamp;

use super::target;
use crate::model::discovery::Presence;
use crate::model::service::Service;
use crate::model::task::{self, Stage, Task};
use crate::plan::rolling::{Standing, Unwell};
use crate::table;

pub(super) fn standing(
    snapshot: &Snapshot,
    scope: &Scope,
    service: &Service,
    task: &Task,
    health: &target::Health,
    now: Timestamp,
) -> Standing {
    if task.stop.is_some() {
        return Standing::Stopping;
    }
    let seen = table::observed(snapshot, task);
    let (Stage::Placed { .. }, Some(seen)) = (&task.stage, seen) else {
        return Standing::Pending;
    };
    match seen.phase {
        TaskPhase::Provisioning | TaskPhase::Pending => return Standing::Pending,
        TaskPhase::Stopping | TaskPhase::Stopped => return Standing::Failing,
        TaskPhase::Running => {}
    }
    let grace = service.health_check_grace_seconds.unwrap_or(0);
    let since = seen.started_at.unwrap_or(task.created_at);
    let in_grace = since + Duration::from_secs(grace.into()) > now;
    let unwell = |why: Unwell| {
        if in_grace {
            Standing::Unready
        } else {
            Standing::Unhealthy(why)
        }
    };
    let definition = table::definition_of(snapshot, scope, &task.task_definition);
    let judges = definition
        .as_ref()
        .map(|it| task::judges(&it.spec))
        .unwrap_or_default();
    let own = task::health(Some(&seen), &judges);
    if own == Health::Unhealthy {
        return unwell(Unwell::Container);
    }
    let mut ready = own == Health::Healthy || judges.is_empty();
    for balancer in &task.load_balancers {
        let state = target::state(health, task, balancer);
        match state.map(|it| (it.state.as_ref(), it.description.as_deref())) {
            Some((Some(TargetHealthStateEnum::Healthy | TargetHealthStateEnum::Unavailable), _)) => {}
            // A group that no load balancer uses asks nobody, so nobody can answer.
            Some((Some(TargetHealthStateEnum::Unused), _)) => {}
            Some((Some(TargetHealthStateEnum::Unhealthy), why)) => {
                return unwell(Unwell::Target {
                    group: balancer.target_group.clone(),
                    port: balancer.port,
                    reason: why.unwrap_or("Health checks failed").to_owned(),
                });
            }
            _ => ready = false,
        }
    }
    // Nobody finds it yet.
    ready &= task.discovery.is_empty() || task.presence == Presence::Listed;
    if ready {
        Standing::Healthy
    } else {
        Standing::Unready
    }
}
