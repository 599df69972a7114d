//! Network ACLs: what passes the borders of subnets.

use aws_protocol::Context;
use aws_shape::ec2::*;

use super::tag;
use crate::Ec2;
use crate::error::{Error, dependency, dry_run, invalid, missing, not_found, unsupported, with_code};
use crate::filter::{self, Facts};
use crate::model::acl::{Entry, LAST, NUMBER_MAX};
use crate::model::{self, Association};
use crate::table::{self, ACLS, key};

const TCP: i32 = 6;
const UDP: i32 = 17;
const ICMP: i32 = 1;
const ICMPV6: i32 = 58;

pub(super) async fn create_network_acl(
    ec2: &Ec2,
    context: &Context,
    input: CreateNetworkAclRequest,
) -> Result<CreateNetworkAclResult, Error> {
    let tags = tag::parse(input.tag_specifications, &ResourceType::NetworkAcl)?;
    let (scope, id) = (context.scope.clone(), ec2.new_id("acl"));
    let acl = ec2
        .store
        .write(move |tx| {
            let vpc = table::vpc(tx, &scope, &input.vpc_id)?;
            dry_run(input.dry_run)?;
            let acl = model::NetworkAcl {
                id,
                vpc: vpc.id,
                is_default: false,
                entries: vec![],
                associations: vec![],
                tags,
            };
            tx.put(ACLS, &key(&scope, &acl.id), acl.clone());
            Ok::<_, Error>(shape(&acl, &scope.account))
        })
        .await?;
    Ok(CreateNetworkAclResult {
        network_acl: Some(acl),
        client_token: input.client_token,
    })
}

pub(super) async fn delete_network_acl(
    ec2: &Ec2,
    context: &Context,
    input: DeleteNetworkAclRequest,
) -> Result<(), Error> {
    let scope = context.scope.clone();
    ec2.store
        .write(move |tx| {
            let acl = table::acl(tx, &scope, &input.network_acl_id)?;
            if acl.is_default {
                let message = format!("cannot delete default network ACL {}", acl.id);
                return Err(with_code("InvalidParameterValue", message));
            }
            if !acl.associations.is_empty() {
                return Err(dependency("networkAcl", &acl.id));
            }
            dry_run(input.dry_run)?;
            tx.delete(ACLS, &key(&scope, &acl.id));
            Ok(())
        })
        .await
}

/// What both operations that write entries are given.
struct Given {
    number: i32,
    egress: bool,
    protocol: String,
    action: RuleAction,
    range: Option<String>,
    v6: bool,
    icmp: Option<IcmpTypeCode>,
    ports: Option<PortRange>,
}

fn parse(given: Given) -> Result<Entry, Error> {
    if given.v6 {
        return Err(unsupported("Ipv6CidrBlock"));
    }
    if !(1..=NUMBER_MAX).contains(&given.number) {
        let why = format!("The rule number must be between 1 and {NUMBER_MAX}.");
        return Err(invalid("ruleNumber", &given.number.to_string(), &why));
    }
    let text = given.range.ok_or_else(|| missing("cidrBlock"))?;
    let range = text
        .parse::<ipnet::Ipv4Net>()
        .map_err(|_| invalid("cidrBlock", &text, "This is not a valid CIDR block."))?
        .trunc();
    let protocol = match given.protocol.to_ascii_lowercase().as_str() {
        "all" => -1,
        "tcp" => TCP,
        "udp" => UDP,
        "icmp" => ICMP,
        other => other
            .parse()
            .ok()
            .filter(|number| (-1..=255).contains(number))
            .ok_or_else(|| invalid("protocol", other, "Unknown protocol."))?,
    };
    if protocol == ICMPV6 {
        return Err(unsupported("Protocol 58"));
    }
    let ports = match (protocol, given.ports) {
        (TCP | UDP, Some(ports)) => Some(port_range(&ports)?),
        (TCP | UDP, None) => return Err(missing("portRange")),
        _ => None,
    };
    let icmp = match (protocol, given.icmp) {
        (ICMP, Some(icmp)) => {
            let (kind, code) = (icmp.type_.unwrap_or(-1), icmp.code.unwrap_or(-1));
            if !(-1..=255).contains(&kind) || !(-1..=255).contains(&code) {
                return Err(invalid(
                    "icmpTypeCode",
                    &format!("{kind}:{code}"),
                    "Out of range.",
                ));
            }
            Some((kind, code))
        }
        (ICMP, None) => return Err(missing("icmpTypeCode")),
        _ => None,
    };
    Ok(Entry {
        number: given.number,
        egress: given.egress,
        allow: given.action == RuleAction::Allow,
        protocol,
        range,
        ports,
        icmp,
    })
}

