//! Network interfaces: an address in a subnet, with the groups that guard it.

use std::collections::HashSet;
use std::net::Ipv4Addr;

use aws_protocol::Context;
use aws_shape::ec2::*;
use base_id::Scope;
use base_store::{Snapshot, Transaction};

use super::{group, tag, zone};
use crate::Ec2;
use crate::error::{Error, dry_run, interface_not_found, invalid, with_code};
use crate::filter::{self, Facts};
use crate::model::{self, address};
use crate::table::{self, GROUPS, INTERFACES, OBSERVED, SUBNETS, key};

pub(super) async fn create_network_interface(
    ec2: &Ec2,
    context: &Context,
    input: CreateNetworkInterfaceRequest,
) -> Result<CreateNetworkInterfaceResult, Error> {
    let tags = tag::parse(input.tag_specifications, &ResourceType::NetworkInterface)?;
    let (scope, id, mac) = (context.scope.clone(), ec2.new_id("eni"), new_mac(ec2));
    let wanted = match &input.private_ip_address {
        Some(text) => Some(
            text.parse()
                .map_err(|_| invalid("privateIpAddress", text, "It is not an IPv4 address."))?,
        ),
        None => None,
    };
    let answer = ec2
        .store
        .write(move |tx| {
            let subnet = table::subnet(tx, &scope, &input.subnet_id)?;
            let groups = group::of_interface(tx, &scope, &subnet.vpc, input.groups)?;
            dry_run(input.dry_run)?;
            let address = take_address(tx, &scope, &subnet, wanted)?;
            let interface = model::Interface {
                id,
                vpc: subnet.vpc,
                subnet: subnet.id,
                zone: subnet.zone,
                address,
                mac,
                groups,
                description: input.description.unwrap_or_default(),
                tags,
            };
            tx.put(INTERFACES, &key(&scope, &interface.id), interface.clone());
            Ok::<_, Error>(shape(&interface, &scope, &tx.snapshot()))
        })
        .await?;
    Ok(CreateNetworkInterfaceResult {
        network_interface: Some(answer),
        client_token: input.client_token,
    })
}

/// Locally administered, as EC2's own.
pub(super) fn new_mac(ec2: &Ec2) -> String {
    let mac = ec2.ids.hex(10);
    format!(
        "02:{}:{}:{}:{}:{}",
        &mac[0..2],
        &mac[2..4],
        &mac[4..6],
        &mac[6..8],
        &mac[8..10]
    )
}

pub(super) fn take_address(
    tx: &mut Transaction,
    scope: &Scope,
    subnet: &model::Subnet,
    wanted: Option<Ipv4Addr>,
) -> Result<Ipv4Addr, Error> {
    let interfaces = table::all(tx, INTERFACES, scope);
    let used: HashSet<Ipv4Addr> = interfaces
        .iter()
        .filter(|one| one.subnet == subnet.id)
        .map(|one| one.address)
        .collect();
    if let Some(wanted) = wanted {
        if !address::is_assignable(subnet.range, wanted) {
            return Err(invalid(
                "privateIpAddress",
                &wanted.to_string(),
                "Address does not fall within the subnet's address range",
            ));
        }
        if used.contains(&wanted) {
            return Err(with_code(
                "InvalidIPAddress.InUse",
                format!("Address {wanted} is in use."),
            ));
        }
        return Ok(wanted);
    }
    let Some((address, host)) = address::next_free(subnet.range, &used, subnet.last_host) else {
        let message = format!(
            "The specified subnet does not have enough free addresses to satisfy the request: {}.",
            subnet.id
        );
        return Err(with_code("InsufficientFreeAddressesInSubnet", message));
    };
    tx.put(
        SUBNETS,
        &key(scope, &subnet.id),
        model::Subnet {
            last_host: host,
            ..subnet.clone()
        },
    );
    Ok(address)
}

pub(super) async fn delete_network_interface(
    ec2: &Ec2,
    context: &Context,
    input: DeleteNetworkInterfaceRequest,
) -> Result<(), Error> {
    let scope = context.scope.clone();
    let by_service = tag::is_service(context);
    ec2.store
        .write(move |tx| {
            let id = input.network_interface_id;
            let place = key(&scope, &id);
            let interface = tx
                .get(INTERFACES, &place)
                .ok_or_else(|| interface_not_found(&id))?;
            if interface.is_managed() && !by_service {
                return Err(with_code(
                    "InvalidParameterValue",
                    format!("Network interface '{id}' is currently in use."),
                ));
            }
            dry_run(input.dry_run)?;
            tx.delete(INTERFACES, &place);
            Ok(())
        })
        .await
}

