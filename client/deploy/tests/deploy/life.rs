//! From nothing to a service and back.

use std::path::Path;
use std::sync::{Arc, Mutex};

use aws_shape::{ec2, elbv2};
use client_deploy::{
    App, AppName, Deployer, Engine, Event, Failure, Outcome, Step, Target, UpOptions, check,
};

use crate::engine::FakeEngine;
use crate::inventory::{self, Inventory};
use crate::moto::Moto;

pub type Events = Arc<Mutex<Vec<Event>>>;

pub fn name(text: &str) -> AppName {
    AppName::parse(text).unwrap()
}

pub fn app(folder: &Path, called: &str) -> App {
    std::fs::write(
        folder.join("Dockerfile"),
        "FROM scratch\nCOPY hello /hello\nEXPOSE 8080\nCMD [\"/hello\"]\n",
    )
    .unwrap();
    std::fs::write(folder.join("hello"), "#!").unwrap();
    std::fs::write(folder.join("secret"), "x").unwrap();
    std::fs::write(folder.join(".dockerignore"), "secret\n").unwrap();
    check(folder, name(called), Target::Aws).unwrap()
}

pub fn deployer(moto: &Moto, target: Target) -> (Deployer, Events) {
    let events = Events::default();
    let told = Arc::clone(&events);
    let sink = Arc::new(move |event| told.lock().unwrap().push(event));
    (Deployer::new(&moto.client, target, "wharf", sink), events)
}

pub fn no_wait() -> UpOptions {
    UpOptions {
        wait: false,
        ..Default::default()
    }
}

pub fn outcomes(events: &Events) -> Vec<(Step, Outcome)> {
    let mut found: Vec<_> = std::mem::take(&mut *events.lock().unwrap())
        .into_iter()
        .filter_map(|event| match event {
            Event::Finished { step, outcome, .. } => Some((step, outcome)),
            _ => None,
        })
        .collect();
    found.sort_by_key(|(step, _)| *step);
    found
}

