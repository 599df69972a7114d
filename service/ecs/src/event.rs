//! The sentences that users read in service events and as reasons, in AWS's words where AWS has some.

use crate::model::service::{Deployment, Service};
use crate::plan::placement::Lack;
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

pub(crate) fn listed(service: &Service, task: &str) -> String {
    format!(
        "(service {}) (task {task}) is found by its names now.",
        service.name
    )
}

pub(crate) fn unlisted(service: &Service, task: &str) -> String {
    format!(
        "(service {}) (task {task}) is not found by its names any more.",
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

/// `closest` is the instance that lacks least; none if there is no instance at all.
pub(crate) fn unplaced(
    service: &Service,
    provider: Option<&str>,
    closest: Option<&(String, Lack)>,
) -> String {
    let why = match (closest, provider) {
        (Some((id, lack)), _) => {
            format!(
                "The closest matching (container-instance {id}) {}.",
                lack.sentence()
            )
        }
        (None, Some(_)) => "Reason: No Container Instances were found in your capacity provider.".to_owned(),
        (None, None) => "Reason: No Container Instances were found in your cluster.".to_owned(),
    };
    format!(
        "(service {}) was unable to place a task because no container instance met all of its requirements. {why} For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.",
        service.name
    )
}

/// The stopped reason of a task whose instance is stopped or terminated.
pub(crate) fn host_gone(ec2_instance: &str, what: &str) -> String {
    format!("Host EC2 (instance {ec2_instance}) {what}.")
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
