//! A VPC with public subnets in two zones: the one that was named, the one of wharf, AWS's default one, or a new one.

use std::collections::BTreeMap;

use aws_shape::ec2::{self, ResourceType};

use super::UpOptions;
use crate::aws::{NETWORK_NAME, NETWORK_TAG, Tags, filter, tagged};
use crate::check::Target;
use crate::deployer::Deployer;
use crate::event::{Done, Outcome, Step};
use crate::failure::{Doing as _, Failure, present};

/// Private, and seldom anybody else's.
const VPC_RANGE: &str = "10.77.0.0/16";
const SUBNET_RANGES: [&str; 2] = ["10.77.0.0/20", "10.77.16.0/20"];
const EVERYWHERE: &str = "0.0.0.0/0";
/// A load balancer wants subnets in so many zones.
const ZONES_MIN: usize = 2;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    pub vpc: String,
    pub subnets: Vec<String>,
}

impl Deployer {
    pub(super) async fn ensure_network(&self, options: &UpOptions) -> Result<Network, Failure> {
        let work = async {
            if options.vpc.is_some() || !options.subnets.is_empty() {
                let network = self.named_network(options).await?;
                return Ok(done(Outcome::Unchanged, network));
            }
            if let Some(vpc) = self.find_vpc(tagged(NETWORK_TAG, NETWORK_NAME)).await? {
                return self.complete(vpc, Outcome::Unchanged).await;
            }
            if self.target == Target::Aws
                && let Some(vpc) = self.find_vpc(filter("is-default", "true")).await?
                && let Ok(network) = self.existing(vpc).await
            {
                return Ok(done(Outcome::Unchanged, network));
            }
            let vpc = self.make_vpc().await?;
            self.complete(vpc, Outcome::Made).await
        };
        self.teller.step(Step::Network, work).await
    }

    /// The VPC and subnets that were named.
    async fn named_network(&self, options: &UpOptions) -> Result<Network, Failure> {
        if options.subnets.is_empty() {
            let vpc = options.vpc.clone().unwrap_or_default();
            return self.existing(vpc).await;
        }
        let input = ec2::DescribeSubnetsRequest {
            subnet_ids: Some(options.subnets.clone()),
            ..Default::default()
        };
        let found = self.aws.ec2.describe_subnets(&self.aws.context, input).await;
        let found = found
            .doing("looking for the subnets")?
            .subnets
            .unwrap_or_default();
        let mut vpcs: Vec<String> = found.into_iter().filter_map(|it| it.vpc_id).collect();
        vpcs.sort();
        vpcs.dedup();
        match (<[String; 1]>::try_from(vpcs), &options.vpc) {
            (Ok([vpc]), wanted) if wanted.as_ref().is_none_or(|it| *it == vpc) => Ok(Network {
                vpc,
                subnets: options.subnets.clone(),
            }),
            (Ok([vpc]), _) => Err(Failure::Network(format!("the subnets are of the VPC {vpc}"))),
            (Err(_), _) => Err(Failure::Network("the subnets are not all of one VPC".to_owned())),
        }
    }

    /// One subnet for each zone of a VPC that is there, those first that give public addresses.
    async fn existing(&self, vpc: String) -> Result<Network, Failure> {
        let mut zones: BTreeMap<String, ec2::Subnet> = BTreeMap::new();
        for subnet in self.subnets(vec![filter("vpc-id", &vpc)]).await? {
            let zone = subnet.availability_zone.clone().unwrap_or_default();
            let better = zones.get(&zone).is_none_or(|old| rank(&subnet) > rank(old));
            if better {
                zones.insert(zone, subnet);
            }
        }
        let subnets: Vec<String> = zones.into_values().filter_map(|it| it.subnet_id).collect();
        if subnets.len() < ZONES_MIN {
            return Err(Failure::Network(format!(
                "the VPC {vpc} has no subnets in {ZONES_MIN} zones, which a load balancer needs"
            )));
        }
        Ok(Network { vpc, subnets })
    }

    pub(crate) async fn find_vpc(&self, wanted: ec2::Filter) -> Result<Option<String>, Failure> {
        let input = ec2::DescribeVpcsRequest {
            filters: Some(vec![wanted]),
            ..Default::default()
        };
        let found = self.aws.ec2.describe_vpcs(&self.aws.context, input).await;
        let found = found.doing("looking for the network")?;
        Ok(found.vpcs.and_then(|it| it.into_iter().next()?.vpc_id))
    }

