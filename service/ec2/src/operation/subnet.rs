//! Subnets.

use aws_protocol::Context;
use aws_shape::ec2::*;
use base_id::Scope;
use base_store::Transaction;

use super::{default, tag, vpc, zone};
use crate::Ec2;
use crate::error::{Error, dependency, dry_run, missing, unsupported, with_code};
use crate::filter::{self, Facts};
use crate::model::{self, address};
use crate::table::{self, ACLS, INTERFACES, ROUTE_TABLES, SUBNETS, key};

pub(super) async fn create_subnet(
    ec2: &Ec2,
    context: &Context,
    input: CreateSubnetRequest,
) -> Result<CreateSubnetResult, Error> {
    let text = input.cidr_block.ok_or_else(|| missing("cidrBlock"))?;
    let range = vpc::parse_range(&text).filter(|range| (16..=28).contains(&range.prefix_len()));
    let range =
        range.ok_or_else(|| with_code("InvalidSubnet.Range", format!("The CIDR '{text}' is invalid.")))?;
    if input.ipv6_cidr_block.is_some() || input.ipv6_native == Some(true) {
        return Err(unsupported("Ipv6CidrBlock"));
    }
    let tags = tag::parse(input.tag_specifications, &ResourceType::Subnet)?;
    let scope = context.scope.clone();
    let zone = zone::chosen(&scope.region, input.availability_zone, input.availability_zone_id)?
        .unwrap_or_else(|| zone::names(&scope.region).remove(0));
    let inside = ec2.clone();
    let id = ec2.new_id("subnet");
    let subnet = ec2
        .store
        .write(move |tx| {
            let vpc = table::vpc(tx, &scope, &input.vpc_id)?;
            if !vpc.range.contains(&range) {
                return Err(with_code(
                    "InvalidSubnet.Range",
                    format!("The CIDR '{text}' is invalid."),
                ));
            }
            let mut others = table::all(tx, SUBNETS, &scope)
                .into_iter()
                .filter(|one| one.vpc == vpc.id);
            if others.any(|one| one.range.contains(&range) || range.contains(&one.range)) {
                let message = format!("The CIDR '{text}' conflicts with another subnet");
                return Err(with_code("InvalidSubnet.Conflict", message));
            }
            dry_run(input.dry_run)?;
            let subnet = model::Subnet {
                id,
                vpc: vpc.id,
                range,
                zone,
                map_public_ip: false,
                last_host: 0,
                is_default: false,
                tags,
            };
            put(&inside, tx, &scope, subnet.clone());
            Ok(shape(&subnet, &scope, address::capacity(range)))
        })
        .await?;
    Ok(CreateSubnetResult { subnet: Some(subnet) })
}

/// Saves a new subnet, behind its VPC's default ACL.
pub(super) fn put(ec2: &Ec2, tx: &mut Transaction, scope: &Scope, subnet: model::Subnet) {
    let mut acls = table::all(tx, ACLS, scope).into_iter();
    if let Some(mut acl) = acls.find(|one| one.vpc == subnet.vpc && one.is_default) {
        acl.associations.push(model::Association {
            id: ec2.new_id("aclassoc"),
            subnet: subnet.id.clone(),
        });
        let place = key(scope, &acl.id);
        tx.put(ACLS, &place, acl);
    }
    let place = key(scope, &subnet.id);
    tx.put(SUBNETS, &place, subnet);
}

pub(super) async fn delete_subnet(
    ec2: &Ec2,
    context: &Context,
    input: DeleteSubnetRequest,
) -> Result<(), Error> {
    let scope = context.scope.clone();
    ec2.store
        .write(move |tx| {
            let id = input.subnet_id;
            table::subnet(tx, &scope, &id)?;
            if table::all(tx, INTERFACES, &scope)
                .iter()
                .any(|one| one.subnet == id)
            {
                return Err(dependency("subnet", &id));
            }
            dry_run(input.dry_run)?;
            for mut table in table::all(tx, ROUTE_TABLES, &scope) {
                let before = table.associations.len();
                table.associations.retain(|one| one.subnet != id);
                if table.associations.len() < before {
                    let place = key(&scope, &table.id);
                    tx.put(ROUTE_TABLES, &place, table);
                }
            }
            for mut acl in table::all(tx, ACLS, &scope) {
                let before = acl.associations.len();
                acl.associations.retain(|one| one.subnet != id);
                if acl.associations.len() < before {
                    let place = key(&scope, &acl.id);
                    tx.put(ACLS, &place, acl);
                }
            }
            tx.delete(SUBNETS, &key(&scope, &id));
            Ok(())
        })
        .await
}

