//! Groups over the real EC2, a data plane without processes, and a load balancer that remembers.

mod fakes;
mod group;
mod policy;
mod refresh;
mod schedule;

use std::sync::Arc;
use std::time::Duration;

use aws_protocol::{ApiError, Context};
use aws_shape::autoscaling::*;
use aws_shape::ec2::{self, Api as _};
use base_clock::ManualClock;
use base_id::{Scope, SequentialIds};
use base_reconcile::Reconciler as _;
use base_store::Store;

use crate::{Autoscaling, Groups, Neighbours, Schedules};
use fakes::{Alarms, Balancer, Flaky, Trouble};

pub(crate) struct World {
    asg: Autoscaling,
    ec2: service_ec2::Ec2,
    flaky: Arc<Flaky>,
    balancer: Arc<Balancer>,
    alarms: Arc<Alarms>,
    store: Store,
    clock: Arc<ManualClock>,
    context: Context,
    subnets: Vec<String>,
}

const NAME: &str = "web";

async fn world() -> World {
    let store = Store::in_memory();
    let clock = Arc::new(ManualClock::new("2026-01-01T12:00:00Z".parse().unwrap()));
    let ids = Arc::new(SequentialIds::default());
    let ec2 = service_ec2::Ec2::new(store.clone(), clock.clone(), ids.clone());
    let flaky = Arc::new(Flaky::new(ec2.clone()));
    let balancer = Arc::new(Balancer::default());
    let alarms = Arc::new(Alarms::default());
    let neighbours = Neighbours {
        cloudwatch: alarms.clone(),
        ec2: flaky.clone(),
        elbv2: balancer.clone(),
    };
    let asg = Autoscaling::new(store.clone(), clock.clone(), ids, neighbours);
    let context = Context {
        scope: Scope::new("000000000000", "us-east-1"),
        request_id: "r".into(),
        principal_arn: "arn:aws:iam::000000000000:root".into(),
        access_key: "k".into(),
    };
    let mut world = World {
        asg,
        ec2,
        flaky,
        balancer,
        alarms,
        store,
        clock,
        context,
        subnets: vec![],
    };
    world.prepare().await;
    world
}

impl World {
    async fn prepare(&mut self) {
        let vpc = ec2::CreateVpcRequest {
            cidr_block: Some("10.0.0.0/16".into()),
            ..Default::default()
        };
        let vpc = self
            .ec2
            .create_vpc(&self.context, vpc)
            .await
            .unwrap()
            .vpc
            .unwrap();
        for (zone, range) in [("us-east-1a", "10.0.1.0/24"), ("us-east-1b", "10.0.2.0/24")] {
            let input = ec2::CreateSubnetRequest {
                vpc_id: vpc.vpc_id.clone().unwrap(),
                cidr_block: Some(range.into()),
                availability_zone: Some(zone.into()),
                ..Default::default()
            };
            let made = self.ec2.create_subnet(&self.context, input).await.unwrap();
            self.subnets.push(made.subnet.unwrap().subnet_id.unwrap());
        }
        let images = self.ec2.describe_images(&self.context, Default::default()).await;
        let image = images.unwrap().images.unwrap()[0].image_id.clone();
        let input = ec2::CreateLaunchTemplateRequest {
            launch_template_name: "lt-web".into(),
            launch_template_data: ec2::RequestLaunchTemplateData {
                image_id: image,
                ..Default::default()
            },
            ..Default::default()
        };
        self.ec2
            .create_launch_template(&self.context, input)
            .await
            .unwrap();
    }

    fn request(&self, min: i32, max: i32, desired: i32) -> CreateAutoScalingGroupType {
        CreateAutoScalingGroupType {
            auto_scaling_group_name: NAME.into(),
            min_size: min,
            max_size: max,
            desired_capacity: Some(desired),
            launch_template: Some(LaunchTemplateSpecification {
                launch_template_name: Some("lt-web".into()),
                version: Some("$Latest".into()),
                ..Default::default()
            }),
            vpc_zone_identifier: Some(self.subnets.join(",")),
            ..Default::default()
        }
    }

    async fn create(&self, input: CreateAutoScalingGroupType) -> Result<(), ApiError> {
        self.asg.create_auto_scaling_group(&self.context, input).await
    }

    /// One look of everybody, and a second passes.
    async fn step(&self) -> Result<(), String> {
        let looked = Groups::new(self.asg.clone()).activate().await;
        Schedules::new(self.asg.clone()).activate().await.unwrap();
        service_ec2::Instances::new(self.ec2.clone())
            .activate()
            .await
            .unwrap();
        fakes::step(&self.store).await;
        self.balancer.step();
        self.clock.advance(Duration::from_secs(1));
        looked.map(drop)
    }

    async fn settle(&self) {
        for _ in 0..30 {
            self.step().await.unwrap();
        }
    }

    async fn find(&self) -> Option<AutoScalingGroup> {
        let found = self
            .asg
            .describe_auto_scaling_groups(&self.context, Default::default())
            .await;
        found.unwrap().auto_scaling_groups.into_iter().next()
    }

    async fn members(&self) -> Vec<Instance> {
        self.find()
            .await
            .map_or_else(Vec::new, |group| group.instances.unwrap())
    }

    async fn in_service(&self) -> Vec<String> {
        let members = self.members().await.into_iter();
        members
            .filter(|it| it.lifecycle_state == LifecycleState::InService)
            .map(|it| it.instance_id)
            .collect()
    }

    /// All instances that EC2 knows, by state.
    async fn instances(&self, state: &str) -> Vec<ec2::Instance> {
        let input = ec2::DescribeInstancesRequest {
            filters: Some(vec![ec2::Filter {
                name: Some("instance-state-name".into()),
                values: Some(vec![state.into()]),
            }]),
            ..Default::default()
        };
        let found = self.ec2.describe_instances(&self.context, input).await.unwrap();
        let all = found.reservations.unwrap().into_iter();
        all.flat_map(|it| it.instances.unwrap()).collect()
    }

    async fn resize(&self, desired: i32) -> Result<(), ApiError> {
        let input = SetDesiredCapacityType {
            auto_scaling_group_name: NAME.into(),
            desired_capacity: desired,
            honor_cooldown: None,
        };
        self.asg.set_desired_capacity(&self.context, input).await
    }

    async fn activities(&self) -> Vec<Activity> {
        let input = DescribeScalingActivitiesType {
            auto_scaling_group_name: Some(NAME.into()),
            ..Default::default()
        };
        let found = self.asg.describe_scaling_activities(&self.context, input).await;
        found.unwrap().activities
    }

    fn trouble(&self, trouble: Trouble) {
        self.flaky.set(trouble);
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, ApiError>) -> String {
    result.unwrap_err().code
}
