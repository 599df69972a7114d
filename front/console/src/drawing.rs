//! The architecture as SVG: region, zones, networks, subnets, gateways, load balancers, instances and tasks.
//!
//! Zones are columns, public subnets above private ones. Each node is a link to its details, so it is reached by
//! keyboard and read aloud.

use maud::{Markup, html};

use crate::picture::{Balancer, Health, Subnet, System, Task, Vpc, short};
use crate::text::clean;
use crate::view::View;

const COLUMN: usize = 300;
const GAP: usize = 20;
const NODE_WIDTH: usize = 128;
const NODE_HEIGHT: usize = 40;
const NODE_GAP: usize = 10;
const SUBNET_HEAD: usize = 34;
/// Internet and gateway.
const TOP: usize = 186;
/// Load balancers below them.
const BALANCERS: usize = 50;
/// Nodes that one subnet shows; the rest are a number.
const NODES_MAX: usize = 12;

/// One drawing for each network, those in use first.
pub(crate) fn draw(system: &System, region: &str, chosen: Option<&str>) -> Vec<Markup> {
    let mut vpcs: Vec<(&Vpc, usize)> = system.vpcs.iter().map(|vpc| (vpc, weight(system, vpc))).collect();
    vpcs.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
    vpcs.into_iter()
        .map(|(vpc, _)| Drawing::new(system, vpc, chosen).draw(region))
        .collect()
}

/// How much is in it.
fn weight(system: &System, vpc: &Vpc) -> usize {
    let balancers = system.balancers.iter().filter(|it| it.vpc == vpc.id).count();
    let nodes: usize = vpc.subnets.iter().map(|it| nodes(system, it).len()).sum();
    balancers + nodes
}

/// A box with a link.
struct Node {
    id: String,
    title: String,
    note: String,
    health: Health,
    kind: &'static str,
}

fn nodes(system: &System, subnet: &Subnet) -> Vec<Node> {
    let gateways = subnet.nat_gateways.iter().map(|it| Node {
        id: it.id.clone(),
        title: "NAT gateway".to_owned(),
        note: it.address.clone().unwrap_or_else(|| it.state.clone()),
        health: if it.state == "available" {
            Health::Good
        } else {
            Health::Changing
        },
        kind: "nat",
    });
    let instances = system
        .instances
        .iter()
        .filter(|it| it.subnet == subnet.id)
        .map(|it| Node {
            id: it.id.clone(),
            title: if it.name.is_empty() {
                it.id.clone()
            } else {
                it.name.clone()
            },
            note: it.kind.clone(),
            health: if it.state == "running" {
                Health::Good
            } else {
                Health::Changing
            },
            kind: "instance",
        });
    let all = system
        .apps
        .iter()
        .flat_map(|it| &it.tasks)
        .chain(&system.lone_tasks);
    let tasks = all
        .filter(|it| it.subnet.as_deref() == Some(&subnet.id) && !it.is_over())
        .map(task);
    gateways.chain(instances).chain(tasks).collect()
}

fn task(task: &Task) -> Node {
    let name = task
        .group
        .split_once(':')
        .map_or(task.group.as_str(), |(_, name)| name);
    Node {
        id: task.id.clone(),
        title: name.to_owned(),
        note: match task.status.as_str() {
            "RUNNING" => format!("task {}", short(&task.id)),
            status => format!("task, {}", status.to_lowercase()),
        },
        health: task.condition(),
        kind: "task",
    }
}

struct Drawing<'a> {
    /// Where zones begin.
    top: usize,
    system: &'a System,
    vpc: &'a Vpc,
    chosen: Option<&'a str>,
}

/// Where a subnet is drawn.
struct Place<'a> {
    subnet: &'a Subnet,
    nodes: Vec<Node>,
    x: usize,
    y: usize,
    height: usize,
}

