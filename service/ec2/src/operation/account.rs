//! What an account and a region are like as a whole.

use aws_protocol::Context;
use aws_shape::ec2::*;

use super::default;
use crate::Ec2;
use crate::error::{Error, dry_run, with_code};
use crate::filter::{self, Facts};
use crate::model::Tags;
use crate::table::{self, DEFAULTS, VPCS};

/// Regions that AWS opens to every account. Others can be used here all the same.
const REGIONS: [&str; 17] = [
    "ap-south-1",
    "eu-north-1",
    "eu-west-3",
    "eu-west-2",
    "eu-west-1",
    "ap-northeast-3",
    "ap-northeast-2",
    "ap-northeast-1",
    "ca-central-1",
    "sa-east-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "eu-central-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

pub(super) async fn describe_regions(
    _: &Ec2,
    context: &Context,
    input: DescribeRegionsRequest,
) -> Result<DescribeRegionsResult, Error> {
    dry_run(input.dry_run)?;
    let mut names: Vec<&str> = REGIONS.to_vec();
    if !names.contains(&context.scope.region.as_str()) {
        names.push(&context.scope.region);
    }
    if let Some(wanted) = &input.region_names {
        if let Some(unknown) = wanted.iter().find(|name| !names.contains(&name.as_str())) {
            let message = format!("Invalid region names: [{unknown}]");
            return Err(with_code("InvalidParameterValue", message));
        }
        names.retain(|name| wanted.iter().any(|one| one == name));
    }
    let mut found = Vec::new();
    for name in names {
        let endpoint = format!("ec2.{name}.amazonaws.com");
        let facts = Facts::new(&Tags::new())
            .with("region-name", name)
            .with("endpoint", &endpoint)
            .with("opt-in-status", "opt-in-not-required");
        if facts.match_all(input.filters.as_deref().unwrap_or_default())? {
            found.push(Region {
                region_name: Some(name.to_owned()),
                endpoint: Some(endpoint),
                opt_in_status: Some("opt-in-not-required".into()),
                ..Default::default()
            });
        }
    }
    Ok(DescribeRegionsResult { regions: Some(found) })
}

pub(super) async fn describe_account_attributes(
    ec2: &Ec2,
    context: &Context,
    input: DescribeAccountAttributesRequest,
) -> Result<DescribeAccountAttributesResult, Error> {
    dry_run(input.dry_run)?;
    default::ensure(ec2, &context.scope).await?;
    let vpcs = ec2.store.snapshot().prefix(VPCS, &table::prefix(&context.scope));
    let default = vpcs.iter().find(|(_, vpc)| vpc.is_default);
    let addresses = (1_u32 << (32 - u32::from(ec2.pool.prefix_len()))) - 2;
    let all = [
        ("supported-platforms", "VPC".to_owned()),
        (
            "default-vpc",
            default.map_or_else(|| "none".to_owned(), |(_, vpc)| vpc.id.clone()),
        ),
        ("vpc-max-elastic-ips", addresses.to_string()),
    ];
    let wanted = input.attribute_names.unwrap_or_default();
    let named = |name: &str| wanted.is_empty() || wanted.iter().any(|one| one.as_str() == name);
    let shape = |(name, value): (&str, String)| AccountAttribute {
        attribute_name: Some(name.to_owned()),
        attribute_values: Some(vec![AccountAttributeValue {
            attribute_value: Some(value),
        }]),
    };
    let found = all.into_iter().filter(|(name, _)| named(name)).map(shape);
    Ok(DescribeAccountAttributesResult {
        account_attributes: Some(found.collect()),
    })
}

/// The one set that every VPC has.
pub(super) async fn describe_dhcp_options(
    ec2: &Ec2,
    context: &Context,
    input: DescribeDhcpOptionsRequest,
) -> Result<DescribeDhcpOptionsResult, Error> {
    dry_run(input.dry_run)?;
    let scope = &context.scope;
    default::ensure(ec2, scope).await?;
    let defaults = ec2.store.snapshot().get(DEFAULTS, &scope.key());
    let id = defaults.map(|row| row.dhcp_options.clone()).unwrap_or_default();
    if let Some(unknown) = input
        .dhcp_options_ids
        .iter()
        .flatten()
        .find(|wanted| **wanted != id)
    {
        let message = format!("The dhcpOption ID '{unknown}' does not exist");
        return Err(with_code("InvalidDhcpOptionID.NotFound", message));
    }
    let domain = crate::model::private_domain(&scope.region);
    let settings = [
        ("domain-name", domain),
        ("domain-name-servers", "AmazonProvidedDNS".to_owned()),
    ];
    let facts = Facts::new(&Tags::new())
        .with("dhcp-options-id", &id)
        .with("owner-id", &scope.account)
        .with_all("key", settings.iter().map(|(name, _)| (*name).to_owned()))
        .with_all("value", settings.iter().map(|(_, value)| value.clone()));
    let mut found = Vec::new();
    if facts.match_all(input.filters.as_deref().unwrap_or_default())? {
        let configuration = |(name, value): (&str, String)| DhcpConfiguration {
            key: Some(name.to_owned()),
            values: Some(vec![AttributeValue { value: Some(value) }]),
        };
        found.push(DhcpOptions {
            dhcp_options_id: Some(id),
            owner_id: Some(scope.account.clone()),
            dhcp_configurations: Some(settings.into_iter().map(configuration).collect()),
            tags: Some(vec![]),
        });
    }
    let (dhcp_options, next_token) = filter::page(found, input.max_results, input.next_token.as_deref())?;
    Ok(DescribeDhcpOptionsResult {
        dhcp_options: Some(dhcp_options),
        next_token,
    })
}

/// None can be made, so there is none.
pub(super) async fn describe_vpc_endpoints(
    _: &Ec2,
    _: &Context,
    input: DescribeVpcEndpointsRequest,
) -> Result<DescribeVpcEndpointsResult, Error> {
    dry_run(input.dry_run)?;
    if let Some(unknown) = input.vpc_endpoint_ids.iter().flatten().next() {
        let message = format!("The Vpc Endpoint Id '{unknown}' does not exist");
        return Err(with_code("InvalidVpcEndpointId.NotFound", message));
    }
    Ok(DescribeVpcEndpointsResult {
        vpc_endpoints: Some(vec![]),
        next_token: None,
    })
}
