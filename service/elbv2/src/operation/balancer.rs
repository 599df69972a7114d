//! Load balancers. What is created here stands as soon as its feet do.

use std::collections::{BTreeSet, HashSet};
use std::net::Ipv4Addr;

use aws_protocol::{ApiError, Context};
use aws_shape::ec2;
use aws_shape::elbv2::*;
use base_store::Snapshot;
use contract::route::RouteTable;

use super::page;
use crate::Elbv2;
use crate::error::{configuration, load_balancer_not_found, unsupported, validation};
use crate::model::attribute::Kind;
use crate::model::{self, Foot};
use crate::table::{self, LISTENERS, LOAD_BALANCERS, NETWORKS, OBSERVED, key};

pub(super) async fn create_load_balancer(
    elb: &Elbv2,
    context: &Context,
    mut input: CreateLoadBalancerInput,
) -> Result<CreateLoadBalancerOutput, ApiError> {
    let name = check_name(&input.name)?;
    if input
        .type_
        .as_ref()
        .is_some_and(|kind| *kind != LoadBalancerTypeEnum::Application)
    {
        return Err(unsupported("load balancers of type network and gateway"));
    }
    if input
        .ip_address_type
        .as_ref()
        .is_some_and(|kind| *kind != IpAddressType::Ipv4)
    {
        return Err(unsupported("IPv6 load balancers"));
    }
    refuse_mapped(input.subnet_mappings.as_deref())?;
    refuse_unserved(&input)?;
    let (vpc, feet) = feet(elb, context, input.subnets.take(), input.subnet_mappings.take()).await?;
    let groups = groups(elb, context, &vpc, input.security_groups).await?;
    let (scope, id) = (context.scope.clone(), elb.ids.hex(16));
    let number = u64::from_str_radix(&elb.ids.hex(8), 16).unwrap_or_default();
    let mut new = model::LoadBalancer {
        arn: scope.arn("elasticloadbalancing", &format!("loadbalancer/app/{name}/{id}")),
        dns_name: format!(
            "{}-{number}.{}.elb.localhost",
            name.to_ascii_lowercase(),
            scope.region
        ),
        name,
        id,
        internal: input.scheme == Some(LoadBalancerSchemeEnum::Internal),
        vpc,
        feet,
        groups,
        left: vec![],
        regroup: false,
        address: Ipv4Addr::LOCALHOST,
        created_at: elb.clock.now(),
        attributes: Default::default(),
        tags: super::tag::parse(input.tags),
        deleted: false,
    };
    let addresses = elb.addresses;
    let balancer = elb
        .store
        .write(move |tx| {
            let place = key(&scope, &new.name);
            if let Some(old) = tx.get(LOAD_BALANCERS, &place) {
                return same_or_refuse(&old, &new);
            }
            let used: HashSet<Ipv4Addr> = tx
                .list(LOAD_BALANCERS)
                .iter()
                .map(|(_, row)| row.address)
                .collect();
            let free = addresses.hosts().find(|address| !used.contains(address));
            new.address = free.ok_or_else(|| {
                ApiError::client(
                    "TooManyLoadBalancers",
                    "There is no loopback address left for another load balancer",
                )
            })?;
            tx.put(LOAD_BALANCERS, &place, new.clone());
            Ok(new)
        })
        .await?;
    let shape = shape(&balancer, &elb.store.snapshot());
    Ok(CreateLoadBalancerOutput {
        load_balancers: Some(vec![shape]),
    })
}

pub(super) fn refuse_mapped(mappings: Option<&[SubnetMapping]>) -> Result<(), ApiError> {
    let mapped = mappings.into_iter().flatten().any(|it| {
        it.allocation_id.is_some()
            || it.private_i_pv4_address.is_some()
            || it.i_pv6_address.is_some()
            || it.source_nat_ipv6_prefix.is_some()
    });
    match mapped {
        true => Err(unsupported("addresses in subnet mappings")),
        false => Ok(()),
    }
}

