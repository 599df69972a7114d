//! What is asked of Route 53: zones, batches of changes, health checks. Everything here may be repeated.

use aws_protocol::{ApiError, Context};
use aws_shape::route53::*;
use base_id::Scope;

use crate::ServiceDiscovery;
use crate::model::{CheckTarget, Data, Policy, Record};
use crate::plan::Step;

/// The zone of load balancers' names, as ELBv2 tells it.
const BALANCER_ZONE: &str = "Z35SXDOTRQ7X7K";
/// Route 53 counts an UPSERT twice, and takes 1,000 records a batch.
pub(crate) const BATCH_STEPS_MAX: usize = 500;
/// Of what lists answer.
const PAGE: &str = "300";
const PAGES_MAX: usize = 1000;

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Nobody's fault; it is tried again.
    Later(String),
    /// It will not be otherwise the next time: an operation's ErrorCode and ErrorMessage.
    Never { code: &'static str, message: String },
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        let code = match error.code.as_str() {
            _ if error.is_internal() => return Self::Later(error.to_string()),
            "Throttling" | "ThrottlingException" | "PriorRequestNotComplete" => {
                return Self::Later(error.to_string());
            }
            "AccessDenied" | "AccessDeniedException" => "ACCESS_DENIED",
            "NoSuchHostedZone" => "HOSTED_ZONE_NOT_FOUND",
            "InvalidChangeBatch" | "InvalidInput" => "INVALID_CHANGE_BATCH",
            _ => "INTERNAL_FAILURE",
        };
        Self::Never {
            code,
            message: error.message,
        }
    }
}

/// Whose the zones are: Cloud Map's own, in the caller's account.
fn context(scope: &Scope) -> Context {
    Context {
        scope: scope.clone(),
        request_id: "servicediscovery".to_owned(),
        principal_arn: "servicediscovery.amazonaws.com".to_owned(),
        access_key: String::new(),
    }
}

/// Makes the zone, or finds the one that was made with this reference before. Its id.
pub(crate) async fn create(
    servicediscovery: &ServiceDiscovery,
    scope: &Scope,
    name: &str,
    vpc: Option<&str>,
    reference: &str,
) -> Result<String, Failure> {
    let route53 = &servicediscovery.neighbours.route53;
    let input = CreateHostedZoneRequest {
        name: name.to_owned(),
        vpc: vpc.map(|id| VPC {
            vpc_region: Some(scope.region.as_str().into()),
            vpc_id: Some(id.to_owned()),
        }),
        caller_reference: reference.to_owned(),
        hosted_zone_config: Some(HostedZoneConfig {
            comment: Some("Created by AWS Cloud Map".to_owned()),
            private_zone: Some(vpc.is_some()),
        }),
        delegation_set_id: None,
    };
    match route53.create_hosted_zone(&context(scope), input).await {
        Ok(made) => Ok(bare(&made.hosted_zone.id)),
        Err(error) if error.code == "HostedZoneAlreadyExists" => {
            let found = by_reference(servicediscovery, scope, name, reference).await?;
            found.ok_or_else(|| cannot_create(error))
        }
        Err(error) => Err(cannot_create(error)),
    }
}

fn cannot_create(error: ApiError) -> Failure {
    match Failure::from(error) {
        Failure::Never { message, .. } => Failure::Never {
            code: "CANNOT_CREATE_HOSTED_ZONE",
            message,
        },
        later => later,
    }
}

fn bare(id: &str) -> String {
    id.trim_start_matches("/hostedzone/").to_owned()
}

async fn by_reference(
    servicediscovery: &ServiceDiscovery,
    scope: &Scope,
    name: &str,
    reference: &str,
) -> Result<Option<String>, Failure> {
    let wanted = format!("{}.", name.trim_end_matches('.').to_ascii_lowercase());
    let mut input = ListHostedZonesByNameRequest {
        dns_name: Some(wanted.clone()),
        ..Default::default()
    };
    for _ in 0..PAGES_MAX {
        let route53 = &servicediscovery.neighbours.route53;
        let page = route53
            .list_hosted_zones_by_name(&context(scope), input.clone())
            .await?;
        let mut zones = page.hosted_zones.iter();
        if let Some(zone) = zones.find(|it| it.caller_reference == reference) {
            return Ok(Some(bare(&zone.id)));
        }
        if !page.is_truncated || page.next_dns_name.as_ref() != Some(&wanted) {
            break;
        }
        input.hosted_zone_id = page.next_hosted_zone_id;
    }
    Ok(None)
}

