//! Zones, their VPCs, health checks and name servers.

use aws_shape::route53::*;

use super::{context, create, delete, record, world};

const CLOUD_MAP: &str = "servicediscovery.amazonaws.com";

fn private(name: &str, vpc: &str, reference: &str) -> CreateHostedZoneRequest {
    CreateHostedZoneRequest {
        name: name.to_owned(),
        caller_reference: reference.to_owned(),
        vpc: Some(VPC {
            vpc_region: Some(VPCRegion::UsEast1),
            vpc_id: Some(vpc.to_owned()),
        }),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_zone_is_made_once_and_goes_when_it_is_empty() {
    let world = world().await;
    let (route53, context) = (&world.route53, &world.context);
    let zone = world.zone("example.com").await;
    assert!(zone.starts_with("/hostedzone/Z"));
    let again = CreateHostedZoneRequest {
        name: "example.com".to_owned(),
        caller_reference: "for example.com".to_owned(),
        ..Default::default()
    };
    let error = route53
        .create_hosted_zone(context, again.clone())
        .await
        .unwrap_err();
    assert_eq!(error.code, "HostedZoneAlreadyExists");
    for name in ["", "a..b", "-a.com", "a b.com-", &"x".repeat(64)] {
        let input = CreateHostedZoneRequest {
            name: name.to_owned(),
            caller_reference: name.to_owned() + "?",
            ..Default::default()
        };
        let error = route53.create_hosted_zone(context, input).await.unwrap_err();
        assert_eq!(error.code, "InvalidDomainName", "{name}");
    }
    world
        .change(&zone, vec![create(record("a.example.com", "A", &["192.0.2.1"]))])
        .await
        .unwrap();
    let found = route53
        .get_hosted_zone(context, GetHostedZoneRequest { id: zone.clone() })
        .await
        .unwrap();
    assert_eq!(found.hosted_zone.resource_record_set_count, Some(3));
    assert_eq!(found.delegation_set.unwrap().name_servers.len(), 4);
    let gone = DeleteHostedZoneRequest { id: zone.clone() };
    let error = route53
        .delete_hosted_zone(context, gone.clone())
        .await
        .unwrap_err();
    assert_eq!(error.code, "HostedZoneNotEmpty");
    world
        .change(&zone, vec![delete(record("a.example.com", "A", &["192.0.2.1"]))])
        .await
        .unwrap();
    route53.delete_hosted_zone(context, gone.clone()).await.unwrap();
    let error = route53.delete_hosted_zone(context, gone).await.unwrap_err();
    assert_eq!(error.code, "NoSuchHostedZone");
    assert!(world.store.snapshot().list(super::RECORDS).is_empty());
}

#[tokio::test]
async fn private_zones_are_seen_by_their_vpcs() {
    let world = world().await;
    let (route53, context) = (&world.route53, &world.context);
    let made = route53
        .create_hosted_zone(context, private("corp", "vpc-1", "1"))
        .await
        .unwrap();
    let zone = made.hosted_zone.id;
    assert_eq!(made.hosted_zone.config.unwrap().private_zone, Some(true));
    let error = route53
        .create_hosted_zone(context, private("corp", "vpc-1", "2"))
        .await
        .unwrap_err();
    assert_eq!(error.code, "ConflictingDomainExists");
    let error = route53
        .create_hosted_zone(context, private("corp", "gone", "3"))
        .await
        .unwrap_err();
    assert_eq!(error.code, "InvalidVPCId");
    let vpc = |id: &str| private("corp", id, "").vpc.unwrap();
    let associate = |id: &str| AssociateVPCWithHostedZoneRequest {
        hosted_zone_id: zone.clone(),
        vpc: vpc(id),
        comment: None,
    };
    route53
        .associate_vpc_with_hosted_zone(context, associate("vpc-2"))
        .await
        .unwrap();
    let error = route53
        .associate_vpc_with_hosted_zone(context, associate("vpc-2"))
        .await
        .unwrap_err();
    assert_eq!(error.code, "ConflictingDomainExists");
    let input = ListHostedZonesByVPCRequest {
        vpc_id: "vpc-2".to_owned(),
        vpc_region: VPCRegion::UsEast1,
        ..Default::default()
    };
    let seen = route53.list_hosted_zones_by_vpc(context, input).await.unwrap();
    assert_eq!(seen.hosted_zone_summaries.len(), 1);
    let leave = |id: &str| DisassociateVPCFromHostedZoneRequest {
        hosted_zone_id: zone.clone(),
        vpc: vpc(id),
        comment: None,
    };
    route53
        .disassociate_vpc_from_hosted_zone(context, leave("vpc-1"))
        .await
        .unwrap();
    let error = route53
        .disassociate_vpc_from_hosted_zone(context, leave("vpc-1"))
        .await
        .unwrap_err();
    assert_eq!(error.code, "VPCAssociationNotFound");
    let error = route53
        .disassociate_vpc_from_hosted_zone(context, leave("vpc-2"))
        .await
        .unwrap_err();
    assert_eq!(error.code, "LastVPCAssociation");
    let public = world.zone("example.com").await;
    let wrong = AssociateVPCWithHostedZoneRequest {
        hosted_zone_id: public,
        ..associate("vpc-1")
    };
    let error = route53
        .associate_vpc_with_hosted_zone(context, wrong)
        .await
        .unwrap_err();
    assert_eq!(error.code, "PublicZoneVPCAssociation");
}

#[tokio::test]
async fn zones_of_cloud_map_are_changed_by_cloud_map_alone() {
    let mut world = world().await;
    world.context = context(CLOUD_MAP);
    let zone = world.zone("shop.local").await;
    world
        .change(&zone, vec![create(record("a.shop.local", "A", &["192.0.2.1"]))])
        .await
        .unwrap();
    world.context = context("arn:aws:iam::000000000000:root");
    let error = world
        .change(&zone, vec![create(record("b.shop.local", "A", &["192.0.2.1"]))])
        .await
        .unwrap_err();
    assert_eq!(error.code, "AccessDenied");
    let found = world
        .route53
        .get_hosted_zone(&world.context, GetHostedZoneRequest { id: zone })
        .await
        .unwrap();
    assert_eq!(
        found
            .hosted_zone
            .linked_service
            .unwrap()
            .service_principal
            .as_deref(),
        Some(CLOUD_MAP)
    );
}

#[tokio::test]
async fn health_checks_are_checked_versioned_and_kept_while_used() {
    let world = world().await;
    let (route53, context) = (&world.route53, &world.context);
    let config = |kind: HealthCheckType| HealthCheckConfig {
        type_: kind,
        ip_address: Some("192.0.2.1".to_owned()),
        ..Default::default()
    };
    let make = |reference: &str, health_check_config| CreateHealthCheckRequest {
        caller_reference: reference.to_owned(),
        health_check_config,
    };
    let made = route53
        .create_health_check(context, make("1", config(HealthCheckType::Http)))
        .await
        .unwrap();
    let id = made.health_check.id.clone();
    assert_eq!(made.health_check.health_check_config.port, Some(80));
    let same = route53
        .create_health_check(context, make("1", config(HealthCheckType::Http)))
        .await
        .unwrap();
    assert_eq!(same.health_check.id, id);
    let error = route53
        .create_health_check(context, make("1", config(HealthCheckType::Https)))
        .await
        .unwrap_err();
    assert_eq!(error.code, "HealthCheckAlreadyExists");
    let wrong = [
        (config(HealthCheckType::Tcp), "Port must be specified"),
        (
            config(HealthCheckType::HttpStrMatch),
            "Search string must be specified",
        ),
        (
            HealthCheckConfig {
                ip_address: None,
                ..config(HealthCheckType::Http)
            },
            "Either IP address or fully qualified",
        ),
        (
            HealthCheckConfig {
                request_interval: Some(20),
                ..config(HealthCheckType::Http)
            },
            "10 or 30 seconds",
        ),
        (
            HealthCheckConfig {
                regions: Some(vec![HealthCheckRegion::UsEast1]),
                ..config(HealthCheckType::Http)
            },
            "three health check regions",
        ),
        (config(HealthCheckType::CloudwatchMetric), "does not serve"),
        (
            HealthCheckConfig {
                ip_address: None,
                ..config(HealthCheckType::Calculated)
            },
            "Child health checks must be specified",
        ),
    ];
    for (at, (config, sentence)) in wrong.into_iter().enumerate() {
        let error = route53
            .create_health_check(context, make(&format!("w{at}"), config))
            .await
            .expect_err(sentence);
        assert!(error.message.contains(sentence), "{}", error.message);
    }
    let zone = world.zone("example.com").await;
    let checked = ResourceRecordSet {
        health_check_id: Some(id.clone()),
        ..record("a.example.com", "A", &["192.0.2.1"])
    };
    world.change(&zone, vec![create(checked.clone())]).await.unwrap();
    let gone = DeleteHealthCheckRequest {
        health_check_id: id.clone(),
    };
    let error = route53
        .delete_health_check(context, gone.clone())
        .await
        .unwrap_err();
    assert_eq!(error.code, "HealthCheckInUse");
    let update = |version| UpdateHealthCheckRequest {
        health_check_id: id.clone(),
        health_check_version: Some(version),
        failure_threshold: Some(1),
        ..Default::default()
    };
    let updated = route53.update_health_check(context, update(1)).await.unwrap();
    assert_eq!(updated.health_check.health_check_version, 2);
    let error = route53.update_health_check(context, update(1)).await.unwrap_err();
    assert_eq!(error.code, "HealthCheckVersionMismatch");
    world.change(&zone, vec![delete(checked)]).await.unwrap();
    route53.delete_health_check(context, gone).await.unwrap();
}

#[tokio::test]
async fn zones_share_name_servers_of_a_delegation_set() {
    let world = world().await;
    let (route53, context) = (&world.route53, &world.context);
    let input = CreateReusableDelegationSetRequest {
        caller_reference: "s".to_owned(),
        hosted_zone_id: None,
    };
    let set = route53
        .create_reusable_delegation_set(context, input.clone())
        .await
        .unwrap()
        .delegation_set;
    let error = route53
        .create_reusable_delegation_set(context, input)
        .await
        .unwrap_err();
    assert_eq!(error.code, "DelegationSetAlreadyCreated");
    let zone = |name: &str| CreateHostedZoneRequest {
        name: name.to_owned(),
        caller_reference: name.to_owned(),
        delegation_set_id: set.id.clone(),
        ..Default::default()
    };
    for name in ["a.example", "b.example"] {
        let made = route53.create_hosted_zone(context, zone(name)).await.unwrap();
        assert_eq!(made.delegation_set.name_servers, set.name_servers);
    }
    let id = set.id.clone().unwrap();
    let error = route53
        .delete_reusable_delegation_set(context, DeleteReusableDelegationSetRequest { id })
        .await
        .unwrap_err();
    assert_eq!(error.code, "DelegationSetInUse");
}
