//! Rules of security groups.

use aws_shape::ec2 as shape;
use ipnet::{Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use crate::error::{Error, invalid, missing, unsupported};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) egress: bool,
    /// `-1`, `tcp`, `udp`, `icmp`.
    pub(crate) protocol: String,
    pub(crate) from: Option<i32>,
    pub(crate) to: Option<i32>,
    pub(crate) peer: Peer,
    pub(crate) description: Option<String>,
    #[serde(default)]
    pub(crate) tags: super::Tags,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Peer {
    V4(Ipv4Net),
    V6(Ipv6Net),
    Group(String),
}

impl Rule {
    /// Whether both allow the same; ids and descriptions do not count.
    pub(crate) fn same(&self, other: &Self) -> bool {
        (self.egress, &self.protocol, self.from, self.to, &self.peer)
            == (other.egress, &other.protocol, other.from, other.to, &other.peer)
    }

    pub(crate) fn shape(&self, group: &str, owner: &str) -> shape::SecurityGroupRule {
        let mut rule = shape::SecurityGroupRule {
            security_group_rule_id: Some(self.id.clone()),
            group_id: Some(group.to_owned()),
            group_owner_id: Some(owner.to_owned()),
            is_egress: Some(self.egress),
            ip_protocol: Some(self.protocol.clone()),
            from_port: Some(self.from.unwrap_or(-1)),
            to_port: Some(self.to.unwrap_or(-1)),
            description: self.description.clone(),
            tags: Some(
                self.tags
                    .iter()
                    .map(|(key, value)| shape::Tag {
                        key: Some(key.clone()),
                        value: Some(value.clone()),
                    })
                    .collect(),
            ),
            ..Default::default()
        };
        match &self.peer {
            Peer::V4(range) => rule.cidr_ipv4 = Some(range.to_string()),
            Peer::V6(range) => rule.cidr_ipv6 = Some(range.to_string()),
            Peer::Group(id) => {
                rule.referenced_group_info = Some(shape::ReferencedSecurityGroup {
                    group_id: Some(id.clone()),
                    user_id: Some(owner.to_owned()),
                    ..Default::default()
                });
            }
        }
        rule
    }
}

/// The rules that a list of permissions spells out, without ids.
pub(crate) fn parse(permissions: &[shape::IpPermission], egress: bool) -> Result<Vec<Rule>, Error> {
    let mut rules = Vec::new();
    for permission in permissions {
        let protocol = protocol(
            permission
                .ip_protocol
                .as_deref()
                .ok_or_else(|| missing("IpProtocol"))?,
        )?;
        let (from, to) = ports(&protocol, permission.from_port, permission.to_port)?;
        let mut push = |peer, description: &Option<String>| {
            let (protocol, description) = (protocol.clone(), description.clone());
            rules.push(Rule {
                id: String::new(),
                egress,
                protocol,
                from,
                to,
                peer,
                description,
                tags: super::Tags::new(),
            });
        };
        for range in permission.ip_ranges.iter().flatten() {
            push(
                v4(range.cidr_ip.as_deref().unwrap_or_default())?,
                &range.description,
            );
        }
        for range in permission.ipv6_ranges.iter().flatten() {
            let text = range.cidr_ipv6.as_deref().unwrap_or_default();
            let parsed = text
                .parse()
                .map_err(|_| invalid("ipv6Cidr", text, "This is not a valid CIDR block."))?;
            push(Peer::V6(parsed), &range.description);
        }
        for pair in permission.user_id_group_pairs.iter().flatten() {
            let id = pair.group_id.clone().ok_or_else(|| missing("groupId"))?;
            push(Peer::Group(id), &pair.description);
        }
        if permission
            .prefix_list_ids
            .as_ref()
            .is_some_and(|lists| !lists.is_empty())
        {
            return Err(unsupported("PrefixListIds"));
        }
    }
    Ok(rules)
}

