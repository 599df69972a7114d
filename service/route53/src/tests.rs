//! The service over a store in memory; the name server is a row that says what it has heard.

mod zone;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use aws_protocol::{ApiError, Context};
use aws_shape::ec2;
use aws_shape::route53::*;
use base_clock::ManualClock;
use base_id::{Scope, SequentialIds};
use base_store::{Store, StoreError, Table};
use contract::dns::{self, Answered, Ask, Head, ObservedDns, Question, Update};

use crate::table::{OBSERVED, RECORDS};
use crate::{Neighbours, Route53};

/// VPCs whose ids begin with `vpc-` are there; questions are remembered.
#[derive(Default)]
struct Others {
    questions: Mutex<Vec<Question>>,
}

#[async_trait]
impl ec2::Api for Others {
    async fn describe_vpcs(
        &self,
        _: &Context,
        input: ec2::DescribeVpcsRequest,
    ) -> Result<ec2::DescribeVpcsResult, ApiError> {
        let ids = input.vpc_ids.unwrap_or_default();
        match ids.iter().find(|it| !it.starts_with("vpc-")) {
            Some(unknown) => Err(ApiError::client("InvalidVpcID.NotFound", unknown.clone())),
            None => Ok(Default::default()),
        }
    }
}

#[async_trait]
impl Ask for Others {
    async fn ask(&self, question: Question) -> Result<Answered, String> {
        self.questions.lock().unwrap().push(question);
        Ok(Answered {
            code: "NOERROR".to_owned(),
            records: vec!["192.0.2.1".to_owned()],
        })
    }
}

struct World {
    route53: Route53,
    store: Store,
    context: Context,
    others: Arc<Others>,
}

async fn world() -> World {
    let store = Store::in_memory();
    let others = Arc::new(Others::default());
    let neighbours = Neighbours {
        ec2: Arc::clone(&others) as _,
        dns: Arc::clone(&others) as _,
    };
    let clock = Arc::new(ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap()));
    let ids = Arc::new(SequentialIds::default());
    let world = World {
        route53: Route53::new(store.clone(), clock, ids, neighbours),
        store,
        context: context("arn:aws:iam::000000000000:root"),
        others,
    };
    world.hear(u64::MAX).await;
    world
}

fn context(principal: &str) -> Context {
    Context {
        scope: Scope::new("000000000000", "us-east-1"),
        request_id: "r".to_owned(),
        principal_arn: principal.to_owned(),
        access_key: "k".to_owned(),
    }
}

impl World {
    /// The name server has heard of everything up to this.
    async fn hear(&self, sequence: u64) {
        let seen = ObservedDns {
            sequence,
            ..Default::default()
        };
        let heard = self.store.write(move |tx| {
            tx.put(OBSERVED, Head::KEY, seen);
            Ok::<_, StoreError>(())
        });
        heard.await.unwrap();
    }

    async fn zone(&self, name: &str) -> String {
        let input = CreateHostedZoneRequest {
            name: name.to_owned(),
            caller_reference: format!("for {name}"),
            ..Default::default()
        };
        let made = self
            .route53
            .create_hosted_zone(&self.context, input)
            .await
            .unwrap();
        made.hosted_zone.id
    }

    async fn change(
        &self,
        zone: &str,
        changes: Vec<(ChangeAction, ResourceRecordSet)>,
    ) -> Result<ChangeInfo, ApiError> {
        let changes = changes.into_iter().map(|(action, resource_record_set)| Change {
            action,
            resource_record_set,
        });
        let input = ChangeResourceRecordSetsRequest {
            hosted_zone_id: zone.to_owned(),
            change_batch: ChangeBatch {
                comment: None,
                changes: changes.collect(),
            },
        };
        let done = self
            .route53
            .change_resource_record_sets(&self.context, input)
            .await?;
        Ok(done.change_info)
    }

    async fn list(&self, zone: &str) -> Vec<String> {
        let input = ListResourceRecordSetsRequest {
            hosted_zone_id: zone.to_owned(),
            ..Default::default()
        };
        let page = self
            .route53
            .list_resource_record_sets(&self.context, input)
            .await
            .unwrap();
        let line = |it: ResourceRecordSet| format!("{} {}", it.name, it.type_);
        page.resource_record_sets.into_iter().map(line).collect()
    }
}

