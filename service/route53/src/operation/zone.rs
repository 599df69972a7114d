//! Hosted zones.

use aws_protocol::{ApiError, Context};
use aws_shape::route53::*;
use contract::dns::{Data, Policy, RecordKey, RecordSet};

use super::delegation_set::{self, name_servers, plain};
use super::vpc::{check_vpc, conflicts};
use super::{Edit, vpc_shape};
use crate::error::{invalid, with_code};
use crate::table::{self, RECORDS, ZONES, key, zones};
use crate::{Route53, model, name};

const SOA_TTL_SECONDS: u32 = 900;
const NS_TTL_SECONDS: u32 = 172_800;
/// Who makes zones of its own: Cloud Map.
const CLOUD_MAP: &str = "servicediscovery.amazonaws.com";
const REFERENCE_CHARS_MAX: usize = 128;

/// The name of a zone: more is forbidden than in a record's.
fn zone_name(given: &str) -> Result<String, ApiError> {
    let refuse = |_| with_code("InvalidDomainName", format!("{given} is not a valid domain name"));
    let name = name::normal(given).map_err(refuse)?;
    let plain = |label: &str| {
        !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && !label.starts_with('*')
    };
    if name == "." || !name.trim_end_matches('.').split('.').all(plain) {
        return Err(refuse(String::new()));
    }
    Ok(name)
}

fn apex(zone: &model::Zone) -> [RecordSet; 2] {
    let record = |kind: &str, ttl_seconds, values| RecordSet {
        key: RecordKey {
            zone: zone.id.clone(),
            name: zone.name.clone(),
            kind: kind.to_owned(),
            set: None,
        },
        policy: Policy::Simple,
        check: None,
        data: Data::Values { ttl_seconds, values },
    };
    let primary = zone.name_servers.first().map_or("", String::as_str);
    let start = format!("{primary} awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400");
    [
        record("NS", NS_TTL_SECONDS, zone.name_servers.clone()),
        record("SOA", SOA_TTL_SECONDS, vec![start]),
    ]
}

pub(super) async fn create_hosted_zone(
    route53: &Route53,
    context: &Context,
    input: CreateHostedZoneRequest,
) -> Result<CreateHostedZoneResponse, ApiError> {
    let name = zone_name(&input.name)?;
    if input.caller_reference.is_empty() || input.caller_reference.len() > REFERENCE_CHARS_MAX {
        return Err(invalid(format!(
            "The caller reference must have 1 to {REFERENCE_CHARS_MAX} characters."
        )));
    }
    let vpc = match &input.vpc {
        Some(vpc) => Some(check_vpc(route53, context, vpc).await?),
        None => None,
    };
    let config = input.hosted_zone_config.unwrap_or_default();
    if config.private_zone == Some(true) && vpc.is_none() {
        return Err(invalid(
            "When you're creating a private hosted zone (when you specify true for PrivateZone), you must also specify values for VPCId and VPCRegion.",
        ));
    }
    let linked = (context.principal_arn == CLOUD_MAP).then(|| {
        let text = "Zone managed by AWS Cloud Map. Use Cloud Map to manage it.";
        (CLOUD_MAP.to_owned(), text.to_owned())
    });
    let zone = model::Zone {
        id: format!("Z{}", route53.ids.hex(20).to_uppercase()),
        name,
        caller_reference: input.caller_reference,
        comment: config.comment.filter(|it| !it.is_empty()),
        private: vpc.is_some(),
        vpcs: vpc.into_iter().collect(),
        authorized: vec![],
        delegation_set: input.delegation_set_id.map(|it| name::id(&it).to_owned()),
        name_servers: name_servers(|| route53.ids.next() as u64),
        records: 2,
        linked,
        tags: Default::default(),
    };
    let (zone, change_info) = route53
        .change(context, None, move |tx, context| {
            let (snapshot, mut zone) = (tx.snapshot(), zone);
            let all = zones(&snapshot, context);
            if all.iter().any(|it| it.caller_reference == zone.caller_reference) {
                return Err(with_code(
                    "HostedZoneAlreadyExists",
                    format!(
                        "A hosted zone has already been created with the specified caller reference: {}",
                        zone.caller_reference
                    ),
                ));
            }
            if let Some(set) = &zone.delegation_set {
                if zone.private {
                    return Err(invalid(
                        "A reusable delegation set can't be used with a private hosted zone.",
                    ));
                }
                let set = table::delegation_set(&snapshot, context, set)?;
                zone.name_servers = set.name_servers.clone();
                let same = |it: &&std::sync::Arc<model::Zone>| {
                    it.delegation_set.as_ref() == Some(&set.id) && it.name == zone.name
                };
                if all.iter().any(|it| same(&it)) {
                    return Err(with_code(
                        "ConflictingDomainExists",
                        format!(
                            "The delegation set {} already serves a hosted zone {}",
                            set.id, zone.name
                        ),
                    ));
                }
            }
            for vpc in &zone.vpcs {
                conflicts(&all, &zone.name, vpc)?;
            }
            tx.put(ZONES, &key(context, &zone.id), zone.clone());
            let made = zone.clone();
            let edit: Edit = Box::new(move |journal| {
                journal.put_zone(&made);
                apex(&made).into_iter().for_each(|it| journal.put_record(it));
            });
            Ok((zone, edit))
        })
        .await?;
    Ok(CreateHostedZoneResponse {
        location: format!("https://route53.amazonaws.com/2013-04-01/hostedzone/{}", zone.id),
        hosted_zone: shape(&zone),
        change_info,
        delegation_set: servers(&zone),
        vpc: zone.vpcs.first().map(vpc_shape),
    })
}