fn refuse_unserved(input: &CreateLoadBalancerInput) -> Result<(), ApiError> {
    let some = [
        (
            input.customer_owned_ipv4_pool.is_some(),
            "customer-owned address pools",
        ),
        (input.ipam_pools.is_some(), "IPAM pools"),
    ];
    match some.into_iter().find(|(given, _)| *given) {
        Some((_, what)) => Err(unsupported(what)),
        None => Ok(()),
    }
}

/// Creating what is there already answers what is there, if it is the same.
fn same_or_refuse(
    old: &model::LoadBalancer,
    new: &model::LoadBalancer,
) -> Result<model::LoadBalancer, ApiError> {
    let subnets = |one: &model::LoadBalancer| {
        one.feet
            .iter()
            .map(|foot| foot.subnet.clone())
            .collect::<BTreeSet<_>>()
    };
    let groups = |one: &model::LoadBalancer| one.groups.iter().cloned().collect::<BTreeSet<_>>();
    let same = subnets(old) == subnets(new) && groups(old) == groups(new) && old.internal == new.internal;
    if same && !old.deleted {
        return Ok(old.clone());
    }
    let message = format!(
        "A load balancer with the same name '{}' exists, but with different settings",
        new.name
    );
    Err(ApiError::client("DuplicateLoadBalancerName", message))
}

fn check_name(name: &str) -> Result<String, ApiError> {
    let fits = (1..=32).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.starts_with("internal-");
    if fits {
        return Ok(name.to_owned());
    }
    let message = format!(
        "The load balancer name '{name}' must be 1 to 32 letters, digits and hyphens, must not begin or end with a hyphen or begin with 'internal-'"
    );
    Err(validation(message))
}

pub(super) async fn feet(
    elb: &Elbv2,
    context: &Context,
    subnets: Option<Vec<String>>,
    mappings: Option<Vec<SubnetMapping>>,
) -> Result<(String, Vec<Foot>), ApiError> {
    let mapped = mappings.into_iter().flatten().filter_map(|it| it.subnet_id);
    let ids: BTreeSet<String> = subnets.into_iter().flatten().chain(mapped).collect();
    if ids.len() < 2 {
        return Err(validation(
            "At least two subnets in two different Availability Zones must be specified",
        ));
    }
    let request = ec2::DescribeSubnetsRequest {
        subnet_ids: Some(ids.into_iter().collect()),
        ..Default::default()
    };
    let found = elb.ec2.describe_subnets(context, request).await;
    let found = found
        .map_err(|error| ApiError::client("SubnetNotFound", error.message))?
        .subnets
        .unwrap_or_default();
    let zones: BTreeSet<_> = found
        .iter()
        .map(|subnet| subnet.availability_zone.clone())
        .collect();
    if zones.len() < found.len() {
        let message = "A load balancer cannot be attached to multiple subnets in the same Availability Zone";
        return Err(configuration(message));
    }
    let vpcs: BTreeSet<_> = found
        .iter()
        .map(|subnet| subnet.vpc_id.clone().unwrap_or_default())
        .collect();
    let [vpc] = <[String; 1]>::try_from(vpcs.into_iter().collect::<Vec<_>>())
        .map_err(|_| configuration("All subnets must belong to the same VPC"))?;
    let feet = found.into_iter().map(|subnet| Foot {
        subnet: subnet.subnet_id.unwrap_or_default(),
        zone: subnet.availability_zone.unwrap_or_default(),
        interface: None,
    });
    Ok((vpc, feet.collect()))
}

