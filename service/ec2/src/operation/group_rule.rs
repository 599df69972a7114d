//! Rules of security groups, one by one.

use aws_protocol::Context;
use aws_shape::ec2::*;
use base_id::Scope;

use super::group;
use crate::Ec2;
use crate::error::{Error, dry_run, missing, unsupported, with_code};
use crate::filter::{self, Facts};
use crate::model::{self, Peer, Rule, rule};
use crate::table::{self, GROUPS, key};

fn unknown(id: &str) -> Error {
    let message = format!("The security group rule ID '{id}' does not exist");
    with_code("InvalidSecurityGroupRuleId.NotFound", message)
}

pub(super) async fn describe_security_group_rules(
    ec2: &Ec2,
    context: &Context,
    input: DescribeSecurityGroupRulesRequest,
) -> Result<DescribeSecurityGroupRulesResult, Error> {
    dry_run(input.dry_run)?;
    let scope = &context.scope;
    super::default::ensure(ec2, scope).await?;
    let groups = ec2.store.snapshot().prefix(GROUPS, &table::prefix(scope));
    let all = || {
        groups
            .iter()
            .flat_map(|(_, group)| group.rules.iter().map(move |rule| (group, rule)))
    };
    let ids = input.security_group_rule_ids.unwrap_or_default();
    if let Some(unknown_id) = ids.iter().find(|id| !all().any(|(_, rule)| rule.id == **id)) {
        return Err(unknown(unknown_id));
    }
    let mut found = Vec::new();
    for (group, rule) in all().filter(|(_, rule)| ids.is_empty() || ids.contains(&rule.id)) {
        let facts = Facts::new(&rule.tags)
            .with("group-id", &group.id)
            .with("security-group-rule-id", &rule.id);
        if facts.match_all(input.filters.as_deref().unwrap_or_default())? {
            found.push(shape(rule, &group.id, scope));
        }
    }
    let (security_group_rules, next_token) =
        filter::page(found, input.max_results, input.next_token.as_deref())?;
    Ok(DescribeSecurityGroupRulesResult {
        security_group_rules: Some(security_group_rules),
        next_token,
    })
}

pub(super) fn shape(rule: &Rule, group: &str, scope: &Scope) -> SecurityGroupRule {
    let arn = scope.arn("ec2", &format!("security-group-rule/{}", rule.id));
    SecurityGroupRule {
        security_group_rule_arn: Some(arn),
        ..rule.shape(group, &scope.account)
    }
}

pub(super) async fn modify_security_group_rules(
    ec2: &Ec2,
    context: &Context,
    input: ModifySecurityGroupRulesRequest,
) -> Result<ModifySecurityGroupRulesResult, Error> {
    let scope = context.scope.clone();
    ec2.store
        .write(move |tx| {
            let mut group = table::group(tx, &scope, &input.group_id)?;
            for update in input.security_group_rules {
                let id = update.security_group_rule_id;
                let wanted = update
                    .security_group_rule
                    .ok_or_else(|| missing("SecurityGroupRule"))?;
                let at = group.rules.iter().position(|one| one.id == id);
                let at = at.ok_or_else(|| unknown(&id))?;
                let old = &group.rules[at];
                let new = Rule {
                    id,
                    tags: old.tags.clone(),
                    ..parse(wanted, old.egress)?
                };
                if let Peer::Group(peer) = &new.peer {
                    table::group(tx, &scope, peer)?;
                }
                let others = group.rules.iter().enumerate();
                if others
                    .into_iter()
                    .any(|(place, one)| place != at && one.same(&new))
                {
                    return Err(group::duplicate(&new));
                }
                group.rules[at] = new;
            }
            dry_run(input.dry_run)?;
            tx.put(GROUPS, &key(&scope, &input.group_id), group);
            Ok::<_, Error>(())
        })
        .await?;
    Ok(ModifySecurityGroupRulesResult { return_: Some(true) })
}

