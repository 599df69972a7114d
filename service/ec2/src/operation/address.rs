//! Public addresses: elastic ones, which an account has for itself, and those that are given with an interface.

use std::collections::HashSet;
use std::net::Ipv4Addr;

use aws_protocol::Context;
use aws_shape::ec2::*;
use base_id::Scope;
use base_store::Transaction;
use ipnet::Ipv4Net;

use super::tag;
use crate::Ec2;
use crate::error::{Error, dry_run, invalid, missing, unsupported, with_code};
use crate::filter::{self, Facts};
use crate::model::{self, ElasticAssociation, Interface, PublicAddress};
use crate::table::{self, ADDRESSES, GATEWAYS, INTERFACES, LAST_PUBLIC, NAT_GATEWAYS, key};

/// The one row of the table of what was given out last.
const LAST: &str = "last";

/// The next free address of the pool, which all accounts and regions share, going round so that an address just
/// given back rests for a while.
pub(crate) fn take_public(tx: &mut Transaction, pool: Ipv4Net) -> Result<Ipv4Addr, Error> {
    let elastic = tx.list(ADDRESSES).into_iter().map(|(_, row)| row.address);
    let given = tx
        .list(INTERFACES)
        .into_iter()
        .filter_map(|(_, row)| row.public.as_ref().map(|public| public.address));
    let used: HashSet<Ipv4Addr> = elastic.chain(given).collect();
    let count = (1_u32 << (32 - u32::from(pool.prefix_len()))) - 2;
    let last = tx.get(LAST_PUBLIC, LAST).map_or(0, |last| *last);
    let free = (0..count)
        .map(|step| (last + step) % count + 1)
        .map(|host| (host, Ipv4Addr::from(u32::from(pool.network()) + host)))
        .find(|(_, address)| !used.contains(address));
    let (host, address) = free.ok_or_else(|| {
        with_code(
            "AddressLimitExceeded",
            "The maximum number of addresses has been reached.",
        )
    })?;
    tx.put(LAST_PUBLIC, LAST, host);
    Ok(address)
}

fn unknown_allocation(id: &str) -> Error {
    let message = format!("The allocation ID '{id}' does not exist");
    with_code("InvalidAllocationID.NotFound", message)
}

fn unknown_address(address: &str) -> Error {
    with_code(
        "InvalidAddress.NotFound",
        format!("Address '{address}' not found."),
    )
}

fn unknown_association(id: &str) -> Error {
    let message = format!("The association ID '{id}' does not exist");
    with_code("InvalidAssociationID.NotFound", message)
}

/// An elastic address by its allocation, or by itself.
fn elastic(
    tx: &Transaction,
    scope: &Scope,
    allocation: Option<&str>,
    address: Option<&str>,
) -> Result<model::ElasticAddress, Error> {
    let mut all = table::all(tx, ADDRESSES, scope).into_iter();
    match (allocation, address) {
        (Some(id), _) => all.find(|one| one.id == id).ok_or_else(|| unknown_allocation(id)),
        (None, Some(text)) => all
            .find(|one| one.address.to_string() == text)
            .ok_or_else(|| unknown_address(text)),
        (None, None) => Err(missing("AllocationId")),
    }
}

/// The elastic address of an allocation, for who gives it to something of its own.
pub(crate) fn allocation(tx: &Transaction, scope: &Scope, id: &str) -> Result<model::ElasticAddress, Error> {
    elastic(tx, scope, Some(id), None)
}

fn association(interface: &Interface) -> Option<&ElasticAssociation> {
    interface
        .public
        .as_ref()
        .and_then(|public| public.elastic.as_ref())
}

/// The interface that has an elastic address.
pub(crate) fn holder(tx: &Transaction, scope: &Scope, allocation: &str) -> Option<Interface> {
    table::all(tx, INTERFACES, scope)
        .into_iter()
        .find(|one| association(one).is_some_and(|it| it.allocation == allocation))
}

pub(super) async fn allocate_address(
    ec2: &Ec2,
    context: &Context,
    input: AllocateAddressRequest,
) -> Result<AllocateAddressResult, Error> {
    for (given, name) in [
        (input.address.is_some(), "Address"),
        (
            input.public_ipv4_pool.is_some_and(|pool| pool != "amazon"),
            "PublicIpv4Pool",
        ),
        (input.customer_owned_ipv4_pool.is_some(), "CustomerOwnedIpv4Pool"),
        (input.ipam_pool_id.is_some(), "IpamPoolId"),
        (
            input
                .network_border_group
                .is_some_and(|group| group != context.scope.region),
            "NetworkBorderGroup",
        ),
        (
            input.domain.is_some_and(|domain| domain != DomainType::Vpc),
            "Domain",
        ),
    ] {
        if given {
            return Err(unsupported(name));
        }
    }
    let tags = tag::parse(input.tag_specifications, &ResourceType::ElasticIp)?;
    let (scope, pool, id) = (context.scope.clone(), ec2.pool, ec2.new_id("eipalloc"));
    let row = ec2
        .store
        .write(move |tx| {
            dry_run(input.dry_run)?;
            let address = take_public(tx, pool)?;
            let row = model::ElasticAddress { id, address, tags };
            tx.put(ADDRESSES, &key(&scope, &row.id), row.clone());
            Ok::<_, Error>(row)
        })
        .await?;
    Ok(AllocateAddressResult {
        allocation_id: Some(row.id),
        public_ip: Some(row.address.to_string()),
        public_ipv4_pool: Some("amazon".into()),
        network_border_group: Some(context.scope.region.clone()),
        domain: Some(DomainType::Vpc),
        ..Default::default()
    })
}

