//! What every account has in every region without asking: a VPC with a subnet in each zone that reaches the world,
//! and a set of DHCP options. Made when somebody looks for the first time.

use aws_protocol::Context;
use aws_shape::ec2::*;
use base_id::Scope;
use base_store::Transaction;
use ipnet::Ipv4Net;

use super::{subnet, vpc, zone};
use crate::Ec2;
use crate::error::{Error, dry_run, unsupported, with_code};
use crate::model::{self, NetworkAcl, address};
use crate::table::{self, ACLS, DEFAULTS, GATEWAYS, SUBNETS, VPCS, key};

/// AWS's own choice.
const RANGE: &str = "172.31.0.0/16";
const SUBNET_PREFIX: u8 = 20;

/// Makes what is there by default, unless that was done before. Every operation that looks at VPCs begins with it.
pub(crate) async fn ensure(ec2: &Ec2, scope: &Scope) -> Result<(), Error> {
    if ec2.store.snapshot().get(DEFAULTS, &scope.key()).is_some() {
        return Ok(());
    }
    let (ec2_inside, scope) = (ec2.clone(), scope.clone());
    ec2.store
        .write(move |tx| {
            if tx.get(DEFAULTS, &scope.key()).is_some() {
                return Ok(());
            }
            make(&ec2_inside, tx, &scope);
            add_acls(&ec2_inside, tx, &scope);
            let defaults = model::Defaults {
                dhcp_options: ec2_inside.new_id("dopt"),
            };
            tx.put(DEFAULTS, &scope.key(), defaults);
            Ok::<_, Error>(())
        })
        .await
}

/// Networks from before there were ACLs get theirs.
fn add_acls(ec2: &Ec2, tx: &mut Transaction, scope: &Scope) {
    let acls = table::all(tx, ACLS, scope);
    for vpc in table::all(tx, VPCS, scope) {
        if acls.iter().any(|acl| acl.vpc == vpc.id && acl.is_default) {
            continue;
        }
        let mut acl = NetworkAcl::open(ec2.new_id("acl"), &vpc.id);
        for subnet in table::all(tx, SUBNETS, scope) {
            if subnet.vpc == vpc.id {
                acl.associations.push(model::Association {
                    id: ec2.new_id("aclassoc"),
                    subnet: subnet.id,
                });
            }
        }
        let place = key(scope, &acl.id);
        tx.put(ACLS, &place, acl);
    }
}

/// The default VPC, if it was not deleted.
pub(crate) fn vpc_of(tx: &Transaction, scope: &Scope) -> Option<model::Vpc> {
    table::all(tx, VPCS, scope).into_iter().find(|vpc| vpc.is_default)
}

fn make(ec2: &Ec2, tx: &mut Transaction, scope: &Scope) -> model::Vpc {
    let range: Ipv4Net = RANGE.parse().unwrap_or_default();
    let mut made = vpc::made(ec2, range, model::Tags::new());
    made.vpc.is_default = true;
    made.vpc.dns_hostnames = true;
    let gateway = model::InternetGateway {
        id: ec2.new_id("igw"),
        vpc: Some(made.vpc.id.clone()),
        tags: model::Tags::new(),
    };
    made.main.routes.push(model::Route {
        destination: Ipv4Net::default(),
        gateway: gateway.id.clone(),
    });
    let row = made.vpc.clone();
    vpc::put(tx, scope, made);
    tx.put(GATEWAYS, &key(scope, &gateway.id), gateway);
    for zone in zone::names(&scope.region) {
        put_subnet(ec2, tx, scope, &row, zone);
    }
    row
}

/// A default subnet, in the first range of the VPC that is free.
fn put_subnet(
    ec2: &Ec2,
    tx: &mut Transaction,
    scope: &Scope,
    vpc: &model::Vpc,
    zone: String,
) -> Option<model::Subnet> {
    let taken: Vec<Ipv4Net> = table::all(tx, SUBNETS, scope)
        .into_iter()
        .filter(|one| one.vpc == vpc.id)
        .map(|one| one.range)
        .collect();
    let mut ranges = vpc.range.subnets(SUBNET_PREFIX).ok()?;
    let overlaps = |range: &Ipv4Net| {
        taken
            .iter()
            .any(|other| other.contains(range) || range.contains(other))
    };
    let range = ranges.find(|range| !overlaps(range))?;
    let subnet = model::Subnet {
        id: ec2.new_id("subnet"),
        vpc: vpc.id.clone(),
        range,
        zone,
        map_public_ip: true,
        last_host: 0,
        is_default: true,
        tags: model::Tags::new(),
    };
    subnet::put(ec2, tx, scope, subnet.clone());
    Some(subnet)
}

pub(super) async fn create_default_vpc(
    ec2: &Ec2,
    context: &Context,
    input: CreateDefaultVpcRequest,
) -> Result<CreateDefaultVpcResult, Error> {
    ensure(ec2, &context.scope).await?;
    let (inside, scope) = (ec2.clone(), context.scope.clone());
    let vpc = ec2
        .store
        .write(move |tx| {
            if vpc_of(tx, &scope).is_some() {
                let message = "A Default VPC already exists for this account in this region.";
                return Err(with_code("DefaultVpcAlreadyExists", message));
            }
            dry_run(input.dry_run)?;
            let made = make(&inside, tx, &scope);
            Ok(vpc::shape(&made, &scope, &tx.snapshot()))
        })
        .await?;
    Ok(CreateDefaultVpcResult { vpc: Some(vpc) })
}

pub(super) async fn create_default_subnet(
    ec2: &Ec2,
    context: &Context,
    input: CreateDefaultSubnetRequest,
) -> Result<CreateDefaultSubnetResult, Error> {
    if input.ipv6_native == Some(true) {
        return Err(unsupported("Ipv6Native"));
    }
    ensure(ec2, &context.scope).await?;
    let zone = zone::chosen(
        &context.scope.region,
        input.availability_zone,
        input.availability_zone_id,
    )?;
    let zone = zone.ok_or_else(|| crate::error::missing("availabilityZone"))?;
    let (inside, scope) = (ec2.clone(), context.scope.clone());
    let subnet = ec2
        .store
        .write(move |tx| {
            let vpc = vpc_of(tx, &scope).ok_or_else(|| {
                let message = "No default VPC exists for this account in this region.";
                with_code("DefaultVpcDoesNotExist", message)
            })?;
            let mut subnets = table::all(tx, SUBNETS, &scope).into_iter();
            if let Some(there) = subnets.find(|one| one.is_default && one.zone == zone) {
                let message = format!("'{}' is already the default subnet in {zone}.", there.id);
                return Err(with_code("DefaultSubnetAlreadyExistsInAvailabilityZone", message));
            }
            dry_run(input.dry_run)?;
            let subnet = put_subnet(&inside, tx, &scope, &vpc, zone).ok_or_else(|| {
                with_code(
                    "InsufficientFreeAddressesInSubnet",
                    "There is no free range in the default VPC.",
                )
            })?;
            Ok(subnet::shape(&subnet, &scope, address::capacity(subnet.range)))
        })
        .await?;
    Ok(CreateDefaultSubnetResult { subnet: Some(subnet) })
}