pub(super) async fn describe_network_interfaces(
    ec2: &Ec2,
    context: &Context,
    input: DescribeNetworkInterfacesRequest,
) -> Result<DescribeNetworkInterfacesResult, Error> {
    dry_run(input.dry_run)?;
    let scope = &context.scope;
    let snapshot = ec2.store.snapshot();
    let mut interfaces: Vec<_> = snapshot
        .prefix(INTERFACES, &table::prefix(scope))
        .into_iter()
        .map(|(_, row)| row)
        .collect();
    if let Some(ids) = &input.network_interface_ids {
        if let Some(unknown) = ids.iter().find(|id| !interfaces.iter().any(|one| one.id == **id)) {
            return Err(interface_not_found(unknown));
        }
        interfaces.retain(|one| ids.contains(&one.id));
    }
    let mut found = Vec::new();
    for interface in interfaces {
        let facts = Facts::new(&interface.tags)
            .with("network-interface-id", &interface.id)
            .with("vpc-id", &interface.vpc)
            .with("subnet-id", &interface.subnet)
            .with("availability-zone", &interface.zone)
            .with("private-ip-address", interface.address)
            .with("addresses.private-ip-address", interface.address)
            .with("mac-address", &interface.mac)
            .with("description", &interface.description)
            .with("owner-id", &scope.account)
            .with("requester-managed", interface.is_managed())
            .with("status", status(&interface, &snapshot).as_str())
            .with("interface-type", "interface")
            .with_all("attachment.instance-id", None)
            .with_all("attachment.instance-owner-id", None)
            .with_all("group-id", interface.groups.clone());
        if facts.match_all(input.filters.as_deref().unwrap_or_default())? {
            found.push(shape(&interface, scope, &snapshot));
        }
    }
    let (found, next_token) = filter::page(found, input.max_results, input.next_token.as_deref())?;
    Ok(DescribeNetworkInterfacesResult {
        network_interfaces: Some(found),
        next_token,
    })
}

/// What another service made for itself is in use once its network stands.
fn status(interface: &model::Interface, snapshot: &Snapshot) -> NetworkInterfaceStatus {
    let stands = snapshot
        .get(OBSERVED, &interface.vpc)
        .is_some_and(|seen| seen.failure.is_none());
    if interface.is_managed() && stands {
        NetworkInterfaceStatus::InUse
    } else {
        NetworkInterfaceStatus::Available
    }
}

fn shape(interface: &model::Interface, scope: &Scope, snapshot: &Snapshot) -> NetworkInterface {
    let groups = interface.groups.iter().map(|id| GroupIdentifier {
        group_name: snapshot
            .get(GROUPS, &key(scope, id))
            .map(|group| group.name.clone()),
        group_id: Some(id.clone()),
    });
    let address = interface.address.to_string();
    let name = format!("ip-{}.ec2.internal", address.replace('.', "-"));
    NetworkInterface {
        network_interface_id: Some(interface.id.clone()),
        vpc_id: Some(interface.vpc.clone()),
        subnet_id: Some(interface.subnet.clone()),
        availability_zone: Some(interface.zone.clone()),
        availability_zone_id: Some(zone::id_of_name(&interface.zone)),
        description: Some(interface.description.clone()),
        groups: Some(groups.collect()),
        interface_type: Some(NetworkInterfaceType::Interface),
        ipv6_addresses: Some(vec![]),
        mac_address: Some(interface.mac.clone()),
        owner_id: Some(scope.account.clone()),
        private_dns_name: Some(name.clone()),
        private_ip_address: Some(address.clone()),
        private_ip_addresses: Some(vec![NetworkInterfacePrivateIpAddress {
            primary: Some(true),
            private_dns_name: Some(name),
            private_ip_address: Some(address),
            association: None,
        }]),
        requester_managed: Some(interface.is_managed()),
        source_dest_check: Some(true),
        status: Some(status(interface, snapshot)),
        tag_set: Some(tag::shape(&interface.tags)),
        ..Default::default()
    }
}
