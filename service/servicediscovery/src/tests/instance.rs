use super::*;

const ADDRESS: [(&str, &str); 1] = [("AWS_INSTANCE_IPV4", "10.0.0.1")];

#[tokio::test]
async fn registering_answers_in_dns_and_discovery_and_deregistering_ends_it() {
    let world = world();
    let service = world.web(&[("A", 10), ("SRV", 10)], "MULTIVALUE").await;
    let attributes = [ADDRESS[0], ("AWS_INSTANCE_PORT", "8080"), ("color", "blue")];
    let done = world.register(&service, "a", &attributes).await.unwrap();
    let operation = world.operation(done).await;
    assert_eq!(operation.status, Some(OperationStatus::Success));
    assert_eq!(operation.type_, Some(OperationType::RegisterInstance));
    assert_eq!(
        world.names.records(),
        [
            "a.web.corp. A 10.0.0.1",
            "web.corp. A 10.0.0.1 [a]",
            "web.corp. SRV 1 1 8080 a.web.corp. [a]"
        ]
    );
    assert_eq!(world.discover(found("web")).await, ["a"]);
    let batches = world.names.batches();
    world.register(&service, "a", &attributes).await.unwrap();
    assert_eq!(world.names.batches(), batches, "nothing has changed");

    world.deregister(&service, "a").await.unwrap();
    assert_eq!(world.names.batches(), batches + 1);
    assert_eq!(world.names.records(), [""; 0]);
    assert_eq!(world.discover(found("web")).await, [""; 0]);
    assert_eq!(code(world.deregister(&service, "a").await), "InstanceNotFound");
}

#[tokio::test]
async fn what_an_instance_must_have_depends_on_its_service() {
    let world = world();
    let service = world.web(&[("A", 10), ("SRV", 10)], "MULTIVALUE").await;
    let error = world.register(&service, "a", &[]).await.unwrap_err();
    assert_eq!(error.code, "InvalidInput");
    for part in [
        "AWS_INSTANCE_IPV4 is required",
        "AWS_INSTANCE_PORT is required",
        "or both",
    ] {
        assert!(error.message.contains(part), "{part}: {}", error.message);
    }
    let wrong = [
        ("AWS_INSTANCE_IPV4", "10.0.0.256"),
        ("AWS_INSTANCE_PORT", "0"),
        ("AWS_INIT_HEALTH_STATUS", "FINE"),
    ];
    let error = world.register(&service, "a", &wrong).await.unwrap_err();
    assert_eq!(error.message.matches(" is not ").count(), 3, "{}", error.message);
    let alias = [("AWS_ALIAS_DNS_NAME", "lb.example"), ADDRESS[0]];
    let error = world.register(&service, "a", &alias).await.unwrap_err();
    assert!(error.message.contains("must be WEIGHTED"), "{}", error.message);
    assert!(error.message.contains("can't be specified"), "{}", error.message);
    assert_eq!(
        code(world.register("srv-none", "a", &ADDRESS).await),
        "ServiceNotFound"
    );
}

#[tokio::test]
async fn a_refused_batch_fails_only_who_it_is_about() {
    let world = world();
    let service = world.web(&[("A", 10), ("SRV", 10)], "MULTIVALUE").await;
    let attributes = [ADDRESS[0], ("AWS_INSTANCE_PORT", "80")];
    world.names.set(Trouble::Down);
    let bad = world.register(&service, "a/b", &attributes).await.unwrap();
    let good = world.register(&service, "c", &attributes).await.unwrap();
    assert_eq!(world.status(good.clone()).await, OperationStatus::Pending);
    assert_eq!(
        code(world.register(&service, "c", &attributes).await),
        "DuplicateRequest"
    );
    world.names.set(Trouble::None);
    world.reconcile().await.unwrap();
    assert_eq!(world.status(good).await, OperationStatus::Success);
    let bad = world.operation(bad).await;
    assert_eq!(bad.status, Some(OperationStatus::Fail));
    assert_eq!(bad.error_code.as_deref(), Some("INVALID_CHANGE_BATCH"));
    assert_eq!(world.discover(found("web")).await, ["c"]);
    assert_eq!(world.names.records().len(), 3);
}