/// That it is gone already is as good.
pub(crate) async fn delete(
    servicediscovery: &ServiceDiscovery,
    scope: &Scope,
    zone: &str,
) -> Result<(), Failure> {
    let input = DeleteHostedZoneRequest { id: zone.to_owned() };
    let done = servicediscovery
        .neighbours
        .route53
        .delete_hosted_zone(&context(scope), input)
        .await;
    match done {
        Err(error) if error.code != "NoSuchHostedZone" => Err(error.into()),
        _ => Ok(()),
    }
}

/// How long the zone's SOA record may be kept, and with it that a name is not there.
pub(crate) async fn set_soa(
    servicediscovery: &ServiceDiscovery,
    scope: &Scope,
    zone: &str,
    name: &str,
    ttl_seconds: i64,
) -> Result<(), Failure> {
    let input = ListResourceRecordSetsRequest {
        hosted_zone_id: zone.to_owned(),
        start_record_name: Some(name.to_owned()),
        start_record_type: Some(RRType::Soa),
        start_record_identifier: None,
        max_items: Some("1".to_owned()),
    };
    let route53 = &servicediscovery.neighbours.route53;
    let page = route53.list_resource_record_sets(&context(scope), input).await?;
    let mut sets = page.resource_record_sets.into_iter();
    let Some(soa) = sets.find(|it| it.type_ == RRType::Soa) else {
        return Err(Failure::Never {
            code: "INTERNAL_FAILURE",
            message: "The hosted zone has no SOA record.".to_owned(),
        });
    };
    if soa.ttl == Some(ttl_seconds) {
        return Ok(());
    }
    let change = Change {
        action: ChangeAction::Upsert,
        resource_record_set: ResourceRecordSet {
            ttl: Some(ttl_seconds),
            ..soa
        },
    };
    Ok(send(servicediscovery, scope, zone, vec![change]).await?)
}

async fn send(
    servicediscovery: &ServiceDiscovery,
    scope: &Scope,
    zone: &str,
    changes: Vec<Change>,
) -> Result<(), ApiError> {
    let input = ChangeResourceRecordSetsRequest {
        hosted_zone_id: zone.to_owned(),
        change_batch: ChangeBatch {
            comment: None,
            changes,
        },
    };
    let route53 = &servicediscovery.neighbours.route53;
    let done = route53.change_resource_record_sets(&context(scope), input).await;
    done.map(drop)
}

fn shape(record: Record) -> ResourceRecordSet {
    let mut set = ResourceRecordSet {
        name: record.name,
        type_: record.kind.as_str().into(),
        health_check_id: record.check,
        ..Default::default()
    };
    if let Some((id, policy)) = record.set {
        set.set_identifier = Some(id);
        match policy {
            // An alias cannot be one of several answers, so its service is weighted.
            Policy::Multivalue => set.multi_value_answer = Some(true),
            Policy::Weighted => set.weight = Some(1),
        }
    }
    match record.data {
        Data::Value { ttl_seconds, value } => {
            set.ttl = Some(ttl_seconds);
            set.resource_records = Some(vec![ResourceRecord { value }]);
        }
        Data::Alias(dns_name) => {
            set.alias_target = Some(AliasTarget {
                hosted_zone_id: BALANCER_ZONE.to_owned(),
                dns_name,
                evaluate_target_health: true,
            });
        }
    }
    set
}

fn changes(steps: Vec<Step>) -> Vec<Change> {
    let (mut deletions, mut upserts) = (Vec::new(), Vec::new());
    for step in steps {
        match step {
            Step::Delete(record) => deletions.push(Change {
                action: ChangeAction::Delete,
                resource_record_set: shape(record),
            }),
            Step::Upsert(record) => upserts.push(Change {
                action: ChangeAction::Upsert,
                resource_record_set: shape(record),
            }),
        }
    }
    // First what goes: a name may change from addresses to a CNAME.
    deletions.extend(upserts);
    deletions
}

