//! Record sets: from a request to what is stored, and back.

use aws_protocol::ApiError;
use aws_shape::route53 as shape;
use contract::dns::{Alias, AliasTarget, Data, Policy, RecordKey, RecordSet};

use crate::error::{invalid, unserved};
use crate::model::Zone;
use crate::{name, value};

const VALUES_MAX: usize = 400;

/// A record set as it would be stored, or what is wrong with it; the error is for what is no record set at all.
pub(crate) fn parse(zone: &Zone, change: &shape::Change) -> Result<Result<RecordSet, Vec<String>>, ApiError> {
    let given = &change.resource_record_set;
    let set = given.set_identifier.as_deref().unwrap_or("null");
    let what = format!(
        "Change with [Action={}, Name={}, Type={}, SetIdentifier={set}]",
        change.action, given.name, given.type_
    );
    let policy = policy(given, &what)?;
    let data = data(zone, given, &what)?;
    let normal = match name::normal(&given.name) {
        Ok(normal) => normal,
        Err(wrong) => return Ok(Err(vec![format!("FATAL problem: {wrong}")])),
    };
    let mut wrong = Vec::new();
    if !name::is_in(&normal, &zone.name) {
        wrong.push(format!(
            "RRSet with DNS name {} is not permitted in zone {}",
            name::shown(&normal),
            zone.name
        ));
    }
    if let Data::Values { values, .. } = &data {
        wrong.extend(values_wrong(given.type_.as_str(), values));
    }
    if !wrong.is_empty() {
        return Ok(Err(wrong));
    }
    Ok(Ok(RecordSet {
        key: RecordKey {
            zone: zone.id.clone(),
            name: normal,
            kind: given.type_.as_str().to_owned(),
            set: given.set_identifier.clone(),
        },
        policy,
        check: given.health_check_id.clone(),
        data,
    }))
}

fn values_wrong(kind: &str, values: &[String]) -> Vec<String> {
    let mut wrong: Vec<String> = values
        .iter()
        .filter_map(|it| value::check(kind, it).err())
        .collect();
    let mut seen: Vec<&String> = Vec::new();
    for value in values {
        if seen.contains(&value) {
            wrong.push(format!("Duplicate Resource Record: '{value}'"));
        }
        seen.push(value);
    }
    if ["CNAME", "SOA"].contains(&kind) && values.len() > 1 {
        wrong.push(format!(
            "{kind} record sets can have one value only; {} were given.",
            values.len()
        ));
    }
    if values.len() > VALUES_MAX {
        wrong.push(format!(
            "Number of values in a record set is limited to {VALUES_MAX}."
        ));
    }
    wrong
}

fn policy(given: &shape::ResourceRecordSet, what: &str) -> Result<Policy, ApiError> {
    if given.geo_location.is_some() || given.geo_proximity_location.is_some() {
        return Err(unserved("geolocation and geoproximity routing"));
    }
    if given.cidr_routing_config.is_some() {
        return Err(unserved("IP-based routing"));
    }
    if given.traffic_policy_instance_id.is_some() {
        return Err(unserved("traffic policies"));
    }
    let mut policies = Vec::new();
    if let Some(weight) = given.weight {
        let weight = u8::try_from(weight).map_err(|_| invalid("Weight must be from 0 to 255."))?;
        policies.push(Policy::Weighted(weight));
    }
    if let Some(region) = &given.region {
        policies.push(Policy::Latency(region.as_str().to_owned()));
    }
    match &given.failover {
        Some(shape::ResourceRecordSetFailover::Primary) => policies.push(Policy::Primary),
        Some(_) => policies.push(Policy::Secondary),
        None => {}
    }
    if given.multi_value_answer == Some(true) {
        policies.push(Policy::Multivalue);
    }
    const ALL: &str = "[Weight, Region, Failover, GeoLocation, MultiValueAnswer, CidrRoutingConfig, or GeoProximityLocation]";
    let named = given.set_identifier.as_ref().is_some_and(|it| !it.is_empty());
    match (policies.len(), named) {
        (0, false) => Ok(Policy::Simple),
        (0, true) => Err(invalid(format!(
            "Invalid request: Expected exactly one of {ALL}, but found none in {what}"
        ))),
        (1, true) => Ok(policies.remove(0)),
        (1, false) => Err(invalid(format!(
            "Invalid request: Missing field 'SetIdentifier' in {what}"
        ))),
        _ => Err(invalid(format!(
            "Invalid request: Expected exactly one of {ALL}, but found more than one in {what}"
        ))),
    }
}

