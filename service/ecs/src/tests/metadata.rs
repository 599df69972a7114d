//! What tasks read about themselves.

use aws_shape::ecs::*;
use contract::agent::{About, AgentError, Caller};
use contract::task::runtime_id;
use serde_json::{Value, json};

use super::instance::{define, guide, join};
use super::world::World;
use crate::model::task::Task as Row;
use crate::table::TASKS;

const ROLE: &str = "arn:aws:iam::000000000000:role/app";

/// A service `web` of two tasks that log and have a role.
async fn world() -> (World, Vec<Row>) {
    let world = World::new().await;
    let mut input = World::definition("app");
    input.task_role_arn = Some(ROLE.into());
    let options = [
        ("awslogs-group", "/app"),
        ("awslogs-region", "us-east-1"),
        ("awslogs-stream-prefix", "ecs"),
        ("awslogs-create-group", "true"),
    ];
    let options = options.map(|(name, value)| (name.to_owned(), value.to_owned()));
    input.container_definitions[0].log_configuration = Some(LogConfiguration {
        log_driver: LogDriver::Awslogs,
        options: Some(options.into()),
        secret_options: None,
    });
    input.container_definitions[0].docker_labels = Some([("team".to_owned(), "x".to_owned())].into());
    world
        .ecs
        .register_task_definition(&world.context, input)
        .await
        .unwrap();
    let input = CreateServiceRequest {
        task_definition: Some("app:1".into()),
        tags: Some(vec![Tag {
            key: Some("cost".into()),
            value: Some("low".into()),
        }]),
        propagate_tags: Some(PropagateTags::Service),
        ..world.service("web", 2)
    };
    world.create(input).await.unwrap();
    world.settle().await;
    let rows = world.store.snapshot().list(TASKS).into_iter();
    let rows: Vec<Row> = rows.map(|(_, row)| Row::clone(&row)).collect();
    assert_eq!(rows.len(), 2);
    (world, rows)
}

fn caller(task: &Row) -> Caller {
    let interface = &task.attachment().unwrap().interface;
    Caller {
        network: interface.network.clone(),
        address: interface.address,
    }
}

fn read(world: &World, task: &Row, about: About) -> Value {
    let id = runtime_id(&task.id, 0);
    let text = world.ecs.metadata(&caller(task), &id, about, Some(3 << 20));
    serde_json::from_str(&text.unwrap()).unwrap()
}

#[tokio::test]
async fn a_container_reads_the_documents_of_version_four() {
    let (world, tasks) = world().await;
    let task = &tasks[0];
    let interface = &task.attachment().unwrap().interface;
    let one = read(&world, task, About::Container);
    assert_eq!(one["DockerId"], json!(runtime_id(&task.id, 0)));
    assert_eq!(one["Name"], "app");
    assert_eq!(one["Image"], "nginx");
    assert_eq!(
        (&one["DesiredStatus"], &one["KnownStatus"]),
        (&json!("RUNNING"), &json!("RUNNING"))
    );
    assert_eq!(one["Labels"]["team"], "x");
    assert_eq!(one["Labels"]["com.amazonaws.ecs.task-arn"], json!(task.arn));
    assert_eq!(one["Labels"]["com.amazonaws.ecs.task-definition-family"], "app");
    assert_eq!(one["Labels"]["com.amazonaws.ecs.task-definition-version"], "1");
    assert_eq!(one["LogDriver"], "awslogs");
    assert_eq!(
        one["LogOptions"],
        json!({
            "awslogs-group": "/app",
            "awslogs-region": "us-east-1",
            "awslogs-stream": format!("ecs/app/{}", task.id),
            "awslogs-create-group": "true",
        })
    );
    let network = &one["Networks"][0];
    assert_eq!(network["NetworkMode"], "awsvpc");
    assert_eq!(network["IPv4Addresses"], json!([interface.address]));
    assert_eq!(network["MACAddress"], json!(interface.mac));
    let third = interface.address.octets()[2];
    assert_eq!(
        network["IPv4SubnetCIDRBlock"],
        json!(format!("10.0.{third}.0/24"))
    );
    assert_eq!(
        network["SubnetGatewayIpv4Address"],
        json!(format!("10.0.{third}.1/24"))
    );
    assert_eq!(network["DomainNameServers"], json!(["10.0.0.2"]));
    let described = world.task(&task.id).await.containers.unwrap().remove(0);
    assert_eq!(one["ContainerARN"], json!(described.container_arn));

    let whole = read(&world, task, About::Task);
    assert_eq!(
        whole["Cluster"],
        "arn:aws:ecs:us-east-1:000000000000:cluster/default"
    );
    assert_eq!(whole["TaskARN"], json!(task.arn));
    assert_eq!(
        (&whole["Family"], &whole["Revision"]),
        (&json!("app"), &json!("1"))
    );
    assert_eq!(whole["ServiceName"], "web");
    assert_eq!(whole["Limits"], json!({ "CPU": 0.25, "Memory": 512 }));
    assert_eq!(whole["LaunchType"], "FARGATE");
    assert_eq!(whole["VPCID"], json!(world.vpc));
    assert_eq!(
        whole["EphemeralStorageMetrics"],
        json!({ "Utilized": 3, "Reserved": 20_480 })
    );
    assert_eq!(whole["Containers"], json!([one]));
    assert_eq!(whole["TaskTags"], Value::Null);
    assert_eq!(read(&world, task, About::TaskWithTags)["TaskTags"]["cost"], "low");
}

