//! Security groups and their rules.

use aws_protocol::Context;
use aws_shape::ec2::*;
use base_id::Scope;
use base_store::Transaction;
use ipnet::Ipv4Net;

use super::{default, tag};
use crate::Ec2;
use crate::error::{Error, dependency, dry_run, group_not_found, missing, with_code};
use crate::filter::{self, Facts};
use crate::model::{self, Peer, Rule, rule};
use crate::table::{self, GROUPS, INTERFACES, VPCS, key};

pub(super) async fn create_security_group(
    ec2: &Ec2,
    context: &Context,
    input: CreateSecurityGroupRequest,
) -> Result<CreateSecurityGroupResult, Error> {
    default::ensure(ec2, &context.scope).await?;
    let tags = tag::parse(input.tag_specifications, &ResourceType::SecurityGroup)?;
    let scope = context.scope.clone();
    let outbound = Rule {
        id: ec2.new_id("sgr"),
        egress: true,
        protocol: "-1".into(),
        from: None,
        to: None,
        peer: Peer::V4(Ipv4Net::default()),
        description: None,
        tags: model::Tags::new(),
    };
    let id = ec2.new_id("sg");
    let mut group = model::SecurityGroup {
        id: id.clone(),
        vpc: String::new(),
        name: input.group_name,
        description: input.description,
        rules: vec![outbound],
        tags: tags.clone(),
    };
    let arn = scope.arn("ec2", &format!("security-group/{id}"));
    ec2.store
        .write(move |tx| {
            group.vpc = match input.vpc_id {
                Some(id) => table::vpc(tx, &scope, &id)?.id,
                None => {
                    default::vpc_of(tx, &scope)
                        .ok_or_else(|| with_code("VPCIdNotSpecified", "No default VPC for this user"))?
                        .id
                }
            };
            if group.name == "default" {
                let message = "Cannot use reserved security group name: default";
                return Err(with_code("InvalidParameterValue", message));
            }
            let taken = |one: &model::SecurityGroup| one.vpc == group.vpc && one.name == group.name;
            if table::all(tx, GROUPS, &scope).iter().any(taken) {
                let message = format!(
                    "The security group '{}' already exists for VPC '{}'",
                    group.name, group.vpc
                );
                return Err(with_code("InvalidGroup.Duplicate", message));
            }
            dry_run(input.dry_run)?;
            let place = key(&scope, &group.id);
            tx.put(GROUPS, &place, group);
            Ok::<_, Error>(())
        })
        .await?;
    Ok(CreateSecurityGroupResult {
        group_id: Some(id),
        security_group_arn: Some(arn),
        tags: Some(tag::shape(&tags)),
    })
}

/// A group by its id, or by its name in the default VPC.
pub(super) async fn named(
    ec2: &Ec2,
    context: &Context,
    id: Option<String>,
    name: Option<String>,
) -> Result<String, Error> {
    if let Some(id) = id {
        return Ok(id);
    }
    let name = name.ok_or_else(|| missing("groupId"))?;
    default::ensure(ec2, &context.scope).await?;
    let (snapshot, head) = (ec2.store.snapshot(), table::prefix(&context.scope));
    let vpcs = snapshot.prefix(VPCS, &head);
    let default = vpcs.iter().find(|(_, vpc)| vpc.is_default);
    let groups = snapshot.prefix(GROUPS, &head);
    let mut groups = groups.iter().map(|(_, group)| group);
    let found = default.and_then(|(_, vpc)| groups.find(|one| one.vpc == vpc.id && one.name == name));
    found.map(|group| group.id.clone()).ok_or_else(|| {
        let message = format!("The security group '{name}' does not exist in default VPC");
        with_code("InvalidGroup.NotFound", message)
    })
}

