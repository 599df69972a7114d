//! The drawing, and what is known of the node that was chosen.

use std::sync::Arc;

use maud::{Markup, html};

use super::{CALM, DOT, Page, app, badge, empty, outside, time, unread};
use crate::drawing;
use crate::picture::{Balancer, Health, Instance, Nat, Subnet, System, Task, Vpc, short};
use crate::read::{self, Metric, Stat};
use crate::route::State;
use crate::text;
use crate::view::app_path;

/// How old a count of requests may be, in seconds.
const TRAFFIC_SECONDS: i64 = 180;

pub(super) async fn page(state: &Arc<State>, node: Option<&str>) -> Page {
    let mut system = read::system(&state.parts.source).await;
    for balancer in &mut system.balancers {
        balancer.requests = requests(state, &balancer.arn).await;
    }
    let region = &state.parts.source.scope.region;
    let head = html! {
        div.head { h1 { "Map" } p.facts { "What exists in " (text::name(region)) ". Choose a part to see more of it." } }
        (unread(&system.unread))
    };
    let drawn = drawing::draw(&system, region, node);
    let drawing = if drawn.is_empty() {
        empty(
            "There is no network yet. An application makes one:",
            Some("wharf up PATH"),
        )
    } else {
        html! { @for one in drawn { (one) } }
    };
    let detail = match node {
        Some(node) => detail(&system, node),
        None => html! {},
    };
    Page::new(
        "Map",
        CALM,
        vec![("summary", head), ("detail", detail), ("drawing", drawing)],
    )
}

/// Of a load balancer in the last minute that was measured.
async fn requests(state: &Arc<State>, arn: &str) -> Option<f64> {
    let (_, name) = arn.split_once(":loadbalancer/")?;
    let metric = Metric {
        title: "requests",
        namespace: "AWS/ApplicationELB",
        name: "RequestCount",
        dimensions: vec![("LoadBalancer", name.to_owned())],
        stat: Stat::Sum,
    };
    let lines = state
        .metrics
        .lines(&state.parts.source, vec![metric], TRAFFIC_SECONDS, 60)
        .await?;
    let (_, value) = lines.first()?.points.last()?;
    Some(*value)
}

fn detail(system: &System, node: &str) -> Markup {
    let inner = find(system, node).unwrap_or_else(|| html! { p { "It is not there any more." } });
    html! {
        aside.card.detail aria-label="Details" {
            div.card-head { h2 { (text::name(node)) } a.quiet href="/console/map" { "Close" } }
            (inner)
        }
    }
}

fn find(system: &System, id: &str) -> Option<Markup> {
    let tasks = system
        .apps
        .iter()
        .flat_map(|it| &it.tasks)
        .chain(&system.lone_tasks);
    for vpc in &system.vpcs {
        if vpc.id == id {
            return Some(network(vpc));
        }
        if vpc.internet_gateway.as_deref() == Some(id) {
            return Some(
                html! { p { "Internet gateway of " (text::name(&vpc.id)) ": what public subnets reach the world by, and the world them." } },
            );
        }
        for subnet in &vpc.subnets {
            if subnet.id == id {
                return Some(self::subnet(subnet));
            }
            if let Some(nat) = subnet.nat_gateways.iter().find(|it| it.id == id) {
                return Some(self::nat(nat, subnet));
            }
        }
    }
    if let Some(task) = tasks.clone().find(|it| it.id == id) {
        return Some(self::task(task));
    }
    if let Some(balancer) = system.balancers.iter().find(|it| it.name == id) {
        return Some(self::balancer(balancer, system));
    }
    system.instances.iter().find(|it| it.id == id).map(instance)
}

fn network(vpc: &Vpc) -> Markup {
    html! { p { "Network " (text::name(&vpc.range)) (DOT) (vpc.subnets.len()) " subnets" @if !vpc.name.is_empty() { (DOT) (text::name(&vpc.name)) } } }
}

fn subnet(subnet: &Subnet) -> Markup {
    html! {
        p { (if subnet.is_public { "Public" } else { "Private" }) " subnet " (text::name(&subnet.range)) " in " (text::name(&subnet.zone)) }
        p.faint { @match (&subnet.leaves_by, subnet.is_public) {
            (_, true) => { "Its route to everywhere is the internet gateway." },
            (Some(nat), _) => { "Its route to everywhere is " (text::name(nat)) "." },
            (None, _) => { "It has no route to the world." },
        } }
    }
}

fn nat(nat: &Nat, subnet: &Subnet) -> Markup {
    html! {
        p { "NAT gateway in " (text::name(&subnet.id)) " " (badge(if nat.state == "available" { Health::Good } else { Health::Changing }, &nat.state)) }
        @if let Some(address) = &nat.address { p.faint { "Packets of private subnets leave as " (text::name(address)) "." } }
    }
}

fn task(task: &Task) -> Markup {
    let service = task.group.strip_prefix("service:");
    html! {
        p { (badge(task.condition(), &app::state_of(task))) " " (text::name(&task.definition)) (DOT) "since " (time(task.started.or(task.created))) }
        @if let Some(service) = service { p { "Of " a href=(app_path(&task.cluster, service)) { (text::name(service)) } } }
        p.faint { "Task " code { (short(&task.id)) } " at " (text::name(task.address.as_deref().unwrap_or("no address"))) @if let Some(host) = &task.host { " on container instance " (text::name(host)) } }
        @for target in &task.targets { @if let Some(reason) = &target.reason { p.reason { (text::line(reason)) } } }
    }
}

fn balancer(one: &Balancer, system: &System) -> Markup {
    html! {
        p { (badge(if one.state == "active" { Health::Good } else { Health::Changing }, &one.state)) " " (text::name(&one.scheme)) @if let Some(url) = &one.url { " " (outside(url)) } }
        p.faint { (text::name(&one.dns_name)) }
        ul.rows { @for listener in &one.listeners { @for arn in &listener.groups { @if let Some(group) = system.groups.iter().find(|it| it.arn == *arn) {
            li { span { (text::name(&listener.title)) " → " (text::name(&group.name)) } span { (group.healthy()) " of " (group.targets.len()) " healthy" } }
        } } } }
    }
}

fn instance(one: &Instance) -> Markup {
    html! {
        p { (badge(if one.state == "running" { Health::Good } else { Health::Changing }, &one.state)) " " (text::name(&one.kind)) (DOT) "since " (time(one.launched)) }
        p.faint { "At " (text::name(one.address.as_deref().unwrap_or("no address"))) " in " (text::name(&one.subnet)) }
    }
}