fn parse(wanted: SecurityGroupRuleRequest, egress: bool) -> Result<Rule, Error> {
    if wanted.prefix_list_id.is_some() {
        return Err(unsupported("PrefixListId"));
    }
    let description = wanted.description;
    let permission = IpPermission {
        ip_protocol: wanted.ip_protocol,
        from_port: wanted.from_port,
        to_port: wanted.to_port,
        ip_ranges: wanted.cidr_ipv4.map(|range| {
            vec![IpRange {
                cidr_ip: Some(range),
                description: description.clone(),
            }]
        }),
        ipv6_ranges: wanted.cidr_ipv6.map(|range| {
            vec![Ipv6Range {
                cidr_ipv6: Some(range),
                description: description.clone(),
            }]
        }),
        user_id_group_pairs: wanted.referenced_group_id.map(|id| {
            vec![UserIdGroupPair {
                group_id: Some(id),
                description: description.clone(),
                ..Default::default()
            }]
        }),
        ..Default::default()
    };
    let mut rules = rule::parse(&[permission], egress)?;
    if rules.len() != 1 {
        let message = "Exactly one of CidrIpv4, CidrIpv6, PrefixListId and ReferencedGroupId must be given.";
        return Err(with_code("InvalidParameterCombination", message));
    }
    Ok(rules.remove(0))
}

pub(super) async fn update_security_group_rule_descriptions_ingress(
    ec2: &Ec2,
    context: &Context,
    input: UpdateSecurityGroupRuleDescriptionsIngressRequest,
) -> Result<UpdateSecurityGroupRuleDescriptionsIngressResult, Error> {
    let change = Descriptions {
        egress: false,
        group: input.group_id,
        name: input.group_name,
        permissions: input.ip_permissions.unwrap_or_default(),
        by_id: input.security_group_rule_descriptions.unwrap_or_default(),
        dry: input.dry_run,
    };
    describe(ec2, context, change).await?;
    Ok(UpdateSecurityGroupRuleDescriptionsIngressResult { return_: Some(true) })
}

pub(super) async fn update_security_group_rule_descriptions_egress(
    ec2: &Ec2,
    context: &Context,
    input: UpdateSecurityGroupRuleDescriptionsEgressRequest,
) -> Result<UpdateSecurityGroupRuleDescriptionsEgressResult, Error> {
    let change = Descriptions {
        egress: true,
        group: input.group_id,
        name: input.group_name,
        permissions: input.ip_permissions.unwrap_or_default(),
        by_id: input.security_group_rule_descriptions.unwrap_or_default(),
        dry: input.dry_run,
    };
    describe(ec2, context, change).await?;
    Ok(UpdateSecurityGroupRuleDescriptionsEgressResult { return_: Some(true) })
}

struct Descriptions {
    egress: bool,
    group: Option<String>,
    name: Option<String>,
    permissions: Vec<IpPermission>,
    by_id: Vec<SecurityGroupRuleDescription>,
    dry: Option<bool>,
}

async fn describe(ec2: &Ec2, context: &Context, change: Descriptions) -> Result<(), Error> {
    let id = group::named(ec2, context, change.group, change.name).await?;
    let wanted = rule::parse(&change.permissions, change.egress)?;
    if wanted.is_empty() && change.by_id.is_empty() {
        return Err(missing("ipPermissions"));
    }
    let scope = context.scope.clone();
    ec2.store
        .write(move |tx| {
            let mut group = table::group(tx, &scope, &id)?;
            for one in wanted {
                let rule = find(&mut group, change.egress, |rule| rule.same(&one));
                let rule = rule.ok_or_else(|| {
                    let message = "The specified rule does not exist in this security group.";
                    with_code("InvalidPermission.NotFound", message)
                })?;
                rule.description = one.description;
            }
            for one in change.by_id {
                let id = one.security_group_rule_id.unwrap_or_default();
                let rule = find(&mut group, change.egress, |rule| rule.id == id);
                rule.ok_or_else(|| unknown(&id))?.description = one.description;
            }
            dry_run(change.dry)?;
            tx.put(GROUPS, &key(&scope, &id), group);
            Ok(())
        })
        .await
}

fn find(group: &mut model::SecurityGroup, egress: bool, wanted: impl Fn(&Rule) -> bool) -> Option<&mut Rule> {
    let mut rules = group.rules.iter_mut();
    rules.find(|rule| rule.egress == egress && wanted(rule))
}