pub(super) async fn groups(
    elb: &Elbv2,
    context: &Context,
    vpc: &str,
    named: Option<Vec<String>>,
) -> Result<Vec<String>, ApiError> {
    let filter = |name: &str, value: &str| ec2::Filter {
        name: Some(name.into()),
        values: Some(vec![value.into()]),
    };
    let mut request = ec2::DescribeSecurityGroupsRequest::default();
    match named.filter(|ids| !ids.is_empty()) {
        Some(ids) => request.group_ids = Some(ids),
        None => request.filters = Some(vec![filter("vpc-id", vpc), filter("group-name", "default")]),
    }
    let found = elb.ec2.describe_security_groups(context, request).await;
    let found = found.map_err(|error| ApiError::client("InvalidSecurityGroup", error.message))?;
    let found = found.security_groups.unwrap_or_default();
    if let Some(stranger) = found.iter().find(|group| group.vpc_id.as_deref() != Some(vpc)) {
        let id = stranger.group_id.as_deref().unwrap_or_default();
        return Err(configuration(format!(
            "The security group '{id}' does not belong to VPC '{vpc}'"
        )));
    }
    Ok(found.into_iter().filter_map(|group| group.group_id).collect())
}

pub(super) async fn describe_load_balancers(
    elb: &Elbv2,
    context: &Context,
    input: DescribeLoadBalancersInput,
) -> Result<DescribeLoadBalancersOutput, ApiError> {
    let (scope, snapshot) = (&context.scope, elb.store.snapshot());
    let rows = snapshot.prefix(LOAD_BALANCERS, &key(scope, ""));
    let mut found: Vec<_> = rows
        .into_iter()
        .map(|(_, row)| row)
        .filter(|row| !row.deleted)
        .collect();
    if let Some(arns) = &input.load_balancer_arns {
        for arn in arns {
            table::balancer(&snapshot, scope, arn)?;
        }
        found.retain(|row| arns.contains(&row.arn));
    }
    if let Some(names) = &input.names {
        if let Some(unknown) = names
            .iter()
            .find(|name| !found.iter().any(|row| row.name == **name))
        {
            return Err(load_balancer_not_found(unknown));
        }
        found.retain(|row| names.contains(&row.name));
    }
    let shapes = found.iter().map(|row| shape(row, &snapshot)).collect();
    let (load_balancers, next_marker) = page(shapes, input.page_size, input.marker.as_deref())?;
    Ok(DescribeLoadBalancersOutput {
        load_balancers: Some(load_balancers),
        next_marker,
    })
}

/// Deleting what is not there succeeds, as in AWS.
pub(super) async fn delete_load_balancer(
    elb: &Elbv2,
    context: &Context,
    input: DeleteLoadBalancerInput,
) -> Result<DeleteLoadBalancerOutput, ApiError> {
    let scope = context.scope.clone();
    elb.store
        .write(move |tx| {
            let snapshot = tx.snapshot();
            let Ok(balancer) = table::balancer(&snapshot, &scope, &input.load_balancer_arn) else {
                return Ok(());
            };
            if balancer
                .attributes
                .get("deletion_protection.enabled")
                .is_some_and(|it| it == "true")
            {
                let message = format!(
                    "Load balancer '{}' cannot be deleted because deletion protection is enabled",
                    balancer.arn
                );
                return Err(ApiError::client("OperationNotPermitted", message));
            }
            for (listener, _) in table::listeners_of(&snapshot, &scope, &balancer.name) {
                tx.delete(LISTENERS, &listener);
            }
            let gone = model::LoadBalancer {
                deleted: true,
                ..(*balancer).clone()
            };
            // Its name is free at once; the row stays under another key until its interfaces are gone.
            tx.delete(LOAD_BALANCERS, &key(&scope, &balancer.name));
            tx.put(
                LOAD_BALANCERS,
                &key(&scope, &format!("{}/{}", gone.name, gone.id)),
                gone,
            );
            Ok(())
        })
        .await?;
    Ok(DeleteLoadBalancerOutput {})
}

pub(super) fn zones(balancer: &model::LoadBalancer) -> Vec<AvailabilityZone> {
    let zones = balancer.feet.iter().map(|foot| AvailabilityZone {
        zone_name: Some(foot.zone.clone()),
        subnet_id: Some(foot.subnet.clone()),
        // AWS names static addresses here; on this machine it is the loopback address that all listeners open.
        load_balancer_addresses: Some(vec![LoadBalancerAddress {
            ip_address: Some(balancer.address.to_string()),
            ..Default::default()
        }]),
        ..Default::default()
    });
    zones.collect()
}

