mod certificate;
mod instance;

use std::sync::Arc;

use aws_protocol::{ApiError, Context};
use aws_shape::ec2::{self, Api as _};
use aws_shape::elbv2::*;
use base_clock::ManualClock;
use base_id::{Scope, SequentialIds};
use base_reconcile::Reconciler as _;
use base_store::{Store, StoreError};
use contract::network::ObservedNetwork;
use contract::route::{ObservedListener, ObservedRoutes, ObservedTarget, RouteTable, TargetHealth as Seen};

use crate::table::{NETWORKS, OBSERVED, ROUTES};
use crate::{Balancers, Elbv2, Routes};

struct World {
    elb: Elbv2,
    ec2: service_ec2::Ec2,
    store: Store,
    context: Context,
    vpc: String,
    subnets: Vec<String>,
}

async fn world() -> World {
    let store = Store::in_memory();
    let ids = Arc::new(SequentialIds::default());
    let clock = Arc::new(ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap()));
    let ec2 = service_ec2::Ec2::new(store.clone(), clock.clone(), ids.clone());
    let addresses = "127.64.0.0/29".parse().unwrap();
    let elb = Elbv2::new(store.clone(), clock, ids, Arc::new(ec2.clone()), addresses);
    let context = Context {
        scope: Scope::new("000000000000", "us-east-1"),
        request_id: "r".into(),
        principal_arn: "arn:aws:iam::000000000000:root".into(),
        access_key: "k".into(),
    };
    let input = ec2::CreateVpcRequest {
        cidr_block: Some("10.0.0.0/16".into()),
        ..Default::default()
    };
    let vpc = ec2
        .create_vpc(&context, input)
        .await
        .unwrap()
        .vpc
        .unwrap()
        .vpc_id
        .unwrap();
    let mut subnets = Vec::new();
    for (range, zone) in [("10.0.1.0/24", "us-east-1a"), ("10.0.2.0/24", "us-east-1b")] {
        let input = ec2::CreateSubnetRequest {
            vpc_id: vpc.clone(),
            cidr_block: Some(range.into()),
            availability_zone: Some(zone.into()),
            ..Default::default()
        };
        let made = ec2.create_subnet(&context, input).await.unwrap();
        subnets.push(made.subnet.unwrap().subnet_id.unwrap());
    }
    World {
        elb,
        ec2,
        store,
        context,
        vpc,
        subnets,
    }
}

impl World {
    async fn balancer(&self, name: &str) -> Result<LoadBalancer, ApiError> {
        let input = CreateLoadBalancerInput {
            name: name.into(),
            subnets: Some(self.subnets.clone()),
            ..Default::default()
        };
        let made = self.elb.create_load_balancer(&self.context, input).await?;
        Ok(made.load_balancers.unwrap().remove(0))
    }

    async fn group(&self, name: &str) -> Result<String, ApiError> {
        let input = CreateTargetGroupInput {
            name: name.into(),
            protocol: Some(ProtocolEnum::Http),
            port: Some(80),
            vpc_id: Some(self.vpc.clone()),
            target_type: Some(TargetTypeEnum::Ip),
            ..Default::default()
        };
        let made = self.elb.create_target_group(&self.context, input).await?;
        Ok(made.target_groups.unwrap().remove(0).target_group_arn.unwrap())
    }

    async fn listener(&self, balancer: &str, port: i32, action: Action) -> Result<String, ApiError> {
        let input = CreateListenerInput {
            load_balancer_arn: balancer.into(),
            protocol: Some(ProtocolEnum::Http),
            port: Some(port),
            default_actions: vec![action],
            ..Default::default()
        };
        let made = self.elb.create_listener(&self.context, input).await?;
        Ok(made.listeners.unwrap().remove(0).listener_arn.unwrap())
    }

    async fn settle(&self) {
        for _ in 0..3 {
            Balancers::new(self.elb.clone()).activate().await.unwrap();
            Routes::new(self.elb.clone()).activate().await.unwrap();
        }
    }

    fn routes(&self) -> RouteTable {
        (*self.store.snapshot().get(ROUTES, RouteTable::KEY).unwrap()).clone()
    }

    async fn feet(&self) -> usize {
        let all = self
            .ec2
            .describe_network_interfaces(&self.context, Default::default());
        all.await.unwrap().network_interfaces.unwrap().len()
    }

