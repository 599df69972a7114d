//! From load balancers, listeners and target groups to what the proxy shall serve. Pure.

pub(crate) mod traffic;

use std::collections::{BTreeMap, BTreeSet};

use contract::certificate::Material;
use contract::dns::Endpoint;
use contract::route::{
    self, ListenerProtocol, ObservedRoutes, RouteTable, Stickiness, StickyCookie, TargetHealth, WeightedGroup,
};

use crate::model::attribute::{APP_COOKIE, Kind};
use crate::model::{Action, Listener, LoadBalancer, Target, TargetGroup, parse_matcher, tls};

/// Everything in every account and region.
pub(crate) struct Whole {
    pub(crate) balancers: Vec<LoadBalancer>,
    pub(crate) listeners: Vec<Listener>,
    /// With the keys of their rows.
    pub(crate) groups: Vec<(String, TargetGroup)>,
}

/// The routes as they shall be; the generation is the caller's to set.
pub(crate) fn routes(whole: &Whole, certificates: &dyn Fn(&str) -> Option<Material>) -> RouteTable {
    let standing: BTreeMap<&str, &LoadBalancer> = whole
        .balancers
        .iter()
        .filter(|one| !one.deleted && one.stands())
        .map(|one| (one.arn.as_str(), one))
        .collect();
    let mut table = RouteTable::default();
    // Which load balancers' feet ask the targets of a group.
    let mut users: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for listener in &whole.listeners {
        let Some(balancer) = standing.get(listener.load_balancer.as_str()) else {
            continue;
        };
        if let Action::Forward(groups) = &listener.action {
            for (arn, _) in groups {
                users.entry(arn).or_default().insert(&balancer.arn);
            }
        }
        let own = route::Listener {
            id: listener.arn.clone(),
            bind: (balancer.address, listener.port).into(),
            network: String::new(),
            behind: None,
            protocol: protocol(listener, certificates),
            names: vec![balancer.dns_name.clone()],
            default_action: action(&listener.action),
            idle_timeout_seconds: Kind::LoadBalancer
                .number(&balancer.attributes, "idle_timeout.timeout_seconds"),
        };
        table.listeners.push(own.clone());
        // Those inside its network reach it where its feet are.
        for foot in balancer.feet.iter().filter_map(|foot| foot.interface.as_ref()) {
            table.listeners.push(route::Listener {
                id: format!("{}@{}", listener.arn, foot.address),
                bind: (foot.address, listener.port).into(),
                network: balancer.vpc.clone(),
                names: vec![],
                ..own.clone()
            });
        }
    }
    for (_, group) in &whole.groups {
        let Some(users) = users.get(group.arn.as_str()) else {
            continue;
        };
        let feet = users.iter().flat_map(|arn| &standing[arn].feet);
        let feet = feet
            .filter_map(|foot| foot.interface.as_ref().map(|it| it.address))
            .collect();
        table.target_groups.push(target_group(group, feet));
    }
    table
}

fn protocol(listener: &Listener, certificates: &dyn Fn(&str) -> Option<Material>) -> ListenerProtocol {
    let Some(tls) = &listener.tls else {
        return ListenerProtocol::Http;
    };
    ListenerProtocol::Https {
        certificates: tls
            .certificates
            .iter()
            .filter_map(|arn| certificates(arn))
            .collect(),
        only_newest: tls::versions(&tls.policy).is_some_and(|it| it == ["TLSv1.3"]),
    }
}

