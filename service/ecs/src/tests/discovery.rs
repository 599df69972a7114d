//! Services that are found by name.

use aws_shape::ecs::*;
use base_store::Table;
use contract::route::{ListenerProtocol, RouteTable};

use super::map::NAMESPACE;
use super::world::World;
use crate::table::{DESIRED, TASKS};

fn connect(world: &World) -> RouteTable {
    let table = Table::<RouteTable>::new(RouteTable::TABLE, 1);
    let found = world.store.snapshot().get(table, RouteTable::CONNECT);
    found.map(|it| (*it).clone()).unwrap_or_default()
}

fn by_alias(port_name: Option<&str>) -> Option<ServiceConnectConfiguration> {
    let server = |name: &str| ServiceConnectService {
        port_name: name.to_owned(),
        client_aliases: Some(vec![ServiceConnectClientAlias {
            port: 8000,
            dns_name: Some("api".to_owned()),
            ..Default::default()
        }]),
        ..Default::default()
    };
    Some(ServiceConnectConfiguration {
        enabled: true,
        namespace: Some("shop.local".to_owned()),
        services: port_name.map(|name| vec![server(name)]),
        ..Default::default()
    })
}

/// `api:1` names its port.
async fn named(world: &World) {
    let mut input = World::definition("api");
    let ports = input.container_definitions[0].port_mappings.as_mut().unwrap();
    ports[0].name = Some("http".to_owned());
    ports[0].app_protocol = Some(ApplicationProtocol::Http);
    world
        .ecs
        .register_task_definition(&world.context, input)
        .await
        .unwrap();
}

#[tokio::test]
async fn tasks_of_a_registry_are_found_while_they_serve_and_no_longer() {
    let world = World::new().await;
    let arn = world.names.add("web");
    let input = CreateServiceRequest {
        service_registries: Some(vec![ServiceRegistry {
            registry_arn: Some(arn.clone()),
            ..Default::default()
        }]),
        ..world.service("web", 2)
    };
    world.create(input).await.unwrap();
    world.settle().await;
    assert!(world.is_stable("web").await);
    assert_eq!(world.names.found("srv-web").len(), 2);
    let shown = world.describe("web").await.service_registries.unwrap();
    assert_eq!(shown[0].registry_arn, Some(arn));
    world.scale("web", 1).await;
    world
        .settle_watching(async |world| {
            // Who has been told to end is not found any more.
            let snapshot = world.store.snapshot();
            let found = world.names.found("srv-web");
            for (_, wish) in snapshot.list(DESIRED) {
                let address = wish.interface.as_ref().unwrap().address.to_string();
                assert!(wish.stop.is_none() || !found.contains(&address));
            }
        })
        .await;
    assert_eq!(world.names.found("srv-web").len(), 1);
    let waiting = world.store.snapshot();
    let told = waiting
        .list(DESIRED)
        .iter()
        .filter(|(_, it)| it.stop.is_some())
        .count();
    assert_eq!(told, 0, "who has just looked the name up may still come");
    world.settle_stable("web").await;
    world.scale("web", 0).await;
    world.settle_stable("web").await;
    assert!(world.names.found("srv-web").is_empty());
}

#[tokio::test]
async fn an_alias_leads_from_the_clients_own_network_to_the_servers() {
    let world = World::new().await;
    named(&world).await;
    let input = CreateServiceRequest {
        task_definition: Some("api:1".to_owned()),
        service_connect_configuration: by_alias(Some("http")),
        ..world.service("api", 2)
    };
    world.create(input).await.unwrap();
    world.settle().await;
    let input = CreateServiceRequest {
        service_connect_configuration: by_alias(None),
        ..world.service("web", 1)
    };
    world.create(input).await.unwrap();
    world.settle().await;
    assert!(world.is_stable("api").await && world.is_stable("web").await);
    let table = connect(&world);
    let rows = world.store.snapshot().list(TASKS);
    let client = rows.iter().find(|(_, it)| it.service() == Some("web")).unwrap();
    let network = &client.1.attachment().unwrap().interface.id;
    let listener = table.listeners.iter().find(|it| it.network == *network).unwrap();
    assert_eq!(listener.bind, "127.255.0.1:8000".parse().unwrap());
    assert_eq!(listener.protocol, ListenerProtocol::Http);
    let groups = table.target_groups.iter().filter(|it| it.network == *network);
    let targets: Vec<_> = groups.flat_map(|it| &it.targets).collect();
    assert!(targets.len() == 2 && targets.iter().all(|it| it.port == 80 && !it.draining));
    let wish = world.store.snapshot().get(DESIRED, &client.1.id).unwrap();
    assert_eq!(
        wish.containers[0].names.hosts,
        [("api".to_owned(), "127.255.0.1".to_owned())]
    );
    let shown = world.describe("api").await.deployments.unwrap();
    let resources = shown[0].service_connect_resources.clone().unwrap();
    assert_eq!(resources[0].discovery_name.as_deref(), Some("http"));
    // Whoever is told to end has no connection from the proxy any more.
    let update = UpdateServiceRequest {
        service: "api".into(),
        force_new_deployment: Some(true),
        ..Default::default()
    };
    world.ecs.update_service(&world.context, update).await.unwrap();
    world
        .settle_watching(async |world| {
            let table = connect(world);
            let targets = table.target_groups.iter().flat_map(|it| &it.targets);
            let serving = targets.filter(|it| !it.draining).count();
            assert!(serving >= 2, "clients have nobody to ask");
        })
        .await;
    world.settle_stable("api").await;
    world.scale("api", 0).await;
    world.settle_stable("api").await;
    world.delete("api").await.unwrap();
    world.settle().await;
    assert!(!world.names.services.lock().unwrap().contains_key("srv-http"));
}

#[tokio::test]
async fn what_cannot_be_found_is_refused() {
    let world = World::new().await;
    let nowhere = CreateServiceRequest {
        service_connect_configuration: Some(ServiceConnectConfiguration {
            namespace: Some("nowhere".to_owned()),
            ..by_alias(None).unwrap()
        }),
        ..world.service("web", 1)
    };
    let error = world.create(nowhere).await.unwrap_err();
    assert_eq!(error.code, "NamespaceNotFoundException");
    let unnamed = CreateServiceRequest {
        service_connect_configuration: by_alias(Some("http")),
        ..world.service("web", 1)
    };
    let error = world.create(unnamed).await.unwrap_err();
    assert_eq!(
        error.message,
        "portName(http) does not refer to any named PortMapping in the task definition."
    );
    let registry = |registry| CreateServiceRequest {
        service_registries: Some(vec![registry]),
        ..world.service("web", 1)
    };
    let gone = ServiceRegistry {
        registry_arn: Some(NAMESPACE.replace("namespace/ns-a", "service/srv-gone")),
        ..Default::default()
    };
    let error = world.create(registry(gone)).await.unwrap_err();
    assert!(error.message.starts_with("Unable to find the service registry"));
}
