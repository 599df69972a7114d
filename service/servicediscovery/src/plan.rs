//! Which records an instance has, and how a zone gets from what it has to what it should have.

use std::collections::BTreeMap;

use crate::model::{CheckTarget, Data, Instance, Kind, Record, Service};

pub(crate) const IPV4: &str = "AWS_INSTANCE_IPV4";
pub(crate) const IPV6: &str = "AWS_INSTANCE_IPV6";
pub(crate) const PORT: &str = "AWS_INSTANCE_PORT";
pub(crate) const CNAME: &str = "AWS_INSTANCE_CNAME";
pub(crate) const ALIAS: &str = "AWS_ALIAS_DNS_NAME";
pub(crate) const EC2_INSTANCE: &str = "AWS_EC2_INSTANCE_ID";
pub(crate) const INIT_HEALTH: &str = "AWS_INIT_HEALTH_STATUS";

/// `name.namespace.`; a service called `.` has the namespace's own name.
pub(crate) fn full_name(service: &str, namespace: &str) -> String {
    let namespace = namespace.trim_end_matches('.');
    let name = if service == "." {
        format!("{namespace}.")
    } else {
        format!("{service}.{namespace}.")
    };
    name.to_ascii_lowercase()
}

/// What the instance's health check is to look at, if it has one.
pub(crate) fn check_target(service: &Service, attributes: &BTreeMap<String, String>) -> Option<CheckTarget> {
    let check = service.check.clone()?;
    let address = attributes.get(IPV4).or_else(|| attributes.get(IPV6))?;
    let port = attributes.get(PORT)?.parse().ok()?;
    Some(CheckTarget {
        address: address.clone(),
        port,
        check,
    })
}

/// The records that the zone should have of this instance.
pub(crate) fn records(
    namespace: &str,
    service: &Service,
    instance: &Instance,
    check: Option<&str>,
) -> Vec<Record> {
    let Some(dns) = &service.dns else {
        return vec![];
    };
    if instance.leaving || (service.custom_check.is_some() && !instance.healthy) {
        return vec![];
    }
    let name = full_name(&service.name, namespace);
    let own_name = format!("{}.{name}", instance.id.to_ascii_lowercase());
    let mut found = Vec::new();
    for &(kind, ttl_seconds) in &dns.records {
        if let Some(data) = data(instance, kind, ttl_seconds, &own_name) {
            found.push(Record {
                name: name.clone(),
                kind,
                set: Some((instance.id.clone(), dns.policy)),
                data,
                check: check.map(str::to_owned),
            });
        }
    }
    if let Some(ttl_seconds) = dns.ttl_seconds(Kind::Srv) {
        // What the SRV record leads to.
        for kind in [Kind::A, Kind::Aaaa] {
            if let Some(data @ Data::Value { .. }) = data(instance, kind, ttl_seconds, &own_name) {
                found.push(Record {
                    name: own_name.clone(),
                    kind,
                    set: None,
                    data,
                    check: None,
                });
            }
        }
    }
    found
}

fn data(instance: &Instance, kind: Kind, ttl_seconds: i64, own_name: &str) -> Option<Data> {
    let attribute = |name: &str| instance.attributes.get(name).cloned();
    let value = match kind {
        Kind::A | Kind::Aaaa if instance.attributes.contains_key(ALIAS) => {
            return attribute(ALIAS).map(Data::Alias);
        }
        Kind::A => attribute(IPV4)?,
        Kind::Aaaa => attribute(IPV6)?,
        Kind::Cname => attribute(CNAME)?,
        Kind::Srv => format!("1 1 {} {own_name}", attribute(PORT)?),
    };
    Some(Data::Value { ttl_seconds, value })
}

/// One step of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Upsert(Record),
    Delete(Record),
}

fn place(record: &Record) -> (&str, Kind, Option<&str>) {
    let set = record.set.as_ref().map(|(id, _)| id.as_str());
    (&record.name, record.kind, set)
}

/// What is not wanted goes, what is not there as it is wanted comes, and what is in its place already is left alone.
pub(crate) fn steps(has: &[Record], wants: &[Record]) -> Vec<Step> {
    let stays = |old: &Record| wants.iter().any(|new| place(new) == place(old));
    let gone = has.iter().filter(|old| !stays(old)).cloned().map(Step::Delete);
    let news = wants.iter().filter(|new| !has.contains(new));
    gone.chain(news.cloned().map(Step::Upsert)).collect()
}

#[cfg(test)]
mod tests;