/// The names of load balancers, and whether they are well: each of their target groups that is in use has a target, and
/// one that is healthy.
pub(crate) fn endpoints(whole: &Whole, routes: &RouteTable, seen: &ObservedRoutes) -> Vec<Endpoint> {
    let well = |group: &String| {
        let mut targets = seen.targets.iter().filter(|it| it.target_group == *group);
        targets.any(|it| matches!(it.health, TargetHealth::Healthy | TargetHealth::Unchecked))
    };
    let balancers = whole.balancers.iter().filter(|it| !it.deleted && it.stands());
    balancers
        .map(|balancer| {
            let own = whole
                .listeners
                .iter()
                .filter(|it| it.load_balancer == balancer.arn);
            let groups = own.flat_map(|it| match &it.action {
                Action::Forward(groups) => groups.as_slice(),
                Action::FixedResponse { .. } | Action::Redirect(_) => &[],
            });
            let known = |arn: &String| routes.target_groups.iter().any(|it| it.id == *arn);
            let feet = balancer.feet.iter().filter_map(|foot| foot.interface.as_ref());
            Endpoint {
                name: format!("{}.", balancer.dns_name.to_lowercase()),
                addresses: vec![balancer.address],
                inside: vec![(balancer.vpc.clone(), feet.map(|it| it.address).collect())],
                healthy: groups.map(|(arn, _)| arn).filter(|it| known(it)).all(well),
            }
        })
        .collect()
}

fn action(action: &Action) -> route::Action {
    match action {
        Action::Forward(groups) => {
            let weighted = |(arn, weight): &(String, u32)| WeightedGroup {
                target_group: arn.clone(),
                weight: *weight,
            };
            route::Action::Forward(groups.iter().map(weighted).collect())
        }
        Action::FixedResponse {
            status,
            content_type,
            body,
        } => route::Action::FixedResponse {
            status: *status,
            content_type: content_type.clone(),
            body: body.clone(),
        },
        Action::Redirect(to) => route::Action::Redirect(to.clone()),
    }
}

fn target_group(group: &TargetGroup, feet: Vec<std::net::Ipv4Addr>) -> route::TargetGroup {
    let check = &group.health_check;
    let targets = group.targets.iter().map(|target| route::Target {
        address: target.address,
        port: target.port,
        draining: target.draining,
    });
    route::TargetGroup {
        id: group.arn.clone(),
        network: group.vpc.clone(),
        feet,
        health_check: route::HealthCheck {
            enabled: check.enabled,
            port: check.port,
            path: check.path.clone(),
            matcher: parse_matcher(&check.matcher).unwrap_or_default(),
            interval_seconds: check.interval_seconds,
            timeout_seconds: check.timeout_seconds,
            healthy_threshold: check.healthy_threshold,
            unhealthy_threshold: check.unhealthy_threshold,
        },
        targets: targets.collect(),
        stickiness: stickiness(group),
        deregistration_delay_seconds: Kind::TargetGroup
            .number(&group.attributes, "deregistration_delay.timeout_seconds"),
    }
}

fn stickiness(group: &TargetGroup) -> Option<Stickiness> {
    let text = |key: &str| Kind::TargetGroup.text(&group.attributes, key);
    let seconds = |key: &str| Kind::TargetGroup.number(&group.attributes, key);
    if text("stickiness.enabled") != "true" {
        return None;
    }
    Some(match text("stickiness.type").as_str() {
        "app_cookie" => Stickiness {
            cookie: StickyCookie::Application(text(APP_COOKIE)),
            duration_seconds: seconds("stickiness.app_cookie.duration_seconds"),
        },
        _ => Stickiness {
            cookie: StickyCookie::Own,
            duration_seconds: seconds("stickiness.lb_cookie.duration_seconds"),
        },
    })
}

/// Whether a draining target has drained: the proxy says so, or has nothing to do with its group.
pub(crate) fn drained(
    group: &TargetGroup,
    target: &Target,
    routes: &RouteTable,
    seen: &ObservedRoutes,
) -> bool {
    if !routes.target_groups.iter().any(|one| one.id == group.arn) {
        return true;
    }
    seen.targets.iter().any(|one| {
        (one.target_group.as_str(), one.address, one.port)
            == (group.arn.as_str(), target.address, target.port)
            && one.health == TargetHealth::Draining { done: true }
    })
}