pub(super) async fn associate_address(
    ec2: &Ec2,
    context: &Context,
    input: AssociateAddressRequest,
) -> Result<AssociateAddressResult, Error> {
    let (scope, id) = (context.scope.clone(), ec2.new_id("eipassoc"));
    let id = ec2
        .store
        .write(move |tx| {
            let address = elastic(
                tx,
                &scope,
                input.allocation_id.as_deref(),
                input.public_ip.as_deref(),
            )?;
            let mut to = target(
                tx,
                &scope,
                input.instance_id.as_deref(),
                input.network_interface_id,
            )?;
            if to.is_managed() {
                let message = "You do not have permission to access the specified resource.";
                return Err(with_code("AuthFailure", message));
            }
            if input
                .private_ip_address
                .is_some_and(|text| text != to.address.to_string())
            {
                return Err(unsupported("PrivateIpAddress of a secondary address"));
            }
            if let Some(old) = holder(tx, &scope, &address.id) {
                let held = association(&old)
                    .map(|it| it.association.clone())
                    .unwrap_or_default();
                if old.id == to.id {
                    return Ok(held);
                }
                if old.is_managed() || input.allow_reassociation == Some(false) {
                    let message = format!(
                        "resource {} is already associated with associate-id {held}",
                        address.id
                    );
                    return Err(with_code("Resource.AlreadyAssociated", message));
                }
            }
            let attached = table::all(tx, GATEWAYS, &scope);
            if !attached.iter().any(|one| one.vpc.as_ref() == Some(&to.vpc)) {
                let message = format!("Network {} is not attached to any internet gateway", to.vpc);
                return Err(with_code("Gateway.NotAttached", message));
            }
            dry_run(input.dry_run)?;
            if let Some(old) = holder(tx, &scope, &address.id) {
                let place = key(&scope, &old.id);
                tx.put(INTERFACES, &place, Interface { public: None, ..old });
            }
            to.public = Some(PublicAddress {
                address: address.address,
                elastic: Some(ElasticAssociation {
                    allocation: address.id,
                    association: id.clone(),
                }),
            });
            let place = key(&scope, &to.id);
            tx.put(INTERFACES, &place, to);
            Ok::<_, Error>(id)
        })
        .await?;
    Ok(AssociateAddressResult {
        association_id: Some(id),
    })
}

/// The interface that is meant: by its id, or an instance's primary one.
fn target(
    tx: &Transaction,
    scope: &Scope,
    instance: Option<&str>,
    interface: Option<String>,
) -> Result<Interface, Error> {
    if let Some(id) = interface {
        return table::interface(tx, scope, &id);
    }
    let instance = instance.ok_or_else(|| missing("InstanceId"))?;
    let mut all = table::all(tx, INTERFACES, scope).into_iter();
    let primary = |one: &Interface| {
        one.instance.as_deref() == Some(instance) && one.device_index.unwrap_or_default() == 0
    };
    all.find(primary)
        .ok_or_else(|| crate::error::not_found("Instance", "instance", instance))
}

pub(super) async fn disassociate_address(
    ec2: &Ec2,
    context: &Context,
    input: DisassociateAddressRequest,
) -> Result<(), Error> {
    let scope = context.scope.clone();
    ec2.store
        .write(move |tx| {
            let all = table::all(tx, INTERFACES, &scope);
            let found = match (&input.association_id, &input.public_ip) {
                (Some(id), _) => all
                    .into_iter()
                    .find(|one| association(one).is_some_and(|it| it.association == *id))
                    .ok_or_else(|| unknown_association(id))?,
                (None, Some(text)) => {
                    let address = elastic(tx, &scope, None, Some(text))?;
                    match holder(tx, &scope, &address.id) {
                        Some(holder) => holder,
                        None => return dry_run(input.dry_run),
                    }
                }
                (None, None) => return Err(missing("AssociationId")),
            };
            if found.is_managed() {
                let message = "You do not have permission to access the specified resource.";
                return Err(with_code("AuthFailure", message));
            }
            dry_run(input.dry_run)?;
            let place = key(&scope, &found.id);
            tx.put(
                INTERFACES,
                &place,
                Interface {
                    public: None,
                    ..found
                },
            );
            Ok(())
        })
        .await
}