fn record(name: &str, kind: &str, values: &[&str]) -> ResourceRecordSet {
    let value = |it: &&str| ResourceRecord {
        value: (*it).to_owned(),
    };
    ResourceRecordSet {
        name: name.to_owned(),
        type_: kind.into(),
        ttl: Some(60),
        resource_records: Some(values.iter().map(value).collect()),
        ..Default::default()
    }
}

fn alias(name: &str, kind: &str, zone: &str, target: &str) -> ResourceRecordSet {
    ResourceRecordSet {
        name: name.to_owned(),
        type_: kind.into(),
        alias_target: Some(AliasTarget {
            hosted_zone_id: zone.to_owned(),
            dns_name: target.to_owned(),
            evaluate_target_health: true,
        }),
        ..Default::default()
    }
}

fn create(record: ResourceRecordSet) -> (ChangeAction, ResourceRecordSet) {
    (ChangeAction::Create, record)
}

fn upsert(record: ResourceRecordSet) -> (ChangeAction, ResourceRecordSet) {
    (ChangeAction::Upsert, record)
}

fn delete(record: ResourceRecordSet) -> (ChangeAction, ResourceRecordSet) {
    (ChangeAction::Delete, record)
}

#[tokio::test]
async fn a_batch_is_made_whole_or_not_at_all() {
    let world = world().await;
    let zone = world.zone("Example.com").await;
    world
        .change(
            &zone,
            vec![create(record("www.example.com", "A", &["192.0.2.1"]))],
        )
        .await
        .unwrap();
    let before = world.store.snapshot().list(RECORDS).len();
    let error = world
        .change(
            &zone,
            vec![
                create(record("new.example.com", "A", &["192.0.2.2"])),
                create(record("www.example.com", "A", &["192.0.2.3"])),
                delete(record("gone.example.com", "A", &["192.0.2.4"])),
            ],
        )
        .await
        .unwrap_err();
    assert_eq!(error.code, "InvalidChangeBatch");
    assert_eq!(
        error.message,
        "[Tried to delete resource record set [name='gone.example.com.', type='A'] but it was not found, \
         Tried to create resource record set [name='www.example.com.', type='A'] but it already exists]"
    );
    assert_eq!(world.store.snapshot().list(RECORDS).len(), before);
    let swap = vec![
        create(record("www.example.com", "CNAME", &["other.example.com"])),
        delete(record("www.example.com", "A", &["192.0.2.1"])),
    ];
    world.change(&zone, swap).await.unwrap();
    assert_eq!(
        world.list(&zone).await,
        ["example.com. NS", "example.com. SOA", "www.example.com. CNAME"]
    );
}