#[tokio::test]
async fn nobody_reads_about_another_task() {
    let (world, tasks) = world().await;
    let (own, other) = (caller(&tasks[0]), &tasks[1]);
    let id = runtime_id(&other.id, 0);
    let read = world.ecs.metadata(&own, &id, About::Container, None);
    assert!(matches!(read, Err(AgentError::NotFound(_))), "{read:?}");
    let twin = Caller {
        network: "vpc-other".into(),
        ..own.clone()
    };
    assert_eq!(world.ecs.asking(&twin), None);
    assert_eq!(world.ecs.asking(&own).unwrap().task, tasks[0].id);

    let (mine, theirs) = (&tasks[0].credentials_id, &other.credentials_id);
    let role = world.ecs.task_role(&own, mine.as_ref().unwrap()).unwrap();
    assert_eq!(role.role_arn, ROLE);
    assert_eq!(role.task_arn, tasks[0].arn);
    assert_ne!(mine, theirs);
    let stolen = world.ecs.task_role(&own, theirs.as_ref().unwrap());
    assert!(matches!(stolen, Err(AgentError::NotFound(_))), "{stolen:?}");
    assert!(world.ecs.task_role(&own, "").is_err());
}

#[tokio::test]
async fn a_task_without_a_role_has_no_credentials() {
    let world = World::new().await;
    world.create(world.service("plain", 1)).await.unwrap();
    world.settle().await;
    let row = world.store.snapshot().list(TASKS).remove(0).1;
    let id = row.credentials_id.clone().unwrap();
    assert!(matches!(
        world.ecs.task_role(&caller(&row), &id),
        Err(AgentError::NotFound(_))
    ));
}

#[tokio::test]
async fn a_task_protects_itself() {
    let (world, tasks) = world().await;
    let (own, id) = (caller(&tasks[0]), runtime_id(&tasks[0].id, 0));
    let ask = async |change| {
        let answer = world.ecs.task_protection(&own, &id, change).await;
        answer.map(|text| serde_json::from_str::<Value>(&text).unwrap())
    };
    assert_eq!(ask(None).await.unwrap()["protection"]["ProtectionEnabled"], false);
    let change = r#"{"ProtectionEnabled": true, "ExpiresInMinutes": 60}"#;
    let on = ask(Some(change)).await.unwrap();
    assert_eq!(on["protection"]["ProtectionEnabled"], true);
    assert_eq!(on["protection"]["TaskArn"], json!(tasks[0].arn));
    assert!(on["protection"]["ExpirationDate"].is_string());
    assert_eq!(ask(None).await.unwrap(), on);
    for wrong in ["", "[]", "{}", r#"{"ProtectionEnabled": true, "Minutes": 1}"#] {
        assert!(
            matches!(ask(Some(wrong)).await, Err(AgentError::Refused(_))),
            "{wrong}"
        );
    }
    let long = r#"{"ProtectionEnabled": true, "ExpiresInMinutes": 9999}"#;
    assert!(matches!(ask(Some(long)).await, Err(AgentError::Refused(_))));
}

#[tokio::test]
async fn tasks_on_an_instance_are_known_by_their_bridge_or_by_what_they_ask() {
    let world = World::new().await;
    join(&world, 1, "us-east-1a").await;
    let mut bridge = guide(Some(80));
    bridge.task_role_arn = Some(ROLE.into());
    let mut on_host = guide(None);
    on_host.family = "host".into();
    on_host.network_mode = Some(NetworkMode::Host);
    on_host.container_definitions[0].port_mappings = None;
    for input in [bridge, on_host] {
        define(&world, input).await;
    }
    for family in ["guide", "host", "host"] {
        let input = RunTaskRequest {
            task_definition: family.into(),
            launch_type: Some(LaunchType::Ec2),
            ..Default::default()
        };
        let answer = world.ecs.run_task(&world.context, input).await.unwrap();
        assert_eq!(answer.failures, Some(vec![]));
    }
    world.settle().await;
    let rows = world.store.snapshot().list(TASKS).into_iter();
    let rows: Vec<Row> = rows.map(|(_, row)| Row::clone(&row)).collect();
    let of = |family: &str| {
        rows.iter()
            .filter(|it| it.group == format!("family:{family}"))
            .collect::<Vec<_>>()
    };
    let caller = |address: &str| Caller {
        network: "i-00000000000000001".into(),
        address: address.parse().unwrap(),
    };
    let read = |caller: &Caller, task: &Row| {
        let id = runtime_id(&task.id, 0);
        let text = world.ecs.metadata(caller, &id, About::Container, None)?;
        Ok::<Value, AgentError>(serde_json::from_str(&text).unwrap())
    };
    let bridged = of("guide")[0];
    let one = read(&caller("172.17.0.2"), bridged).unwrap();
    assert_eq!(one["Networks"][0]["NetworkMode"], "bridge");
    assert_eq!(one["Ports"][0]["HostPort"], 80);
    assert_eq!(world.ecs.asking(&caller("172.17.0.2")).unwrap().task, bridged.id);
    let credentials = bridged.credentials_id.clone().unwrap();
    assert!(world.ecs.task_role(&caller("172.17.0.2"), &credentials).is_ok());
    assert!(
        world.ecs.task_role(&caller("10.0.1.1"), &credentials).is_err(),
        "it is another's"
    );
    for task in of("host") {
        let one = read(&caller("10.0.1.1"), task).unwrap();
        assert_eq!(one["Networks"][0]["NetworkMode"], "host");
        assert!(read(&caller("172.17.0.2"), task).is_err());
    }
    assert!(read(&caller("10.0.1.1"), bridged).is_err());
    let elsewhere = Caller {
        network: "i-2".into(),
        ..caller("172.17.0.2")
    };
    assert!(read(&elsewhere, bridged).is_err());
}