/// One batch, all or nothing. What was done before and not written down since is found in the zone itself.
pub(crate) async fn change(
    servicediscovery: &ServiceDiscovery,
    scope: &Scope,
    zone: &str,
    steps: Vec<Step>,
) -> Result<(), Failure> {
    if steps.is_empty() {
        return Ok(());
    }
    let mut batch = changes(steps);
    let Err(refused) = send(servicediscovery, scope, zone, batch.clone()).await else {
        return Ok(());
    };
    if refused.code != "InvalidChangeBatch" || batch.iter().all(|it| it.action != ChangeAction::Delete) {
        return Err(refused.into());
    }
    let before = batch.clone();
    for index in (0..batch.len()).rev() {
        if batch[index].action == ChangeAction::Delete {
            match present(servicediscovery, scope, zone, &batch[index].resource_record_set).await? {
                Some(found) => batch[index].resource_record_set = found,
                None => drop(batch.remove(index)),
            }
        }
    }
    match batch.is_empty() {
        true => Ok(()),
        false if batch == before => Err(refused.into()),
        false => Ok(send(servicediscovery, scope, zone, batch).await?),
    }
}

/// The record set in this one's place, as the zone has it.
async fn present(
    servicediscovery: &ServiceDiscovery,
    scope: &Scope,
    zone: &str,
    set: &ResourceRecordSet,
) -> Result<Option<ResourceRecordSet>, Failure> {
    let input = ListResourceRecordSetsRequest {
        hosted_zone_id: zone.to_owned(),
        start_record_name: Some(set.name.clone()),
        start_record_type: Some(set.type_.clone()),
        start_record_identifier: set.set_identifier.clone(),
        max_items: Some(PAGE.to_owned()),
    };
    let route53 = &servicediscovery.neighbours.route53;
    let page = route53.list_resource_record_sets(&context(scope), input).await?;
    let name = plain(&set.name);
    let same = |it: &ResourceRecordSet| {
        plain(&it.name) == name && it.type_ == set.type_ && it.set_identifier == set.set_identifier
    };
    Ok(page.resource_record_sets.into_iter().find(same))
}

/// A name as it was given: Route 53 tells what is not a letter, digit, `-` or `_` as `\ooo`.
fn plain(name: &str) -> Vec<u8> {
    let (bytes, mut found) = (name.as_bytes(), Vec::new());
    let mut at = 0;
    while at < bytes.len() {
        let code = name.get(at + 1..at + 4);
        let octal = code.and_then(|it| u8::from_str_radix(it, 8).ok());
        match octal.filter(|_| bytes[at] == b'\\') {
            Some(byte) => {
                found.push(byte);
                at += 4;
            }
            None => {
                found.push(bytes[at]);
                at += 1;
            }
        }
    }
    found
}

/// A health check; the one that was made with this reference before, if there is one. Its id.
pub(crate) async fn create_check(
    servicediscovery: &ServiceDiscovery,
    scope: &Scope,
    target: &CheckTarget,
    reference: String,
) -> Result<String, Failure> {
    let web = target.check.protocol != "TCP";
    let input = CreateHealthCheckRequest {
        caller_reference: reference,
        health_check_config: HealthCheckConfig {
            ip_address: Some(target.address.clone()),
            port: Some(target.port),
            type_: target.check.protocol.as_str().into(),
            resource_path: target.check.path.clone().filter(|_| web),
            request_interval: Some(30),
            failure_threshold: Some(target.check.failure_threshold),
            ..Default::default()
        },
    };
    let route53 = &servicediscovery.neighbours.route53;
    let made = route53.create_health_check(&context(scope), input).await?;
    Ok(made.health_check.id)
}

/// That it is gone already is as good.
pub(crate) async fn delete_check(
    servicediscovery: &ServiceDiscovery,
    scope: &Scope,
    id: &str,
) -> Result<(), Failure> {
    let input = DeleteHealthCheckRequest {
        health_check_id: id.to_owned(),
    };
    let route53 = &servicediscovery.neighbours.route53;
    match route53.delete_health_check(&context(scope), input).await {
        Err(error) if error.code != "NoSuchHealthCheck" => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
