//! Internet gateways: the door of a VPC to the world outside.

use aws_protocol::Context;
use aws_shape::ec2::*;

use super::tag;
use crate::Ec2;
use crate::error::{Error, dependency, dry_run, with_code};
use crate::filter::{self, Facts};
use crate::model;
use crate::table::{self, GATEWAYS, INTERFACES, key};

pub(super) async fn create_internet_gateway(
    ec2: &Ec2,
    context: &Context,
    input: CreateInternetGatewayRequest,
) -> Result<CreateInternetGatewayResult, Error> {
    let tags = tag::parse(input.tag_specifications, &ResourceType::InternetGateway)?;
    dry_run(input.dry_run)?;
    let gateway = model::InternetGateway {
        id: ec2.new_id("igw"),
        vpc: None,
        tags,
    };
    let answer = shape(&gateway, &context.scope.account);
    let scope = context.scope.clone();
    ec2.store
        .write(move |tx| {
            let place = key(&scope, &gateway.id);
            tx.put(GATEWAYS, &place, gateway);
            Ok::<_, Error>(())
        })
        .await?;
    Ok(CreateInternetGatewayResult {
        internet_gateway: Some(answer),
    })
}

pub(super) async fn attach_internet_gateway(
    ec2: &Ec2,
    context: &Context,
    input: AttachInternetGatewayRequest,
) -> Result<(), Error> {
    let scope = context.scope.clone();
    ec2.store
        .write(move |tx| {
            let mut gateway = table::gateway(tx, &scope, &input.internet_gateway_id)?;
            let vpc = table::vpc(tx, &scope, &input.vpc_id)?;
            if let Some(other) = &gateway.vpc {
                let message = format!("resource {} is already attached to network {other}", gateway.id);
                return Err(with_code("Resource.AlreadyAssociated", message));
            }
            if table::all(tx, GATEWAYS, &scope)
                .iter()
                .any(|one| one.vpc.as_ref() == Some(&vpc.id))
            {
                let message = format!("Network {} already has an internet gateway attached", vpc.id);
                return Err(with_code("InvalidParameterValue", message));
            }
            dry_run(input.dry_run)?;
            gateway.vpc = Some(vpc.id);
            tx.put(GATEWAYS, &key(&scope, &input.internet_gateway_id), gateway);
            Ok(())
        })
        .await
}

pub(super) async fn detach_internet_gateway(
    ec2: &Ec2,
    context: &Context,
    input: DetachInternetGatewayRequest,
) -> Result<(), Error> {
    let scope = context.scope.clone();
    ec2.store
        .write(move |tx| {
            let mut gateway = table::gateway(tx, &scope, &input.internet_gateway_id)?;
            table::vpc(tx, &scope, &input.vpc_id)?;
            if gateway.vpc.as_ref() != Some(&input.vpc_id) {
                let message = format!(
                    "resource {} is not attached to network {}",
                    gateway.id, input.vpc_id
                );
                return Err(with_code("Gateway.NotAttached", message));
            }
            let mapped = table::all(tx, INTERFACES, &scope)
                .iter()
                .any(|one| one.vpc == input.vpc_id && one.public.is_some());
            if mapped {
                let message = format!(
                    "Network {} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.",
                    input.vpc_id
                );
                return Err(with_code("DependencyViolation", message));
            }
            dry_run(input.dry_run)?;
            gateway.vpc = None;
            tx.put(GATEWAYS, &key(&scope, &input.internet_gateway_id), gateway);
            Ok(())
        })
        .await
}

pub(super) async fn delete_internet_gateway(
    ec2: &Ec2,
    context: &Context,
    input: DeleteInternetGatewayRequest,
) -> Result<(), Error> {
    let scope = context.scope.clone();
    ec2.store
        .write(move |tx| {
            let gateway = table::gateway(tx, &scope, &input.internet_gateway_id)?;
            if gateway.vpc.is_some() {
                return Err(dependency("internetGateway", &gateway.id));
            }
            dry_run(input.dry_run)?;
            tx.delete(GATEWAYS, &key(&scope, &gateway.id));
            Ok(())
        })
        .await
}

pub(super) async fn describe_internet_gateways(
    ec2: &Ec2,
    context: &Context,
    input: DescribeInternetGatewaysRequest,
) -> Result<DescribeInternetGatewaysResult, Error> {
    dry_run(input.dry_run)?;
    let scope = &context.scope;
    super::default::ensure(ec2, scope).await?;
    let rows = ec2.store.snapshot().prefix(GATEWAYS, &table::prefix(scope));
    let mut gateways: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
    if let Some(ids) = &input.internet_gateway_ids {
        if let Some(unknown) = ids.iter().find(|id| !gateways.iter().any(|one| one.id == **id)) {
            return Err(crate::error::not_found(
                "InternetGateway",
                "internetGateway",
                unknown,
            ));
        }
        gateways.retain(|one| ids.contains(&one.id));
    }
    let mut found = Vec::new();
    for gateway in gateways {
        let facts = Facts::new(&gateway.tags)
            .with("internet-gateway-id", &gateway.id)
            .with("owner-id", &scope.account)
            .with_all("attachment.vpc-id", gateway.vpc.clone())
            .with_all(
                "attachment.state",
                gateway.vpc.as_ref().map(|_| "available".to_owned()),
            );
        if facts.match_all(input.filters.as_deref().unwrap_or_default())? {
            found.push(shape(&gateway, &scope.account));
        }
    }
    let (found, next_token) = filter::page(found, input.max_results, input.next_token.as_deref())?;
    Ok(DescribeInternetGatewaysResult {
        internet_gateways: Some(found),
        next_token,
    })
}

fn shape(gateway: &model::InternetGateway, owner: &str) -> InternetGateway {
    let attachment = gateway.vpc.clone().map(|vpc| InternetGatewayAttachment {
        // EC2 says `available` here, which is not among the states its own model lists.
        state: Some(AttachmentStatus::from("available")),
        vpc_id: Some(vpc),
    });
    InternetGateway {
        internet_gateway_id: Some(gateway.id.clone()),
        owner_id: Some(owner.to_owned()),
        attachments: Some(attachment.into_iter().collect()),
        tags: Some(tag::shape(&gateway.tags)),
    }
}