    async fn state(&self, name: &str) -> LoadBalancerStateEnum {
        let input = DescribeLoadBalancersInput {
            names: Some(vec![name.into()]),
            ..Default::default()
        };
        let found = self
            .elb
            .describe_load_balancers(&self.context, input)
            .await
            .unwrap();
        found
            .load_balancers
            .unwrap()
            .remove(0)
            .state
            .unwrap()
            .code
            .unwrap()
    }

    async fn health(&self, group: &str) -> Vec<(String, Option<String>)> {
        let input = DescribeTargetHealthInput {
            target_group_arn: group.into(),
            ..Default::default()
        };
        let all = self
            .elb
            .describe_target_health(&self.context, input)
            .await
            .unwrap();
        let all = all.target_health_descriptions.unwrap().into_iter();
        all.map(|it| {
            let health = it.target_health.unwrap();
            (
                health.state.unwrap().to_string(),
                health.reason.map(|reason| reason.to_string()),
            )
        })
        .collect()
    }

    /// The proxy has the present table in use and finds all targets so.
    async fn observe(&self, health: Seen, failure: Option<&str>) {
        let (routes, vpc) = (self.routes(), self.vpc.clone());
        let listeners = routes.listeners.iter().map(|it| ObservedListener {
            id: it.id.clone(),
            failure: failure.map(str::to_owned),
        });
        let targets = routes.target_groups.iter().flat_map(|group| {
            group.targets.iter().map(|it| ObservedTarget {
                target_group: group.id.clone(),
                address: it.address,
                port: it.port,
                health: health.clone(),
                in_flight: 0,
            })
        });
        let seen = ObservedRoutes {
            generation: routes.generation,
            listeners: listeners.collect(),
            targets: targets.collect(),
        };
        let network = ObservedNetwork {
            id: vpc.clone(),
            generation: 1,
            failure: None,
        };
        let saved = self.store.write(move |tx| {
            tx.put(OBSERVED, RouteTable::KEY, seen);
            tx.put(NETWORKS, &vpc, network);
            Ok::<_, StoreError>(())
        });
        saved.await.unwrap();
    }
}

fn forward(group: &str) -> Action {
    Action {
        type_: ActionTypeEnum::Forward,
        target_group_arn: Some(group.into()),
        ..Default::default()
    }
}

fn target(id: &str) -> Vec<TargetDescription> {
    vec![TargetDescription {
        id: id.into(),
        ..Default::default()
    }]
}

fn code<T: std::fmt::Debug>(result: Result<T, ApiError>) -> String {
    result.unwrap_err().code.to_string()
}

#[tokio::test]
async fn a_load_balancer_stands_serves_and_goes_and_its_name_is_free_at_once() {
    let world = world().await;
    let balancer = world.balancer("web").await.unwrap();
    assert_eq!(
        balancer.state.unwrap().code,
        Some(LoadBalancerStateEnum::Provisioning)
    );
    let arn = balancer.load_balancer_arn.unwrap();
    let again = world.balancer("web").await.unwrap();
    assert_eq!(
        again.load_balancer_arn.as_ref(),
        Some(&arn),
        "the same again is the same"
    );
    let group = world.group("web").await.unwrap();
    world.listener(&arn, 80, forward(&group)).await.unwrap();
    world.settle().await;
    assert_eq!(world.feet().await, 2);
    let routes = world.routes();
    assert_eq!(routes.listeners[0].bind.to_string(), "127.64.0.1:80");
    assert_eq!(routes.target_groups[0].feet.len(), 2);
    world.observe(Seen::Healthy, None).await;
    assert_eq!(world.state("web").await, LoadBalancerStateEnum::Active);
    world.observe(Seen::Healthy, Some("the address is in use")).await;
    assert_eq!(world.state("web").await, LoadBalancerStateEnum::ActiveImpaired);
    let input = DeleteLoadBalancerInput {
        load_balancer_arn: arn.clone(),
    };
    world
        .elb
        .delete_load_balancer(&world.context, input.clone())
        .await
        .unwrap();
    let other = world.balancer("web").await.unwrap();
    assert_ne!(other.load_balancer_arn.as_ref(), Some(&arn));
    world.settle().await;
    assert_eq!(world.feet().await, 2, "the feet of the first are given back");
    assert!(world.routes().listeners.is_empty());
    // Deleting what is gone succeeds, and does not touch the one that has the name now.
    world
        .elb
        .delete_load_balancer(&world.context, input)
        .await
        .unwrap();
    assert_eq!(world.state("web").await, LoadBalancerStateEnum::Active);
}

