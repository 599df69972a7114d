//! Name servers that several zones share.

use aws_protocol::{ApiError, Context};
use aws_shape::route53::*;

use super::{PAGE_ITEMS_MAX, max_items, page_by_id};
use crate::Route53;
use crate::error::with_code;
use crate::model;
use crate::table::{self, DELEGATION_SETS, ZONES, key, zones};

pub(super) fn shape(set: &model::DelegationSet) -> DelegationSet {
    DelegationSet {
        id: Some(format!("/delegationset/{}", set.id)),
        caller_reference: Some(set.caller_reference.clone()),
        name_servers: plain(&set.name_servers),
    }
}

/// Without the dot at the end, as AWS shows them here.
pub(super) fn plain(servers: &[String]) -> Vec<String> {
    servers
        .iter()
        .map(|it| it.trim_end_matches('.').to_owned())
        .collect()
}

/// Four names in four domains, as AWS gives each zone.
pub(super) fn name_servers(number: impl Fn() -> u64) -> Vec<String> {
    let domains = ["com", "net", "org", "co.uk"];
    let server = |(at, domain): (usize, &str)| {
        let host = at as u64 * 512 + number() % 512;
        format!("ns-{host}.awsdns-{:02}.{domain}.", number() % 64)
    };
    domains.into_iter().enumerate().map(server).collect()
}

pub(super) async fn create_reusable_delegation_set(
    route53: &Route53,
    context: &Context,
    input: CreateReusableDelegationSetRequest,
) -> Result<CreateReusableDelegationSetResponse, ApiError> {
    let id = format!("N{}", route53.ids.hex(20).to_uppercase());
    let fresh = name_servers(|| route53.ids.next() as u64);
    let context = context.clone();
    let set = route53
        .store
        .write(move |tx| {
            let snapshot = tx.snapshot();
            let all = snapshot.prefix(DELEGATION_SETS, &key(&context, ""));
            if all.iter().any(|(_, it)| it.caller_reference == input.caller_reference) {
                return Err(with_code(
                    "DelegationSetAlreadyCreated",
                    "A delegation set with the same owner and caller reference combination has already been created.",
                ));
            }
            let name_servers = match &input.hosted_zone_id {
                None => fresh,
                Some(zone) => {
                    let zone = table::zone(&snapshot, &context, zone);
                    let zone = zone.map_err(|it| with_code("HostedZoneNotFound", it.message))?;
                    if zone.delegation_set.is_some() {
                        return Err(with_code(
                            "DelegationSetAlreadyReusable",
                            "The specified delegation set has already been marked as reusable.",
                        ));
                    }
                    if zone.private {
                        return Err(with_code("InvalidArgument", "The hosted zone is a private hosted zone."));
                    }
                    let marked = model::Zone {
                        delegation_set: Some(id.clone()),
                        ..model::Zone::clone(&zone)
                    };
                    tx.put(ZONES, &key(&context, &zone.id), marked);
                    zone.name_servers.clone()
                }
            };
            let set = model::DelegationSet {
                id,
                caller_reference: input.caller_reference,
                name_servers,
            };
            tx.put(DELEGATION_SETS, &key(&context, &set.id), set.clone());
            Ok::<_, ApiError>(set)
        })
        .await?;
    Ok(CreateReusableDelegationSetResponse {
        location: format!(
            "https://route53.amazonaws.com/2013-04-01/delegationset/{}",
            set.id
        ),
        delegation_set: shape(&set),
    })
}

pub(super) async fn get_reusable_delegation_set(
    route53: &Route53,
    context: &Context,
    input: GetReusableDelegationSetRequest,
) -> Result<GetReusableDelegationSetResponse, ApiError> {
    let set = table::delegation_set(&route53.store.snapshot(), context, &input.id)?;
    Ok(GetReusableDelegationSetResponse {
        delegation_set: shape(&set),
    })
}

pub(super) async fn delete_reusable_delegation_set(
    route53: &Route53,
    context: &Context,
    input: DeleteReusableDelegationSetRequest,
) -> Result<DeleteReusableDelegationSetResponse, ApiError> {
    let context = context.clone();
    route53
        .store
        .write(move |tx| {
            let snapshot = tx.snapshot();
            let set = table::delegation_set(&snapshot, &context, &input.id)?;
            let used = zones(&snapshot, &context);
            if used.iter().any(|it| it.delegation_set.as_ref() == Some(&set.id)) {
                return Err(with_code(
                    "DelegationSetInUse",
                    format!("The delegation set {} is in use by a hosted zone.", set.id),
                ));
            }
            tx.delete(DELEGATION_SETS, &key(&context, &set.id));
            Ok(DeleteReusableDelegationSetResponse {})
        })
        .await
}

pub(super) async fn list_reusable_delegation_sets(
    route53: &Route53,
    context: &Context,
    input: ListReusableDelegationSetsRequest,
) -> Result<ListReusableDelegationSetsResponse, ApiError> {
    let (count, shown) = max_items(input.max_items.as_deref(), PAGE_ITEMS_MAX)?;
    let marker = input.marker.unwrap_or_default();
    let all = route53
        .store
        .snapshot()
        .prefix(DELEGATION_SETS, &key(context, ""));
    let (page, next) = page_by_id(all, |(_, it)| &it.id, &marker, count);
    Ok(ListReusableDelegationSetsResponse {
        delegation_sets: page.iter().map(|(_, it)| shape(it)).collect(),
        marker,
        is_truncated: next.is_some(),
        next_marker: next,
        max_items: shown,
    })
}
