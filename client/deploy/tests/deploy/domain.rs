//! A domain comes, stays, moves and goes.

use aws_shape::{acm, elbv2, route53};
use client_deploy::{DomainOptions, Engine, Failure, Outcome, Step, Target, UpOptions};

use crate::engine::FakeEngine;
use crate::inventory;
use crate::life::{app, deployer, more, no_wait, outcomes};
use crate::moto::Moto;

fn under(domain: &str, https: bool) -> UpOptions {
    UpOptions {
        domain: Some(DomainOptions {
            name: domain.parse().unwrap(),
            https,
        }),
        ..no_wait()
    }
}

/// Whatever was asked for that does more than look.
fn writes(moto: &Moto) -> Vec<String> {
    let looks = ["Describe", "Get", "List"];
    let mut all = moto.take_operations();
    all.retain(|it| !looks.iter().any(|look| it.starts_with(look)));
    all
}

async fn make_zone(moto: &Moto, name: &str) -> String {
    let api: &dyn route53::Api = &moto.client;
    let input = route53::CreateHostedZoneRequest {
        name: name.to_owned(),
        caller_reference: format!("somebody's {name}"),
        ..Default::default()
    };
    let made = api
        .create_hosted_zone(&moto.client.context(), input)
        .await
        .unwrap();
    made.hosted_zone.id.rsplit('/').next().unwrap().to_owned()
}

async fn records(moto: &Moto, zone: &str) -> Vec<route53::ResourceRecordSet> {
    let api: &dyn route53::Api = &moto.client;
    let input = route53::ListResourceRecordSetsRequest {
        hosted_zone_id: zone.to_owned(),
        ..Default::default()
    };
    let found = api.list_resource_record_sets(&moto.client.context(), input).await;
    found.unwrap().resource_record_sets
}

