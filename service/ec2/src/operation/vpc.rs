//! VPCs. A new one comes with a main route table and a default security group, as in AWS.

use aws_protocol::Context;
use aws_shape::ec2::*;
use base_id::Scope;
use base_store::{Snapshot, Transaction};
use ipnet::Ipv4Net;

use super::{default, tag};
use crate::Ec2;
use crate::error::{Error, dependency, dry_run, missing, unsupported, with_code};
use crate::filter::{self, Facts};
use crate::model::{self, Peer, Rule};
use crate::table::{self, ACLS, DEFAULTS, GATEWAYS, GROUPS, INTERFACES, ROUTE_TABLES, SUBNETS, VPCS, key};

pub(super) async fn create_vpc(
    ec2: &Ec2,
    context: &Context,
    input: CreateVpcRequest,
) -> Result<CreateVpcResult, Error> {
    let text = input.cidr_block.ok_or_else(|| missing("cidrBlock"))?;
    let range = parse_range(&text).ok_or_else(|| {
        with_code(
            "InvalidParameterValue",
            format!("Value ({text}) for parameter cidrBlock is invalid. This is not a valid CIDR block."),
        )
    })?;
    if !(16..=28).contains(&range.prefix_len()) {
        return Err(with_code(
            "InvalidVpc.Range",
            format!("The CIDR '{text}' is invalid."),
        ));
    }
    if input.amazon_provided_ipv6_cidr_block == Some(true) || input.ipv6_cidr_block.is_some() {
        return Err(unsupported("Ipv6CidrBlock"));
    }
    if input
        .instance_tenancy
        .is_some_and(|tenancy| tenancy != Tenancy::Default)
    {
        return Err(unsupported("InstanceTenancy"));
    }
    if input.ipv4_ipam_pool_id.is_some() {
        return Err(unsupported("Ipv4IpamPoolId"));
    }
    let tags = tag::parse(input.tag_specifications, &ResourceType::Vpc)?;
    dry_run(input.dry_run)?;
    default::ensure(ec2, &context.scope).await?;
    let scope = context.scope.clone();
    let made = made(ec2, range, tags);
    let answer = ec2
        .store
        .write(move |tx| {
            let vpc = made.vpc.clone();
            put(tx, &scope, made);
            Ok::<_, Error>(shape(&vpc, &scope, &tx.snapshot()))
        })
        .await?;
    Ok(CreateVpcResult { vpc: Some(answer) })
}

/// A new VPC and what it comes with.
pub(super) struct Made {
    pub(super) vpc: model::Vpc,
    pub(super) main: model::RouteTable,
    group: model::SecurityGroup,
    acl: model::NetworkAcl,
}

pub(super) fn made(ec2: &Ec2, range: Ipv4Net, tags: model::Tags) -> Made {
    let vpc = model::Vpc {
        id: ec2.new_id("vpc"),
        range,
        dns_support: true,
        dns_hostnames: false,
        address_metrics: false,
        association: ec2.new_id("vpc-cidr-assoc"),
        is_default: false,
        tags,
    };
    Made {
        main: model::RouteTable {
            id: ec2.new_id("rtb"),
            vpc: vpc.id.clone(),
            main_association: Some(ec2.new_id("rtbassoc")),
            routes: vec![],
            associations: vec![],
            tags: model::Tags::new(),
        },
        group: default_group(ec2, &vpc.id),
        acl: model::NetworkAcl::open(ec2.new_id("acl"), &vpc.id),
        vpc,
    }
}

pub(super) fn put(tx: &mut Transaction, scope: &Scope, made: Made) {
    tx.put(ROUTE_TABLES, &key(scope, &made.main.id.clone()), made.main);
    tx.put(GROUPS, &key(scope, &made.group.id.clone()), made.group);
    tx.put(ACLS, &key(scope, &made.acl.id.clone()), made.acl);
    tx.put(VPCS, &key(scope, &made.vpc.id.clone()), made.vpc);
}

