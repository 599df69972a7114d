//! What is stored, all under `<account>/<region>/` and a name: load balancers and target groups under theirs, listeners
//! and deleted load balancers under `<load balancer>/<id>`.

use std::sync::Arc;

use aws_protocol::ApiError;
use base_id::Scope;
use base_store::{Snapshot, Table};
use contract::network::ObservedNetwork;
use contract::route::{ObservedRoutes, RouteTable};

use crate::error::{listener_not_found, load_balancer_not_found, target_group_not_found};
use crate::model::{Listener, LoadBalancer, TargetGroup};

pub(crate) const LOAD_BALANCERS: Table<LoadBalancer> = Table::new("elbv2/load_balancer", 1);
pub(crate) const LISTENERS: Table<Listener> = Table::new("elbv2/listener", 1);
pub(crate) const TARGET_GROUPS: Table<TargetGroup> = Table::new("elbv2/target_group", 1);
pub(crate) const ROUTES: Table<RouteTable> = Table::new(RouteTable::TABLE, 1);
pub(crate) const OBSERVED: Table<ObservedRoutes> = Table::new(ObservedRoutes::TABLE, 1);
pub(crate) const NETWORKS: Table<ObservedNetwork> = Table::new(ObservedNetwork::TABLE, 1);

pub(crate) fn key(scope: &Scope, name: &str) -> String {
    format!("{}/{name}", scope.key())
}

/// `<load balancer>/<id>` from a listener's ARN, which ends in `listener/app/<load balancer>/<lb id>/<id>`.
pub(crate) fn listener_key(scope: &Scope, arn: &str) -> Option<String> {
    let head = scope.arn("elasticloadbalancing", "listener/app/");
    let mut parts = arn.strip_prefix(&head)?.split('/');
    let (balancer, _, id) = (parts.next()?, parts.next()?, parts.next()?);
    Some(key(scope, &format!("{balancer}/{id}")))
}

fn name_in<'a>(scope: &Scope, arn: &'a str, kind: &str) -> Option<&'a str> {
    arn.strip_prefix(&scope.arn("elasticloadbalancing", kind))?
        .split('/')
        .next()
}

pub(crate) fn balancer(snapshot: &Snapshot, scope: &Scope, arn: &str) -> Result<Arc<LoadBalancer>, ApiError> {
    let found = name_in(scope, arn, "loadbalancer/app/")
        .and_then(|name| snapshot.get(LOAD_BALANCERS, &key(scope, name)));
    found
        .filter(|it| it.arn == arn && !it.deleted)
        .ok_or_else(|| load_balancer_not_found(arn))
}

pub(crate) fn target_group(
    snapshot: &Snapshot,
    scope: &Scope,
    arn: &str,
) -> Result<Arc<TargetGroup>, ApiError> {
    let found =
        name_in(scope, arn, "targetgroup/").and_then(|name| snapshot.get(TARGET_GROUPS, &key(scope, name)));
    found
        .filter(|it| it.arn == arn)
        .ok_or_else(|| target_group_not_found(arn))
}

pub(crate) fn listener(snapshot: &Snapshot, scope: &Scope, arn: &str) -> Result<Arc<Listener>, ApiError> {
    let found = listener_key(scope, arn).and_then(|key| snapshot.get(LISTENERS, &key));
    found.ok_or_else(|| listener_not_found(arn))
}

/// A load balancer's listeners.
pub(crate) fn listeners_of(
    snapshot: &Snapshot,
    scope: &Scope,
    balancer: &str,
) -> Vec<(String, Arc<Listener>)> {
    snapshot.prefix(LISTENERS, &key(scope, &format!("{balancer}/")))
}

/// ARNs of the load balancers whose listeners lead to a target group.
pub(crate) fn users_of(snapshot: &Snapshot, scope: &Scope, target_group: &str) -> Vec<String> {
    let leads = |listener: &Listener| match &listener.action {
        crate::model::Action::Forward(groups) => groups.iter().any(|(arn, _)| arn == target_group),
        crate::model::Action::FixedResponse { .. } | crate::model::Action::Redirect(_) => false,
    };
    let listeners = snapshot.prefix(LISTENERS, &key(scope, ""));
    let mut users: Vec<String> = listeners
        .iter()
        .filter(|(_, it)| leads(it))
        .map(|(_, it)| it.load_balancer.clone())
        .collect();
    users.sort_unstable();
    users.dedup();
    users
}
