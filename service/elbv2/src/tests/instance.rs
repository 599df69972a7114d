//! Targets that are EC2 instances, and load balancers that change.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use aws_protocol::{ApiError, Context};
use aws_shape::ec2::{self, Api as _, InstanceStateName};
use aws_shape::elbv2::*;
use base_clock::ManualClock;
use base_id::SequentialIds;
use base_reconcile::Reconciler as _;

use super::{World, world};
use crate::table::{LOAD_BALANCERS, ROUTES};
use crate::{Balancers, Elbv2, Routes, Targets};
use contract::route::RouteTable;

/// EC2 with two instances that are only said to be there.
#[derive(Clone)]
struct Machines {
    inner: service_ec2::Ec2,
    vpc: String,
    states: Arc<Mutex<BTreeMap<String, InstanceStateName>>>,
    regrouped: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl ec2::Api for Machines {
    async fn describe_instances(
        &self,
        _: &Context,
        input: ec2::DescribeInstancesRequest,
    ) -> Result<ec2::DescribeInstancesResult, ApiError> {
        let states = self.states.lock().unwrap();
        let wanted = input.filters.unwrap().remove(0).values.unwrap();
        let found = wanted.iter().filter_map(|id| Some((id, states.get(id)?)));
        let instances = found.map(|(id, state)| ec2::Instance {
            instance_id: Some(id.clone()),
            vpc_id: Some(self.vpc.clone()),
            private_ip_address: Some(format!("10.0.1.{}", id.len())),
            state: Some(ec2::InstanceState {
                code: None,
                name: Some(state.clone()),
            }),
            ..Default::default()
        });
        Ok(ec2::DescribeInstancesResult {
            reservations: Some(vec![ec2::Reservation {
                instances: Some(instances.collect()),
                ..Default::default()
            }]),
            next_token: None,
        })
    }

    async fn describe_subnets(
        &self,
        context: &Context,
        input: ec2::DescribeSubnetsRequest,
    ) -> Result<ec2::DescribeSubnetsResult, ApiError> {
        self.inner.describe_subnets(context, input).await
    }

    async fn describe_vpcs(
        &self,
        context: &Context,
        input: ec2::DescribeVpcsRequest,
    ) -> Result<ec2::DescribeVpcsResult, ApiError> {
        self.inner.describe_vpcs(context, input).await
    }

    async fn describe_security_groups(
        &self,
        context: &Context,
        input: ec2::DescribeSecurityGroupsRequest,
    ) -> Result<ec2::DescribeSecurityGroupsResult, ApiError> {
        self.inner.describe_security_groups(context, input).await
    }

    async fn describe_network_interfaces(
        &self,
        context: &Context,
        input: ec2::DescribeNetworkInterfacesRequest,
    ) -> Result<ec2::DescribeNetworkInterfacesResult, ApiError> {
        self.inner.describe_network_interfaces(context, input).await
    }

    async fn create_network_interface(
        &self,
        context: &Context,
        input: ec2::CreateNetworkInterfaceRequest,
    ) -> Result<ec2::CreateNetworkInterfaceResult, ApiError> {
        self.inner.create_network_interface(context, input).await
    }

    async fn delete_network_interface(
        &self,
        context: &Context,
        input: ec2::DeleteNetworkInterfaceRequest,
    ) -> Result<(), ApiError> {
        self.inner.delete_network_interface(context, input).await
    }

    async fn modify_network_interface_attribute(
        &self,
        _: &Context,
        input: ec2::ModifyNetworkInterfaceAttributeRequest,
    ) -> Result<(), ApiError> {
        self.regrouped.lock().unwrap().push(input.network_interface_id);
        Ok(())
    }
}

async fn with_machines() -> (World, Machines) {
    let mut world = world().await;
    let states = ["i-1", "i-22"].map(|id| (id.to_owned(), InstanceStateName::Running));
    let machines = Machines {
        inner: world.ec2.clone(),
        vpc: world.vpc.clone(),
        states: Arc::new(Mutex::new(BTreeMap::from(states))),
        regrouped: Arc::default(),
    };
    world.elb = Elbv2::new(
        world.store.clone(),
        Arc::new(ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap())),
        Arc::new(SequentialIds::default()),
        Arc::new(machines.clone()),
        "127.64.0.0/29".parse().unwrap(),
    );
    (world, machines)
}

