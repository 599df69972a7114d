use super::*;

fn name() -> AppName {
    AppName::parse("web").unwrap()
}

fn container(name: &str, port: Option<i32>) -> ContainerDefinition {
    ContainerDefinition {
        name: Some(name.to_owned()),
        image: Some("nginx".to_owned()),
        port_mappings: port.map(|port| {
            vec![PortMapping {
                container_port: Some(port),
                ..Default::default()
            }]
        }),
        ..Default::default()
    }
}

#[test]
fn the_built_container_gets_the_image_and_the_balanced_one_the_requests() {
    let request = RegisterTaskDefinitionRequest {
        family: "f".to_owned(),
        container_definitions: vec![container("proxy", Some(80)), container("app", None)],
        ..Default::default()
    };
    let picked = Picked {
        built: 1,
        balanced: 0,
        port: 80,
    };
    let ready =
        Definition::written(request, picked).ready(&name(), "eu-west-3", "repo:abc", Some("arn:role"));
    let images: Vec<_> = ready
        .request
        .container_definitions
        .iter()
        .map(|it| it.image.as_deref())
        .collect();
    assert_eq!(images, [Some("nginx"), Some("repo:abc")]);
    assert_eq!((ready.container.as_str(), ready.port), ("proxy", 80));
    assert_eq!(ready.request.execution_role_arn.as_deref(), Some("arn:role"));
}

#[test]
fn containers_without_logs_get_the_application_s() {
    let definition = Definition::derived(&name(), 8080);
    assert_eq!(definition.log_groups(&name()), ["/wharf/web"]);
    let ready = definition.ready(&name(), "eu-west-3", "i", None);
    let logs = ready.request.container_definitions[0]
        .log_configuration
        .clone()
        .unwrap();
    let options = logs.options.unwrap();
    assert_eq!(options["awslogs-group"], "/wharf/web");
    assert_eq!(options["awslogs-region"], "eu-west-3");
    assert_eq!(options["awslogs-stream-prefix"], "wharf");
}

#[test]
fn a_fingerprint_is_that_of_what_is_registered() {
    let definition = Definition::derived(&name(), 8080);
    let print = |image: &str, role| definition.ready(&name(), "r", image, role).fingerprint;
    assert_eq!(print("a:1", None), print("a:1", None));
    assert_ne!(print("a:1", None), print("a:2", None));
    assert_ne!(print("a:1", None), print("a:1", Some("role")));
    assert_eq!(print("a:1", None).len(), 32);
}