pub(super) async fn describe_subnets(
    ec2: &Ec2,
    context: &Context,
    input: DescribeSubnetsRequest,
) -> Result<DescribeSubnetsResult, Error> {
    dry_run(input.dry_run)?;
    let scope = &context.scope;
    default::ensure(ec2, scope).await?;
    let snapshot = ec2.store.snapshot();
    let interfaces = snapshot.prefix(INTERFACES, &table::prefix(scope));
    let mut subnets: Vec<_> = snapshot
        .prefix(SUBNETS, &table::prefix(scope))
        .into_iter()
        .map(|(_, row)| row)
        .collect();
    if let Some(ids) = &input.subnet_ids {
        if let Some(unknown) = ids.iter().find(|id| !subnets.iter().any(|one| one.id == **id)) {
            return Err(crate::error::not_found("Subnet", "subnet", unknown));
        }
        subnets.retain(|one| ids.contains(&one.id));
    }
    let mut found = Vec::new();
    for subnet in subnets {
        let used = interfaces
            .iter()
            .filter(|(_, one)| one.subnet == subnet.id)
            .count() as u32;
        let free = address::capacity(subnet.range).saturating_sub(used);
        let facts = Facts::new(&subnet.tags)
            .with("subnet-id", &subnet.id)
            .with("vpc-id", &subnet.vpc)
            .with("cidr-block", subnet.range)
            .with("cidrBlock", subnet.range)
            .with("cidr", subnet.range)
            .with("availability-zone", &subnet.zone)
            .with("availabilityZone", &subnet.zone)
            .with("availability-zone-id", zone::id_of_name(&subnet.zone))
            .with("available-ip-address-count", free)
            .with("map-public-ip-on-launch", subnet.map_public_ip)
            .with("default-for-az", subnet.is_default)
            .with("defaultForAz", subnet.is_default)
            .with("owner-id", &scope.account)
            .with("subnet-arn", scope.arn("ec2", &format!("subnet/{}", subnet.id)))
            .with("state", "available");
        if facts.match_all(input.filters.as_deref().unwrap_or_default())? {
            found.push(shape(&subnet, scope, free));
        }
    }
    let (subnets, next_token) = filter::page(found, input.max_results, input.next_token.as_deref())?;
    Ok(DescribeSubnetsResult {
        subnets: Some(subnets),
        next_token,
    })
}

pub(super) async fn modify_subnet_attribute(
    ec2: &Ec2,
    context: &Context,
    input: ModifySubnetAttributeRequest,
) -> Result<(), Error> {
    let scope = context.scope.clone();
    ec2.store
        .write(move |tx| {
            let mut subnet = table::subnet(tx, &scope, &input.subnet_id)?;
            let Some(value) = input.map_public_ip_on_launch.and_then(|value| value.value) else {
                return Err(unsupported("beside MapPublicIpOnLaunch"));
            };
            subnet.map_public_ip = value;
            tx.put(SUBNETS, &key(&scope, &input.subnet_id), subnet);
            Ok(())
        })
        .await
}

pub(super) fn shape(subnet: &model::Subnet, scope: &Scope, free: u32) -> Subnet {
    Subnet {
        subnet_id: Some(subnet.id.clone()),
        subnet_arn: Some(scope.arn("ec2", &format!("subnet/{}", subnet.id))),
        vpc_id: Some(subnet.vpc.clone()),
        owner_id: Some(scope.account.clone()),
        cidr_block: Some(subnet.range.to_string()),
        availability_zone: Some(subnet.zone.clone()),
        availability_zone_id: Some(zone::id_of_name(&subnet.zone)),
        available_ip_address_count: Some(free as i32),
        map_public_ip_on_launch: Some(subnet.map_public_ip),
        default_for_az: Some(subnet.is_default),
        assign_ipv6_address_on_creation: Some(false),
        ipv6_cidr_block_association_set: Some(vec![]),
        ipv6_native: Some(false),
        enable_dns64: Some(false),
        map_customer_owned_ip_on_launch: Some(false),
        state: Some(SubnetState::Available),
        private_dns_name_options_on_launch: Some(PrivateDnsNameOptionsOnLaunch {
            hostname_type: Some(HostnameType::IpName),
            enable_resource_name_dns_a_record: Some(false),
            enable_resource_name_dns_aaaa_record: Some(false),
        }),
        tags: Some(tag::shape(&subnet.tags)),
        ..Default::default()
    }
}