async fn listeners(moto: &Moto) -> Vec<elbv2::Listener> {
    let (api, context): (&dyn elbv2::Api, _) = (&moto.client, moto.client.context());
    let found = api
        .describe_load_balancers(&context, Default::default())
        .await
        .unwrap();
    let balancer = found.load_balancers.unwrap().remove(0);
    let input = elbv2::DescribeListenersInput {
        load_balancer_arn: balancer.load_balancer_arn,
        ..Default::default()
    };
    let mut found = api
        .describe_listeners(&context, input)
        .await
        .unwrap()
        .listeners
        .unwrap();
    found.sort_by_key(|it| it.port);
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_with_https_comes_stays_and_goes_with_a_zone_of_its_own() {
    let (moto, fake) = (Moto::start().await, FakeEngine::start().await);
    let folder = tempfile::tempdir().unwrap();
    let app = app(folder.path(), "hello");
    let (deployer, events) = deployer(&moto, Target::Local);
    let engine = Engine::connect(&fake.host).await.unwrap();
    let before = inventory::of(&moto.client).await;
    deployer.up(&app, &engine, &no_wait()).await.unwrap();
    let plain = inventory::of(&moto.client).await;
    moto.take_operations();
    outcomes(&events);

    let options = under("hello.example.test", true);
    let deployed = deployer.up(&app, &engine, &options).await.unwrap();
    moto.check_calls();
    assert!(deployed.changed);
    assert_eq!(deployed.url, "https://hello.example.test/");
    assert!(
        deployed.balancer_url.starts_with("http://hello-"),
        "{}",
        deployed.balancer_url
    );
    let domain = outcomes(&events)
        .into_iter()
        .find(|(step, _)| *step == Step::Domain);
    assert_eq!(domain, Some((Step::Domain, Outcome::Made)));
    let after = inventory::of(&moto.client).await;
    // Name servers, the zone's own record, the alias and the proof.
    assert_eq!(
        more(&after, &plain),
        ["1 certificate", "1 listener", "4 record", "1 zone"]
    );
    let all = listeners(&moto).await;
    let [plain_listener, secure] = all.as_slice() else {
        panic!("{all:?}")
    };
    assert_eq!(
        secure.ssl_policy.as_deref(),
        Some("ELBSecurityPolicy-TLS13-1-2-2021-06")
    );
    assert_eq!(secure.protocol, Some(elbv2::ProtocolEnum::Https));
    let sent_on = plain_listener.default_actions.as_ref().unwrap()[0]
        .redirect_config
        .as_ref();
    assert_eq!(
        sent_on.unwrap().status_code,
        elbv2::RedirectActionStatusCodeEnum::Http301
    );

    // A second run changes nothing, with the domain and without.
    moto.take_operations();
    for options in [options, under("hello.example.test", false), no_wait()] {
        let again = deployer.up(&app, &engine, &options).await.unwrap();
        assert!(!again.changed);
        assert_eq!(again.url, deployed.url);
    }
    assert_eq!(writes(&moto), Vec::<String>::new());
    assert_eq!(inventory::of(&moto.client).await, after);
    assert_eq!(deployer.url(&app.name).await.unwrap(), deployed.url);
    assert_eq!(deployer.status(&app.name).await.unwrap().url, Some(deployed.url));

    deployer.down(&app.name, None).await.unwrap();
    assert_eq!(inventory::of(&moto.client).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zone_that_was_there_is_used_and_stays_and_domains_are_exchanged() {
    let (moto, fake) = (Moto::start().await, FakeEngine::start().await);
    let folder = tempfile::tempdir().unwrap();
    let app = app(folder.path(), "hello");
    let (deployer, _) = deployer(&moto, Target::Aws);
    let engine = Engine::connect(&fake.host).await.unwrap();
    make_zone(&moto, "test").await;
    let zone = make_zone(&moto, "example.test").await;
    make_zone(&moto, "other.example.test").await;
    let before = inventory::of(&moto.client).await;

    let deployed = deployer
        .up(&app, &engine, &under("one.example.test", true))
        .await
        .unwrap();
    assert_eq!(deployed.url, "https://one.example.test/");
    let there = records(&moto, &zone).await;
    let alias = there.iter().find(|it| it.type_ == route53::RRType::A).unwrap();
    assert_eq!(alias.name, "one.example.test.");
    let target = alias.alias_target.as_ref().unwrap();
    assert!(target.dns_name.starts_with("hello-"), "{target:?}");
    let first = inventory::of(&moto.client).await;
    assert!(
        !more(&first, &before).contains(&"1 zone".to_owned()),
        "a zone was there"
    );

    // Where HTTPS was, HTTPS stays: the listener needs the new domain's certificate.
    let deployed = deployer
        .up(&app, &engine, &under("two.example.test", false))
        .await
        .unwrap();
    assert_eq!(deployed.url, "https://two.example.test/");
    let second = inventory::of(&moto.client).await;
    assert_eq!(second["record"].len(), first["record"].len());
    assert!(
        !second["record"].iter().any(|it| it.contains("one.example")),
        "{second:?}"
    );
    assert_eq!(second["certificate"].len(), 1);
    assert_ne!(second["certificate"], first["certificate"]);

    deployer.down(&app.name, None).await.unwrap();
    assert_eq!(inventory::of(&moto.client).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leads_elsewhere_is_left_as_it_is() {
    let (moto, fake) = (Moto::start().await, FakeEngine::start().await);
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (app(folder.path(), "one"), app(folder.path(), "other"));
    let (deployer, _) = deployer(&moto, Target::Aws);
    let engine = Engine::connect(&fake.host).await.unwrap();
    let zone = make_zone(&moto, "example.test").await;
    let api: &dyn route53::Api = &moto.client;
    let record = route53::ResourceRecordSet {
        name: "one.example.test".to_owned(),
        type_: route53::RRType::A,
        ttl: Some(60),
        resource_records: Some(vec![route53::ResourceRecord {
            value: "192.0.2.1".to_owned(),
        }]),
        ..Default::default()
    };
    let input = route53::ChangeResourceRecordSetsRequest {
        hosted_zone_id: zone.clone(),
        change_batch: route53::ChangeBatch {
            comment: None,
            changes: vec![route53::Change {
                action: route53::ChangeAction::Create,
                resource_record_set: record,
            }],
        },
    };
    api.change_resource_record_sets(&moto.client.context(), input)
        .await
        .unwrap();
    let there = records(&moto, &zone).await;

    let refused = deployer
        .up(&one, &engine, &under("one.example.test", true))
        .await
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the domain one.example.test has the record A 192.0.2.1 already, which does not lead to this application"
    );
    assert_eq!(records(&moto, &zone).await, there);
    assert!(
        deployer.url(&one.name).await.unwrap().starts_with("http://one-"),
        "it has no domain"
    );

    // Nor does one application take another's.
    deployer
        .up(&one, &engine, &under("www.example.test", false))
        .await
        .unwrap();
    let led = records(&moto, &zone).await;
    let refused = deployer
        .up(&other, &engine, &under("www.example.test", false))
        .await
        .unwrap_err();
    assert!(matches!(refused, Failure::RecordTaken { .. }), "{refused}");
    deployer.down(&other.name, None).await.unwrap();
    assert_eq!(records(&moto, &zone).await, led);
    deployer.down(&one.name, None).await.unwrap();
    assert_eq!(records(&moto, &zone).await, there);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_somebody_else_is_not_used_and_keeps_its_proof() {
    let (moto, fake) = (Moto::start().await, FakeEngine::start().await);
    let folder = tempfile::tempdir().unwrap();
    let app = app(folder.path(), "hello");
    let (deployer, _) = deployer(&moto, Target::Aws);
    let engine = Engine::connect(&fake.host).await.unwrap();
    let zone = make_zone(&moto, "example.test").await;
    let api: &dyn acm::Api = &moto.client;
    let input = acm::RequestCertificateRequest {
        domain_name: "*.hello.example.test".to_owned(),
        validation_method: Some(acm::ValidationMethod::Dns),
        ..Default::default()
    };
    api.request_certificate(&moto.client.context(), input)
        .await
        .unwrap();
    let before = inventory::of(&moto.client).await;

    deployer
        .up(&app, &engine, &under("hello.example.test", true))
        .await
        .unwrap();
    let after = inventory::of(&moto.client).await;
    assert_eq!(after["certificate"].len(), 2);
    deployer.down(&app.name, None).await.unwrap();
    assert_eq!(
        inventory::of(&moto.client).await["certificate"],
        before["certificate"]
    );
    let left = records(&moto, &zone).await;
    let proofs = left
        .iter()
        .filter(|it| it.type_ == route53::RRType::Cname)
        .count();
    assert_eq!(proofs, 1, "both are proven by the same record");
}
