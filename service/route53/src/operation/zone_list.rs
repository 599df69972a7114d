//! Lists of hosted zones.

use std::sync::Arc;

use aws_protocol::{ApiError, Context};
use aws_shape::route53::*;
use contract::dns::reversed;

use super::zone::shape;
use super::{PAGE_ITEMS_MAX, max_items, page_by_id};
use crate::error::with_code;
use crate::table::{self, zones};
use crate::{Route53, model, name};

pub(super) async fn list_hosted_zones(
    route53: &Route53,
    context: &Context,
    input: ListHostedZonesRequest,
) -> Result<ListHostedZonesResponse, ApiError> {
    let snapshot = route53.store.snapshot();
    let set = match &input.delegation_set_id {
        Some(given) => Some(table::delegation_set(&snapshot, context, given)?.id.clone()),
        None => None,
    };
    let private = input.hosted_zone_type == Some(HostedZoneType::PrivateHostedZone);
    let wanted =
        |it: &Arc<model::Zone>| (set.is_none() || it.delegation_set == set) && (!private || it.private);
    let all: Vec<_> = zones(&snapshot, context).into_iter().filter(wanted).collect();
    let (count, shown) = max_items(input.max_items.as_deref(), PAGE_ITEMS_MAX)?;
    let marker = input.marker.unwrap_or_default();
    let (page, next) = page_by_id(all, |it| &it.id, &marker, count);
    Ok(ListHostedZonesResponse {
        hosted_zones: page.iter().map(|it| shape(it)).collect(),
        marker,
        is_truncated: next.is_some(),
        next_marker: next,
        max_items: shown,
    })
}

/// By name from the right, then by id.
pub(super) async fn list_hosted_zones_by_name(
    route53: &Route53,
    context: &Context,
    input: ListHostedZonesByNameRequest,
) -> Result<ListHostedZonesByNameResponse, ApiError> {
    let start = match &input.dns_name {
        Some(given) => {
            let wrong = |_| with_code("InvalidDomainName", format!("{given} is not a valid domain name"));
            (
                reversed(&name::normal(given).map_err(wrong)?),
                input.hosted_zone_id.clone().unwrap_or_default(),
            )
        }
        None => Default::default(),
    };
    let (start_name, start_id) = (start.0, name::id(&start.1).to_owned());
    let mut all: Vec<_> = zones(&route53.store.snapshot(), context)
        .into_iter()
        .map(|it| ((reversed(&it.name), it.id.clone()), it))
        .filter(|(key, _)| *key >= (start_name.clone(), start_id.clone()))
        .collect();
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    let (count, shown) = max_items(input.max_items.as_deref(), PAGE_ITEMS_MAX)?;
    let next = all.get(count).map(|(_, it)| Arc::clone(it));
    Ok(ListHostedZonesByNameResponse {
        hosted_zones: all.iter().take(count).map(|(_, it)| shape(it)).collect(),
        dns_name: input.dns_name,
        hosted_zone_id: input.hosted_zone_id,
        is_truncated: next.is_some(),
        next_dns_name: next.as_ref().map(|it| it.name.clone()),
        next_hosted_zone_id: next.map(|it| it.id.clone()),
        max_items: shown,
    })
}

pub(super) async fn list_hosted_zones_by_vpc(
    route53: &Route53,
    context: &Context,
    input: ListHostedZonesByVPCRequest,
) -> Result<ListHostedZonesByVPCResponse, ApiError> {
    let all = zones(&route53.store.snapshot(), context).into_iter();
    let here = |it: &Arc<model::Zone>| it.vpcs.iter().any(|vpc| vpc.id == input.vpc_id);
    let (count, shown) = max_items(input.max_items.as_deref(), PAGE_ITEMS_MAX)?;
    let marker = input.next_token.unwrap_or_default();
    let (page, next) = page_by_id(all.filter(here).collect(), |it| &it.id, &marker, count);
    let summary = |it: &Arc<model::Zone>| HostedZoneSummary {
        hosted_zone_id: it.id.clone(),
        name: it.name.clone(),
        owner: match &it.linked {
            Some((service, _)) => HostedZoneOwner {
                owning_account: None,
                owning_service: Some(service.clone()),
            },
            None => HostedZoneOwner {
                owning_account: Some(context.scope.account.clone()),
                owning_service: None,
            },
        },
    };
    Ok(ListHostedZonesByVPCResponse {
        hosted_zone_summaries: page.iter().map(summary).collect(),
        max_items: shown,
        next_token: next,
    })
}

pub(super) async fn get_hosted_zone_count(
    route53: &Route53,
    context: &Context,
    _: GetHostedZoneCountRequest,
) -> Result<GetHostedZoneCountResponse, ApiError> {
    Ok(GetHostedZoneCountResponse {
        hosted_zone_count: zones(&route53.store.snapshot(), context).len() as i64,
    })
}
