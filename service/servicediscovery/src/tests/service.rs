use super::*;

#[tokio::test]
async fn all_that_is_wrong_with_a_service_is_told_at_once() {
    let world = world();
    let namespace = world.namespace("corp").await;
    let mut input = request(&namespace, &[("CNAME", 1), ("A", 1)], "MULTIVALUE");
    input.health_check_config = Some(HealthCheckConfig {
        type_: HealthCheckType::Tcp,
        resource_path: Some("/".into()),
        failure_threshold: None,
    });
    input.health_check_custom_config = Some(Default::default());
    let error = world.map.create_service(&world.context, input).await.unwrap_err();
    assert_eq!(error.code, "InvalidInput");
    for part in [
        "combined",
        "WEIGHTED",
        "type TCP",
        "but not both",
        "public DNS and HTTP namespaces",
        "with a CNAME record",
    ] {
        assert!(error.message.contains(part), "{part}: {}", error.message);
    }
}

#[tokio::test]
async fn names_in_dns_are_taken_whatever_their_capitals() {
    let world = world();
    let namespace = world.namespace("corp").await;
    let id = world
        .service(request(&namespace, &[("A", 1)], "MULTIVALUE"))
        .await;
    let mut again = request(&namespace, &[("A", 1)], "MULTIVALUE");
    again.name = "WEB".into();
    let error = world.map.create_service(&world.context, again).await.unwrap_err();
    assert_eq!(error.code, "ServiceAlreadyExists");
    assert!(format!("{:?}", error.fields).contains(&id));
}

#[tokio::test]
async fn an_http_namespace_has_services_without_dns() {
    let world = world();
    let input = CreateHttpNamespaceRequest {
        name: "corp".into(),
        ..Default::default()
    };
    let made = world.map.create_http_namespace(&world.context, input).await;
    let operation = world.operation(made.unwrap().operation_id).await;
    assert_eq!(operation.status, Some(OperationStatus::Success));
    let namespace = operation.targets.unwrap()["NAMESPACE"].clone();
    let dns = request(&namespace, &[("A", 1)], "MULTIVALUE");
    assert_eq!(
        code(world.map.create_service(&world.context, dns.clone()).await),
        "InvalidInput"
    );
    let plain = CreateServiceRequest {
        dns_config: None,
        ..dns
    };
    let service = world.service(plain).await;
    let attributes = [("AWS_EC2_INSTANCE_ID", "i-1")];
    let done = world.register(&service, "a", &attributes).await.unwrap();
    assert_eq!(world.status(done).await, OperationStatus::Success);
    let found = world.map.discover_instances(&world.context, found("web")).await;
    let found = found.unwrap().instances.unwrap();
    assert_eq!(
        found[0].attributes.as_ref().unwrap()["AWS_INSTANCE_IPV4"],
        "10.0.0.9"
    );
    assert_eq!(found[0].health_status, Some(HealthStatus::Unknown));
    assert_eq!(world.names.batches(), 0);
}

#[tokio::test]
async fn a_changed_service_changes_the_records_of_all_its_instances_in_one_batch() {
    let world = world();
    let service = world.web(&[("A", 10)], "WEIGHTED").await;
    for (id, address) in [("a", "10.0.0.1"), ("b", "10.0.0.2")] {
        let attributes = [
            ("AWS_INSTANCE_IPV4", address),
            ("AWS_INSTANCE_PORT", "80"),
            ("AWS_INSTANCE_CNAME", "x.example"),
        ];
        world.register(&service, id, &attributes).await.unwrap();
    }
    let before = world.names.batches();
    let change = |given: &[(&str, i64)]| UpdateServiceRequest {
        id: service.clone(),
        service: ServiceChange {
            dns_config: Some(DnsConfigChange {
                dns_records: records(given),
            }),
            ..Default::default()
        },
    };
    let done = world
        .map
        .update_service(&world.context, change(&[("CNAME", 5)]))
        .await;
    assert_eq!(
        world.status(done.unwrap().operation_id).await,
        OperationStatus::Success
    );
    assert_eq!(world.names.batches(), before + 1);
    assert_eq!(
        world.names.records(),
        ["web.corp. CNAME x.example [a]", "web.corp. CNAME x.example [b]"]
    );

    let taken_away = UpdateServiceRequest {
        id: service.clone(),
        service: ServiceChange::default(),
    };
    world
        .map
        .update_service(&world.context, taken_away)
        .await
        .unwrap();
    assert_eq!(world.names.records(), [""; 0]);
}

#[tokio::test]
async fn attributes_and_tags_come_and_go() {
    let world = world();
    let service = world.web(&[("A", 10)], "MULTIVALUE").await;
    let put = |pairs: BTreeMap<String, String>| UpdateServiceAttributesRequest {
        service_id: service.clone(),
        attributes: pairs,
    };
    let map_ = &world.map;
    map_.update_service_attributes(&world.context, put(map(&[("a", "1"), ("b", "2")])))
        .await
        .unwrap();
    let many = (0..29).map(|it| (format!("k{it}"), String::new())).collect();
    let refused = map_.update_service_attributes(&world.context, put(many)).await;
    assert_eq!(code(refused), "ServiceAttributesLimitExceededException");
    let input = DeleteServiceAttributesRequest {
        service_id: service.clone(),
        attributes: vec!["a".into()],
    };
    map_.delete_service_attributes(&world.context, input)
        .await
        .unwrap();
    let input = GetServiceAttributesRequest {
        service_id: service.clone(),
    };
    let told = map_.get_service_attributes(&world.context, input).await.unwrap();
    assert_eq!(
        told.service_attributes.unwrap().attributes,
        Some(map(&[("b", "2")]))
    );

    let arn = format!("arn:aws:servicediscovery:us-east-1:000000000000:service/{service}");
    let input = TagResourceRequest {
        resource_arn: arn.clone(),
        tags: vec![Tag {
            key: "team".into(),
            value: "x".into(),
        }],
    };
    map_.tag_resource(&world.context, input).await.unwrap();
    let list = || ListTagsForResourceRequest {
        resource_arn: arn.clone(),
    };
    let told = map_.list_tags_for_resource(&world.context, list()).await.unwrap();
    assert_eq!(told.tags.unwrap()[0].key, "team");
    let unknown = ListTagsForResourceRequest {
        resource_arn: format!("{arn}x"),
    };
    let refused = map_.list_tags_for_resource(&world.context, unknown).await;
    assert_eq!(code(refused), "ResourceNotFoundException");
}