fn servers(zone: &model::Zone) -> DelegationSet {
    DelegationSet {
        id: zone
            .delegation_set
            .as_ref()
            .map(|it| format!("/delegationset/{it}")),
        caller_reference: None,
        name_servers: plain(&zone.name_servers),
    }
}

pub(super) fn shape(zone: &model::Zone) -> HostedZone {
    HostedZone {
        id: format!("/hostedzone/{}", zone.id),
        name: zone.name.clone(),
        caller_reference: zone.caller_reference.clone(),
        config: Some(HostedZoneConfig {
            comment: zone.comment.clone(),
            private_zone: Some(zone.private),
        }),
        resource_record_set_count: Some(zone.records as i64),
        linked_service: zone.linked.as_ref().map(|(service, text)| LinkedService {
            service_principal: Some(service.clone()),
            description: Some(text.clone()),
        }),
        features: None,
    }
}

pub(super) async fn get_hosted_zone(
    route53: &Route53,
    context: &Context,
    input: GetHostedZoneRequest,
) -> Result<GetHostedZoneResponse, ApiError> {
    let snapshot = route53.store.snapshot();
    let zone = table::zone(&snapshot, context, &input.id)?;
    let set = zone.delegation_set.as_ref();
    let set = set.and_then(|id| table::delegation_set(&snapshot, context, id).ok());
    let own = || {
        set.as_deref()
            .map_or_else(|| servers(&zone), delegation_set::shape)
    };
    Ok(GetHostedZoneResponse {
        hosted_zone: shape(&zone),
        delegation_set: (!zone.private).then(own),
        vp_cs: zone.private.then(|| zone.vpcs.iter().map(vpc_shape).collect()),
    })
}

pub(super) async fn delete_hosted_zone(
    route53: &Route53,
    context: &Context,
    input: DeleteHostedZoneRequest,
) -> Result<DeleteHostedZoneResponse, ApiError> {
    let ((), change_info) = route53
        .change(context, None, move |tx, context| {
            let snapshot = tx.snapshot();
            let zone = table::own_zone(&snapshot, context, &input.id)?;
            let prefix = format!("{}/", zone.id);
            // The two of the apex and one more.
            let others = snapshot.page(RECORDS, &prefix, "", 3).into_iter();
            let apex = |it: &RecordSet| it.key.name == zone.name && ["NS", "SOA"].contains(&it.key.kind.as_str());
            if others.into_iter().any(|(_, it)| !apex(&it)) {
                return Err(with_code(
                    "HostedZoneNotEmpty",
                    "The specified hosted zone contains non-required resource record sets and so cannot be deleted.",
                ));
            }
            tx.delete(ZONES, &key(context, &zone.id));
            let id = zone.id.clone();
            let edit: Edit = Box::new(move |journal| journal.delete_zone(&id));
            Ok(((), edit))
        })
        .await?;
    Ok(DeleteHostedZoneResponse { change_info })
}

pub(super) async fn update_hosted_zone_comment(
    route53: &Route53,
    context: &Context,
    input: UpdateHostedZoneCommentRequest,
) -> Result<UpdateHostedZoneCommentResponse, ApiError> {
    let context = context.clone();
    let zone = route53
        .store
        .write(move |tx| {
            let found = table::own_zone(&tx.snapshot(), &context, &input.id)?;
            let zone = model::Zone {
                comment: input.comment.filter(|it| !it.is_empty()),
                ..model::Zone::clone(&found)
            };
            tx.put(ZONES, &key(&context, &zone.id), zone.clone());
            Ok::<_, ApiError>(zone)
        })
        .await?;
    Ok(UpdateHostedZoneCommentResponse {
        hosted_zone: shape(&zone),
    })
}

pub(super) async fn get_dnssec(
    route53: &Route53,
    context: &Context,
    input: GetDNSSECRequest,
) -> Result<GetDNSSECResponse, ApiError> {
    let zone = table::zone(&route53.store.snapshot(), context, &input.hosted_zone_id)?;
    if zone.private {
        let message = "The hosted zone must be public for DNSSEC.";
        return Err(with_code("InvalidArgument", message));
    }
    Ok(GetDNSSECResponse {
        status: DNSSECStatus {
            serve_signature: Some("NOT_SIGNING".to_owned()),
            status_message: None,
        },
        key_signing_keys: vec![],
    })
}

/// Nobody can make any yet.
pub(super) async fn list_query_logging_configs(
    route53: &Route53,
    context: &Context,
    input: ListQueryLoggingConfigsRequest,
) -> Result<ListQueryLoggingConfigsResponse, ApiError> {
    if let Some(id) = &input.hosted_zone_id {
        table::zone(&route53.store.snapshot(), context, id)?;
    }
    Ok(ListQueryLoggingConfigsResponse {
        query_logging_configs: vec![],
        next_token: None,
    })
}