fn target(id: &str, port: i32) -> TargetDescription {
    TargetDescription {
        id: id.into(),
        port: Some(port),
        ..Default::default()
    }
}

async fn register(world: &World, group: &str, targets: Vec<TargetDescription>) -> Result<(), ApiError> {
    let input = RegisterTargetsInput {
        target_group_arn: group.into(),
        targets,
    };
    world
        .elb
        .register_targets(&world.context, input)
        .await
        .map(|_| ())
}

async fn health(world: &World, group: &str) -> Vec<(String, i32, String)> {
    let input = DescribeTargetHealthInput {
        target_group_arn: group.into(),
        ..Default::default()
    };
    let answer = world
        .elb
        .describe_target_health(&world.context, input)
        .await
        .unwrap();
    let all = answer.target_health_descriptions.unwrap().into_iter();
    all.map(|it| {
        let target = it.target.unwrap();
        let state = it.target_health.unwrap().state.unwrap();
        (target.id, target.port.unwrap(), state.to_string())
    })
    .collect()
}

#[tokio::test]
async fn instances_are_targets_by_id_and_port_until_they_are_gone() {
    let (world, machines) = with_machines().await;
    let made = world
        .elb
        .create_target_group(
            &world.context,
            CreateTargetGroupInput {
                name: "web".into(),
                protocol: Some(ProtocolEnum::Http),
                port: Some(80),
                vpc_id: Some(world.vpc.clone()),
                ..Default::default()
            },
        )
        .await
        .unwrap();
    let made = made.target_groups.unwrap().remove(0);
    assert_eq!(
        made.target_type,
        Some(TargetTypeEnum::Instance),
        "what AWS makes by default"
    );
    let group = made.target_group_arn.unwrap();
    let error = register(&world, &group, vec![target("i-dead", 80)])
        .await
        .unwrap_err();
    assert_eq!(error.code, "InvalidTarget");
    register(
        &world,
        &group,
        vec![target("i-1", 80), target("i-22", 32768), target("i-22", 32769)],
    )
    .await
    .unwrap();
    machines
        .states
        .lock()
        .unwrap()
        .insert("i-22".into(), InstanceStateName::Stopped);
    let expected = |id: &str, port: i32| (id.to_owned(), port, "unused".to_owned());
    assert_eq!(
        health(&world, &group).await,
        [
            expected("i-1", 80),
            expected("i-22", 32768),
            expected("i-22", 32769)
        ]
    );
    let error = register(&world, &group, vec![target("i-22", 1)])
        .await
        .unwrap_err();
    assert_eq!(
        error.message,
        "The following targets are not in a running state and cannot be registered: 'i-22'"
    );
    machines
        .states
        .lock()
        .unwrap()
        .insert("i-22".into(), InstanceStateName::Terminated);
    Targets::new(world.elb.clone()).activate().await.unwrap();
    assert_eq!(health(&world, &group).await, [expected("i-1", 80)]);
    let input = DeregisterTargetsInput {
        target_group_arn: group.clone(),
        targets: vec![TargetDescription {
            id: "i-1".into(),
            ..Default::default()
        }],
    };
    world.elb.deregister_targets(&world.context, input).await.unwrap();
    Routes::new(world.elb.clone()).activate().await.unwrap();
    assert_eq!(health(&world, &group).await, []);
    assert!(world.store.snapshot().get(ROUTES, RouteTable::KEY).is_some());
}

