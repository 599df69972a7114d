//! What a deployment is waiting for, and until when: sentences made from the settings that decide.

use jiff::{SignedDuration, Timestamp};

use crate::picture::{App, Group, Target, Task, short};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    pub(crate) sentence: String,
    /// When it is over at the latest, or at the earliest if it is a number of checks.
    pub(crate) until: Option<Timestamp>,
}

/// Everything that is waited for, one sentence for each task.
pub(crate) fn waits(app: &App, groups: &[Group]) -> Vec<Wait> {
    let live = app.tasks.iter().filter(|it| !it.is_over());
    let mut waits: Vec<Wait> = live.filter_map(|task| of_task(app, task, groups)).collect();
    let old = app.deployments.iter().filter(|it| it.status == "ACTIVE");
    let left: i32 = old.map(|it| it.running).sum();
    if waits.is_empty() && left > 0 {
        waits.push(Wait {
            sentence: format!("The new tasks are well; {left} of the deployment before are retired next."),
            until: None,
        });
    }
    if waits.is_empty() && app.is_rolling() {
        let sentence = "All tasks are well; the deployment is completed at the next look.".to_owned();
        waits.push(Wait {
            sentence,
            until: None,
        });
    }
    waits
}

fn of_task(app: &App, task: &Task, groups: &[Group]) -> Option<Wait> {
    let id = short(&task.id);
    if task.wanted == "STOPPED" {
        return Some(of_end(app, task, groups));
    }
    let wait = |sentence: String| {
        Some(Wait {
            sentence,
            until: None,
        })
    };
    match task.status.as_str() {
        "PROVISIONING" => return wait(format!("Task {id} gets its network interface.")),
        "PENDING" => {
            return wait(format!(
                "Task {id} gets its image and its containers are started."
            ));
        }
        "ACTIVATING" => return wait(format!("Task {id} is made known to its target groups.")),
        "RUNNING" => {}
        other => return wait(format!("Task {id} is {other}.")),
    }
    if let Some(check) = app.check.filter(|_| task.health == "UNKNOWN") {
        return wait(format!(
            "Task {id} runs; its container's health check has not passed yet (every {} s, given up after {} in a row).",
            check.interval_seconds, check.retries
        ));
    }
    if task.targets.is_empty() && !app.groups.is_empty() {
        return wait(format!("Task {id} runs and is registered with its target group."));
    }
    task.targets.iter().find_map(|target| {
        let group = groups.iter().find(|it| it.arn == target.group_arn)?;
        of_target(app, task, target, group)
    })
}

fn of_target(app: &App, task: &Task, target: &Target, group: &Group) -> Option<Wait> {
    let id = short(&task.id);
    let after = |seconds: i32| Some(task.started? + SignedDuration::from_secs(i64::from(seconds)));
    match target.state.as_str() {
        "initial" => {
            let seconds = group.healthy_threshold * group.interval_seconds;
            let sentence = format!(
                "Task {id} runs; the load balancer asks it for {}: it counts as healthy after {} good answers, one every \
                 {} s.",
                group.path, group.healthy_threshold, group.interval_seconds
            );
            Some(Wait {
                sentence,
                until: after(seconds),
            })
        }
        "unhealthy" => {
            let why = target.reason.as_deref().unwrap_or("its health checks fail");
            let grace = after(app.grace_seconds).filter(|_| app.grace_seconds > 0);
            let then = match grace {
                Some(_) => "it is replaced when the grace period is over",
                None => "it is replaced",
            };
            Some(Wait {
                sentence: format!(
                    "Task {id} is unhealthy after {} bad answers: {why}; {then}.",
                    group.unhealthy_threshold
                ),
                until: grace,
            })
        }
        _ => None,
    }
}

fn of_end(app: &App, task: &Task, groups: &[Group]) -> Wait {
    let id = short(&task.id);
    let drains = task.targets.iter().find(|it| it.state == "draining");
    let group = drains.and_then(|it| groups.iter().find(|group| group.arn == it.group_arn));
    if let Some(seconds) = group.and_then(|it| it.drain_seconds)
        && task.stopping.is_none()
    {
        return Wait {
            sentence: format!(
                "Task {id} gets no new requests; those that are under way may take up to {seconds} s (deregistration delay)."
            ),
            until: None,
        };
    }
    let seconds = app.stop_seconds;
    Wait {
        sentence: format!("Task {id} was told to stop (SIGTERM); it has {seconds} s, then it is killed."),
        until: task
            .stopping
            .map(|at| at + SignedDuration::from_secs(i64::from(seconds))),
    }
}

#[cfg(test)]
mod tests;