pub(super) async fn delete_security_group(
    ec2: &Ec2,
    context: &Context,
    input: DeleteSecurityGroupRequest,
) -> Result<DeleteSecurityGroupResult, Error> {
    let id = named(ec2, context, input.group_id, input.group_name).await?;
    let (scope, answer) = (context.scope.clone(), id.clone());
    ec2.store
        .write(move |tx| {
            let group = table::group(tx, &scope, &id)?;
            if group.name == "default" {
                let message =
                    format!("the specified group: \"{id}\" name: \"default\" cannot be deleted by a user");
                return Err(with_code("CannotDelete", message));
            }
            let held = table::all(tx, INTERFACES, &scope)
                .iter()
                .any(|one| one.groups.contains(&id));
            let named = table::all(tx, GROUPS, &scope)
                .iter()
                .any(|one| one.id != id && one.rules.iter().any(|rule| rule.peer == Peer::Group(id.clone())));
            if held || named {
                let message = format!("resource {id} has a dependent object");
                return Err(with_code("DependencyViolation", message));
            }
            dry_run(input.dry_run)?;
            tx.delete(GROUPS, &key(&scope, &id));
            Ok::<_, Error>(())
        })
        .await?;
    Ok(DeleteSecurityGroupResult {
        return_: Some(true),
        group_id: Some(answer),
    })
}

pub(super) async fn describe_security_groups(
    ec2: &Ec2,
    context: &Context,
    input: DescribeSecurityGroupsRequest,
) -> Result<DescribeSecurityGroupsResult, Error> {
    dry_run(input.dry_run)?;
    let scope = &context.scope;
    default::ensure(ec2, scope).await?;
    let rows = ec2.store.snapshot().prefix(GROUPS, &table::prefix(scope));
    let mut groups: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
    if let Some(ids) = &input.group_ids {
        if let Some(unknown) = ids.iter().find(|id| !groups.iter().any(|one| one.id == **id)) {
            return Err(group_not_found(unknown));
        }
        groups.retain(|one| ids.contains(&one.id));
    }
    if let Some(names) = &input.group_names {
        if let Some(unknown) = names
            .iter()
            .find(|name| !groups.iter().any(|one| one.name == **name))
        {
            return Err(group_not_found(unknown));
        }
        groups.retain(|one| names.contains(&one.name));
    }
    let mut found = Vec::new();
    for group in groups {
        let ranges = |egress| {
            group
                .rules
                .iter()
                .filter(move |rule| rule.egress == egress)
                .filter_map(|rule| match &rule.peer {
                    Peer::V4(range) => Some(range.to_string()),
                    _ => None,
                })
        };
        let facts = Facts::new(&group.tags)
            .with("group-id", &group.id)
            .with("group-name", &group.name)
            .with("vpc-id", &group.vpc)
            .with("description", &group.description)
            .with("owner-id", &scope.account)
            .with_all("ip-permission.cidr", ranges(false))
            .with_all("egress.ip-permission.cidr", ranges(true));
        if facts.match_all(input.filters.as_deref().unwrap_or_default())? {
            found.push(shape(&group, scope));
        }
    }
    let (security_groups, next_token) = filter::page(found, input.max_results, input.next_token.as_deref())?;
    Ok(DescribeSecurityGroupsResult {
        security_groups: Some(security_groups),
        next_token,
    })
}

fn shape(group: &model::SecurityGroup, scope: &Scope) -> SecurityGroup {
    SecurityGroup {
        group_id: Some(group.id.clone()),
        group_name: Some(group.name.clone()),
        description: Some(group.description.clone()),
        vpc_id: Some(group.vpc.clone()),
        owner_id: Some(scope.account.clone()),
        security_group_arn: Some(scope.arn("ec2", &format!("security-group/{}", group.id))),
        ip_permissions: Some(rule::permissions(&group.rules, false, &scope.account)),
        ip_permissions_egress: Some(rule::permissions(&group.rules, true, &scope.account)),
        tags: Some(tag::shape(&group.tags)),
    }
}

pub(super) async fn authorize_security_group_ingress(
    ec2: &Ec2,
    context: &Context,
    input: AuthorizeSecurityGroupIngressRequest,
) -> Result<AuthorizeSecurityGroupIngressResult, Error> {
    let id = named(ec2, context, input.group_id, input.group_name).await?;
    let simple = (input.ip_protocol, input.from_port, input.to_port, input.cidr_ip);
    let mut rules = rule::parse(&gather(input.ip_permissions, simple), false)?;
    tag_all(&mut rules, input.tag_specifications)?;
    let added = authorize(ec2, context, id, rules, input.dry_run).await?;
    Ok(AuthorizeSecurityGroupIngressResult {
        return_: Some(true),
        security_group_rules: Some(added),
    })
}