fn shape(balancer: &model::LoadBalancer, snapshot: &Snapshot) -> LoadBalancer {
    let scheme = if balancer.internal {
        LoadBalancerSchemeEnum::Internal
    } else {
        LoadBalancerSchemeEnum::InternetFacing
    };
    LoadBalancer {
        load_balancer_arn: Some(balancer.arn.clone()),
        load_balancer_name: Some(balancer.name.clone()),
        dns_name: Some(balancer.dns_name.clone()),
        canonical_hosted_zone_id: Some("Z35SXDOTRQ7X7K".to_owned()),
        created_time: Some(balancer.created_at),
        scheme: Some(scheme),
        vpc_id: Some(balancer.vpc.clone()),
        state: Some(state(balancer, snapshot)),
        type_: Some(LoadBalancerTypeEnum::Application),
        availability_zones: Some(zones(balancer)),
        security_groups: Some(balancer.groups.clone()),
        ip_address_type: Some(IpAddressType::Ipv4),
        ..Default::default()
    }
}

/// What has been observed: the network stands, and every listener is open.
fn state(balancer: &model::LoadBalancer, snapshot: &Snapshot) -> LoadBalancerState {
    let network = snapshot.get(NETWORKS, &balancer.vpc);
    let (code, reason) = match network.map(|seen| seen.failure.clone()) {
        Some(Some(failure)) => (LoadBalancerStateEnum::Failed, Some(failure)),
        Some(None) if balancer.stands() => {
            let seen = snapshot.get(OBSERVED, RouteTable::KEY);
            let own = format!("{}/", balancer.arn.replace(":loadbalancer/", ":listener/"));
            let failure = seen.and_then(|seen| {
                let mut listeners = seen.listeners.iter().filter(|one| one.id.starts_with(&own));
                listeners.find_map(|one| one.failure.clone())
            });
            match failure {
                Some(failure) => (LoadBalancerStateEnum::ActiveImpaired, Some(failure)),
                None => (LoadBalancerStateEnum::Active, None),
            }
        }
        _ => (LoadBalancerStateEnum::Provisioning, None),
    };
    LoadBalancerState {
        code: Some(code),
        reason,
    }
}

pub(super) async fn describe_load_balancer_attributes(
    elb: &Elbv2,
    context: &Context,
    input: DescribeLoadBalancerAttributesInput,
) -> Result<DescribeLoadBalancerAttributesOutput, ApiError> {
    let balancer = table::balancer(&elb.store.snapshot(), &context.scope, &input.load_balancer_arn)?;
    Ok(DescribeLoadBalancerAttributesOutput {
        attributes: Some(attributes(&balancer)),
    })
}

fn attributes(balancer: &model::LoadBalancer) -> Vec<LoadBalancerAttribute> {
    let all = Kind::LoadBalancer.all(&balancer.attributes).into_iter();
    all.map(|(key, value)| LoadBalancerAttribute {
        key: Some(key),
        value: Some(value),
    })
    .collect()
}

pub(super) async fn modify_load_balancer_attributes(
    elb: &Elbv2,
    context: &Context,
    input: ModifyLoadBalancerAttributesInput,
) -> Result<ModifyLoadBalancerAttributesOutput, ApiError> {
    let scope = context.scope.clone();
    let balancer = elb
        .store
        .write(move |tx| {
            let found = table::balancer(&tx.snapshot(), &scope, &input.load_balancer_arn)?;
            let mut balancer = model::LoadBalancer::clone(&found);
            for LoadBalancerAttribute { key, value } in input.attributes {
                let (key, value) = (key.unwrap_or_default(), value.unwrap_or_default());
                Kind::LoadBalancer.set(&mut balancer.attributes, &key, &value)?;
            }
            tx.put(LOAD_BALANCERS, &key(&scope, &balancer.name), balancer.clone());
            Ok::<_, ApiError>(balancer)
        })
        .await?;
    Ok(ModifyLoadBalancerAttributesOutput {
        attributes: Some(attributes(&balancer)),
    })
}