#[tokio::test]
async fn feet_made_before_a_crash_are_taken_not_made_again() {
    let world = world().await;
    world.balancer("web").await.unwrap();
    let before = world.store.snapshot();
    world.settle().await;
    // The interfaces were made, the row that names them was not written.
    let (key, row) = before.list(crate::table::LOAD_BALANCERS).remove(0);
    let saved = world.store.write(move |tx| {
        tx.put(crate::table::LOAD_BALANCERS, &key, (*row).clone());
        Ok::<_, StoreError>(())
    });
    saved.await.unwrap();
    world.settle().await;
    assert_eq!(world.feet().await, 2);
}

#[tokio::test]
async fn a_target_comes_is_found_well_drains_and_goes() {
    let world = world().await;
    let group = world.group("web").await.unwrap();
    let register = RegisterTargetsInput {
        target_group_arn: group.clone(),
        targets: target("10.0.1.20"),
    };
    let deregister = DeregisterTargetsInput {
        target_group_arn: group.clone(),
        targets: target("10.0.1.20"),
    };
    world
        .elb
        .register_targets(&world.context, register.clone())
        .await
        .unwrap();
    let unused = ("unused".to_owned(), Some("Target.NotInUse".to_owned()));
    assert_eq!(world.health(&group).await, [unused]);
    world
        .elb
        .deregister_targets(&world.context, deregister.clone())
        .await
        .unwrap();
    world.settle().await;
    assert!(
        world.health(&group).await.is_empty(),
        "nobody uses it, so nothing drains"
    );

    let balancer = world.balancer("web").await.unwrap().load_balancer_arn.unwrap();
    world.listener(&balancer, 80, forward(&group)).await.unwrap();
    world
        .elb
        .register_targets(&world.context, register)
        .await
        .unwrap();
    world.settle().await;
    let initial = (
        "initial".to_owned(),
        Some("Elb.RegistrationInProgress".to_owned()),
    );
    assert_eq!(world.health(&group).await, [initial]);
    world.observe(Seen::Healthy, None).await;
    assert_eq!(world.health(&group).await, [("healthy".to_owned(), None)]);
    let why = contract::route::Unhealthy::Status(500);
    world.observe(Seen::Unhealthy(why), None).await;
    let mismatch = (
        "unhealthy".to_owned(),
        Some("Target.ResponseCodeMismatch".to_owned()),
    );
    assert_eq!(world.health(&group).await, [mismatch]);
    world
        .elb
        .deregister_targets(&world.context, deregister)
        .await
        .unwrap();
    world.settle().await;
    world.observe(Seen::Draining { done: false }, None).await;
    world.settle().await;
    let draining = (
        "draining".to_owned(),
        Some("Target.DeregistrationInProgress".to_owned()),
    );
    assert_eq!(world.health(&group).await, [draining]);
    world.observe(Seen::Draining { done: true }, None).await;
    world.settle().await;
    assert!(world.health(&group).await.is_empty());
    let generation = world.routes().generation;
    world.settle().await;
    assert_eq!(world.routes().generation, generation, "without a change it stays");
}

#[tokio::test]
async fn mistakes_are_refused_in_the_words_of_aws() {
    let world = world().await;
    let (elb, context) = (&world.elb, &world.context);
    let balancer = world.balancer("web").await.unwrap().load_balancer_arn.unwrap();
    let group = world.group("web").await.unwrap();
    assert_eq!(code(world.balancer("internal-x").await), "ValidationError");
    assert_eq!(code(world.group("a_b").await), "ValidationError");
    assert_eq!(world.group("web").await.unwrap(), group);
    world.listener(&balancer, 80, forward(&group)).await.unwrap();
    assert_eq!(
        code(world.listener(&balancer, 80, forward(&group)).await),
        "DuplicateListener"
    );
    assert_eq!(
        code(world.listener(&balancer, 0, forward(&group)).await),
        "ValidationError"
    );
    let other = format!("{group}x");
    assert_eq!(
        code(world.listener(&balancer, 81, forward(&other)).await),
        "TargetGroupNotFound"
    );
    let input = CreateListenerInput {
        load_balancer_arn: balancer.clone(),
        protocol: Some(ProtocolEnum::Http),
        port: Some(81),
        default_actions: vec![forward(&group)],
        certificates: Some(vec![Certificate::default()]),
        ..Default::default()
    };
    assert_eq!(code(elb.create_listener(context, input).await), "ValidationError");
    let input = DeleteTargetGroupInput {
        target_group_arn: group.clone(),
    };
    assert_eq!(
        code(elb.delete_target_group(context, input).await),
        "ResourceInUse"
    );
    for (id, port, expected) in [
        ("no", None, "InvalidTarget"),
        ("10.0.1.9", Some(0), "ValidationError"),
    ] {
        let mut targets = target(id);
        targets[0].port = port;
        let input = RegisterTargetsInput {
            target_group_arn: group.clone(),
            targets,
        };
        assert_eq!(code(elb.register_targets(context, input).await), expected);
    }
    let input = DescribeLoadBalancersInput {
        names: Some(vec!["no".into()]),
        ..Default::default()
    };
    assert_eq!(
        code(elb.describe_load_balancers(context, input).await),
        "LoadBalancerNotFound"
    );
    let protect = ModifyLoadBalancerAttributesInput {
        load_balancer_arn: balancer.clone(),
        attributes: vec![LoadBalancerAttribute {
            key: Some("deletion_protection.enabled".into()),
            value: Some("true".into()),
        }],
    };
    elb.modify_load_balancer_attributes(context, protect)
        .await
        .unwrap();
    let input = DeleteLoadBalancerInput {
        load_balancer_arn: balancer.clone(),
    };
    assert_eq!(
        code(elb.delete_load_balancer(context, input).await),
        "OperationNotPermitted"
    );
}