impl<'a> Drawing<'a> {
    fn new(system: &'a System, vpc: &'a Vpc, chosen: Option<&'a str>) -> Self {
        let has_balancers = system.balancers.iter().any(|it| it.vpc == vpc.id);
        Self {
            top: TOP + if has_balancers { BALANCERS } else { 0 },
            system,
            vpc,
            chosen,
        }
    }
    fn draw(&self, region: &str) -> Markup {
        let mut zones: Vec<&str> = self.vpc.subnets.iter().map(|it| it.zone.as_str()).collect();
        zones.sort_unstable();
        zones.dedup();
        let places = self.places(&zones);
        let width = zones.len().max(1) * (COLUMN + GAP) + GAP * 3;
        let bottom = places.iter().map(|it| it.y + it.height).max().unwrap_or(self.top);
        let height = bottom + GAP * 2;
        let balancers: Vec<&Balancer> = self
            .system
            .balancers
            .iter()
            .filter(|it| it.vpc == self.vpc.id)
            .collect();
        html! {
            div.drawing tabindex="0" role="region" aria-label=(format!("Drawing of {}", self.vpc.id)) {
                svg viewBox=(format!("0 0 {width} {height}")) width=(width) height=(height) role="group" aria-label=(self.said(&zones, &balancers)) {
                    rect.region x="8" y="64" width=(width - 16) height=(height - 72) rx="14" {}
                    text.place x="24" y="86" { (clean(region, 40)) }
                    rect.vpc x=(GAP) y="112" width=(width - GAP * 2) height=(height - 112 - GAP) rx="12" {}
                    (self.link(&self.vpc.id, html! {
                        text.place x=(GAP + 14) y="134" { (clean(if self.vpc.name.is_empty() { &self.vpc.id } else { &self.vpc.name }, (width / 2 - 110) / 8)) }
                        text.note x=(GAP + 14) y="151" { (self.vpc.range) }
                    }))
                    @for (column, zone) in zones.iter().enumerate() {
                        rect.zone x=(column_x(column) - 6) y=(self.top - 22) width=(COLUMN + 12) height=(height - self.top - GAP + 10) rx="10" {}
                        text.place x=(column_x(column) + 4) y=(self.top - 5) { (clean(zone, 30)) }
                    }
                    (self.edges(width, &places, &balancers))
                    (self.head(width, &balancers))
                    @for place in &places { (self.subnet(place)) }
                }
            }
        }
    }