pub(super) async fn release_address(
    ec2: &Ec2,
    context: &Context,
    input: ReleaseAddressRequest,
) -> Result<(), Error> {
    let scope = context.scope.clone();
    ec2.store
        .write(move |tx| {
            let address = elastic(
                tx,
                &scope,
                input.allocation_id.as_deref(),
                input.public_ip.as_deref(),
            )?;
            let coming = table::all(tx, NAT_GATEWAYS, &scope)
                .iter()
                .any(|one| one.allocation == address.id && one.deleted.is_none() && one.failure.is_none());
            if coming || holder(tx, &scope, &address.id).is_some() {
                let message = format!("Address {} is in use.", address.address);
                return Err(with_code("InvalidIPAddress.InUse", message));
            }
            dry_run(input.dry_run)?;
            tx.delete(ADDRESSES, &key(&scope, &address.id));
            Ok(())
        })
        .await
}

pub(super) async fn describe_addresses(
    ec2: &Ec2,
    context: &Context,
    input: DescribeAddressesRequest,
) -> Result<DescribeAddressesResult, Error> {
    dry_run(input.dry_run)?;
    let scope = &context.scope;
    let snapshot = ec2.store.snapshot();
    let rows = snapshot.prefix(ADDRESSES, &table::prefix(scope));
    let mut rows: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
    if let Some(ids) = &input.allocation_ids {
        if let Some(unknown) = ids.iter().find(|id| !rows.iter().any(|row| row.id == **id)) {
            return Err(unknown_allocation(unknown));
        }
        rows.retain(|row| ids.contains(&row.id));
    }
    if let Some(addresses) = &input.public_ips {
        let has = |text: &String| rows.iter().any(|row| row.address.to_string() == *text);
        if let Some(unknown) = addresses.iter().find(|text| !has(text)) {
            return Err(unknown_address(unknown));
        }
        rows.retain(|row| addresses.contains(&row.address.to_string()));
    }
    let interfaces = snapshot.prefix(INTERFACES, &table::prefix(scope));
    let mut found = Vec::new();
    for row in rows {
        let held = |one: &Interface| association(one).is_some_and(|it| it.allocation == row.id);
        let holder = interfaces.iter().map(|(_, one)| one).find(|one| held(one));
        let shape = shape(&row, holder.map(|one| &**one), scope);
        let facts = Facts::new(&row.tags)
            .with("allocation-id", &row.id)
            .with("public-ip", row.address)
            .with("domain", "vpc")
            .with("network-border-group", &scope.region)
            .with_all("association-id", shape.association_id.clone())
            .with_all("instance-id", shape.instance_id.clone())
            .with_all("network-interface-id", shape.network_interface_id.clone())
            .with_all(
                "network-interface-owner-id",
                shape.network_interface_owner_id.clone(),
            )
            .with_all("private-ip-address", shape.private_ip_address.clone());
        if facts.match_all(input.filters.as_deref().unwrap_or_default())? {
            found.push(shape);
        }
    }
    Ok(DescribeAddressesResult {
        addresses: Some(found),
    })
}

fn shape(row: &model::ElasticAddress, holder: Option<&Interface>, scope: &Scope) -> Address {
    Address {
        allocation_id: Some(row.id.clone()),
        public_ip: Some(row.address.to_string()),
        public_ipv4_pool: Some("amazon".into()),
        network_border_group: Some(scope.region.clone()),
        domain: Some(DomainType::Vpc),
        association_id: holder.and_then(association).map(|it| it.association.clone()),
        network_interface_id: holder.map(|one| one.id.clone()),
        network_interface_owner_id: holder.map(|_| scope.account.clone()),
        private_ip_address: holder.map(|one| one.address.to_string()),
        instance_id: holder.and_then(|one| one.instance.clone()),
        tags: Some(tag::shape(&row.tags)),
        ..Default::default()
    }
}

/// Names that an address leads back to: nobody can set one here, so none has any.
pub(super) async fn describe_addresses_attribute(
    ec2: &Ec2,
    context: &Context,
    input: DescribeAddressesAttributeRequest,
) -> Result<DescribeAddressesAttributeResult, Error> {
    dry_run(input.dry_run)?;
    if let Some(attribute) = &input.attribute
        && *attribute != AddressAttributeName::DomainName
    {
        let why = "The attribute is not known.";
        return Err(invalid("attribute", attribute.as_str(), why));
    }
    let rows = ec2
        .store
        .snapshot()
        .prefix(ADDRESSES, &table::prefix(&context.scope));
    let ids = input.allocation_ids.unwrap_or_default();
    if let Some(unknown) = ids.iter().find(|id| !rows.iter().any(|(_, row)| row.id == **id)) {
        return Err(unknown_allocation(unknown));
    }
    // Only addresses that have the attribute are told of.
    let (addresses, next_token) = filter::page(vec![], input.max_results, input.next_token.as_deref())?;
    Ok(DescribeAddressesAttributeResult {
        addresses: Some(addresses),
        next_token,
    })
}
