//! Which containers of a task may start, which must be given up, which may be told to stop: decisions only.

use contract::task::{Condition, ContainerPhase, Health, Restart};

use crate::spec::ContainerSpec;

/// What matters about a container for the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct View {
    pub phase: ContainerPhase,
    /// It ran at some time.
    pub started: bool,
    pub exit_code: Option<i32>,
    pub health: Health,
    /// Its start timeout is over.
    pub late: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Start,
    Wait,
    /// It can never start; the sentence says why.
    GiveUp(String),
}

/// Whether a container that has not started may start now.
pub(super) fn may_start(spec: &ContainerSpec, find: impl Fn(&str) -> Option<View>) -> Verdict {
    let mut verdict = Verdict::Start;
    for dependency in &spec.depends_on {
        let name = &dependency.container;
        let Some(view) = find(name) else {
            return Verdict::GiveUp(format!(
                "container {} depends on {name}, which is not in the task",
                spec.name
            ));
        };
        let ended = view.phase == ContainerPhase::Stopped;
        let (met, lost) = match dependency.condition {
            Condition::Start => (view.started, ended && !view.started),
            Condition::Complete => (ended && view.started, ended && !view.started),
            Condition::Success => (
                ended && view.exit_code == Some(0),
                ended && view.exit_code != Some(0),
            ),
            Condition::Healthy => {
                let healthy = view.health == Health::Healthy;
                (healthy && !ended, ended || view.health == Health::Unhealthy)
            }
        };
        if met {
            continue;
        }
        let wanted = match dependency.condition {
            Condition::Start => "START",
            Condition::Complete => "COMPLETE",
            Condition::Success => "SUCCESS",
            Condition::Healthy => "HEALTHY",
        };
        if lost {
            return Verdict::GiveUp(format!(
                "container {} was not started: its dependency {name} did not reach {wanted}",
                spec.name
            ));
        }
        if view.late {
            return Verdict::GiveUp(format!(
                "container {} was not started: its dependency {name} did not reach {wanted} within its start timeout",
                spec.name
            ));
        }
        verdict = Verdict::Wait;
    }
    verdict
}

/// Whether a running container may be told to stop: those that depend on it stop first.
pub(super) fn may_stop(name: &str, all: &[(&ContainerSpec, View)]) -> bool {
    !all.iter().any(|(spec, view)| {
        view.phase == ContainerPhase::Running
            && spec.depends_on.iter().any(|dependency| {
                // Waiting for an end is no reason to be stopped first.
                dependency.container == name
                    && matches!(dependency.condition, Condition::Start | Condition::Healthy)
            })
    })
}

/// Whether a container that has ended after so many seconds is started again.
pub(super) fn may_restart(
    restart: Option<&Restart>,
    exit_code: i32,
    ran_seconds: u64,
    task_stops: bool,
) -> bool {
    restart.is_some_and(|restart| {
        !task_stops
            && ran_seconds >= u64::from(restart.attempt_period_seconds)
            && !restart.ignored_exit_codes.contains(&exit_code)
    })
}

#[cfg(test)]
mod tests;