    fn places(&self, zones: &[&str]) -> Vec<Place<'_>> {
        let mut places: Vec<Place<'_>> = Vec::new();
        // Rows as high as their highest subnet, so that zones can be compared.
        let row = |is_public: bool| {
            self.vpc
                .subnets
                .iter()
                .filter(move |it| it.is_public == is_public)
        };
        let mut y = self.top + 8;
        for is_public in [true, false] {
            let deepest = zones
                .iter()
                .map(|zone| row(is_public).filter(|it| it.zone == *zone).count())
                .max();
            for depth in 0..deepest.unwrap_or_default() {
                let mut most = 0;
                for (column, zone) in zones.iter().enumerate() {
                    let Some(subnet) = row(is_public).filter(|it| it.zone == *zone).nth(depth) else {
                        continue;
                    };
                    let nodes = nodes(self.system, subnet);
                    let lines = nodes.len().min(NODES_MAX + 1).div_ceil(2);
                    let height = SUBNET_HEAD + lines * (NODE_HEIGHT + NODE_GAP) + NODE_GAP;
                    most = most.max(height);
                    places.push(Place {
                        subnet,
                        nodes,
                        x: column_x(column),
                        y,
                        height,
                    });
                }
                for place in places.iter_mut().filter(|it| it.y == y) {
                    place.height = most;
                }
                y += most + 12;
            }
        }
        places
    }

    /// Internet, gateway, load balancers.
    fn head(&self, width: usize, balancers: &[&Balancer]) -> Markup {
        let middle = width / 2;
        html! {
            g.node.internet { rect x=(middle - 60) y="8" width="120" height="36" rx="18" {} text.title x=(middle) y="31" text-anchor="middle" { "Internet" } }
            @if let Some(gateway) = &self.vpc.internet_gateway {
                (self.link(gateway, html! {
                    rect.gateway x=(middle - 74) y="94" width="148" height="34" rx="8" {}
                    text.title x=(middle) y="116" text-anchor="middle" { "Internet gateway" }
                }))
            }
            @for (index, balancer) in balancers.iter().enumerate() {
                (self.balancer(balancer, balancer_x(index, balancers.len(), width)))
            }
        }
    }

    fn balancer(&self, one: &Balancer, x: usize) -> Markup {
        let arns: Vec<&String> = one.listeners.iter().flat_map(|it| &it.groups).collect();
        let groups: Vec<_> = self
            .system
            .groups
            .iter()
            .filter(|it| arns.contains(&&it.arn))
            .collect();
        let (healthy, all) = groups.iter().fold((0, 0), |(healthy, all), it| {
            (healthy + it.healthy(), all + it.targets.len())
        });
        let health = if all == 0 {
            Health::Idle
        } else if healthy == 0 {
            Health::Bad
        } else if healthy < all || one.state != "active" {
            Health::Changing
        } else {
            Health::Good
        };
        self.link(&one.name, html! {
                rect.box.balancer x=(x) y="150" width="200" height="44" rx="9" {}
                circle class=(format!("dot {}", health.class())) cx=(x + 18) cy="172" r="5" { title { (health.word()) } }
                text.title x=(x + 32) y="168" { (clean(&one.name, 14)) }
            @if let Some(requests) = one.requests { text.note x=(x + 190) y="168" text-anchor="end" { (format!("{requests:.0}")) "/min" } }
                text.note x=(x + 32) y="184" { "load balancer, " (healthy) "/" (all) " healthy" }
            },
        )
    }

    fn subnet(&self, place: &Place<'_>) -> Markup {
        let subnet = place.subnet;
        let kind = if subnet.is_public { "public" } else { "private" };
        let left = place.nodes.len().saturating_sub(NODES_MAX);
        html! {
            rect class=(format!("subnet {kind}")) x=(place.x) y=(place.y) width=(COLUMN) height=(place.height) rx="8" {}
            (self.link(&subnet.id, html! {
                rect.hit x=(place.x + 6) y=(place.y + 6) width=(COLUMN - 12) height="22" rx="4" {}
                text.note x=(place.x + 12) y=(place.y + 21) { (kind) " subnet" }
                text.note x=(place.x + COLUMN - 12) y=(place.y + 21) text-anchor="end" { (clean(&subnet.range, 20)) }
            }))
            @for (index, node) in place.nodes.iter().take(NODES_MAX).enumerate() {
                @let (x, y) = node_at(place, index);
                (self.link(&node.id, html! {
                    rect class=(format!("box {}", node.kind)) x=(x) y=(y) width=(NODE_WIDTH) height=(NODE_HEIGHT) rx="7" {}
                    circle class=(format!("dot {}", node.health.class())) cx=(x + 13) cy=(y + 20) r="5" { title { (node.health.word()) } }
                    text.title x=(x + 25) y=(y + 17) { (clean(&node.title, 13)) }
                    text.note x=(x + 25) y=(y + 32) { (clean(&node.note, 18)) }
                }))
            }
            @if left > 0 {
                @let (x, y) = node_at(place, NODES_MAX);
                text.note x=(x + 4) y=(y + 24) { "and " (left) " more" }
            }
        }
    }

    /// Ways of requests: from the internet to the tasks that load balancers ask.
    fn edges(&self, width: usize, places: &[Place<'_>], balancers: &[&Balancer]) -> Markup {
        let middle = width / 2;
        let tasks: Vec<&Task> = self.system.apps.iter().flat_map(|it| &it.tasks).collect();
        html! {
            g.edges aria-hidden="true" {
                @if self.vpc.internet_gateway.is_some() { path d=(format!("M{middle} 44V94")) {} }
                @for (index, balancer) in balancers.iter().enumerate() {
                    @let x = balancer_x(index, balancers.len(), width) + 100;
                    @let arns: Vec<&String> = balancer.listeners.iter().flat_map(|it| &it.groups).collect();
                    path d=(format!("M{middle} 128C{middle} 140 {x} 138 {x} 150")) {}
                    @for place in places { @for (index, node) in place.nodes.iter().take(NODES_MAX).enumerate() {
                        @let target = tasks.iter().find(|it| it.id == node.id).and_then(|it| it.targets.iter().find(|it| arns.contains(&&it.group_arn)));
                        @if let Some(target) = target {
                            @let (to_x, to_y) = node_at(place, index);
                            @let to_x = to_x + NODE_WIDTH / 2;
                            path class=(format!("to-{}", if target.state == "healthy" { "healthy" } else { "other" })) d=(format!("M{x} 194C{x} {} {to_x} {} {to_x} {to_y}", 194 + 36, to_y - 30)) {}
                        }
                    } }
                }
            }
        }
    }

    fn link(&self, id: &str, inner: Markup) -> Markup {
        let view = View::Map {
            node: Some(id.to_owned()),
        };
        let class = if self.chosen == Some(id) {
            "node chosen"
        } else {
            "node"
        };
        html! {
            a class=(class) href=(view.address()) data-key=(id) { (inner) }
        }
    }

    /// For those who do not see it.
    fn said(&self, zones: &[&str], balancers: &[&Balancer]) -> String {
        let nodes: usize = self
            .vpc
            .subnets
            .iter()
            .map(|it| nodes(self.system, it).len())
            .sum();
        format!(
            "Network {} with {} subnets in {} zones, {} load balancers, {nodes} gateways, instances and tasks",
            self.vpc.id,
            self.vpc.subnets.len(),
            zones.len(),
            balancers.len()
        )
    }
}

fn column_x(column: usize) -> usize {
    GAP * 2 + column * (COLUMN + GAP)
}

/// Balancers side by side, as a whole in the middle.
fn balancer_x(index: usize, count: usize, width: usize) -> usize {
    let whole = count * 200 + count.saturating_sub(1) * 16;
    (width / 2).saturating_sub(whole / 2) + index * 216
}

fn node_at(place: &Place<'_>, index: usize) -> (usize, usize) {
    let x = place.x + 14 + (index % 2) * (NODE_WIDTH + 16);
    let y = place.y + SUBNET_HEAD + (index / 2) * (NODE_HEIGHT + NODE_GAP);
    (x, y)
}
