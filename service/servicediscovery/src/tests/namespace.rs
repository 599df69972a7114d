use super::*;

#[tokio::test]
async fn a_private_namespace_is_a_zone_of_its_network() {
    let world = world();
    let id = world.namespace("corp").await;
    assert_eq!(
        world.names.zones(),
        [("corp".to_owned(), Some("vpc-1".to_owned()))]
    );
    assert_eq!(world.names.soa_ttl(), Some(15));
    let input = GetNamespaceRequest { id: id.clone() };
    let told = world.map.get_namespace(&world.context, input).await.unwrap();
    let told = told.namespace.unwrap();
    assert_eq!(told.type_, Some(NamespaceType::DnsPrivate));
    let arn = format!("arn:aws:servicediscovery:us-east-1:000000000000:namespace/{id}");
    assert_eq!(told.arn, Some(arn));
    let dns = told.properties.unwrap().dns_properties.unwrap();
    assert_eq!(dns.hosted_zone_id.as_deref(), Some("Z1"));
}

#[tokio::test]
async fn a_crash_between_zone_and_row_makes_no_second_zone() {
    let world = world();
    world.names.set(Trouble::LostAnswers);
    let operation = world.private("corp").await.unwrap();
    assert_eq!(world.status(operation.clone()).await, OperationStatus::Pending);
    assert!(world.reconcile().await.is_err());
    world.names.set(Trouble::None);
    world.reconcile().await.unwrap();
    assert_eq!(world.status(operation).await, OperationStatus::Success);
    assert_eq!(world.names.zones().len(), 1);
}

#[tokio::test]
async fn names_are_taken_once_and_requests_under_way_are_told() {
    let world = world();
    let id = world.namespace("corp").await;
    let error = world.private("corp").await.unwrap_err();
    assert_eq!(error.code, "NamespaceAlreadyExists");
    assert!(format!("{:?}", error.fields).contains(&id));
    let other_network = CreatePrivateDnsNamespaceRequest {
        name: "corp".into(),
        vpc: "vpc-2".into(),
        ..Default::default()
    };
    let made = world
        .map
        .create_private_dns_namespace(&world.context, other_network)
        .await;
    assert_eq!(
        world.status(made.unwrap().operation_id).await,
        OperationStatus::Success
    );

    world.names.set(Trouble::Down);
    let request = CreatePublicDnsNamespaceRequest {
        name: "example.com".into(),
        creator_request_id: Some("mine".into()),
        ..Default::default()
    };
    let map = &world.map;
    let first = map
        .create_public_dns_namespace(&world.context, request.clone())
        .await;
    let again = map
        .create_public_dns_namespace(&world.context, request.clone())
        .await;
    let error = again.unwrap_err();
    assert_eq!(error.code, "DuplicateRequest");
    let first = first.unwrap().operation_id.unwrap();
    assert_eq!(
        error.message,
        format!("Another operation of type CreateNamespace and id {first} is in progress")
    );
    world.names.set(Trouble::None);
    world.reconcile().await.unwrap();
    let after = map.create_public_dns_namespace(&world.context, request).await;
    assert_eq!(code(after), "NamespaceAlreadyExists");
}

#[tokio::test]
async fn what_route_53_refuses_is_a_failed_operation_and_no_namespace() {
    let world = world();
    world.namespace("corp").await;
    // As if somebody else had made the zone.
    world
        .store
        .write(|tx| {
            tx.clear(&[]);
            Ok::<_, ApiError>(())
        })
        .await
        .unwrap();
    let operation = world.operation(world.private("corp").await.unwrap()).await;
    assert_eq!(operation.status, Some(OperationStatus::Fail));
    assert_eq!(operation.error_code.as_deref(), Some("CANNOT_CREATE_HOSTED_ZONE"));
    assert!(
        operation
            .error_message
            .unwrap()
            .contains("already been associated")
    );
    let listed = world
        .map
        .list_namespaces(&world.context, Default::default())
        .await;
    assert_eq!(listed.unwrap().namespaces, Some(vec![]));
}

#[tokio::test]
async fn an_unknown_network_is_refused_at_once() {
    let world = world();
    let input = CreatePrivateDnsNamespaceRequest {
        name: "corp".into(),
        vpc: "vpc-9".into(),
        ..Default::default()
    };
    let made = world
        .map
        .create_private_dns_namespace(&world.context, input)
        .await;
    assert_eq!(code(made), "InvalidInput");
}

#[tokio::test]
async fn a_namespace_changes_and_goes_with_its_zone_but_not_under_services() {
    let world = world();
    let service = world.web(&[("A", 10)], "MULTIVALUE").await;
    let listed = world
        .map
        .list_namespaces(&world.context, Default::default())
        .await;
    let id = listed.unwrap().namespaces.unwrap()[0].id.clone().unwrap();
    let input = UpdatePrivateDnsNamespaceRequest {
        id: id.clone(),
        updater_request_id: None,
        namespace: PrivateDnsNamespaceChange {
            description: Some("ours".into()),
            properties: Some(PrivateDnsNamespacePropertiesChange {
                dns_properties: PrivateDnsPropertiesMutableChange {
                    soa: SOAChange { ttl: 77 },
                },
            }),
        },
    };
    let done = world
        .map
        .update_private_dns_namespace(&world.context, input)
        .await;
    assert_eq!(
        world.status(done.unwrap().operation_id).await,
        OperationStatus::Success
    );
    assert_eq!(world.names.soa_ttl(), Some(77));

    let delete = || DeleteNamespaceRequest { id: id.clone() };
    let refused = world.map.delete_namespace(&world.context, delete()).await;
    assert_eq!(code(refused), "ResourceInUse");
    let input = DeleteServiceRequest { id: service };
    world.map.delete_service(&world.context, input).await.unwrap();
    let done = world.map.delete_namespace(&world.context, delete()).await;
    assert_eq!(
        world.status(done.unwrap().operation_id).await,
        OperationStatus::Success
    );
    assert_eq!(world.names.zones(), []);
    let gone = world.map.delete_namespace(&world.context, delete()).await;
    assert_eq!(code(gone), "NamespaceNotFound");
}

#[tokio::test]
async fn operations_are_listed_by_what_they_concern() {
    let world = world();
    let service = world.web(&[("A", 10)], "MULTIVALUE").await;
    world
        .register(&service, "a", &[("AWS_INSTANCE_IPV4", "10.0.0.1")])
        .await
        .unwrap();
    let filter = |name: &str, values: &[&str], condition: &str| ListOperationsRequest {
        filters: Some(vec![OperationFilter {
            name: name.into(),
            values: values.iter().map(|it| (*it).to_owned()).collect(),
            condition: Some(condition.into()),
        }]),
        ..Default::default()
    };
    let count = async |input| {
        let listed = world.map.list_operations(&world.context, input).await;
        listed.unwrap().operations.unwrap().len()
    };
    assert_eq!(count(Default::default()).await, 2);
    assert_eq!(count(filter("SERVICE_ID", &[&service], "EQ")).await, 1);
    let kinds = ["CREATE_NAMESPACE", "REGISTER_INSTANCE"];
    assert_eq!(count(filter("TYPE", &kinds, "IN")).await, 2);
    assert_eq!(count(filter("STATUS", &["FAIL"], "EQ")).await, 0);
    assert_eq!(
        count(filter("UPDATE_DATE", &["0", "9999999999"], "BETWEEN")).await,
        2
    );
    assert_eq!(count(filter("UPDATE_DATE", &["0", "1"], "BETWEEN")).await, 0);
}