pub(super) async fn authorize_security_group_egress(
    ec2: &Ec2,
    context: &Context,
    input: AuthorizeSecurityGroupEgressRequest,
) -> Result<AuthorizeSecurityGroupEgressResult, Error> {
    let simple = (input.ip_protocol, input.from_port, input.to_port, input.cidr_ip);
    let mut rules = rule::parse(&gather(input.ip_permissions, simple), true)?;
    tag_all(&mut rules, input.tag_specifications)?;
    let added = authorize(ec2, context, input.group_id, rules, input.dry_run).await?;
    Ok(AuthorizeSecurityGroupEgressResult {
        return_: Some(true),
        security_group_rules: Some(added),
    })
}

fn tag_all(rules: &mut [Rule], tags: Option<Vec<TagSpecification>>) -> Result<(), Error> {
    let tags = tag::parse(tags, &ResourceType::SecurityGroupRule)?;
    rules.iter_mut().for_each(|rule| rule.tags = tags.clone());
    Ok(())
}

/// The older form, with one rule in members of its own, beside the list of permissions.
type Simple = (Option<String>, Option<i32>, Option<i32>, Option<String>);

fn gather(permissions: Option<Vec<IpPermission>>, (protocol, from, to, cidr): Simple) -> Vec<IpPermission> {
    let mut permissions = permissions.unwrap_or_default();
    if let Some(protocol) = protocol {
        permissions.push(IpPermission {
            ip_protocol: Some(protocol),
            from_port: from,
            to_port: to,
            ip_ranges: cidr.map(|cidr| {
                vec![IpRange {
                    cidr_ip: Some(cidr),
                    description: None,
                }]
            }),
            ..Default::default()
        });
    }
    permissions
}

async fn authorize(
    ec2: &Ec2,
    context: &Context,
    id: String,
    mut rules: Vec<Rule>,
    dry: Option<bool>,
) -> Result<Vec<SecurityGroupRule>, Error> {
    if rules.is_empty() {
        return Err(missing("ipPermissions"));
    }
    rules.iter_mut().for_each(|rule| rule.id = ec2.new_id("sgr"));
    let scope = context.scope.clone();
    ec2.store
        .write(move |tx| {
            let mut group = table::group(tx, &scope, &id)?;
            for rule in &rules {
                if let Peer::Group(peer) = &rule.peer {
                    table::group(tx, &scope, peer)?;
                }
                if group.rules.iter().any(|old| old.same(rule)) {
                    return Err(duplicate(rule));
                }
            }
            dry_run(dry)?;
            let added = rules.iter().map(|rule| rule.shape(&id, &scope.account)).collect();
            group.rules.extend(rules);
            tx.put(GROUPS, &key(&scope, &id), group);
            Ok(added)
        })
        .await
}

pub(super) fn duplicate(rule: &Rule) -> Error {
    let peer = match &rule.peer {
        Peer::V4(range) => range.to_string(),
        Peer::V6(range) => range.to_string(),
        Peer::Group(id) => id.clone(),
    };
    let ports = match (rule.from, rule.to) {
        (Some(from), Some(to)) => format!(", from port: {from}, to port: {to}"),
        _ => String::new(),
    };
    let protocol = if rule.protocol == "-1" {
        "ALL"
    } else {
        &rule.protocol.to_uppercase()
    };
    let message = format!("the specified rule \"peer: {peer}, {protocol}{ports}, ALLOW\" already exists");
    with_code("InvalidPermission.Duplicate", message)
}

pub(super) async fn revoke_security_group_ingress(
    ec2: &Ec2,
    context: &Context,
    input: RevokeSecurityGroupIngressRequest,
) -> Result<RevokeSecurityGroupIngressResult, Error> {
    let id = named(ec2, context, input.group_id, input.group_name).await?;
    let simple = (input.ip_protocol, input.from_port, input.to_port, input.cidr_ip);
    let rules = rule::parse(&gather(input.ip_permissions, simple), false)?;
    let (revoked, scope) = (
        Revoke {
            egress: false,
            rules,
            ids: input.security_group_rule_ids,
        },
        &context.scope,
    );
    let gone = revoke(ec2, scope, id, revoked, input.dry_run).await?;
    Ok(RevokeSecurityGroupIngressResult {
        return_: Some(true),
        unknown_ip_permissions: None,
        revoked_security_group_rules: Some(gone),
    })
}