fn port_range(ports: &PortRange) -> Result<(u16, u16), Error> {
    let (from, to) = (
        ports.from.ok_or_else(|| missing("portRange.from"))?,
        ports.to.ok_or_else(|| missing("portRange.to"))?,
    );
    match (u16::try_from(from), u16::try_from(to)) {
        (Ok(from), Ok(to)) if from <= to => Ok((from, to)),
        _ => Err(invalid(
            "portRange",
            &format!("{from}-{to}"),
            "Ports go from 0 to 65535, the first not above the last.",
        )),
    }
}

pub(super) async fn create_network_acl_entry(
    ec2: &Ec2,
    context: &Context,
    input: CreateNetworkAclEntryRequest,
) -> Result<(), Error> {
    let entry = parse(Given {
        number: input.rule_number,
        egress: input.egress,
        protocol: input.protocol,
        action: input.rule_action,
        range: input.cidr_block,
        v6: input.ipv6_cidr_block.is_some(),
        icmp: input.icmp_type_code,
        ports: input.port_range,
    })?;
    let scope = context.scope.clone();
    ec2.store
        .write(move |tx| {
            let mut acl = table::acl(tx, &scope, &input.network_acl_id)?;
            if place(&acl, entry.number, entry.egress).is_some() {
                let message = format!(
                    "The network acl entry identified by {} already exists.",
                    entry.number
                );
                return Err(with_code("NetworkAclEntryAlreadyExists", message));
            }
            dry_run(input.dry_run)?;
            acl.entries.push(entry);
            tx.put(ACLS, &key(&scope, &input.network_acl_id), acl);
            Ok(())
        })
        .await
}

pub(super) async fn replace_network_acl_entry(
    ec2: &Ec2,
    context: &Context,
    input: ReplaceNetworkAclEntryRequest,
) -> Result<(), Error> {
    let entry = parse(Given {
        number: input.rule_number,
        egress: input.egress,
        protocol: input.protocol,
        action: input.rule_action,
        range: input.cidr_block,
        v6: input.ipv6_cidr_block.is_some(),
        icmp: input.icmp_type_code,
        ports: input.port_range,
    })?;
    let scope = context.scope.clone();
    ec2.store
        .write(move |tx| {
            let mut acl = table::acl(tx, &scope, &input.network_acl_id)?;
            let at = place(&acl, entry.number, entry.egress).ok_or_else(|| unknown(entry.number))?;
            dry_run(input.dry_run)?;
            acl.entries[at] = entry;
            tx.put(ACLS, &key(&scope, &input.network_acl_id), acl);
            Ok(())
        })
        .await
}

pub(super) async fn delete_network_acl_entry(
    ec2: &Ec2,
    context: &Context,
    input: DeleteNetworkAclEntryRequest,
) -> Result<(), Error> {
    let scope = context.scope.clone();
    ec2.store
        .write(move |tx| {
            let mut acl = table::acl(tx, &scope, &input.network_acl_id)?;
            let at =
                place(&acl, input.rule_number, input.egress).ok_or_else(|| unknown(input.rule_number))?;
            dry_run(input.dry_run)?;
            acl.entries.remove(at);
            tx.put(ACLS, &key(&scope, &input.network_acl_id), acl);
            Ok(())
        })
        .await
}

fn place(acl: &model::NetworkAcl, number: i32, egress: bool) -> Option<usize> {
    let same = |one: &Entry| one.number == number && one.egress == egress;
    acl.entries.iter().position(same)
}

fn unknown(number: i32) -> Error {
    let message = format!("The network acl entry identified by {number} does not exist");
    with_code("InvalidNetworkAclEntry.NotFound", message)
}

pub(super) async fn replace_network_acl_association(
    ec2: &Ec2,
    context: &Context,
    input: ReplaceNetworkAclAssociationRequest,
) -> Result<ReplaceNetworkAclAssociationResult, Error> {
    let (scope, id) = (context.scope.clone(), ec2.new_id("aclassoc"));
    let answer = id.clone();
    ec2.store
        .write(move |tx| {
            table::acl(tx, &scope, &input.network_acl_id)?;
            let has =
                |one: &model::NetworkAcl| one.associations.iter().any(|it| it.id == input.association_id);
            let mut from = table::all(tx, ACLS, &scope)
                .into_iter()
                .find(has)
                .ok_or_else(|| {
                    let message = format!("The association ID '{}' does not exist", input.association_id);
                    with_code("InvalidAssociationID.NotFound", message)
                })?;
            let mut subnet = None;
            from.associations.retain(|one| {
                let gone = one.id == input.association_id;
                if gone {
                    subnet = Some(one.subnet.clone());
                }
                !gone
            });
            let place = key(&scope, &from.id);
            let vpc = from.vpc.clone();
            tx.put(ACLS, &place, from);
            let mut to = table::acl(tx, &scope, &input.network_acl_id)?;
            if to.vpc != vpc {
                let message = format!(
                    "network ACL {} and the subnet belong to different networks",
                    to.id
                );
                return Err(with_code("InvalidParameterValue", message));
            }
            dry_run(input.dry_run)?;
            to.associations
                .extend(subnet.map(|subnet| Association { id, subnet }));
            tx.put(ACLS, &key(&scope, &input.network_acl_id), to);
            Ok::<_, Error>(())
        })
        .await?;
    Ok(ReplaceNetworkAclAssociationResult {
        new_association_id: Some(answer),
    })
}