/// What one inventory has and the other has not.
pub fn more(later: &Inventory, earlier: &Inventory) -> Vec<String> {
    let none = Vec::new();
    let mut found = Vec::new();
    for (kind, names) in later {
        let before = earlier.get(kind).unwrap_or(&none);
        let count = names.iter().filter(|name| !before.contains(name)).count();
        if count > 0 {
            found.push(format!("{count} {kind}"));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_comes_stays_and_goes_with_a_network_of_its_own() {
    let (moto, fake) = (Moto::start().await, FakeEngine::start().await);
    let folder = tempfile::tempdir().unwrap();
    let app = app(folder.path(), "hello");
    // As on a local cloud, which has no default VPC.
    let (deployer, events) = deployer(&moto, Target::Local);
    let engine = Engine::connect(&fake.host).await.unwrap();
    let before = inventory::of(&moto.client).await;
    moto.take_operations();

    let deployed = deployer.up(&app, &engine, &no_wait()).await.unwrap();
    moto.check_calls();
    assert!(deployed.changed);
    assert_eq!(deployed.task_definition, "hello:1");
    assert!(
        deployed.image.ends_with("/hello:0123456789ab"),
        "{}",
        deployed.image
    );
    assert!(deployed.url.starts_with("http://hello-"), "{}", deployed.url);
    let pushed = outcomes(&events)
        .into_iter()
        .find(|(step, _)| *step == Step::Push);
    assert_eq!(
        pushed,
        Some((Step::Push, Outcome::Skipped)),
        "moto's registry is AWS's own"
    );
    assert!(
        !fake.calls().iter().any(|call| call.ends_with("/push")),
        "{:?}",
        fake.calls()
    );
    assert_eq!(fake.context(), ["hello", "Dockerfile", ".dockerignore"].sorted());
    let after = inventory::of(&moto.client).await;
    assert_eq!(
        more(&after, &before),
        [
            "1 cluster",
            "1 gateway",
            "1 listener",
            "1 load balancer",
            "1 log group",
            "1 repository",
            "1 role",
            "2 route table",
            "2 security group",
            "1 service",
            "2 subnet",
            "1 target group",
            "1 task definition",
            "1 vpc",
        ]
    );

    // A second run changes nothing.
    moto.take_operations();
    let again = deployer.up(&app, &engine, &no_wait()).await.unwrap();
    assert!(!again.changed);
    let writes: Vec<String> = moto
        .take_operations()
        .into_iter()
        .filter(|it| !it.starts_with("Describe") && !it.starts_with("Get") && !it.starts_with("List"))
        .collect();
    assert_eq!(writes, Vec::<String>::new());
    assert_eq!(inventory::of(&moto.client).await, after);

    // One thing that changes is one thing that is changed.
    moto.take_operations();
    let more_tasks = UpOptions {
        desired: Some(2),
        ..no_wait()
    };
    assert!(deployer.up(&app, &engine, &more_tasks).await.unwrap().changed);
    let status = deployer.status(&app.name).await.unwrap();
    assert_eq!((status.desired, status.task_definition.as_str()), (2, "hello:1"));
    assert_eq!(deployer.url(&app.name).await.unwrap(), deployed.url);
    assert_eq!(deployer.list().await.unwrap().len(), 1);

    let removed = deployer.down(&app.name, Some(&engine)).await.unwrap();
    moto.check_calls();
    assert!(removed.found && removed.last);
    assert_eq!(inventory::of(&moto.client).await, before);
    assert!(
        fake.calls()
            .iter()
            .any(|call| call.starts_with("DELETE /images/")),
        "{:?}",
        fake.calls()
    );
    let removed = deployer.down(&app.name, Some(&engine)).await.unwrap();
    assert!(!removed.found);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_aws_what_was_there_before_stays() {
    let (moto, fake) = (Moto::start().await, FakeEngine::start().await);
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (app(folder.path(), "one"), app(folder.path(), "other"));
    let (deployer, _) = deployer(&moto, Target::Aws);
    let engine = Engine::connect(&fake.host).await.unwrap();
    let before = inventory::of(&moto.client).await;

    deployer.up(&one, &engine, &no_wait()).await.unwrap();
    deployer.up(&other, &engine, &no_wait()).await.unwrap();
    let both = inventory::of(&moto.client).await;
    let made = more(&both, &before);
    assert!(
        !made.iter().any(|it| it.contains("vpc") || it.contains("subnet")),
        "{made:?}"
    );
    assert!(made.contains(&"2 load balancer".to_owned()), "{made:?}");

    let removed = deployer.down(&one.name, None).await.unwrap();
    assert!(removed.found && !removed.last);
    let left = inventory::of(&moto.client).await;
    assert_eq!(left["load balancer"], ["other"]);
    assert_eq!(left["role"], both["role"], "the other one needs it");
    assert_eq!(left["cluster"], both["cluster"]);
    let removed = deployer.down(&other.name, None).await.unwrap();
    assert!(removed.last);
    assert_eq!(inventory::of(&moto.client).await, before);
    moto.check_calls();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_network_is_used_and_left_alone() {
    // Without AWS's own policies, as moto's server starts when nobody says otherwise.
    let (moto, fake) = (Moto::start_with(false).await, FakeEngine::start().await);
    let folder = tempfile::tempdir().unwrap();
    let app = app(folder.path(), "hello");
    let (deployer, _) = deployer(&moto, Target::Aws);
    let engine = Engine::connect(&fake.host).await.unwrap();
    let (vpc, subnets) = own_network(&moto).await;
    let before = inventory::of(&moto.client).await;

    let few = UpOptions {
        subnets: vec![subnets[0].clone(), "subnet-0123456789abcdef0".to_owned()],
        ..no_wait()
    };
    assert!(deployer.up(&app, &engine, &few).await.is_err());
    deployer.down(&app.name, None).await.unwrap();
    let options = UpOptions {
        vpc: Some(vpc.clone()),
        ..no_wait()
    };
    deployer.up(&app, &engine, &options).await.unwrap();
    let api: &dyn elbv2::Api = &moto.client;
    let found = api
        .describe_load_balancers(&moto.client.context(), Default::default())
        .await
        .unwrap();
    assert_eq!(found.load_balancers.unwrap()[0].vpc_id.as_ref(), Some(&vpc));
    deployer.down(&app.name, None).await.unwrap();
    assert_eq!(inventory::of(&moto.client).await, before);
}

/// A VPC with two subnets that is somebody's.
async fn own_network(moto: &Moto) -> (String, Vec<String>) {
    let (api, context): (&dyn ec2::Api, _) = (&moto.client, moto.client.context());
    let input = ec2::CreateVpcRequest {
        cidr_block: Some("10.9.0.0/16".to_owned()),
        ..Default::default()
    };
    let vpc = api
        .create_vpc(&context, input)
        .await
        .unwrap()
        .vpc
        .unwrap()
        .vpc_id
        .unwrap();
    let mut subnets = Vec::new();
    for (zone, range) in [("eu-west-3a", "10.9.0.0/24"), ("eu-west-3b", "10.9.1.0/24")] {
        let input = ec2::CreateSubnetRequest {
            vpc_id: vpc.clone(),
            availability_zone: Some(zone.to_owned()),
            cidr_block: Some(range.to_owned()),
            ..Default::default()
        };
        let made = api.create_subnet(&context, input).await.unwrap().subnet.unwrap();
        subnets.push(made.subnet_id.unwrap());
    }
    (vpc, subnets)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_somebody_else_s_is_neither_taken_nor_removed() {
    let (moto, fake) = (Moto::start().await, FakeEngine::start().await);
    let folder = tempfile::tempdir().unwrap();
    let app = app(folder.path(), "hello");
    let (deployer, _) = deployer(&moto, Target::Aws);
    let engine = Engine::connect(&fake.host).await.unwrap();
    let (_, subnets) = own_network(&moto).await;
    let api: &dyn elbv2::Api = &moto.client;
    let input = elbv2::CreateLoadBalancerInput {
        name: "hello".to_owned(),
        subnets: Some(subnets),
        ..Default::default()
    };
    api.create_load_balancer(&moto.client.context(), input)
        .await
        .unwrap();
    let before = inventory::of(&moto.client).await;

    let refused = deployer.up(&app, &engine, &no_wait()).await.unwrap_err();
    assert!(
        matches!(
            refused,
            Failure::NotOurs {
                what: "load balancer",
                ..
            }
        ),
        "{refused}"
    );
    assert!(!deployer.down(&app.name, None).await.unwrap().found);
    assert_eq!(inventory::of(&moto.client).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_fails_leaves_nothing_half_made() {
    let (moto, fake) = (Moto::start().await, FakeEngine::start().await);
    let folder = tempfile::tempdir().unwrap();
    let app = app(folder.path(), "hello");
    let (deployer, events) = deployer(&moto, Target::Aws);
    let engine = Engine::connect(&fake.host).await.unwrap();
    let before = inventory::of(&moto.client).await;

    fake.fail_builds("Dockerfile:2:1 the command ended with exit code 1");
    let failed = deployer.up(&app, &engine, &no_wait()).await.unwrap_err();
    assert!(
        matches!(&failed, Failure::Build(said) if said.contains("Dockerfile:2:1")),
        "{failed}"
    );
    assert!(events.lock().unwrap().contains(&Event::Failed(Step::Build)));
    assert!(
        events
            .lock()
            .unwrap()
            .contains(&Event::Detail(Step::Build, "Step 1/2".to_owned()))
    );
    assert_eq!(inventory::of(&moto.client).await, before);
}

#[tokio::test]
async fn an_engine_that_is_not_there_is_named() {
    for host in [
        "unix:///nowhere/docker.sock",
        "tcp://127.0.0.1:1",
        "ssh://somewhere",
    ] {
        let Err(failure) = Engine::connect(host).await else {
            panic!("{host} answered");
        };
        assert!(
            failure
                .to_string()
                .starts_with(&format!("the Docker Engine at {host} ")),
            "{failure}"
        );
        assert!(failure.hint().is_some());
    }
}

trait Sorted {
    fn sorted(self) -> Vec<String>;
}

impl<const N: usize> Sorted for [&str; N] {
    fn sorted(self) -> Vec<String> {
        let mut all = self.map(str::to_owned).to_vec();
        all.sort();
        all
    }
}