#[tokio::test]
async fn a_crash_after_the_batch_is_repaired() {
    let world = world();
    let service = world.web(&[("A", 10)], "MULTIVALUE").await;
    world.names.set(Trouble::LostAnswers);
    let first = world.register(&service, "a", &ADDRESS).await.unwrap();
    world.names.set(Trouble::None);
    world.reconcile().await.unwrap();
    assert_eq!(world.status(first).await, OperationStatus::Success);
    world.names.set(Trouble::LostAnswers);
    let last = world.deregister(&service, "a").await.unwrap();
    assert_eq!(world.names.records(), [""; 0]);
    assert_eq!(world.status(last.clone()).await, OperationStatus::Pending);
    world.names.set(Trouble::None);
    world.reconcile().await.unwrap();
    assert_eq!(world.status(last).await, OperationStatus::Success);
    let input = DeleteServiceRequest { id: service };
    world.map.delete_service(&world.context, input).await.unwrap();
}

#[tokio::test]
async fn who_is_told_to_be_unwell_leaves_the_answers() {
    let world = world();
    let namespace = world.namespace("corp").await;
    let mut input = request(&namespace, &[("A", 10)], "MULTIVALUE");
    input.health_check_custom_config = Some(Default::default());
    let service = world.service(input).await;
    world.register(&service, "a", &ADDRESS).await.unwrap();
    let waits = [
        ("AWS_INSTANCE_IPV4", "10.0.0.2"),
        ("AWS_INIT_HEALTH_STATUS", "UNHEALTHY"),
    ];
    world.register(&service, "b", &waits).await.unwrap();
    assert_eq!(world.names.records(), ["web.corp. A 10.0.0.1 [a]"]);
    assert_eq!(world.discover(found("web")).await, ["a"]);

    world
        .tell(&service, "b", CustomHealthStatus::Healthy)
        .await
        .unwrap();
    world
        .tell(&service, "a", CustomHealthStatus::Unhealthy)
        .await
        .unwrap();
    assert_eq!(world.names.records(), ["web.corp. A 10.0.0.2 [b]"]);
    let with = |status: &str| DiscoverInstancesRequest {
        health_status: Some(status.into()),
        ..found("web")
    };
    assert_eq!(world.discover(with("HEALTHY")).await, ["b"]);
    assert_eq!(world.discover(with("UNHEALTHY")).await, ["a"]);
    assert_eq!(world.discover(with("ALL")).await, ["a", "b"]);
    world
        .tell(&service, "b", CustomHealthStatus::Unhealthy)
        .await
        .unwrap();
    assert_eq!(world.discover(with("HEALTHY_OR_ELSE_ALL")).await, ["a", "b"]);
    let input = GetInstancesHealthStatusRequest {
        service_id: service.clone(),
        ..Default::default()
    };
    let told = world
        .map
        .get_instances_health_status(&world.context, input)
        .await
        .unwrap();
    assert!(
        told.status
            .unwrap()
            .values()
            .all(|it| *it == HealthStatus::Unhealthy)
    );
    // What was told stays when the instance is registered anew.
    world
        .register(&service, "a", &[ADDRESS[0], ("x", "y")])
        .await
        .unwrap();
    assert_eq!(world.names.records(), [""; 0]);
}

#[tokio::test]
async fn only_services_with_a_custom_check_are_told() {
    let world = world();
    let service = world.web(&[("A", 10)], "MULTIVALUE").await;
    world.register(&service, "a", &ADDRESS).await.unwrap();
    let told = world.tell(&service, "a", CustomHealthStatus::Unhealthy).await;
    assert_eq!(code(told), "CustomHealthNotFound");
}