#[tokio::test]
async fn what_is_wrong_is_told_in_aws_words() {
    let world = world().await;
    let zone = world.zone("example.com").await;
    let own = zone.clone();
    let weighted = |weight: i64, set: Option<&str>| ResourceRecordSet {
        weight: Some(weight),
        set_identifier: set.map(str::to_owned),
        ..record("w.example.com", "A", &["192.0.2.1"])
    };
    let set = |record: ResourceRecordSet, set: &str| ResourceRecordSet {
        set_identifier: Some(set.to_owned()),
        ..record
    };
    world
        .change(
            &zone,
            vec![
                create(record("www.example.com", "A", &["192.0.2.1"])),
                create(weighted(1, Some("one"))),
                create(record("alias.example.com", "CNAME", &["www.example.com"])),
            ],
        )
        .await
        .unwrap();
    let cases = [
        (
            create(record("www.example.org", "A", &["192.0.2.1"])),
            "RRSet with DNS name www.example.org. is not permitted in zone example.com.",
        ),
        (
            create(record("example.com", "CNAME", &["www.example.org"])),
            "RRSet of type CNAME with DNS name example.com. is not permitted at apex in zone example.com.",
        ),
        (
            create(record("www.example.com", "CNAME", &["www.example.org"])),
            "because a conflicting RRSet of type A with the same DNS name already exists in zone example.com.",
        ),
        (
            create(record("alias.example.com", "TXT", &["\"x\""])),
            "because a conflicting RRSet of type CNAME with the same DNS name already exists in zone example.com.",
        ),
        (
            delete(record("www.example.com", "A", &["192.0.2.9"])),
            "but the values provided do not match the current values",
        ),
        (
            delete(record("example.com", "NS", &["x."])),
            "but the values provided do not match the current values",
        ),
        (
            create(ResourceRecordSet {
                ttl: None,
                ..record("a.example.com", "A", &["192.0.2.1"])
            }),
            "Missing field 'TTL' in Change with [Action=CREATE, Name=a.example.com, Type=A, SetIdentifier=null]",
        ),
        (
            create(ResourceRecordSet {
                resource_records: None,
                ..record("a.example.com", "A", &[])
            }),
            "Missing field 'ResourceRecords'",
        ),
        (
            create(ResourceRecordSet {
                ttl: None,
                resource_records: None,
                ..record("a.example.com", "A", &[])
            }),
            "but found none in Change",
        ),
        (
            create(ResourceRecordSet {
                ttl: Some(1),
                ..alias("a.example.com", "A", &own, "www.example.com")
            }),
            "but found more than one in Change",
        ),
        (create(weighted(1, None)), "Missing field 'SetIdentifier'"),
        (
            create(set(record("a.example.com", "A", &["192.0.2.1"]), "x")),
            "Expected exactly one of [Weight",
        ),
        (
            create(record("w.example.com", "A", &["192.0.2.1"])),
            "cannot be created as other RRSets exist with the same name and type.",
        ),
        (
            create(ResourceRecordSet {
                multi_value_answer: Some(true),
                weight: None,
                ..weighted(1, Some("two"))
            }),
            "cannot be created because a non multivalue answer rrset exists with the same name and type.",
        ),
        (
            create(ResourceRecordSet {
                region: Some("us-east-1".into()),
                ..weighted(1, Some("two"))
            }),
            "but found more than one",
        ),
        (
            create(weighted(300, Some("two"))),
            "Weight must be from 0 to 255.",
        ),
        (
            create(alias("a.example.com", "A", &own, "nowhere.example.com")),
            "type A in zone Z",
        ),
        (
            create(alias("a.example.com", "A", &own, "nowhere.example.com")),
            "but that target was not found",
        ),
        (
            create(alias("a.example.com", "A", &own, "www.example.org")),
            "but the alias target name does not lie within the target zone",
        ),
        (
            create(alias(
                "a.example.com",
                "MX",
                "Z35SXDOTRQ7X7K",
                "web.elb.localhost",
            )),
            "An alias of type MX",
        ),
        (
            create(record("a.example.com", "A", &["192.0.2.1", "192.0.2.1"])),
            "Duplicate Resource Record: '192.0.2.1'",
        ),
        (
            create(ResourceRecordSet {
                health_check_id: Some("nothing".to_owned()),
                ..record("a.example.com", "A", &["192.0.2.1"])
            }),
            "A health check with id nothing does not exist.",
        ),
        (
            create(ResourceRecordSet {
                geo_location: Some(Default::default()),
                ..set(record("a.example.com", "A", &["192.0.2.1"]), "x")
            }),
            "Wharf does not serve geolocation",
        ),
        (
            create(record("a..example.com", "A", &["192.0.2.1"])),
            "DomainLabelEmpty",
        ),
    ];
    for (change, sentence) in cases {
        let error = world.change(&zone, vec![change]).await.expect_err(sentence);
        assert!(
            error.message.contains(sentence),
            "{}\nis not\n{sentence}",
            error.message
        );
    }
}

#[tokio::test]
async fn a_change_is_in_sync_when_the_name_server_has_heard_of_it() {
    let world = world().await;
    world.hear(0).await;
    let store = world.store.clone();
    let zone = {
        // Somebody hears of the zone while the operation waits.
        let heard = async {
            let mut head = store.watch(&[Head::TABLE]);
            head.changed().await;
            world.hear(1).await;
        };
        let (zone, ()) = futures::join!(world.zone("example.com"), heard);
        zone
    };
    world.hear(u64::MAX).await;
    let info = world
        .change(&zone, vec![upsert(record("a.example.com", "A", &["192.0.2.1"]))])
        .await
        .unwrap();
    assert_eq!(info.status, ChangeStatus::Pending);
    let status = async |sequence| {
        world.hear(sequence).await;
        let input = GetChangeRequest { id: info.id.clone() };
        world
            .route53
            .get_change(&world.context, input)
            .await
            .unwrap()
            .change_info
            .status
    };
    assert_eq!(status(1).await, ChangeStatus::Pending);
    assert_eq!(status(2).await, ChangeStatus::Insync);
    let unknown = GetChangeRequest { id: "C1".to_owned() };
    let error = world
        .route53
        .get_change(&world.context, unknown)
        .await
        .unwrap_err();
    assert_eq!(error.code, "NoSuchChange");
}