#[tokio::test]
async fn a_load_balancer_changes_its_subnets_and_groups() {
    let (world, machines) = with_machines().await;
    let arn = world.balancer("web").await.unwrap().load_balancer_arn.unwrap();
    let balancers = Balancers::new(world.elb.clone());
    balancers.activate().await.unwrap();
    let third = ec2::CreateSubnetRequest {
        vpc_id: world.vpc.clone(),
        cidr_block: Some("10.0.3.0/24".into()),
        availability_zone: Some("us-east-1c".into()),
        ..Default::default()
    };
    let third = world.ec2.create_subnet(&world.context, third).await.unwrap();
    let third = third.subnet.unwrap().subnet_id.unwrap();
    let input = SetSubnetsInput {
        load_balancer_arn: arn.clone(),
        subnets: Some(vec![world.subnets[0].clone(), third.clone()]),
        ..Default::default()
    };
    let zones = world
        .elb
        .set_subnets(&world.context, input)
        .await
        .unwrap()
        .availability_zones;
    assert_eq!(zones.unwrap().len(), 2);
    balancers.activate().await.unwrap();
    let all = world
        .ec2
        .describe_network_interfaces(&world.context, Default::default())
        .await;
    let all = all.unwrap().network_interfaces.unwrap().into_iter();
    let mut subnets: Vec<_> = all.filter_map(|it| it.subnet_id).collect();
    let mut expected = vec![world.subnets[0].clone(), third];
    subnets.sort();
    expected.sort();
    assert_eq!(subnets, expected);
    let group = ec2::CreateSecurityGroupRequest {
        group_name: "g".into(),
        description: "g".into(),
        vpc_id: Some(world.vpc.clone()),
        ..Default::default()
    };
    let group = world
        .ec2
        .create_security_group(&world.context, group)
        .await
        .unwrap();
    let input = SetSecurityGroupsInput {
        load_balancer_arn: arn.clone(),
        security_groups: vec![group.group_id.clone().unwrap()],
        ..Default::default()
    };
    world
        .elb
        .set_security_groups(&world.context, input)
        .await
        .unwrap();
    balancers.activate().await.unwrap();
    assert_eq!(machines.regrouped.lock().unwrap().len(), 2);
    let rows = world.store.snapshot().list(LOAD_BALANCERS);
    assert!(rows[0].1.is_settled() && rows[0].1.groups == [group.group_id.unwrap()]);
}

#[tokio::test]
async fn listeners_tell_their_attributes() {
    let (world, _) = with_machines().await;
    let balancer = world.balancer("web").await.unwrap().load_balancer_arn.unwrap();
    let input = CreateListenerInput {
        load_balancer_arn: balancer.clone(),
        protocol: Some(ProtocolEnum::Http),
        port: Some(80),
        default_actions: vec![Action {
            type_: ActionTypeEnum::FixedResponse,
            fixed_response_config: Some(FixedResponseActionConfig {
                status_code: "200".into(),
                ..Default::default()
            }),
            ..Default::default()
        }],
        ..Default::default()
    };
    let made = world.elb.create_listener(&world.context, input).await.unwrap();
    let listener = made.listeners.unwrap().remove(0).listener_arn.unwrap();
    let attribute = |value: &str| ModifyListenerAttributesInput {
        listener_arn: listener.clone(),
        attributes: vec![ListenerAttribute {
            key: Some("routing.http.response.server.enabled".into()),
            value: Some(value.into()),
        }],
    };
    let kept = world
        .elb
        .modify_listener_attributes(&world.context, attribute("true"))
        .await;
    assert!(kept.unwrap().attributes.unwrap().len() > 5);
    assert!(
        world
            .elb
            .modify_listener_attributes(&world.context, attribute("false"))
            .await
            .is_err()
    );
    let input = DescribeCapacityReservationInput {
        load_balancer_arn: balancer,
    };
    let none = world
        .elb
        .describe_capacity_reservation(&world.context, input)
        .await
        .unwrap();
    assert_eq!(none.minimum_load_balancer_capacity, None);
}
