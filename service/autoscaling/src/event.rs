//! The sentences of scaling activities, as AWS writes them.

use jiff::Timestamp;

/// `2026-01-01T00:00:00Z`
fn at(now: Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

pub(crate) fn started(now: Timestamp, from: usize, to: usize) -> String {
    format!(
        "At {} an instance was started in response to a difference between desired and actual capacity, increasing \
         the capacity from {from} to {to}.",
        at(now)
    )
}

pub(crate) fn replaced(now: Timestamp) -> String {
    format!(
        "At {} an instance was launched in response to an unhealthy instance needing to be replaced.",
        at(now)
    )
}

pub(crate) fn shrunk(now: Timestamp, from: usize, to: usize, id: &str) -> String {
    format!(
        "At {0} an instance was taken out of service in response to a difference between desired and actual capacity, \
         shrinking the capacity from {from} to {to}.  At {0} instance {id} was selected for termination.",
        at(now)
    )
}

pub(crate) fn user_changed(now: Timestamp, min: u32, max: u32, from: u32, to: u32) -> String {
    format!(
        "At {} a user request update of AutoScalingGroup constraints to min: {min}, max: {max}, desired: {to} changing \
         the desired capacity from {from} to {to}.",
        at(now)
    )
}

pub(crate) fn user_created(now: Timestamp, min: u32, max: u32, to: u32) -> String {
    format!(
        "At {} a user request created an AutoScalingGroup changing the desired capacity from 0 to {to} (min: {min}, \
         max: {max}).",
        at(now)
    )
}

pub(crate) fn user_set(now: Timestamp, from: u32, to: u32) -> String {
    format!(
        "At {} a user request explicitly set group desired capacity changing the desired capacity from {from} to {to}.",
        at(now)
    )
}

pub(crate) fn alarmed(now: Timestamp, alarm: &str, state: &str, policy: &str, from: u32, to: u32) -> String {
    format!(
        "At {} a monitor alarm {alarm} in state {state} triggered policy {policy} changing the desired capacity from \
         {from} to {to}.",
        at(now)
    )
}

pub(crate) fn executed(now: Timestamp, policy: &str, from: u32, to: u32) -> String {
    format!(
        "At {} a user request executed policy {policy} changing the desired capacity from {from} to {to}.",
        at(now)
    )
}

/// `changes`: what, from, to; those that are none are left out.
pub(crate) fn scheduled(now: Timestamp, action: &str, changes: &[(&str, u32, u32)]) -> String {
    let changed = changes.iter().filter(|(_, from, to)| from != to);
    let told: String = changed
        .map(|(what, from, to)| format!("  Setting {what} from {from} to {to}."))
        .collect();
    format!("At {} the scheduled action {action} executed.{told}", at(now))
}

/// `which` as in `an EC2 health check indicating it has been terminated or stopped`.
pub(crate) fn unhealthy(now: Timestamp, which: &str) -> String {
    format!(
        "At {} an instance was taken out of service in response to {which}.",
        at(now)
    )
}

pub(crate) fn taken_by_user(now: Timestamp, id: &str, capacity: Option<(usize, usize)>) -> String {
    let shrinking = capacity.map_or_else(String::new, |(from, to)| {
        format!(", shrinking the capacity from {from} to {to}")
    });
    format!(
        "At {} instance {id} was taken out of service in response to a user request{shrinking}.",
        at(now)
    )
}

pub(crate) fn detached(now: Timestamp, id: &str) -> String {
    format!(
        "At {} instance {id} was detached in response to a user request.",
        at(now)
    )
}

pub(crate) fn attached(now: Timestamp, ids: &str, from: u32, to: u32) -> String {
    format!(
        "At {} an instance was added in response to user request, increasing the capacity from {from} to {to}: {ids}.",
        at(now)
    )
}

pub(crate) fn deleted(now: Timestamp) -> String {
    format!(
        "At {} a user request force deleted the AutoScalingGroup.",
        at(now)
    )
}

pub(crate) fn refreshed(now: Timestamp) -> String {
    format!(
        "At {} an instance was taken out of service in response to an instance refresh.",
        at(now)
    )
}