fn v4(text: &str) -> Result<Peer, Error> {
    let refuse =
        || crate::error::with_code("InvalidParameterValue", format!("CIDR block {text} is malformed"));
    text.parse::<Ipv4Net>()
        .map(|range| Peer::V4(range.trunc()))
        .map_err(|_| refuse())
}

fn protocol(name: &str) -> Result<String, Error> {
    let known = match name.to_ascii_lowercase().as_str() {
        "-1" | "all" => "-1",
        "tcp" | "6" => "tcp",
        "udp" | "17" => "udp",
        "icmp" | "1" => "icmp",
        // Nothing travels over IPv6 here yet, so a rule about it is kept and has nothing to allow.
        "icmpv6" | "58" => "icmpv6",
        other => {
            let number = other.parse::<u8>();
            return number
                .map(|number| number.to_string())
                .map_err(|_| invalid("ipProtocol", name, "Unknown protocol."));
        }
    };
    Ok(known.to_owned())
}

fn ports(protocol: &str, from: Option<i32>, to: Option<i32>) -> Result<(Option<i32>, Option<i32>), Error> {
    match protocol {
        "-1" => Ok((None, None)),
        "icmp" | "icmpv6" => {
            let (kind, code) = (from.unwrap_or(-1), to.unwrap_or(-1));
            if !(-1..=255).contains(&kind) || !(-1..=255).contains(&code) || (kind == -1 && code != -1) {
                let given = format!("{kind}:{code}");
                let why = "ICMP types and codes go from 0 to 255, and -1 is any.";
                return Err(invalid("icmpTypeCode", &given, why));
            }
            Ok((Some(kind), Some(code)))
        }
        "tcp" | "udp" => {
            let (from, to) = (
                from.ok_or_else(|| missing("fromPort"))?,
                to.ok_or_else(|| missing("toPort"))?,
            );
            if (from, to) == (-1, -1) {
                return Ok((Some(0), Some(65535)));
            }
            if !(0..=65535).contains(&from) || !(0..=65535).contains(&to) || from > to {
                let range = format!("{from}-{to}");
                return Err(invalid(
                    "portRange",
                    &range,
                    "Ports go from 0 to 65535, the first not above the last.",
                ));
            }
            Ok((Some(from), Some(to)))
        }
        // Other protocols have no ports.
        _ => Ok((None, None)),
    }
}

/// Rules of one direction, put together as AWS shows them: one permission per protocol and ports.
pub(crate) fn permissions(rules: &[Rule], egress: bool, owner: &str) -> Vec<shape::IpPermission> {
    let mut out: Vec<shape::IpPermission> = Vec::new();
    for rule in rules.iter().filter(|rule| rule.egress == egress) {
        let same = |one: &shape::IpPermission| {
            one.ip_protocol.as_ref() == Some(&rule.protocol)
                && (one.from_port, one.to_port) == (rule.from, rule.to)
        };
        let at = out.iter().position(same).unwrap_or_else(|| {
            out.push(shape::IpPermission {
                ip_protocol: Some(rule.protocol.clone()),
                from_port: rule.from,
                to_port: rule.to,
                ip_ranges: Some(vec![]),
                ipv6_ranges: Some(vec![]),
                prefix_list_ids: Some(vec![]),
                user_id_group_pairs: Some(vec![]),
            });
            out.len() - 1
        });
        let description = rule.description.clone();
        match &rule.peer {
            Peer::V4(range) => {
                let range = shape::IpRange {
                    cidr_ip: Some(range.to_string()),
                    description,
                };
                out[at].ip_ranges.get_or_insert_default().push(range);
            }
            Peer::V6(range) => {
                let range = shape::Ipv6Range {
                    cidr_ipv6: Some(range.to_string()),
                    description,
                };
                out[at].ipv6_ranges.get_or_insert_default().push(range);
            }
            Peer::Group(id) => {
                out[at]
                    .user_id_group_pairs
                    .get_or_insert_default()
                    .push(shape::UserIdGroupPair {
                        group_id: Some(id.clone()),
                        user_id: Some(owner.to_owned()),
                        description,
                        ..Default::default()
                    })
            }
        }
    }
    out
}
