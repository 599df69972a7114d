//! NAT gateways: who is routed to one leaves with the gateway's elastic address.
//!
//! One is pending until the network has been seen to have it, and deleting until it has been seen without.

use aws_protocol::Context;
use aws_shape::ec2::*;
use base_id::Scope;

use super::{address, interface, tag, zone};
use crate::Ec2;
use crate::error::{Error, dry_run, missing, unsupported, with_code};
use crate::filter::{self, Facts};
use crate::model::{self, ElasticAssociation, Interface, NAT_DESCRIPTION, PublicAddress};
use crate::table::{self, GATEWAYS, INTERFACES, NAT_GATEWAYS, key};

fn not_found(id: &str) -> Error {
    with_code(
        "NatGatewayNotFound",
        format!("The Nat Gateway {id} was not found"),
    )
}

fn refuse_unserved(input: &CreateNatGatewayRequest) -> Result<(), Error> {
    for (given, name) in [
        (
            input
                .connectivity_type
                .as_ref()
                .is_some_and(|kind| *kind != ConnectivityType::Public),
            "ConnectivityType",
        ),
        (
            input
                .availability_mode
                .as_ref()
                .is_some_and(|mode| *mode != AvailabilityMode::Zonal),
            "AvailabilityMode",
        ),
        (
            input
                .secondary_allocation_ids
                .as_ref()
                .is_some_and(|ids| !ids.is_empty()),
            "SecondaryAllocationIds",
        ),
        (
            input
                .secondary_private_ip_addresses
                .as_ref()
                .is_some_and(|addresses| !addresses.is_empty()),
            "SecondaryPrivateIpAddresses",
        ),
        (
            input
                .secondary_private_ip_address_count
                .is_some_and(|count| count > 0),
            "SecondaryPrivateIpAddressCount",
        ),
        (
            input.availability_zone_addresses.is_some(),
            "AvailabilityZoneAddresses",
        ),
    ] {
        if given {
            return Err(unsupported(name));
        }
    }
    Ok(())
}

pub(super) async fn create_nat_gateway(
    ec2: &Ec2,
    context: &Context,
    input: CreateNatGatewayRequest,
) -> Result<CreateNatGatewayResult, Error> {
    refuse_unserved(&input)?;
    let subnet = input.subnet_id.ok_or_else(|| missing("SubnetId"))?;
    let allocation = input.allocation_id.ok_or_else(|| missing("AllocationId"))?;
    let wanted = interface::parse_address(input.private_ip_address.as_deref())?;
    let tags = tag::parse(input.tag_specifications, &ResourceType::Natgateway)?;
    let (scope, inside, now) = (context.scope.clone(), ec2.clone(), ec2.clock.now());
    let token = input.client_token.clone();
    let gateway = ec2
        .store
        .write(move |tx| {
            if let Some(old) = table::all(tx, NAT_GATEWAYS, &scope)
                .into_iter()
                .find(|one| token.is_some() && one.token == token)
            {
                if old.subnet != subnet || old.allocation != allocation {
                    let message = "The client token has already been used with other parameters.";
                    return Err(with_code("IdempotentParameterMismatch", message));
                }
                return Ok(shape(&old));
            }
            let subnet = table::subnet(tx, &scope, &subnet)?;
            let elastic = address::allocation(tx, &scope, &allocation)?;
            if address::holder(tx, &scope, &allocation).is_some() {
                let message = format!("Elastic IP address [{allocation}] is already associated");
                return Err(with_code("Resource.AlreadyAssociated", message));
            }
            dry_run(input.dry_run)?;
            let attached = table::all(tx, GATEWAYS, &scope)
                .iter()
                .any(|one| one.vpc.as_ref() == Some(&subnet.vpc));
            let id = inside.new_id("nat");
            let mut gateway = model::NatGateway {
                interface: inside.new_id("eni"),
                vpc: subnet.vpc.clone(),
                subnet: subnet.id.clone(),
                zone: subnet.zone.clone(),
                made: now,
                available: false,
                failure: None,
                deleting: None,
                deleted: None,
                private: None,
                public: elastic.address,
                allocation,
                association: inside.new_id("eipassoc"),
                token,
                tags,
                id,
            };
            if attached {
                let private = interface::take_address(tx, &scope, &subnet, wanted)?;
                gateway.private = Some(private);
                let place = Interface {
                    public: Some(PublicAddress {
                        address: elastic.address,
                        elastic: Some(ElasticAssociation {
                            allocation: gateway.allocation.clone(),
                            association: gateway.association.clone(),
                        }),
                    }),
                    forwards: true,
                    description: format!("{NAT_DESCRIPTION}{}", gateway.id),
                    ..interface::new(&inside, gateway.interface.clone(), &subnet, private)
                };
                tx.put(INTERFACES, &key(&scope, &place.id), place);
            } else {
                gateway.failure = Some(format!("Network {} has no Internet gateway attached", subnet.vpc));
            }
            tx.put(NAT_GATEWAYS, &key(&scope, &gateway.id), gateway.clone());
            Ok::<_, Error>(shape(&gateway))
        })
        .await?;
    Ok(CreateNatGatewayResult {
        client_token: input.client_token,
        nat_gateway: Some(gateway),
    })
}

