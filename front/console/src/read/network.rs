//! Networks and what is in them.

use std::collections::HashMap;

use aws_protocol::ApiError;
use aws_shape::ec2;

use crate::picture::{Instance, Nat, Subnet, System, Vpc};
use crate::source::{Source, sentence};

pub(super) async fn read(source: &Source, system: &mut System) {
    match vpcs(source).await {
        Ok(found) => system.vpcs = found,
        Err(error) => system.unread.push(format!("networks: {}", sentence(&error))),
    }
    match instances(source).await {
        Ok(found) => system.instances = found,
        Err(error) => system.unread.push(format!("instances: {}", sentence(&error))),
    }
}

/// Where a subnet's packets to everywhere go.
#[derive(Clone, Default)]
struct Exit {
    is_public: bool,
    nat: Option<String>,
}

async fn vpcs(source: &Source) -> Result<Vec<Vpc>, ApiError> {
    let context = source.context();
    let found = source
        .ec2
        .describe_vpcs(&context, ec2::DescribeVpcsRequest::default())
        .await?;
    let subnets = source
        .ec2
        .describe_subnets(&context, ec2::DescribeSubnetsRequest::default())
        .await?;
    let gateways = ec2::DescribeInternetGatewaysRequest::default();
    let gateways = source.ec2.describe_internet_gateways(&context, gateways).await?;
    let tables = ec2::DescribeRouteTablesRequest::default();
    let tables = source.ec2.describe_route_tables(&context, tables).await?;
    let nats = source
        .ec2
        .describe_nat_gateways(&context, ec2::DescribeNatGatewaysRequest::default())
        .await?;
    let nats: Vec<_> = nats.nat_gateways.into_iter().flatten().collect();
    let (of_subnet, of_vpc) = exits(tables.route_tables.into_iter().flatten());
    let gateways: Vec<_> = gateways.internet_gateways.into_iter().flatten().collect();
    let mut vpcs: Vec<Vpc> = found
        .vpcs
        .into_iter()
        .flatten()
        .map(|it| vpc(it, &gateways))
        .collect();
    for one in subnets.subnets.into_iter().flatten() {
        let Some(vpc) = vpcs.iter_mut().find(|it| Some(&it.id) == one.vpc_id.as_ref()) else {
            continue;
        };
        let id = one.subnet_id.unwrap_or_default();
        let exit = of_subnet
            .get(&id)
            .or_else(|| of_vpc.get(&vpc.id))
            .cloned()
            .unwrap_or_default();
        vpc.subnets.push(Subnet {
            range: one.cidr_block.unwrap_or_default(),
            zone: one.availability_zone.unwrap_or_default(),
            is_public: exit.is_public,
            leaves_by: exit.nat,
            nat_gateways: nats
                .iter()
                .filter(|it| it.subnet_id.as_ref() == Some(&id))
                .filter_map(nat)
                .collect(),
            id,
        });
    }
    for vpc in &mut vpcs {
        vpc.subnets
            .sort_by(|a, b| (&a.zone, !a.is_public, &a.range).cmp(&(&b.zone, !b.is_public, &b.range)));
    }
    Ok(vpcs)
}

fn vpc(one: ec2::Vpc, gateways: &[ec2::InternetGateway]) -> Vpc {
    let is_attached = |it: &&ec2::InternetGateway| {
        let mut attachments = it.attachments.iter().flatten();
        attachments.any(|it| it.vpc_id == one.vpc_id)
    };
    Vpc {
        internet_gateway: gateways
            .iter()
            .find(is_attached)
            .and_then(|it| it.internet_gateway_id.clone()),
        name: tag(&one.tags),
        id: one.vpc_id.unwrap_or_default(),
        range: one.cidr_block.unwrap_or_default(),
        subnets: Vec::new(),
    }
}

/// By subnet, and by VPC for those that have no table of their own.
fn exits(tables: impl Iterator<Item = ec2::RouteTable>) -> (HashMap<String, Exit>, HashMap<String, Exit>) {
    let (mut of_subnet, mut of_vpc) = (HashMap::new(), HashMap::new());
    for table in tables {
        let mut routes = table.routes.iter().flatten();
        let default = routes.find(|it| it.destination_cidr_block.as_deref() == Some("0.0.0.0/0"));
        let gateway = default.and_then(|it| it.gateway_id.as_deref());
        let exit = Exit {
            is_public: gateway.is_some_and(|it| it.starts_with("igw-")),
            nat: default.and_then(|it| it.nat_gateway_id.clone()),
        };
        for association in table.associations.into_iter().flatten() {
            if let Some(subnet) = association.subnet_id {
                of_subnet.insert(subnet, exit.clone());
            } else if association.main == Some(true) {
                of_vpc.insert(table.vpc_id.clone().unwrap_or_default(), exit.clone());
            }
        }
    }
    (of_subnet, of_vpc)
}

fn nat(one: &ec2::NatGateway) -> Option<Nat> {
    let state = one.state.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut addresses = one.nat_gateway_addresses.iter().flatten();
    (state != "deleted").then(|| Nat {
        id: one.nat_gateway_id.clone().unwrap_or_default(),
        address: addresses.find_map(|it| it.public_ip.clone()),
        state,
    })
}

async fn instances(source: &Source) -> Result<Vec<Instance>, ApiError> {
    let context = source.context();
    let answer = source
        .ec2
        .describe_instances(&context, ec2::DescribeInstancesRequest::default())
        .await?;
    let all = answer
        .reservations
        .into_iter()
        .flatten()
        .flat_map(|it| it.instances.unwrap_or_default());
    let instances = all.map(|one| Instance {
        name: tag(&one.tags),
        id: one.instance_id.unwrap_or_default(),
        kind: one.instance_type.map(|it| it.to_string()).unwrap_or_default(),
        state: one
            .state
            .and_then(|it| it.name)
            .map(|it| it.to_string())
            .unwrap_or_default(),
        subnet: one.subnet_id.unwrap_or_default(),
        address: one.private_ip_address,
        launched: one.launch_time,
    });
    Ok(instances.filter(|it| it.state != "terminated").collect())
}

fn tag(tags: &Option<Vec<ec2::Tag>>) -> String {
    let mut tags = tags.iter().flatten();
    let found = tags.find(|it| it.key.as_deref() == Some("Name"));
    found.and_then(|it| it.value.clone()).unwrap_or_default()
}
