//! The sentences that users read in service events and as reasons, in AWS's words where AWS has some.

use crate::model::service::{Deployment, Service};
use crate::plan::rolling::Unwell;

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

pub(crate) fn stopped_pending(service: &Service, count: usize) -> String {
    format!("(service {}) stopped {count} pending tasks.", service.name)
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

pub(crate) fn failed(service: &Service, deployment: &Deployment, why: &str) -> String {
    format!(
        "(service {}) (deployment {}) deployment failed: {why}.",
        service.name, deployment.id
    )
}

pub(crate) fn rolling_back(service: &Service, to: &str) -> String {
    format!("(service {}) rolling back to deployment {to}.", service.name)
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

pub(crate) fn unhealthy(service: &Service, id: &str, why: &Unwell) -> String {
    let why = match why {
        Unwell::Container => "failed container health checks.".to_owned(),
        Unwell::Target { group, port, reason } => {
            format!("(port {port}) is unhealthy in (target-group {group}) due to (reason {reason}).")
        }
    };
    format!("(service {}) (task {id}) {why}", service.name)
}

/// The stopped reason of a task that is not well.
pub(crate) fn unhealthy_reason(why: &Unwell) -> String {
    match why {
        Unwell::Container => "Task failed container health checks".to_owned(),
        Unwell::Target { group, reason, .. } => {
            format!("Task failed ELB health checks in (target-group {group}) (reason {reason})")
        }
    }
}
