//! Which VPCs see a private zone.

use std::sync::Arc;

use aws_protocol::{ApiError, Context};
use aws_shape::ec2;
use aws_shape::route53::*;
use base_id::Scope;

use super::{Edit, vpc_shape};
use crate::error::{invalid, with_code};
use crate::table::{self, ZONES, key, zones};
use crate::{Route53, model};

/// A VPC that there is, in the region that is given.
pub(super) async fn check_vpc(
    route53: &Route53,
    context: &Context,
    given: &VPC,
) -> Result<model::Vpc, ApiError> {
    let refuse = |id: &str| {
        with_code(
            "InvalidVPCId",
            format!("The VPC: {id} you provided is not authorized to make the association."),
        )
    };
    let id = given.vpc_id.clone().ok_or_else(|| invalid("VPCId is missing."))?;
    let region = given.vpc_region.as_ref().map(|it| it.as_str().to_owned());
    let region = region.ok_or_else(|| invalid("VPCRegion is missing."))?;
    let there = Context {
        scope: Scope::new(&context.scope.account, &region),
        ..context.clone()
    };
    let input = ec2::DescribeVpcsRequest {
        vpc_ids: Some(vec![id.clone()]),
        ..Default::default()
    };
    match route53.neighbours.ec2.describe_vpcs(&there, input).await {
        Ok(_) => Ok(model::Vpc { id, region }),
        Err(error) if error.is_internal() => Err(error),
        Err(_) => Err(refuse(&id)),
    }
}

/// A VPC sees one private zone of a name.
pub(super) fn conflicts(all: &[Arc<model::Zone>], name: &str, vpc: &model::Vpc) -> Result<(), ApiError> {
    let other = all
        .iter()
        .find(|it| it.private && it.name == name && it.vpcs.contains(vpc));
    match other {
        Some(other) => Err(with_code(
            "ConflictingDomainExists",
            format!(
                "The VPC {} in region {} has already been associated with the hosted zone {} with the same domain name.",
                vpc.id, vpc.region, other.id
            ),
        )),
        None => Ok(()),
    }
}

/// Changes the VPCs of a private zone.
async fn change(
    route53: &Route53,
    context: &Context,
    (zone, comment): (String, Option<String>),
    change: impl FnOnce(&[Arc<model::Zone>], &mut model::Zone) -> Result<(), ApiError> + Send + 'static,
) -> Result<ChangeInfo, ApiError> {
    let ((), info) = route53
        .change(context, comment, move |tx, context| {
            let snapshot = tx.snapshot();
            let found = table::own_zone(&snapshot, context, &zone)?;
            if !found.private {
                return Err(with_code(
                    "PublicZoneVPCAssociation",
                    "You're trying to associate a VPC with a public hosted zone. Amazon Route 53 doesn't support associating a VPC with a public hosted zone.",
                ));
            }
            let mut zone = model::Zone::clone(&found);
            change(&zones(&snapshot, context), &mut zone)?;
            tx.put(ZONES, &key(context, &zone.id), zone.clone());
            let edit: Edit = Box::new(move |journal| journal.put_zone(&zone));
            Ok(((), edit))
        })
        .await?;
    Ok(info)
}

pub(super) async fn associate_vpc_with_hosted_zone(
    route53: &Route53,
    context: &Context,
    input: AssociateVPCWithHostedZoneRequest,
) -> Result<AssociateVPCWithHostedZoneResponse, ApiError> {
    let vpc = check_vpc(route53, context, &input.vpc).await?;
    let what = (input.hosted_zone_id, input.comment);
    let change_info = change(route53, context, what, move |all, zone| {
        conflicts(all, &zone.name, &vpc)?;
        zone.vpcs.push(vpc);
        Ok(())
    })
    .await?;
    Ok(AssociateVPCWithHostedZoneResponse { change_info })
}