pub(super) async fn delete_nat_gateway(
    ec2: &Ec2,
    context: &Context,
    input: DeleteNatGatewayRequest,
) -> Result<DeleteNatGatewayResult, Error> {
    let (scope, now, id) = (context.scope.clone(), ec2.clock.now(), input.nat_gateway_id);
    let answer = id.clone();
    ec2.store
        .write(move |tx| {
            let place = key(&scope, &id);
            let row = tx.get(NAT_GATEWAYS, &place).ok_or_else(|| not_found(&id))?;
            let mut gateway = model::NatGateway::clone(&row);
            dry_run(input.dry_run)?;
            if gateway.deleting.is_none() {
                gateway.deleting = Some(now);
                if gateway.failure.is_some() {
                    gateway.deleted = Some(now);
                }
                tx.put(NAT_GATEWAYS, &place, gateway);
            }
            Ok::<_, Error>(())
        })
        .await?;
    Ok(DeleteNatGatewayResult {
        nat_gateway_id: Some(answer),
    })
}

pub(super) async fn describe_nat_gateways(
    ec2: &Ec2,
    context: &Context,
    input: DescribeNatGatewaysRequest,
) -> Result<DescribeNatGatewaysResult, Error> {
    dry_run(input.dry_run)?;
    let scope: &Scope = &context.scope;
    let rows = ec2.store.snapshot().prefix(NAT_GATEWAYS, &table::prefix(scope));
    let mut rows: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
    if let Some(ids) = &input.nat_gateway_ids {
        if let Some(unknown) = ids.iter().find(|id| !rows.iter().any(|row| row.id == **id)) {
            return Err(not_found(unknown));
        }
        rows.retain(|row| ids.contains(&row.id));
    }
    let mut found = Vec::new();
    for row in rows {
        let facts = Facts::new(&row.tags)
            .with("nat-gateway-id", &row.id)
            .with("state", state(&row).as_str())
            .with("subnet-id", &row.subnet)
            .with("vpc-id", &row.vpc);
        if facts.match_all(input.filter.as_deref().unwrap_or_default())? {
            found.push(shape(&row));
        }
    }
    let (nat_gateways, next_token) = filter::page(found, input.max_results, input.next_token.as_deref())?;
    Ok(DescribeNatGatewaysResult {
        nat_gateways: Some(nat_gateways),
        next_token,
    })
}

pub(crate) fn state(gateway: &model::NatGateway) -> NatGatewayState {
    match (&gateway.deleted, &gateway.deleting, &gateway.failure) {
        (Some(_), _, _) => NatGatewayState::Deleted,
        (None, Some(_), _) => NatGatewayState::Deleting,
        (None, None, Some(_)) => NatGatewayState::Failed,
        (None, None, None) if gateway.available => NatGatewayState::Available,
        (None, None, None) => NatGatewayState::Pending,
    }
}

fn shape(gateway: &model::NatGateway) -> NatGateway {
    let failure = gateway.failure.clone();
    let address = NatGatewayAddress {
        allocation_id: Some(gateway.allocation.clone()),
        association_id: gateway.private.map(|_| gateway.association.clone()),
        network_interface_id: gateway.private.map(|_| gateway.interface.clone()),
        private_ip: gateway.private.map(|address| address.to_string()),
        public_ip: Some(gateway.public.to_string()),
        is_primary: Some(true),
        status: Some(match (&failure, gateway.available) {
            (Some(_), _) => NatGatewayAddressStatus::Failed,
            (None, true) => NatGatewayAddressStatus::Succeeded,
            (None, false) => NatGatewayAddressStatus::Associating,
        }),
        availability_zone: Some(gateway.zone.clone()),
        availability_zone_id: Some(zone::id_of_name(&gateway.zone)),
        ..Default::default()
    };
    NatGateway {
        nat_gateway_id: Some(gateway.id.clone()),
        vpc_id: Some(gateway.vpc.clone()),
        subnet_id: Some(gateway.subnet.clone()),
        state: Some(state(gateway)),
        create_time: Some(gateway.made),
        delete_time: gateway.deleting,
        failure_code: failure.as_ref().map(|_| "Gateway.NotAttached".to_owned()),
        failure_message: failure,
        connectivity_type: Some(ConnectivityType::Public),
        availability_mode: Some(AvailabilityMode::Zonal),
        nat_gateway_addresses: Some(vec![address]),
        tags: Some(tag::shape(&gateway.tags)),
        ..Default::default()
    }
}