/// Members may talk to each other, and to the world.
fn default_group(ec2: &Ec2, vpc: &str) -> model::SecurityGroup {
    let id = ec2.new_id("sg");
    let rule = |egress, peer| Rule {
        id: ec2.new_id("sgr"),
        egress,
        protocol: "-1".into(),
        from: None,
        to: None,
        peer,
        description: None,
        tags: model::Tags::new(),
    };
    model::SecurityGroup {
        rules: vec![
            rule(false, Peer::Group(id.clone())),
            rule(true, Peer::V4(Ipv4Net::default())),
        ],
        id,
        vpc: vpc.to_owned(),
        name: "default".into(),
        description: "default VPC security group".into(),
        tags: model::Tags::new(),
    }
}

/// A range whose host bits are zero.
pub(super) fn parse_range(text: &str) -> Option<Ipv4Net> {
    text.parse::<Ipv4Net>()
        .ok()
        .filter(|range| range.trunc() == *range)
}

pub(super) async fn delete_vpc(ec2: &Ec2, context: &Context, input: DeleteVpcRequest) -> Result<(), Error> {
    let scope = context.scope.clone();
    ec2.store
        .write(move |tx| {
            let id = input.vpc_id;
            table::vpc(tx, &scope, &id)?;
            let tables = table::all(tx, ROUTE_TABLES, &scope)
                .into_iter()
                .filter(|one| one.vpc == id);
            let groups = table::all(tx, GROUPS, &scope)
                .into_iter()
                .filter(|one| one.vpc == id);
            let (tables, groups): (Vec<_>, Vec<_>) = (tables.collect(), groups.collect());
            let mut acls = table::all(tx, ACLS, &scope);
            acls.retain(|one| one.vpc == id);
            let used = table::all(tx, SUBNETS, &scope).iter().any(|one| one.vpc == id)
                || table::all(tx, INTERFACES, &scope).iter().any(|one| one.vpc == id)
                || table::all(tx, GATEWAYS, &scope)
                    .iter()
                    .any(|one| one.vpc.as_ref() == Some(&id))
                || tables.iter().any(|one| one.main_association.is_none())
                || groups.iter().any(|one| one.name != "default")
                || acls.iter().any(|one| !one.is_default);
            if used {
                return Err(dependency("vpc", &id));
            }
            dry_run(input.dry_run)?;
            tables
                .iter()
                .for_each(|one| tx.delete(ROUTE_TABLES, &key(&scope, &one.id)));
            groups
                .iter()
                .for_each(|one| tx.delete(GROUPS, &key(&scope, &one.id)));
            acls.iter().for_each(|one| tx.delete(ACLS, &key(&scope, &one.id)));
            tx.delete(VPCS, &key(&scope, &id));
            Ok(())
        })
        .await
}

pub(super) async fn describe_vpcs(
    ec2: &Ec2,
    context: &Context,
    input: DescribeVpcsRequest,
) -> Result<DescribeVpcsResult, Error> {
    dry_run(input.dry_run)?;
    let scope = &context.scope;
    default::ensure(ec2, scope).await?;
    let snapshot = ec2.store.snapshot();
    let rows = snapshot.prefix(VPCS, &table::prefix(scope));
    let mut vpcs: Vec<model::Vpc> = rows.into_iter().map(|(_, row)| model::Vpc::clone(&row)).collect();
    if let Some(ids) = &input.vpc_ids {
        if let Some(unknown) = ids.iter().find(|id| !vpcs.iter().any(|vpc| vpc.id == **id)) {
            return Err(crate::error::not_found("Vpc", "vpc", unknown));
        }
        vpcs.retain(|vpc| ids.contains(&vpc.id));
    }
    let mut found = Vec::new();
    for vpc in vpcs {
        let facts = Facts::new(&vpc.tags)
            .with("vpc-id", &vpc.id)
            .with("cidr", vpc.range)
            .with("cidr-block-association.cidr-block", vpc.range)
            .with("owner-id", &scope.account)
            .with("state", "available")
            .with("dhcp-options-id", dhcp_options(&snapshot, scope))
            .with("cidr-block-association.association-id", &vpc.association)
            .with("cidr-block-association.state", "associated")
            .with("isDefault", vpc.is_default)
            .with("is-default", vpc.is_default);
        if facts.match_all(input.filters.as_deref().unwrap_or_default())? {
            found.push(shape(&vpc, scope, &snapshot));
        }
    }
    let (vpcs, next_token) = filter::page(found, input.max_results, input.next_token.as_deref())?;
    Ok(DescribeVpcsResult {
        vpcs: Some(vpcs),
        next_token,
    })
}