    async fn make_vpc(&self) -> Result<String, Failure> {
        let input = ec2::CreateVpcRequest {
            cidr_block: Some(VPC_RANGE.to_owned()),
            tag_specifications: Some(
                Tags::of_network()
                    .with("Name", NETWORK_NAME)
                    .ec2(ResourceType::Vpc),
            ),
            ..Default::default()
        };
        let made = self.aws.ec2.create_vpc(&self.aws.context, input).await;
        let made = made.doing("making the network")?.vpc.and_then(|it| it.vpc_id);
        let vpc = present(made, "CreateVpc", "the VPC")?;
        let input = ec2::ModifyVpcAttributeRequest {
            vpc_id: vpc.clone(),
            enable_dns_hostnames: Some(ec2::AttributeBooleanValue { value: Some(true) }),
            ..Default::default()
        };
        let named = self.aws.ec2.modify_vpc_attribute(&self.aws.context, input).await;
        named.doing("giving the network names")?;
        Ok(vpc)
    }

    /// Our own VPC with all its parts; makes those that a broken-off run left out.
    async fn complete(&self, vpc: String, outcome: Outcome) -> Result<Done<Network>, Failure> {
        let ((subnets, some), (gateway, one), (table, routed)) = tokio::try_join!(
            self.ensure_subnets(&vpc),
            self.ensure_gateway(&vpc),
            self.ensure_route_table(&vpc),
        )?;
        let ways = self.ensure_ways(&table, &gateway, &subnets).await?;
        let outcome = match outcome {
            Outcome::Unchanged if some || one || routed || ways => Outcome::Changed,
            outcome => outcome,
        };
        Ok(done(outcome, Network { vpc, subnets }))
    }

    pub(crate) async fn subnets(&self, filters: Vec<ec2::Filter>) -> Result<Vec<ec2::Subnet>, Failure> {
        let input = ec2::DescribeSubnetsRequest {
            filters: Some(filters),
            ..Default::default()
        };
        let found = self.aws.ec2.describe_subnets(&self.aws.context, input).await;
        Ok(found
            .doing("looking for the subnets")?
            .subnets
            .unwrap_or_default())
    }

    async fn ensure_subnets(&self, vpc: &str) -> Result<(Vec<String>, bool), Failure> {
        let found = self
            .subnets(vec![filter("vpc-id", vpc), tagged(NETWORK_TAG, NETWORK_NAME)])
            .await?;
        let mut subnets: Vec<String> = found.iter().filter_map(|it| it.subnet_id.clone()).collect();
        if subnets.len() >= ZONES_MIN {
            return Ok((subnets, false));
        }
        let used: Vec<&String> = found
            .iter()
            .filter_map(|it| it.availability_zone.as_ref())
            .collect();
        let taken: Vec<&str> = found.iter().filter_map(|it| it.cidr_block.as_deref()).collect();
        let zones = self.zones().await?;
        let zones = zones.iter().filter(|zone| !used.contains(zone));
        let ranges = SUBNET_RANGES.iter().filter(|range| !taken.contains(range));
        for (zone, range) in zones.zip(ranges).take(ZONES_MIN - subnets.len()) {
            let tags = Tags::of_network().with("Name", &format!("{NETWORK_NAME}-{zone}"));
            let input = ec2::CreateSubnetRequest {
                vpc_id: vpc.to_owned(),
                availability_zone: Some(zone.clone()),
                cidr_block: Some((*range).to_owned()),
                tag_specifications: Some(tags.ec2(ResourceType::Subnet)),
                ..Default::default()
            };
            let made = self.aws.ec2.create_subnet(&self.aws.context, input).await;
            let made = made.doing("making a subnet")?.subnet.and_then(|it| it.subnet_id);
            subnets.push(present(made, "CreateSubnet", "the subnet")?);
        }
        if subnets.len() < ZONES_MIN {
            return Err(Failure::Network(format!(
                "this region has no {ZONES_MIN} zones to use"
            )));
        }
        Ok((subnets, true))
    }

    /// Zones that anybody may use, in order.
    async fn zones(&self) -> Result<Vec<String>, Failure> {
        let input = ec2::DescribeAvailabilityZonesRequest::default();
        let found = self
            .aws
            .ec2
            .describe_availability_zones(&self.aws.context, input)
            .await;
        let found = found
            .doing("looking for zones")?
            .availability_zones
            .unwrap_or_default();
        let usable = found.into_iter().filter(|zone| {
            let kind = zone.zone_type.as_deref();
            kind.is_none_or(|it| it == "availability-zone")
                && zone.opt_in_status != Some(ec2::AvailabilityZoneOptInStatus::NotOptedIn)
        });
        let mut names: Vec<String> = usable.filter_map(|it| it.zone_name).collect();
        names.sort();
        Ok(names)
    }

