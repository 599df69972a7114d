//! Load balancers, listeners and target groups, as they are stored.

pub(crate) mod action;
pub(crate) mod attribute;
pub(crate) mod tls;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use action::Action;
pub(crate) use tls::Tls;

pub(crate) type Tags = BTreeMap<String, String>;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LoadBalancer {
    pub(crate) name: String,
    /// 16 hexadecimal digits, the tail of its ARN.
    pub(crate) id: String,
    pub(crate) arn: String,
    pub(crate) dns_name: String,
    pub(crate) internal: bool,
    pub(crate) vpc: String,
    pub(crate) feet: Vec<Foot>,
    pub(crate) groups: Vec<String>,
    /// Interfaces in subnets that it has left, until they are gone.
    #[serde(default)]
    pub(crate) left: Vec<String>,
    /// The security groups of its interfaces are not yet those of the row.
    #[serde(default)]
    pub(crate) regroup: bool,
    /// The loopback address on which its listeners are reached.
    pub(crate) address: Ipv4Addr,
    pub(crate) created_at: Timestamp,
    /// Those that differ from the default.
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) tags: Tags,
    /// Gone for callers; the row stays until its interfaces are gone too.
    pub(crate) deleted: bool,
}

/// A load balancer's place in a subnet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Foot {
    pub(crate) subnet: String,
    pub(crate) zone: String,
    /// `None` until the interface is made.
    pub(crate) interface: Option<FootInterface>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FootInterface {
    pub(crate) id: String,
    pub(crate) address: Ipv4Addr,
}

impl LoadBalancer {
    /// How its interfaces describe themselves.
    pub(crate) fn description(&self) -> String {
        format!("ELB app/{}/{}", self.name, self.id)
    }

    /// Whether its interfaces are as the row wants them.
    pub(crate) fn is_settled(&self) -> bool {
        !self.deleted && self.stands() && self.left.is_empty() && !self.regroup
    }

    pub(crate) fn stands(&self) -> bool {
        self.feet.iter().all(|foot| foot.interface.is_some())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listener {
    pub(crate) arn: String,
    pub(crate) load_balancer: String,
    pub(crate) port: u16,
    pub(crate) action: Action,
    /// HTTP without.
    #[serde(default)]
    pub(crate) tls: Option<Tls>,
    /// Attributes that differ from the default.
    #[serde(default)]
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TargetGroup {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) port: u16,
    pub(crate) vpc: String,
    /// Its targets are EC2 instances, not addresses.
    #[serde(default)]
    pub(crate) of_instances: bool,
    pub(crate) health_check: HealthCheck,
    /// Those that differ from the default.
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) targets: Vec<Target>,
    pub(crate) tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HealthCheck {
    pub(crate) enabled: bool,
    /// `None` is the target's own port.
    pub(crate) port: Option<u16>,
    pub(crate) path: String,
    /// As written, such as `200-299,301`.
    pub(crate) matcher: String,
    pub(crate) interval_seconds: u32,
    pub(crate) timeout_seconds: u32,
    pub(crate) healthy_threshold: u32,
    pub(crate) unhealthy_threshold: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Target {
    /// The EC2 instance that has the address, where that is what was registered.
    #[serde(default)]
    pub(crate) instance: Option<String>,
    pub(crate) address: Ipv4Addr,
    pub(crate) port: u16,
    pub(crate) draining: bool,
}

impl Target {
    /// As it was registered.
    pub(crate) fn id(&self) -> String {
        self.instance.clone().unwrap_or_else(|| self.address.to_string())
    }
}

/// The codes of `200`, `200,202` or `200-299`, both ends included.
pub(crate) fn parse_matcher(text: &str) -> Option<Vec<(u16, u16)>> {
    let code = |text: &str| {
        text.trim()
            .parse::<u16>()
            .ok()
            .filter(|code| (200..=499).contains(code))
    };
    let range = |part: &str| match part.split_once('-') {
        Some((from, to)) => Some((code(from)?, code(to)?)).filter(|(from, to)| from <= to),
        None => code(part).map(|one| (one, one)),
    };
    text.split(',').map(range).collect()
}
