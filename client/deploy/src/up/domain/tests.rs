use aws_shape::route53::ResourceRecord;

use super::*;

fn ground() -> Ground {
    Ground {
        subnets: Vec::new(),
        group: String::new(),
        balancer: "arn".to_owned(),
        target_group: "group".to_owned(),
        health_path: "/".to_owned(),
        dns_name: "web-1.eu-west-3.elb.amazonaws.com".to_owned(),
        dns_zone: "Z3Q77PNBQS71R4".to_owned(),
        balancer_url: String::new(),
        url: String::new(),
    }
}

fn record(type_: RRType, value: &str) -> ResourceRecordSet {
    ResourceRecordSet {
        name: "app.example.test.".to_owned(),
        type_,
        ttl: Some(60),
        resource_records: Some(vec![ResourceRecord {
            value: value.to_owned(),
        }]),
        ..Default::default()
    }
}

#[test]
fn an_alias_is_the_same_however_its_target_is_written() {
    let domain: DomainName = "app.example.test".parse().unwrap();
    let plain = alias(&domain, &ground());
    assert!(is_alias(&plain, &ground()));
    let with = |change: &dyn Fn(&mut ResourceRecordSet)| {
        let mut record = plain.clone();
        change(&mut record);
        record
    };
    let target = |record: &mut ResourceRecordSet, name: &str| {
        record.alias_target.as_mut().unwrap().dns_name = name.to_owned();
    };
    let shown = with(&|it| target(it, "dualstack.Web-1.eu-west-3.elb.amazonaws.com."));
    assert!(is_alias(&shown, &ground()));
    for other in [
        with(&|it| target(it, "web-2.eu-west-3.elb.amazonaws.com.")),
        with(&|it| it.alias_target.as_mut().unwrap().evaluate_target_health = false),
        with(&|it| it.alias_target.as_mut().unwrap().hosted_zone_id = "Z1".to_owned()),
        with(&|it| it.set_identifier = Some("one".to_owned())),
        with(&|it| it.type_ = RRType::Aaaa),
        record(RRType::A, "192.0.2.1"),
    ] {
        assert!(!is_alias(&other, &ground()), "{other:?}");
    }
}

#[test]
fn only_what_leads_visitors_somewhere_is_in_the_way() {
    for (type_, is_apex, expected) in [
        (RRType::A, false, true),
        (RRType::Aaaa, false, true),
        (RRType::Cname, false, true),
        (RRType::Https, true, true),
        (RRType::Ns, false, true),
        (RRType::Ns, true, false),
        (RRType::Soa, true, false),
        (RRType::Txt, false, false),
        (RRType::Mx, false, false),
    ] {
        let record = record(type_, "x");
        assert_eq!(leads_somewhere(&record, is_apex), expected, "{}", record.type_);
    }
}

#[test]
fn a_record_is_named_as_in_a_zone_file() {
    assert_eq!(
        said(&record(RRType::Cname, "elsewhere.test")),
        "CNAME elsewhere.test"
    );
}
