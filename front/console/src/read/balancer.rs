//! Load balancers and target groups.

use std::collections::HashMap;

use aws_protocol::ApiError;
use aws_shape::elbv2;
use aws_shape::route53;

use crate::picture::{Balancer, Group, Listener, System, Target};
use crate::source::{PAGES_MAX, Source, sentence};

pub(super) async fn read(source: &Source, system: &mut System) {
    match balancers(source).await {
        Ok(found) => system.balancers = found,
        Err(error) => system
            .unread
            .push(format!("load balancers: {}", sentence(&error))),
    }
    match groups(source).await {
        Ok(found) => system.groups = found,
        Err(error) => system.unread.push(format!("target groups: {}", sentence(&error))),
    }
}

async fn balancers(source: &Source) -> Result<Vec<Balancer>, ApiError> {
    let context = source.context();
    let mut found = Vec::new();
    let mut marker = None;
    for _ in 0..PAGES_MAX {
        let input = elbv2::DescribeLoadBalancersInput {
            marker,
            ..Default::default()
        };
        let page = source.elbv2.describe_load_balancers(&context, input).await?;
        found.extend(page.load_balancers.into_iter().flatten());
        marker = page.next_marker;
        if marker.is_none() {
            break;
        }
    }
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let names = aliases(source).await;
    let mut balancers = Vec::with_capacity(found.len());
    for one in found {
        let input = elbv2::DescribeListenersInput {
            load_balancer_arn: one.load_balancer_arn.clone(),
            ..Default::default()
        };
        let listeners = source.elbv2.describe_listeners(&context, input).await?;
        let listeners: Vec<_> = listeners.listeners.into_iter().flatten().collect();
        balancers.push(balancer(one, listeners, &names));
    }
    Ok(balancers)
}

fn balancer(
    one: elbv2::LoadBalancer,
    listeners: Vec<elbv2::Listener>,
    names: &HashMap<String, String>,
) -> Balancer {
    let is_secure = |it: &elbv2::Listener| it.protocol.as_ref().is_some_and(|it| it.as_str() == "HTTPS");
    let dns_name = one.dns_name.clone().unwrap_or_default();
    let url = names.get(&dns_name.to_ascii_lowercase()).map_or_else(
        || url(&one),
        |name| {
            let scheme = if listeners.iter().any(is_secure) {
                "https"
            } else {
                "http"
            };
            Some(format!("{scheme}://{name}/"))
        },
    );
    Balancer {
        arn: one.load_balancer_arn.unwrap_or_default(),
        requests: None,
        name: one.load_balancer_name.unwrap_or_default(),
        url: url.filter(|_| !listeners.is_empty()),
        dns_name,
        state: one
            .state
            .and_then(|it| it.code)
            .map(|it| it.to_string())
            .unwrap_or_default(),
        scheme: one.scheme.map(|it| it.to_string()).unwrap_or_default(),
        vpc: one.vpc_id.unwrap_or_default(),
        listeners: listeners.into_iter().map(listener).collect(),
    }
}

/// By its address where its name is one that only browsers resolve.
fn url(one: &elbv2::LoadBalancer) -> Option<String> {
    let name = one.dns_name.clone()?;
    let zones = one.availability_zones.iter().flatten();
    let address = zones
        .flat_map(|zone| zone.load_balancer_addresses.iter().flatten())
        .find_map(|it| it.ip_address.clone());
    Some(match address {
        Some(address) if name.ends_with(".localhost") => format!("http://{address}/"),
        _ => format!("http://{name}/"),
    })
}

fn listener(one: elbv2::Listener) -> Listener {
    let protocol = one.protocol.map(|it| it.to_string()).unwrap_or_default();
    let mut groups = Vec::new();
    for action in one.default_actions.into_iter().flatten() {
        groups.extend(action.target_group_arn);
        let forward = action.forward_config.and_then(|it| it.target_groups);
        groups.extend(forward.into_iter().flatten().filter_map(|it| it.target_group_arn));
    }
    groups.sort();
    groups.dedup();
    Listener {
        title: format!("{protocol}:{}", one.port.unwrap_or_default()),
        groups,
    }
}

async fn groups(source: &Source) -> Result<Vec<Group>, ApiError> {
    let context = source.context();
    let input = elbv2::DescribeTargetGroupsInput::default();
    let answer = source.elbv2.describe_target_groups(&context, input).await?;
    let mut groups = Vec::new();
    for one in answer.target_groups.into_iter().flatten() {
        let arn = one.target_group_arn.clone().unwrap_or_default();
        let input = elbv2::DescribeTargetHealthInput {
            target_group_arn: arn.clone(),
            ..Default::default()
        };
        let health = source.elbv2.describe_target_health(&context, input).await?;
        let input = elbv2::DescribeTargetGroupAttributesInput {
            target_group_arn: arn.clone(),
        };
        let attributes = source
            .elbv2
            .describe_target_group_attributes(&context, input)
            .await?;
        let drain = attributes.attributes.into_iter().flatten().find_map(|it| {
            let is_delay = it.key.as_deref() == Some("deregistration_delay.timeout_seconds");
            it.value.filter(|_| is_delay)?.parse().ok()
        });
        let targets = health.target_health_descriptions.into_iter().flatten();
        groups.push(Group {
            name: one.target_group_name.unwrap_or_default(),
            path: one.health_check_path.unwrap_or_default(),
            interval_seconds: one.health_check_interval_seconds.unwrap_or_default(),
            healthy_threshold: one.healthy_threshold_count.unwrap_or_default(),
            unhealthy_threshold: one.unhealthy_threshold_count.unwrap_or_default(),
            drain_seconds: drain,
            balancers: one.load_balancer_arns.unwrap_or_default(),
            targets: targets.map(|it| target(&arn, it)).collect(),
            arn,
        });
    }
    Ok(groups)
}

fn target(group: &str, one: elbv2::TargetHealthDescription) -> Target {
    let health = one.target_health.unwrap_or_default();
    Target {
        id: one.target.map(|it| it.id).unwrap_or_default(),
        group_arn: group.to_owned(),
        state: health.state.map(|it| it.to_string()).unwrap_or_default(),
        reason: health.description,
    }
}

/// Load balancers' names, and the names of alias records that lead to them. Without Route 53 there are none.
async fn aliases(source: &Source) -> HashMap<String, String> {
    let context = source.context();
    let input = route53::ListHostedZonesRequest::default();
    let Ok(zones) = source.route53.list_hosted_zones(&context, input).await else {
        return HashMap::new();
    };
    let mut names = HashMap::new();
    for zone in zones.hosted_zones {
        let input = route53::ListResourceRecordSetsRequest {
            hosted_zone_id: zone.id,
            ..Default::default()
        };
        let Ok(records) = source.route53.list_resource_record_sets(&context, input).await else {
            continue;
        };
        for record in records.resource_record_sets {
            if let Some(alias) = record.alias_target {
                let target = alias.dns_name.trim_end_matches('.').to_ascii_lowercase();
                let target = target.strip_prefix("dualstack.").unwrap_or(&target).to_owned();
                names.insert(target, record.name.trim_end_matches('.').to_owned());
            }
        }
    }
    names
}