#[tokio::test]
async fn fixed_responses_and_weights_keep_to_their_limits() {
    let world = world().await;
    let balancer = world.balancer("web").await.unwrap().load_balancer_arn.unwrap();
    let fixed = |status: &str, kind: &str| Action {
        type_: ActionTypeEnum::FixedResponse,
        fixed_response_config: Some(FixedResponseActionConfig {
            status_code: status.into(),
            content_type: Some(kind.into()),
            message_body: Some("body".into()),
        }),
        ..Default::default()
    };
    world
        .listener(&balancer, 80, fixed("503", "text/plain"))
        .await
        .unwrap();
    for action in [fixed("301", "text/plain"), fixed("200", "image/png")] {
        assert_eq!(
            code(world.listener(&balancer, 81, action).await),
            "ValidationError"
        );
    }
    let group = world.group("web").await.unwrap();
    let weighted = |weight: i32| Action {
        type_: ActionTypeEnum::Forward,
        forward_config: Some(ForwardActionConfig {
            target_groups: Some(vec![TargetGroupTuple {
                target_group_arn: Some(group.clone()),
                weight: Some(weight),
            }]),
            ..Default::default()
        }),
        ..Default::default()
    };
    for weight in [-1, 1000] {
        assert_eq!(
            code(world.listener(&balancer, 81, weighted(weight)).await),
            "ValidationError"
        );
    }
    world.listener(&balancer, 81, weighted(999)).await.unwrap();
}

#[tokio::test]
async fn tags_and_attributes_are_kept() {
    let world = world().await;
    let (elb, context) = (&world.elb, &world.context);
    let group = world.group("web").await.unwrap();
    let input = AddTagsInput {
        resource_arns: vec![group.clone()],
        tags: vec![Tag {
            key: "a".into(),
            value: Some("b".into()),
        }],
    };
    elb.add_tags(context, input).await.unwrap();
    let input = DescribeTagsInput {
        resource_arns: vec![group.clone()],
    };
    let found = elb.describe_tags(context, input).await.unwrap();
    let tags = found.tag_descriptions.unwrap().remove(0).tags.unwrap();
    assert_eq!((tags[0].key.as_str(), tags[0].value.as_deref()), ("a", Some("b")));
    let set = |key: &str, value: &str| ModifyTargetGroupAttributesInput {
        target_group_arn: group.clone(),
        attributes: vec![TargetGroupAttribute {
            key: Some(key.into()),
            value: Some(value.into()),
        }],
    };
    let delay = set("deregistration_delay.timeout_seconds", "5");
    elb.modify_target_group_attributes(context, delay).await.unwrap();
    let by_application = set("stickiness.type", "app_cookie");
    elb.modify_target_group_attributes(context, by_application)
        .await
        .unwrap();
    let sticky = set("stickiness.enabled", "true");
    let nameless = elb.modify_target_group_attributes(context, sticky).await;
    assert_eq!(code(nameless), "InvalidConfigurationRequest");
    let own = set("stickiness.app_cookie.cookie_name", "AWSALB");
    let refused = elb.modify_target_group_attributes(context, own).await;
    assert_eq!(code(refused), "OperationNotPermitted");
    let unknown = set("no.such.key", "true");
    let refused = elb.modify_target_group_attributes(context, unknown).await;
    assert_eq!(code(refused), "InvalidConfigurationRequest");
}
