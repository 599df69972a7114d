//! Network interfaces: an address in a subnet, with the groups that guard it.

use std::collections::HashSet;
use std::net::Ipv4Addr;

use aws_protocol::Context;
use aws_shape::ec2::*;
use base_id::Scope;
use base_store::{Snapshot, Transaction};

use super::{group, tag, zone};
use crate::Ec2;
use crate::error::{Error, dry_run, interface_not_found, invalid, unsupported, with_code};
use crate::filter::{self, Facts};
use crate::model::{self, address};
use crate::table::{self, GROUPS, INTERFACES, OBSERVED, SUBNETS, key};

pub(super) async fn create_network_interface(
    ec2: &Ec2,
    context: &Context,
    input: CreateNetworkInterfaceRequest,
) -> Result<CreateNetworkInterfaceResult, Error> {
    refuse_unserved(&input)?;
    let tags = tag::parse(input.tag_specifications, &ResourceType::NetworkInterface)?;
    let (scope, inside) = (context.scope.clone(), ec2.clone());
    let listed = input.private_ip_addresses.unwrap_or_default();
    let listed = listed.into_iter().find_map(|one| one.private_ip_address);
    let wanted = parse_address(input.private_ip_address.or(listed).as_deref())?;
    let token = input.client_token.clone();
    let answer = ec2
        .store
        .write(move |tx| {
            let mut made = table::all(tx, INTERFACES, &scope).into_iter();
            if let Some(made) = made.find(|one| token.is_some() && one.token == token) {
                return Ok(shape(&made, &scope, &tx.snapshot()));
            }
            let subnet = table::subnet(tx, &scope, &input.subnet_id)?;
            let groups = group::of_interface(tx, &scope, &subnet.vpc, input.groups)?;
            dry_run(input.dry_run)?;
            let address = take_address(tx, &scope, &subnet, wanted)?;
            let interface = model::Interface {
                groups,
                description: input.description.unwrap_or_default(),
                token,
                tags,
                ..new(&inside, inside.new_id("eni"), &subnet, address)
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

/// One address is what an interface has; everything else it could be given is not served.
fn refuse_unserved(input: &CreateNetworkInterfaceRequest) -> Result<(), Error> {
    for (given, name) in [
        (
            input
                .secondary_private_ip_address_count
                .is_some_and(|count| count > 0),
            "SecondaryPrivateIpAddressCount",
        ),
        (
            input
                .private_ip_addresses
                .as_ref()
                .is_some_and(|all| all.len() > 1),
            "PrivateIpAddresses",
        ),
        (
            input.ipv4_prefix_count.is_some_and(|count| count > 0),
            "Ipv4PrefixCount",
        ),
        (
            input.ipv4_prefixes.as_ref().is_some_and(|all| !all.is_empty()),
            "Ipv4Prefixes",
        ),
        (
            input.ipv6_address_count.is_some_and(|count| count > 0),
            "Ipv6AddressCount",
        ),
        (
            input.ipv6_addresses.as_ref().is_some_and(|all| !all.is_empty()),
            "Ipv6Addresses",
        ),
        (
            input.ipv6_prefix_count.is_some_and(|count| count > 0),
            "Ipv6PrefixCount",
        ),
        (
            input.ipv6_prefixes.as_ref().is_some_and(|all| !all.is_empty()),
            "Ipv6Prefixes",
        ),
        (input.interface_type.is_some(), "InterfaceType"),
    ] {
        if given {
            return Err(unsupported(name));
        }
    }
    Ok(())
}

/// A private address as callers give it.
pub(crate) fn parse_address(text: Option<&str>) -> Result<Option<Ipv4Addr>, Error> {
    text.map(|text| {
        text.parse()
            .map_err(|_| invalid("privateIpAddress", text, "It is not an IPv4 address."))
    })
    .transpose()
}

/// An interface in no group and of nobody. The address must have been taken with [`take_address`].
pub(crate) fn new(ec2: &Ec2, id: String, subnet: &model::Subnet, address: Ipv4Addr) -> model::Interface {
    model::Interface {
        id,
        vpc: subnet.vpc.clone(),
        subnet: subnet.id.clone(),
        zone: subnet.zone.clone(),
        address,
        mac: new_mac(ec2),
        groups: vec![],
        description: String::new(),
        instance: None,
        device_index: None,
        delete_on_termination: false,
        public: None,
        forwards: false,
        token: None,
        tags: model::Tags::new(),
    }
}

/// A public address for an interface that is asked to have one; it goes when the interface goes.
pub(crate) fn give_public(
    tx: &mut Transaction,
    pool: ipnet::Ipv4Net,
    interface: &mut model::Interface,
) -> Result<(), Error> {
    if interface.public.is_none() {
        interface.public = Some(model::PublicAddress {
            address: super::address::take_public(tx, pool)?,
            elastic: None,
        });
    }
    Ok(())
}

/// An address of the subnet: the one that is wanted, or the next free one.
pub(crate) fn take_address(
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
            if interface.instance.is_some() || (interface.is_managed() && (interface.is_nat() || !by_service))
            {
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
            .with("interface-type", kind(&interface).as_str())
            .with("source-dest-check", !interface.forwards)
            .with_all("attachment.attachment-id", attachment_id(&interface))
            .with_all(
                "attachment.device-index",
                interface.device_index.map(|index| index.to_string()),
            )
            .with_all("attachment.instance-id", interface.instance.clone())
            .with_all(
                "attachment.instance-owner-id",
                interface.instance.as_ref().map(|_| scope.account.clone()),
            )
            .with_all(
                "attachment.status",
                interface.instance.as_ref().map(|_| "attached".to_owned()),
            )
            .with_all("association.public-ip", public(&interface))
            .with_all("addresses.association.public-ip", public(&interface))
            .with_all(
                "association.allocation-id",
                elastic(&interface).map(|it| it.allocation.clone()),
            )
            .with_all(
                "association.association-id",
                elastic(&interface).map(|it| it.association.clone()),
            )
            .with_all("group-name", group_names(&interface, scope, &snapshot))
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

fn public(interface: &model::Interface) -> Option<String> {
    interface.public.as_ref().map(|public| public.address.to_string())
}

fn elastic(interface: &model::Interface) -> Option<&model::ElasticAssociation> {
    interface.public.as_ref()?.elastic.as_ref()
}

fn group_names(interface: &model::Interface, scope: &Scope, snapshot: &Snapshot) -> Vec<String> {
    let groups = interface.groups.iter();
    groups
        .filter_map(|id| snapshot.get(GROUPS, &key(scope, id)))
        .map(|group| group.name.clone())
        .collect()
}

fn kind(interface: &model::Interface) -> NetworkInterfaceType {
    if interface.is_nat() {
        NetworkInterfaceType::NatGateway
    } else {
        NetworkInterfaceType::Interface
    }
}

/// One interface is attached to one instance at most, so its own id makes the attachment's.
pub(super) fn attachment_id(interface: &model::Interface) -> Option<String> {
    interface.instance.as_ref()?;
    Some(interface.id.replacen("eni-", "eni-attach-", 1))
}

pub(super) fn attachment(
    interface: &model::Interface,
    scope: &Scope,
    snapshot: &Snapshot,
) -> Option<NetworkInterfaceAttachment> {
    let instance = interface.instance.clone()?;
    Some(NetworkInterfaceAttachment {
        attachment_id: attachment_id(interface),
        delete_on_termination: Some(interface.delete_on_termination),
        device_index: Some(interface.device_index.unwrap_or_default()),
        network_card_index: Some(0),
        instance_id: Some(instance),
        instance_owner_id: Some(scope.account.clone()),
        status: Some(match status(interface, snapshot) {
            NetworkInterfaceStatus::InUse => AttachmentStatus::Attached,
            _ => AttachmentStatus::Attaching,
        }),
        ..Default::default()
    })
}

/// How the world knows an interface.
pub(crate) fn association(
    interface: &model::Interface,
    scope: &Scope,
) -> Option<NetworkInterfaceAssociation> {
    let public = interface.public.as_ref()?;
    Some(NetworkInterfaceAssociation {
        public_ip: Some(public.address.to_string()),
        ip_owner_id: Some(match public.elastic {
            Some(_) => scope.account.clone(),
            None => "amazon".to_owned(),
        }),
        allocation_id: elastic(interface).map(|it| it.allocation.clone()),
        association_id: elastic(interface).map(|it| it.association.clone()),
        ..Default::default()
    })
}

pub(super) fn group_shapes(
    interface: &model::Interface,
    scope: &Scope,
    snapshot: &Snapshot,
) -> Vec<GroupIdentifier> {
    let shape = |id: &String| GroupIdentifier {
        group_name: snapshot
            .get(GROUPS, &key(scope, id))
            .map(|group| group.name.clone()),
        group_id: Some(id.clone()),
    };
    interface.groups.iter().map(shape).collect()
}

/// What another service made for itself, or an instance has, is in use once its network stands.
pub(crate) fn status(interface: &model::Interface, snapshot: &Snapshot) -> NetworkInterfaceStatus {
    let stands = snapshot
        .get(OBSERVED, &interface.vpc)
        .is_some_and(|seen| seen.failure.is_none());
    if (interface.is_managed() || interface.instance.is_some()) && stands {
        NetworkInterfaceStatus::InUse
    } else {
        NetworkInterfaceStatus::Available
    }
}

pub(crate) fn shape(interface: &model::Interface, scope: &Scope, snapshot: &Snapshot) -> NetworkInterface {
    let address = interface.address.to_string();
    let name = model::private_name(interface.address, &scope.region);
    NetworkInterface {
        network_interface_id: Some(interface.id.clone()),
        vpc_id: Some(interface.vpc.clone()),
        subnet_id: Some(interface.subnet.clone()),
        availability_zone: Some(interface.zone.clone()),
        availability_zone_id: Some(zone::id_of_name(&interface.zone)),
        description: Some(interface.description.clone()),
        groups: Some(group_shapes(interface, scope, snapshot)),
        association: association(interface, scope),
        attachment: attachment(interface, scope, snapshot),
        interface_type: Some(kind(interface)),
        ipv6_addresses: Some(vec![]),
        mac_address: Some(interface.mac.clone()),
        owner_id: Some(scope.account.clone()),
        private_dns_name: Some(name.clone()),
        private_ip_address: Some(address.clone()),
        private_ip_addresses: Some(vec![NetworkInterfacePrivateIpAddress {
            primary: Some(true),
            private_dns_name: Some(name),
            private_ip_address: Some(address),
            association: association(interface, scope),
        }]),
        requester_managed: Some(interface.is_managed()),
        source_dest_check: Some(!interface.forwards),
        status: Some(status(interface, snapshot)),
        tag_set: Some(tag::shape(&interface.tags)),
        ..Default::default()
    }
}
