//! What a service's settings must be.

use aws_protocol::ApiError;
use aws_shape::servicediscovery::{
    CreateServiceRequest, DnsRecord, HealthCheckConfig, HealthCheckType, RecordType, RoutingPolicy,
};

use crate::error::refuse;
use crate::model::{Check, Dns, Kind, Namespace, NamespaceKind, Policy};

pub(super) struct Given<'a> {
    pub(super) only_http: bool,
    pub(super) dns: Option<(Option<Policy>, &'a [DnsRecord])>,
    pub(super) check: Option<&'a HealthCheckConfig>,
    pub(super) custom_check: Option<Option<i32>>,
}

impl<'a> Given<'a> {
    pub(super) fn of(input: &'a CreateServiceRequest) -> Self {
        let policy = |it: &RoutingPolicy| match it {
            RoutingPolicy::Weighted => Policy::Weighted,
            _ => Policy::Multivalue,
        };
        let dns = input.dns_config.as_ref();
        let custom = input.health_check_custom_config.as_ref();
        Self {
            only_http: input.type_.is_some(),
            dns: dns.map(|it| (it.routing_policy.as_ref().map(policy), it.dns_records.as_slice())),
            check: input.health_check_config.as_ref(),
            custom_check: custom.map(|it| it.failure_threshold),
        }
    }
}

pub(super) struct Made {
    pub(super) dns: Option<Dns>,
    pub(super) check: Option<Check>,
    pub(super) custom_check: Option<Option<i32>>,
}

/// All that is wrong is told at once.
pub(super) fn parse(namespace: &Namespace, given: Given<'_>) -> Result<Made, ApiError> {
    let mut problems = Vec::new();
    let dns = given.dns.map(|(policy, records)| {
        if given.only_http {
            problems.push("DnsConfig can't be specified for a service of type HTTP.".to_owned());
        }
        if namespace.kind == NamespaceKind::Http {
            problems.push("DnsConfig can't be specified for a service in an HTTP namespace.".to_owned());
        }
        parse_dns(policy, records, &mut problems)
    });
    let check = given.check.map(|it| parse_check(it, &mut problems));
    if check.is_some() && given.custom_check.is_some() {
        let sentence = "You can specify either HealthCheckCustomConfig or HealthCheckConfig but not both.";
        problems.push(sentence.to_owned());
    }
    let private = matches!(namespace.kind, NamespaceKind::Dns { vpc: Some(_), .. });
    if check.is_some() && private {
        let sentence =
            "HealthCheckConfig can be specified only for services in public DNS and HTTP namespaces.";
        problems.push(sentence.to_owned());
    }
    let named = dns
        .as_ref()
        .is_some_and(|it| it.ttl_seconds(Kind::Cname).is_some());
    if check.is_some() && named {
        let sentence = "HealthCheckConfig can't be specified for a service with a CNAME record.";
        problems.push(sentence.to_owned());
    }
    refuse(problems)?;
    Ok(Made {
        dns,
        check,
        custom_check: given.custom_check,
    })
}

fn parse_dns(policy: Option<Policy>, records: &[DnsRecord], problems: &mut Vec<String>) -> Dns {
    let mut kinds: Vec<(Kind, i64)> = Vec::new();
    for record in records {
        let kind = match record.type_ {
            RecordType::Srv => Kind::Srv,
            RecordType::Aaaa => Kind::Aaaa,
            RecordType::Cname => Kind::Cname,
            _ => Kind::A,
        };
        if kinds.iter().any(|(it, _)| *it == kind) {
            problems.push(format!("DnsRecords contains the type {} twice.", kind.as_str()));
        }
        kinds.push((kind, record.ttl));
    }
    if kinds.is_empty() {
        problems.push("DnsConfig must contain at least one DnsRecord.".to_owned());
    }
    let policy = policy.unwrap_or(Policy::Multivalue);
    if kinds.iter().any(|(kind, _)| *kind == Kind::Cname) {
        if kinds.len() > 1 {
            problems.push("A CNAME record can't be combined with records of other types.".to_owned());
        }
        if policy != Policy::Weighted {
            let sentence = "The routing policy must be WEIGHTED for a service with a CNAME record.";
            problems.push(sentence.to_owned());
        }
    }
    Dns {
        policy,
        records: kinds,
    }
}

fn parse_check(given: &HealthCheckConfig, problems: &mut Vec<String>) -> Check {
    let tcp = given.type_ == HealthCheckType::Tcp;
    if tcp && given.resource_path.is_some() {
        problems.push("ResourcePath can't be specified for a health check of type TCP.".to_owned());
    }
    let path = given.resource_path.clone().filter(|it| !it.is_empty());
    Check {
        protocol: given.type_.to_string(),
        path: (!tcp).then(|| path.unwrap_or_else(|| "/".to_owned())),
        failure_threshold: given.failure_threshold.unwrap_or(1),
    }
}