#[tokio::test]
async fn every_change_has_the_next_number() {
    let world = world().await;
    let zone = world.zone("example.com").await;
    let changes = (0..20).map(|n| {
        let name = format!("n{n}.example.com");
        let (world, zone) = (&world, &zone);
        async move {
            world
                .change(zone, vec![create(record(&name, "A", &["192.0.2.1"]))])
                .await
                .unwrap()
        }
    });
    futures::future::join_all(changes).await;
    let updates = world
        .store
        .snapshot()
        .list(Table::<Update>::new(Update::TABLE, 1));
    let numbers: Vec<u64> = updates.iter().map(|(_, it)| it.sequence).collect();
    assert_eq!(numbers, (1..=21).collect::<Vec<_>>());
    let head = world
        .store
        .snapshot()
        .get(Table::<Head>::new(Head::TABLE, 1), Head::KEY);
    assert_eq!(head.unwrap().sequence, 21);
}

#[tokio::test]
async fn a_walk_through_pages_sees_each_record_once_in_aws_order() {
    let world = world().await;
    let zone = world.zone("example.com").await;
    let mut names: Vec<String> = Vec::new();
    for label in ["b", "a", "a-b", "*", "x.a", "_srv", "10", "9"] {
        names.push(format!("{label}.example.com"));
    }
    let changes = names.iter().flat_map(|name| {
        [
            create(record(name, "TXT", &["\"x\""])),
            create(record(name, "A", &["192.0.2.1"])),
        ]
    });
    world.change(&zone, changes.collect()).await.unwrap();
    let (mut seen, mut next) = (Vec::new(), ListResourceRecordSetsRequest::default());
    loop {
        let input = ListResourceRecordSetsRequest {
            hosted_zone_id: zone.clone(),
            max_items: Some("3".to_owned()),
            ..next
        };
        let page = world
            .route53
            .list_resource_record_sets(&world.context, input)
            .await
            .unwrap();
        seen.extend(
            page.resource_record_sets
                .into_iter()
                .map(|it| (it.name, it.type_.as_str().to_owned())),
        );
        if !page.is_truncated {
            break;
        }
        next = ListResourceRecordSetsRequest {
            start_record_name: page.next_record_name,
            start_record_type: page.next_record_type,
            start_record_identifier: page.next_record_identifier,
            ..Default::default()
        };
    }
    assert_eq!(seen.len(), 2 + 2 * names.len());
    assert!(seen.contains(&("\\052.example.com.".to_owned(), "A".to_owned())));
    let mut sorted = seen.clone();
    let plain = |name: &str| dns::reversed(&name.replace("\\052", "*"));
    sorted.sort_by_key(|(name, kind)| (plain(name), kind.clone()));
    sorted.dedup();
    assert_eq!(seen, sorted);
}

#[tokio::test]
async fn answers_are_tested_with_a_real_question() {
    let world = world().await;
    let zone = world.zone("example.com").await;
    let input = TestDNSAnswerRequest {
        hosted_zone_id: zone,
        record_name: "WWW.example.com".to_owned(),
        record_type: RRType::A,
        edns0_client_subnet_ip: Some("192.0.2.77".to_owned()),
        ..Default::default()
    };
    let answer = world
        .route53
        .test_dns_answer(&world.context, input)
        .await
        .unwrap();
    assert_eq!(answer.record_data, ["192.0.2.1"]);
    let asked = world.others.questions.lock().unwrap().remove(0);
    assert_eq!(
        (asked.name.as_str(), asked.kind.as_str()),
        ("www.example.com.", "A")
    );
    assert_eq!(asked.client.unwrap().to_string(), "192.0.2.77/24");
}
