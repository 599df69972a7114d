//! The sentences that users read in service events.

use crate::model::service::{Deployment, Service};

/// At most this many of a service's events are kept, as in AWS.
pub(crate) const EVENTS_MAX: usize = 100;

fn list(ids: &[String]) -> String {
    ids.iter()
        .map(|id| format!("(task {id})"))
        .collect::<Vec<_>>()
        .join(" ")
}

pub(crate) fn started(service: &Service, ids: &[String]) -> String {
    format!(
        "(service {}) has started {} tasks: {}.",
        service.name,
        ids.len(),
        list(ids)
    )
}

pub(crate) fn stopped(service: &Service, ids: &[String]) -> String {
    format!(
        "(service {}) has stopped {} running tasks: {}.",
        service.name,
        ids.len(),
        list(ids)
    )
}

pub(crate) fn draining(service: &Service, count: usize) -> String {
    format!(
        "(service {}) has begun draining connections on {count} tasks.",
        service.name
    )
}

pub(crate) fn registered(service: &Service, count: usize, group: &str) -> String {
    format!(
        "(service {}) registered {count} targets in (target-group {group})",
        service.name
    )
}

pub(crate) fn deregistered(service: &Service, count: usize, group: &str) -> String {
    format!(
        "(service {}) deregistered {count} targets in (target-group {group})",
        service.name
    )
}

pub(crate) fn steady(service: &Service) -> String {
    format!("(service {}) has reached a steady state.", service.name)
}

pub(crate) fn completed(service: &Service, deployment: &Deployment) -> String {
    format!(
        "(service {}) (deployment {}) deployment completed.",
        service.name, deployment.id
    )
}

pub(crate) fn failed(service: &Service, deployment: &Deployment) -> String {
    format!(
        "(service {}) (deployment {}) deployment failed: tasks failed to start.",
        service.name, deployment.id
    )
}

pub(crate) fn rolling_back(service: &Service, from: &Deployment, to: &str) -> String {
    format!(
        "(service {}) rolling back to deployment {to} after (deployment {}) failed.",
        service.name, from.id
    )
}

pub(crate) fn blocked(service: &Service) -> String {
    format!(
        "(service {}) was unable to stop or start tasks during a deployment because of the service deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again.",
        service.name
    )
}

pub(crate) fn inconsistent(service: &Service) -> String {
    format!(
        "(service {}) is unable to consistently start tasks successfully. For more information, see the Troubleshooting section.",
        service.name
    )
}

pub(crate) fn task_failed(service: &Service, id: &str, reason: &str) -> String {
    format!("(service {}) (task {id}) stopped: {reason}", service.name)
}

pub(crate) fn unhealthy(service: &Service, id: &str, why: &str) -> String {
    format!("(service {}) (task {id}) {why}", service.name)
}
