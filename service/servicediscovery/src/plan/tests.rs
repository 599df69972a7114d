use super::*;
use crate::model::{Dns, Policy};

fn service(records: &[(Kind, i64)], policy: Policy) -> Service {
    Service {
        id: "srv-1".into(),
        name: "Web".into(),
        namespace: "ns-1".into(),
        description: None,
        created_at: "2026-01-01T00:00:00Z".parse().unwrap(),
        creator_request_id: "c".into(),
        dns: Some(Dns {
            policy,
            records: records.to_vec(),
        }),
        check: None,
        custom_check: None,
        tags: BTreeMap::new(),
        attributes: BTreeMap::new(),
    }
}

fn instance(attributes: &[(&str, &str)]) -> Instance {
    let attributes = attributes
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Instance {
        id: "i-A".into(),
        creator_request_id: None,
        attributes: attributes.collect(),
        healthy: true,
        leaving: false,
        published: vec![],
        check: None,
    }
}

fn text(records: &[Record]) -> Vec<String> {
    let line = |it: &Record| {
        let data = match &it.data {
            Data::Value { ttl_seconds, value } => format!("{ttl_seconds} {value}"),
            Data::Alias(name) => format!("alias {name}"),
        };
        let set = it
            .set
            .as_ref()
            .map_or_else(String::new, |(id, policy)| format!(" {id} {policy:?}"));
        format!("{} {} {data}{set}", it.name, it.kind.as_str())
    };
    records.iter().map(line).collect()
}

#[test]
fn addresses_share_the_services_name() {
    let service = service(&[(Kind::A, 60), (Kind::Aaaa, 30)], Policy::Multivalue);
    let both = instance(&[(IPV4, "10.0.0.1"), (IPV6, "::1")]);
    assert_eq!(
        text(&records("Corp.local", &service, &both, None)),
        [
            "web.corp.local. A 60 10.0.0.1 i-A Multivalue",
            "web.corp.local. AAAA 30 ::1 i-A Multivalue"
        ]
    );
}

#[test]
fn a_port_leads_to_the_instances_own_name() {
    let service = service(&[(Kind::Srv, 15)], Policy::Weighted);
    let one = instance(&[(IPV4, "10.0.0.1"), (PORT, "8080")]);
    assert_eq!(
        text(&records("corp", &service, &one, None)),
        [
            "web.corp. SRV 15 1 1 8080 i-a.web.corp. i-A Weighted",
            "i-a.web.corp. A 15 10.0.0.1"
        ]
    );
}

#[test]
fn a_load_balancer_is_an_alias_and_a_name_a_cname() {
    let aliased = service(&[(Kind::A, 60)], Policy::Weighted);
    let balancer = instance(&[(ALIAS, "lb.example")]);
    assert_eq!(
        text(&records("corp", &aliased, &balancer, None)),
        ["web.corp. A alias lb.example i-A Weighted"]
    );
    let named = service(&[(Kind::Cname, 5)], Policy::Weighted);
    let other = instance(&[(CNAME, "db.example")]);
    assert_eq!(
        text(&records("corp", &named, &other, None)),
        ["web.corp. CNAME 5 db.example i-A Weighted"]
    );
}

#[test]
fn who_leaves_or_is_told_to_be_unwell_has_no_records() {
    let mut service = service(&[(Kind::A, 60)], Policy::Multivalue);
    let mut one = instance(&[(IPV4, "10.0.0.1")]);
    one.healthy = false;
    assert_eq!(records("corp", &service, &one, None).len(), 1);
    service.custom_check = Some(None);
    assert_eq!(records("corp", &service, &one, None), []);
    one.healthy = true;
    assert_eq!(records("corp", &service, &one, None).len(), 1);
    one.leaving = true;
    assert_eq!(records("corp", &service, &one, None), []);
}

#[test]
fn steps_lead_from_what_is_to_what_is_wanted_and_nowhere_else() {
    let service = service(&[(Kind::A, 60), (Kind::Srv, 60)], Policy::Multivalue);
    let old = records(
        "c",
        &service,
        &instance(&[(IPV4, "10.0.0.1"), (PORT, "80")]),
        None,
    );
    let new = records(
        "c",
        &service,
        &instance(&[(IPV4, "10.0.0.1"), (PORT, "81")]),
        None,
    );
    assert_eq!(steps(&old, &old), []);
    let [Step::Upsert(changed)] = &steps(&old, &new)[..] else {
        panic!("only the SRV record changes");
    };
    assert_eq!(changed.kind, Kind::Srv);
    assert_eq!(
        steps(&old, &[]),
        old.iter().cloned().map(Step::Delete).collect::<Vec<_>>()
    );
}

#[test]
fn a_service_may_have_the_namespaces_own_name() {
    assert_eq!(full_name(".", "corp.local"), "corp.local.");
    assert_eq!(full_name("a.b", "corp.local."), "a.b.corp.local.");
}