fn data(zone: &Zone, given: &shape::ResourceRecordSet, what: &str) -> Result<Data, ApiError> {
    const ONE_OF: &str = "Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId]";
    let values = given.resource_records.as_ref().filter(|it| !it.is_empty());
    match (&given.alias_target, given.ttl, values) {
        (Some(alias), None, None) => alias_of(zone, given.type_.as_str(), alias).map(Data::Alias),
        (Some(_), _, _) => Err(invalid(format!(
            "Invalid request: {ONE_OF}, but found more than one in {what}"
        ))),
        (None, Some(ttl), Some(values)) => Ok(Data::Values {
            ttl_seconds: u32::try_from(ttl).map_err(|_| invalid("TTL must not be negative."))?,
            values: values.iter().map(|it| it.value.clone()).collect(),
        }),
        (None, None, None) => Err(invalid(format!(
            "Invalid request: {ONE_OF}, but found none in {what}"
        ))),
        (None, None, Some(_)) => Err(invalid(format!("Invalid request: Missing field 'TTL' in {what}"))),
        (None, Some(_), None) => Err(invalid(format!(
            "Invalid request: Missing field 'ResourceRecords' in {what}"
        ))),
    }
}

fn alias_of(zone: &Zone, kind: &str, given: &shape::AliasTarget) -> Result<Alias, ApiError> {
    let wrong = |wrong: String| invalid(format!("FATAL problem: {wrong}"));
    let target = name::normal(&given.dns_name).map_err(wrong)?;
    if name::id(&given.hosted_zone_id) == zone.id {
        return Ok(Alias {
            target: AliasTarget::Name(target),
            evaluate_health: given.evaluate_target_health,
        });
    }
    if !["A", "AAAA"].contains(&kind) {
        return Err(invalid(format!(
            "An alias of type {kind} can only lead to a record of the same hosted zone."
        )));
    }
    let plain = target.strip_prefix("dualstack.").unwrap_or(&target);
    Ok(Alias {
        target: AliasTarget::Endpoint(plain.to_owned()),
        evaluate_health: given.evaluate_target_health,
    })
}

/// How AWS names it in its messages.
pub(crate) fn label(key: &RecordKey) -> String {
    let set = key.set.as_ref().map(|it| format!(", set-identifier='{it}'"));
    format!(
        "[name='{}', type='{}'{}]",
        name::shown(&key.name),
        key.kind,
        set.unwrap_or_default()
    )
}

/// The zone that AWS gives for load balancers; every region has its own, and Wharf's load balancers all say this one.
const BALANCERS_ZONE: &str = "Z35SXDOTRQ7X7K";

pub(crate) fn shape(record: &RecordSet) -> shape::ResourceRecordSet {
    let mut shape = shape::ResourceRecordSet {
        name: name::shown(&record.key.name),
        type_: record.key.kind.as_str().into(),
        set_identifier: record.key.set.clone(),
        health_check_id: record.check.clone(),
        ..Default::default()
    };
    match &record.policy {
        Policy::Simple => {}
        Policy::Weighted(weight) => shape.weight = Some((*weight).into()),
        Policy::Primary => shape.failover = Some(shape::ResourceRecordSetFailover::Primary),
        Policy::Secondary => shape.failover = Some(shape::ResourceRecordSetFailover::Secondary),
        Policy::Latency(region) => shape.region = Some(region.as_str().into()),
        Policy::Multivalue => shape.multi_value_answer = Some(true),
    }
    match &record.data {
        Data::Values { ttl_seconds, values } => {
            shape.ttl = Some((*ttl_seconds).into());
            let value = |value: &String| shape::ResourceRecord { value: value.clone() };
            shape.resource_records = Some(values.iter().map(value).collect());
        }
        Data::Alias(alias) => {
            let (zone, target) = match &alias.target {
                AliasTarget::Name(target) => (record.key.zone.as_str(), target),
                AliasTarget::Endpoint(target) => (BALANCERS_ZONE, target),
            };
            shape.alias_target = Some(shape::AliasTarget {
                hosted_zone_id: zone.to_owned(),
                dns_name: name::shown(target),
                evaluate_target_health: alias.evaluate_health,
            });
        }
    }
    shape
}