fn dhcp_options(snapshot: &Snapshot, scope: &Scope) -> String {
    let defaults = snapshot.get(DEFAULTS, &scope.key());
    defaults.map_or_else(|| "default".to_owned(), |defaults| defaults.dhcp_options.clone())
}

pub(super) fn shape(vpc: &model::Vpc, scope: &Scope, snapshot: &Snapshot) -> Vpc {
    Vpc {
        vpc_id: Some(vpc.id.clone()),
        owner_id: Some(scope.account.clone()),
        cidr_block: Some(vpc.range.to_string()),
        cidr_block_association_set: Some(vec![VpcCidrBlockAssociation {
            association_id: Some(vpc.association.clone()),
            cidr_block: Some(vpc.range.to_string()),
            cidr_block_state: Some(VpcCidrBlockState {
                state: Some(VpcCidrBlockStateCode::Associated),
                status_message: None,
            }),
        }]),
        state: Some(VpcState::Available),
        instance_tenancy: Some(Tenancy::Default),
        is_default: Some(vpc.is_default),
        dhcp_options_id: Some(dhcp_options(snapshot, scope)),
        tags: Some(tag::shape(&vpc.tags)),
        ..Default::default()
    }
}

pub(super) async fn describe_vpc_attribute(
    ec2: &Ec2,
    context: &Context,
    input: DescribeVpcAttributeRequest,
) -> Result<DescribeVpcAttributeResult, Error> {
    dry_run(input.dry_run)?;
    let row = ec2
        .store
        .snapshot()
        .get(VPCS, &key(&context.scope, &input.vpc_id));
    let vpc = row.ok_or_else(|| crate::error::not_found("Vpc", "vpc", &input.vpc_id))?;
    let value = |value| Some(AttributeBooleanValue { value: Some(value) });
    let mut answer = DescribeVpcAttributeResult {
        vpc_id: Some(input.vpc_id),
        ..Default::default()
    };
    match input.attribute {
        VpcAttributeName::EnableDnsSupport => answer.enable_dns_support = value(vpc.dns_support),
        VpcAttributeName::EnableDnsHostnames => answer.enable_dns_hostnames = value(vpc.dns_hostnames),
        _ => answer.enable_network_address_usage_metrics = value(vpc.address_metrics),
    }
    Ok(answer)
}

pub(super) async fn modify_vpc_attribute(
    ec2: &Ec2,
    context: &Context,
    input: ModifyVpcAttributeRequest,
) -> Result<(), Error> {
    let scope = context.scope.clone();
    ec2.store
        .write(move |tx| {
            let mut vpc = table::vpc(tx, &scope, &input.vpc_id)?;
            let set = |target: &mut bool, value: Option<AttributeBooleanValue>| {
                if let Some(value) = value.and_then(|value| value.value) {
                    *target = value;
                }
            };
            set(&mut vpc.dns_support, input.enable_dns_support);
            set(&mut vpc.dns_hostnames, input.enable_dns_hostnames);
            set(
                &mut vpc.address_metrics,
                input.enable_network_address_usage_metrics,
            );
            tx.put(VPCS, &key(&scope, &input.vpc_id), vpc);
            Ok(())
        })
        .await
}