pub(super) async fn disassociate_vpc_from_hosted_zone(
    route53: &Route53,
    context: &Context,
    input: DisassociateVPCFromHostedZoneRequest,
) -> Result<DisassociateVPCFromHostedZoneResponse, ApiError> {
    let id = input.vpc.vpc_id.unwrap_or_default();
    let what = (input.hosted_zone_id, input.comment);
    let change_info = change(route53, context, what, move |_, zone| {
        if !zone.vpcs.iter().any(|it| it.id == id) {
            let message = format!("The VPC {id} and the hosted zone {} are not associated.", zone.id);
            return Err(with_code("VPCAssociationNotFound", message));
        }
        if zone.vpcs.len() == 1 {
            return Err(with_code(
                "LastVPCAssociation",
                "The VPC that you're trying to disassociate from the private hosted zone is the last VPC that is associated with the hosted zone.",
            ));
        }
        zone.vpcs.retain(|it| it.id != id);
        Ok(())
    })
    .await?;
    Ok(DisassociateVPCFromHostedZoneResponse { change_info })
}

pub(super) async fn create_vpc_association_authorization(
    route53: &Route53,
    context: &Context,
    input: CreateVPCAssociationAuthorizationRequest,
) -> Result<CreateVPCAssociationAuthorizationResponse, ApiError> {
    let vpc = model::Vpc {
        id: input
            .vpc
            .vpc_id
            .clone()
            .ok_or_else(|| invalid("VPCId is missing."))?,
        region: input
            .vpc
            .vpc_region
            .as_ref()
            .map(|it| it.as_str().to_owned())
            .unwrap_or_default(),
    };
    authorize(route53, context, &input.hosted_zone_id, move |zone| {
        if !zone.authorized.contains(&vpc) {
            zone.authorized.push(vpc);
        }
        Ok(())
    })
    .await?;
    Ok(CreateVPCAssociationAuthorizationResponse {
        hosted_zone_id: input.hosted_zone_id,
        vpc: input.vpc,
    })
}

async fn authorize(
    route53: &Route53,
    context: &Context,
    zone: &str,
    change: impl FnOnce(&mut model::Zone) -> Result<(), ApiError> + Send + 'static,
) -> Result<(), ApiError> {
    let (context, zone) = (context.clone(), zone.to_owned());
    route53
        .store
        .write(move |tx| {
            let found = table::own_zone(&tx.snapshot(), &context, &zone)?;
            let mut zone = model::Zone::clone(&found);
            change(&mut zone)?;
            tx.put(ZONES, &key(&context, &zone.id), zone);
            Ok(())
        })
        .await
}

pub(super) async fn delete_vpc_association_authorization(
    route53: &Route53,
    context: &Context,
    input: DeleteVPCAssociationAuthorizationRequest,
) -> Result<DeleteVPCAssociationAuthorizationResponse, ApiError> {
    let id = input.vpc.vpc_id.unwrap_or_default();
    authorize(route53, context, &input.hosted_zone_id, move |zone| {
        let before = zone.authorized.len();
        zone.authorized.retain(|it| it.id != id);
        if zone.authorized.len() == before {
            return Err(with_code(
                "VPCAssociationAuthorizationNotFound",
                "The VPC that you specified is not authorized to be associated with the hosted zone.",
            ));
        }
        Ok(())
    })
    .await?;
    Ok(DeleteVPCAssociationAuthorizationResponse {})
}

pub(super) async fn list_vpc_association_authorizations(
    route53: &Route53,
    context: &Context,
    input: ListVPCAssociationAuthorizationsRequest,
) -> Result<ListVPCAssociationAuthorizationsResponse, ApiError> {
    let zone = table::zone(&route53.store.snapshot(), context, &input.hosted_zone_id)?;
    Ok(ListVPCAssociationAuthorizationsResponse {
        hosted_zone_id: zone.id.clone(),
        next_token: None,
        vp_cs: zone.authorized.iter().map(vpc_shape).collect(),
    })
}