pub(super) async fn revoke_security_group_egress(
    ec2: &Ec2,
    context: &Context,
    input: RevokeSecurityGroupEgressRequest,
) -> Result<RevokeSecurityGroupEgressResult, Error> {
    let simple = (input.ip_protocol, input.from_port, input.to_port, input.cidr_ip);
    let rules = rule::parse(&gather(input.ip_permissions, simple), true)?;
    let (revoked, scope) = (
        Revoke {
            egress: true,
            rules,
            ids: input.security_group_rule_ids,
        },
        &context.scope,
    );
    let gone = revoke(ec2, scope, input.group_id, revoked, input.dry_run).await?;
    Ok(RevokeSecurityGroupEgressResult {
        return_: Some(true),
        unknown_ip_permissions: None,
        revoked_security_group_rules: Some(gone),
    })
}

struct Revoke {
    egress: bool,
    rules: Vec<Rule>,
    ids: Option<Vec<String>>,
}

async fn revoke(
    ec2: &Ec2,
    scope: &Scope,
    id: String,
    what: Revoke,
    dry: Option<bool>,
) -> Result<Vec<RevokedSecurityGroupRule>, Error> {
    let scope = scope.clone();
    ec2.store
        .write(move |tx| {
            let mut group = table::group(tx, &scope, &id)?;
            let ids = what.ids.unwrap_or_default();
            if let Some(unknown) = ids
                .iter()
                .find(|id| !has(&group, what.egress, |rule| rule.id == **id))
            {
                let message = format!("The security group rule ID '{unknown}' does not exist");
                return Err(with_code("InvalidSecurityGroupRuleId.NotFound", message));
            }
            if what
                .rules
                .iter()
                .any(|rule| !has(&group, what.egress, |old| old.same(rule)))
            {
                let message = "The specified rule does not exist in this security group.";
                return Err(with_code("InvalidPermission.NotFound", message));
            }
            dry_run(dry)?;
            let named = |rule: &Rule| ids.contains(&rule.id) || what.rules.iter().any(|one| one.same(rule));
            let (gone, kept) = group
                .rules
                .into_iter()
                .partition(|rule| rule.egress == what.egress && named(rule));
            group.rules = kept;
            tx.put(GROUPS, &key(&scope, &id), group);
            let gone: Vec<Rule> = gone;
            Ok(gone.iter().map(|rule| revoked(rule, &id)).collect())
        })
        .await
}

fn has(group: &model::SecurityGroup, egress: bool, wanted: impl Fn(&Rule) -> bool) -> bool {
    group
        .rules
        .iter()
        .any(|rule| rule.egress == egress && wanted(rule))
}

fn revoked(rule: &Rule, group: &str) -> RevokedSecurityGroupRule {
    let shape = rule.shape(group, "");
    RevokedSecurityGroupRule {
        security_group_rule_id: shape.security_group_rule_id,
        group_id: shape.group_id,
        is_egress: shape.is_egress,
        ip_protocol: shape.ip_protocol,
        from_port: shape.from_port,
        to_port: shape.to_port,
        cidr_ipv4: shape.cidr_ipv4,
        cidr_ipv6: shape.cidr_ipv6,
        prefix_list_id: None,
        referenced_group_id: shape.referenced_group_info.and_then(|info| info.group_id),
        description: shape.description,
    }
}

/// The groups of an interface: those named, which must be of its VPC, or the VPC's default group.
pub(super) fn of_interface(
    transaction: &Transaction,
    scope: &Scope,
    vpc: &str,
    named: Option<Vec<String>>,
) -> Result<Vec<String>, Error> {
    match named.filter(|ids| !ids.is_empty()) {
        Some(ids) => {
            for id in &ids {
                if !id.starts_with("sg-") {
                    let message = format!("Invalid id: \"{id}\" (expecting \"sg-...\")");
                    return Err(with_code("InvalidGroupId.Malformed", message));
                }
                if table::group(transaction, scope, id)?.vpc != vpc {
                    return Err(group_not_found(id));
                }
            }
            Ok(ids)
        }
        None => {
            let mut groups = table::all(transaction, GROUPS, scope).into_iter();
            let default = groups.find(|one| one.vpc == vpc && one.name == "default");
            default
                .map(|group| vec![group.id])
                .ok_or_else(|| dependency("vpc", vpc))
        }
    }
}