pub(super) async fn describe_network_acls(
    ec2: &Ec2,
    context: &Context,
    input: DescribeNetworkAclsRequest,
) -> Result<DescribeNetworkAclsResult, Error> {
    dry_run(input.dry_run)?;
    let scope = &context.scope;
    super::default::ensure(ec2, scope).await?;
    let rows = ec2.store.snapshot().prefix(ACLS, &table::prefix(scope));
    let mut rows: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
    if let Some(ids) = &input.network_acl_ids {
        if let Some(unknown) = ids.iter().find(|id| !rows.iter().any(|row| row.id == **id)) {
            return Err(not_found("NetworkAcl", "networkAcl", unknown));
        }
        rows.retain(|row| ids.contains(&row.id));
    }
    let mut found = Vec::new();
    for row in rows {
        let associations = || row.associations.iter();
        let entries = || row.entries.iter();
        let facts = Facts::new(&row.tags)
            .with("network-acl-id", &row.id)
            .with("vpc-id", &row.vpc)
            .with("owner-id", &scope.account)
            .with("default", row.is_default)
            .with_all(
                "association.association-id",
                associations().map(|one| one.id.clone()),
            )
            .with_all(
                "association.subnet-id",
                associations().map(|one| one.subnet.clone()),
            )
            .with_all(
                "association.network-acl-id",
                associations().map(|_| row.id.clone()),
            )
            .with_all("entry.cidr", entries().map(|one| one.range.to_string()))
            .with_all("entry.egress", entries().map(|one| one.egress.to_string()))
            .with_all("entry.protocol", entries().map(|one| one.protocol.to_string()))
            .with_all("entry.rule-action", entries().map(|one| action(one).to_string()))
            .with_all("entry.rule-number", entries().map(|one| one.number.to_string()));
        if facts.match_all(input.filters.as_deref().unwrap_or_default())? {
            found.push(shape(&row, &scope.account));
        }
    }
    let (network_acls, next_token) = filter::page(found, input.max_results, input.next_token.as_deref())?;
    Ok(DescribeNetworkAclsResult {
        network_acls: Some(network_acls),
        next_token,
    })
}

fn action(entry: &Entry) -> &'static str {
    if entry.allow { "allow" } else { "deny" }
}

fn shape(acl: &model::NetworkAcl, owner: &str) -> NetworkAcl {
    let mut entries: Vec<&Entry> = acl.entries.iter().collect();
    entries.sort_by_key(|entry| (!entry.egress, entry.number));
    let mut shapes = Vec::new();
    for egress in [true, false] {
        let own = entries.iter().filter(|entry| entry.egress == egress);
        shapes.extend(own.map(|entry| NetworkAclEntry {
            rule_number: Some(entry.number),
            egress: Some(egress),
            protocol: Some(entry.protocol.to_string()),
            rule_action: Some(RuleAction::from(action(entry))),
            cidr_block: Some(entry.range.to_string()),
            port_range: entry.ports.map(|(from, to)| PortRange {
                from: Some(from.into()),
                to: Some(to.into()),
            }),
            icmp_type_code: entry.icmp.map(|(kind, code)| IcmpTypeCode {
                type_: Some(kind),
                code: Some(code),
            }),
            ..Default::default()
        }));
        shapes.push(NetworkAclEntry {
            rule_number: Some(LAST),
            egress: Some(egress),
            protocol: Some("-1".into()),
            rule_action: Some(RuleAction::Deny),
            cidr_block: Some("0.0.0.0/0".into()),
            ..Default::default()
        });
    }
    let associations = acl.associations.iter().map(|one| NetworkAclAssociation {
        network_acl_association_id: Some(one.id.clone()),
        network_acl_id: Some(acl.id.clone()),
        subnet_id: Some(one.subnet.clone()),
    });
    NetworkAcl {
        network_acl_id: Some(acl.id.clone()),
        vpc_id: Some(acl.vpc.clone()),
        owner_id: Some(owner.to_owned()),
        is_default: Some(acl.is_default),
        entries: Some(shapes),
        associations: Some(associations.collect()),
        tags: Some(tag::shape(&acl.tags)),
    }
}