#[tokio::test]
async fn a_public_service_has_a_health_check_for_each_instance() {
    let world = world();
    let input = CreatePublicDnsNamespaceRequest {
        name: "corp".into(),
        ..Default::default()
    };
    let made = world.map.create_public_dns_namespace(&world.context, input).await;
    let operation = world.operation(made.unwrap().operation_id).await;
    let namespace = operation.targets.unwrap()["NAMESPACE"].clone();
    let mut input = request(&namespace, &[("A", 10)], "WEIGHTED");
    input.health_check_config = Some(HealthCheckConfig {
        type_: HealthCheckType::Http,
        resource_path: None,
        failure_threshold: Some(3),
    });
    let service = world.service(input).await;
    let error = world.register(&service, "a", &ADDRESS).await.unwrap_err();
    assert!(error.message.contains("settings for a health check"));
    let at = |address| [("AWS_INSTANCE_IPV4", address), ("AWS_INSTANCE_PORT", "8080")];
    let done = world.register(&service, "a", &at("10.0.0.1")).await.unwrap();
    assert_eq!(world.status(done).await, OperationStatus::Success);
    assert_eq!(
        world.names.records(),
        ["web.corp. A 10.0.0.1 [a] if check-10.0.0.1"]
    );
    let check = &world.names.checks()[0];
    assert_eq!(check.resource_path.as_deref(), Some("/"));
    assert_eq!((check.port, check.failure_threshold), (Some(8080), Some(3)));

    world.register(&service, "a", &at("10.0.0.3")).await.unwrap();
    assert_eq!(
        world.names.records(),
        ["web.corp. A 10.0.0.3 [a] if check-10.0.0.3"]
    );
    assert_eq!(world.names.checks().len(), 1);
    assert_eq!(world.told(&service).await, [HealthStatus::Unknown]);
    world.see("check-10.0.0.3", false).await;
    assert_eq!(world.told(&service).await, [HealthStatus::Unhealthy]);
    assert_eq!(world.discover(found("web")).await, [""; 0]);
    world.deregister(&service, "a").await.unwrap();
    assert_eq!(world.names.checks(), []);
}

#[tokio::test]
async fn questions_choose_by_attributes_and_see_each_change() {
    let world = world();
    let service = world.web(&[("A", 10)], "MULTIVALUE").await;
    for (id, color, size) in [("a", "blue", "s"), ("b", "blue", "m"), ("c", "red", "m")] {
        let attributes = [ADDRESS[0], ("color", color), ("size", size)];
        world.register(&service, id, &attributes).await.unwrap();
    }
    let with = |wanted: &[(&str, &str)], better: &[(&str, &str)]| DiscoverInstancesRequest {
        query_parameters: Some(map(wanted)),
        optional_parameters: Some(map(better)),
        ..found("web")
    };
    assert_eq!(world.discover(with(&[("color", "blue")], &[])).await, ["a", "b"]);
    assert_eq!(
        world.discover(with(&[("color", "blue")], &[("size", "m")])).await,
        ["b"]
    );
    assert_eq!(
        world
            .discover(with(&[("color", "blue")], &[("size", "xl")]))
            .await,
        ["a", "b"]
    );
    let few = DiscoverInstancesRequest {
        max_results: Some(1),
        ..found("web")
    };
    assert_eq!(world.discover(few).await.len(), 1);

    let revision = async || {
        let input = DiscoverInstancesRevisionRequest {
            namespace_name: "corp".into(),
            service_name: "web".into(),
            owner_account: None,
        };
        let told = world.map.discover_instances_revision(&world.context, input).await;
        told.unwrap().instances_revision.unwrap()
    };
    let before = revision().await;
    world.deregister(&service, "c").await.unwrap();
    assert!(revision().await > before);
    let nobody = world.map.discover_instances(&world.context, found("none")).await;
    assert_eq!(code(nobody), "ServiceNotFound");
}

#[tokio::test]
async fn what_has_waited_is_done_in_one_batch() {
    let world = world();
    let service = world.web(&[("A", 10)], "MULTIVALUE").await;
    world.names.set(Trouble::Down);
    let mut operations = Vec::new();
    for index in 0..50 {
        let address = format!("10.0.1.{index}");
        let attributes = [("AWS_INSTANCE_IPV4", address.as_str())];
        let done = world.register(&service, &format!("i{index}"), &attributes).await;
        operations.push(done.unwrap());
    }
    assert!(world.reconcile().await.is_err());
    world.names.set(Trouble::None);
    let before = world.names.batches();
    world.reconcile().await.unwrap();
    assert_eq!(world.names.batches(), before + 1);
    assert_eq!(world.names.records().len(), 50);
    for operation in operations {
        assert_eq!(world.status(operation).await, OperationStatus::Success);
    }
}
