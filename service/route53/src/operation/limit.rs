//! How much of everything there may be: AWS's quotas, which are not kept here, and how much there is.

use aws_protocol::{ApiError, Context};
use aws_shape::route53::*;

use crate::error::with_code;
use crate::table::{CHECKS, DELEGATION_SETS, key, zone, zones};
use crate::{Route53, table};

pub(super) async fn get_account_limit(
    route53: &Route53,
    context: &Context,
    input: GetAccountLimitRequest,
) -> Result<GetAccountLimitResponse, ApiError> {
    let snapshot = route53.store.snapshot();
    let own = key(context, "");
    let (value, count) = match input.type_ {
        AccountLimitType::MaxHealthChecksByOwner => (200, snapshot.prefix(CHECKS, &own).len()),
        AccountLimitType::MaxHostedZonesByOwner => (500, zones(&snapshot, context).len()),
        AccountLimitType::MaxReusableDelegationSetsByOwner => {
            (100, snapshot.prefix(DELEGATION_SETS, &own).len())
        }
        AccountLimitType::MaxTrafficPoliciesByOwner => (50, 0),
        _ => (5, 0),
    };
    Ok(GetAccountLimitResponse {
        limit: AccountLimit {
            type_: input.type_,
            value,
        },
        count: count as i64,
    })
}

pub(super) async fn get_hosted_zone_limit(
    route53: &Route53,
    context: &Context,
    input: GetHostedZoneLimitRequest,
) -> Result<GetHostedZoneLimitResponse, ApiError> {
    let zone = zone(&route53.store.snapshot(), context, &input.hosted_zone_id)?;
    let (value, count) = match input.type_ {
        HostedZoneLimitType::MaxRrsetsByZone => (10_000, zone.records as i64),
        _ if !zone.private => {
            return Err(with_code(
                "HostedZoneNotPrivate",
                format!("The hosted zone {} is not a private hosted zone.", zone.id),
            ));
        }
        _ => (300, zone.vpcs.len() as i64),
    };
    Ok(GetHostedZoneLimitResponse {
        limit: HostedZoneLimit {
            type_: input.type_,
            value,
        },
        count,
    })
}

pub(super) async fn get_reusable_delegation_set_limit(
    route53: &Route53,
    context: &Context,
    input: GetReusableDelegationSetLimitRequest,
) -> Result<GetReusableDelegationSetLimitResponse, ApiError> {
    let snapshot = route53.store.snapshot();
    let set = table::delegation_set(&snapshot, context, &input.delegation_set_id)?;
    let users = zones(&snapshot, context);
    let users = users
        .iter()
        .filter(|it| it.delegation_set.as_ref() == Some(&set.id));
    Ok(GetReusableDelegationSetLimitResponse {
        limit: ReusableDelegationSetLimit {
            type_: input.type_,
            value: 100,
        },
        count: users.count() as i64,
    })
}