    async fn ensure_gateway(&self, vpc: &str) -> Result<(String, bool), Failure> {
        let (aws, mut changed) = (&self.aws, false);
        let found = self.find_gateway().await?;
        let id = match found.as_ref().and_then(|it| it.internet_gateway_id.clone()) {
            Some(id) => id,
            None => {
                let tags = Tags::of_network().with("Name", NETWORK_NAME);
                let input = ec2::CreateInternetGatewayRequest {
                    tag_specifications: Some(tags.ec2(ResourceType::InternetGateway)),
                    ..Default::default()
                };
                let made = aws.ec2.create_internet_gateway(&aws.context, input).await;
                let made = made.doing("making the way to the internet")?.internet_gateway;
                changed = true;
                let id = made.and_then(|it| it.internet_gateway_id);
                present(id, "CreateInternetGateway", "the gateway")?
            }
        };
        let attached = found.and_then(|it| it.attachments).unwrap_or_default();
        if !attached.iter().any(|it| it.vpc_id.as_deref() == Some(vpc)) {
            let input = ec2::AttachInternetGatewayRequest {
                internet_gateway_id: id.clone(),
                vpc_id: vpc.to_owned(),
                ..Default::default()
            };
            let attached = aws.ec2.attach_internet_gateway(&aws.context, input).await;
            attached.doing("connecting the network to the internet")?;
            changed = true;
        }
        Ok((id, changed))
    }

    pub(crate) async fn find_gateway(&self) -> Result<Option<ec2::InternetGateway>, Failure> {
        let input = ec2::DescribeInternetGatewaysRequest {
            filters: Some(vec![tagged(NETWORK_TAG, NETWORK_NAME)]),
            ..Default::default()
        };
        let found = self
            .aws
            .ec2
            .describe_internet_gateways(&self.aws.context, input)
            .await;
        let found = found.doing("looking for the way to the internet")?;
        Ok(found.internet_gateways.and_then(|it| it.into_iter().next()))
    }

    pub(crate) async fn find_route_table(&self, vpc: &str) -> Result<Option<ec2::RouteTable>, Failure> {
        let input = ec2::DescribeRouteTablesRequest {
            filters: Some(vec![filter("vpc-id", vpc), tagged(NETWORK_TAG, NETWORK_NAME)]),
            ..Default::default()
        };
        let found = self.aws.ec2.describe_route_tables(&self.aws.context, input).await;
        let found = found.doing("looking for the route table")?;
        Ok(found.route_tables.and_then(|it| it.into_iter().next()))
    }

    async fn ensure_route_table(&self, vpc: &str) -> Result<(ec2::RouteTable, bool), Failure> {
        if let Some(found) = self.find_route_table(vpc).await? {
            return Ok((found, false));
        }
        let tags = Tags::of_network().with("Name", NETWORK_NAME);
        let input = ec2::CreateRouteTableRequest {
            vpc_id: vpc.to_owned(),
            tag_specifications: Some(tags.ec2(ResourceType::RouteTable)),
            ..Default::default()
        };
        let made = self.aws.ec2.create_route_table(&self.aws.context, input).await;
        let made = made.doing("making the route table")?.route_table;
        Ok((present(made, "CreateRouteTable", "the route table")?, true))
    }

    /// The route out, for all subnets; returns whether anything was missing.
    async fn ensure_ways(
        &self,
        table: &ec2::RouteTable,
        gateway: &str,
        subnets: &[String],
    ) -> Result<bool, Failure> {
        let (aws, mut changed) = (&self.aws, false);
        let id = present(table.route_table_id.clone(), "EC2", "the route table's id")?;
        let routes = table.routes.as_deref().unwrap_or_default();
        if !routes
            .iter()
            .any(|it| it.destination_cidr_block.as_deref() == Some(EVERYWHERE))
        {
            let input = ec2::CreateRouteRequest {
                route_table_id: id.clone(),
                destination_cidr_block: Some(EVERYWHERE.to_owned()),
                gateway_id: Some(gateway.to_owned()),
                ..Default::default()
            };
            aws.ec2
                .create_route(&aws.context, input)
                .await
                .doing("making the route out")?;
            changed = true;
        }
        let associations = table.associations.as_deref().unwrap_or_default();
        for subnet in subnets {
            if associations
                .iter()
                .any(|it| it.subnet_id.as_ref() == Some(subnet))
            {
                continue;
            }
            let input = ec2::AssociateRouteTableRequest {
                route_table_id: id.clone(),
                subnet_id: Some(subnet.clone()),
                ..Default::default()
            };
            let associated = aws.ec2.associate_route_table(&aws.context, input).await;
            associated.doing("giving a subnet its route")?;
            changed = true;
        }
        Ok(changed)
    }
}

/// Subnets of AWS's default kind first, then those that give public addresses.
fn rank(subnet: &ec2::Subnet) -> (bool, bool) {
    (
        subnet.default_for_az == Some(true),
        subnet.map_public_ip_on_launch == Some(true),
    )
}

fn done(outcome: Outcome, network: Network) -> Done<Network> {
    let summary = format!("{}, {} subnets", network.vpc, network.subnets.len());
    Done::new(outcome, summary, network)
}
