//! Scaling with a service that a test moves and alarms that only remember what they were told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use aws_protocol::{ApiError, Context};
use aws_shape::applicationautoscaling::*;
use aws_shape::{cloudwatch, ecs};
use base_clock::{Clock as _, ManualClock};
use base_id::{Scope, SequentialIds};
use base_reconcile::Reconciler as _;
use base_store::Store;
use contract::alarm::{ActionTarget as _, Firing};
use jiff::Timestamp;

use crate::{AppScaling, Neighbours, Targets};

const SERVICE_ID: &str = "service/c/web";

#[derive(Default)]
struct Fake {
    desired: Mutex<i32>,
    running: Mutex<i32>,
    deployments: Mutex<usize>,
    alarms: Mutex<Vec<cloudwatch::PutMetricAlarmInput>>,
}

#[async_trait]
impl ecs::Api for Fake {
    async fn describe_services(
        &self,
        _: &Context,
        input: ecs::DescribeServicesRequest,
    ) -> Result<ecs::DescribeServicesResponse, ApiError> {
        let service = ecs::Service {
            status: Some("ACTIVE".into()),
            desired_count: Some(*self.desired.lock().unwrap()),
            running_count: Some(*self.running.lock().unwrap()),
            deployments: Some(vec![
                ecs::Deployment::default();
                *self.deployments.lock().unwrap()
            ]),
            ..Default::default()
        };
        let is_there = input.services == ["web"];
        Ok(ecs::DescribeServicesResponse {
            services: Some(is_there.then_some(service).into_iter().collect()),
            ..Default::default()
        })
    }

    async fn update_service(
        &self,
        _: &Context,
        input: ecs::UpdateServiceRequest,
    ) -> Result<ecs::UpdateServiceResponse, ApiError> {
        *self.desired.lock().unwrap() = input.desired_count.unwrap();
        Ok(Default::default())
    }
}

#[async_trait]
impl cloudwatch::Api for Fake {
    async fn put_metric_alarm(
        &self,
        _: &Context,
        input: cloudwatch::PutMetricAlarmInput,
    ) -> Result<(), ApiError> {
        let mut alarms = self.alarms.lock().unwrap();
        alarms.retain(|it| it.alarm_name != input.alarm_name);
        alarms.push(input);
        Ok(())
    }

    async fn delete_alarms(&self, _: &Context, input: cloudwatch::DeleteAlarmsInput) -> Result<(), ApiError> {
        self.alarms
            .lock()
            .unwrap()
            .retain(|it| !input.alarm_names.contains(&it.alarm_name));
        Ok(())
    }
}

struct World {
    scaling: AppScaling,
    fake: Arc<Fake>,
    clock: Arc<ManualClock>,
    context: Context,
}

async fn world(desired: i32) -> World {
    let fake = Arc::new(Fake::default());
    *fake.desired.lock().unwrap() = desired;
    *fake.running.lock().unwrap() = desired;
    *fake.deployments.lock().unwrap() = 1;
    let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_800_000_000).unwrap()));
    let neighbours = Neighbours {
        cloudwatch: fake.clone(),
        ecs: fake.clone(),
    };
    let world = World {
        scaling: AppScaling::new(
            Store::in_memory(),
            clock.clone(),
            Arc::new(SequentialIds::default()),
            neighbours,
        ),
        fake,
        clock,
        context: Context {
            scope: Scope::new("000000000000", "us-east-1"),
            request_id: String::new(),
            principal_arn: String::new(),
            access_key: String::new(),
        },
    };
    world.register(1, 10).await.unwrap();
    world
}

fn ecs_namespace() -> ServiceNamespace {
    "ecs".into()
}

fn dimension() -> ScalableDimension {
    "ecs:service:DesiredCount".into()
}

impl World {
    async fn register(&self, min: i32, max: i32) -> Result<RegisterScalableTargetResponse, ApiError> {
        let input = RegisterScalableTargetRequest {
            service_namespace: ecs_namespace(),
            resource_id: SERVICE_ID.into(),
            scalable_dimension: dimension(),
            min_capacity: Some(min),
            max_capacity: Some(max),
            ..Default::default()
        };
        self.scaling.register_scalable_target(&self.context, input).await
    }

    async fn track(&self, target: f64) -> PutScalingPolicyResponse {
        let input = PutScalingPolicyRequest {
            policy_name: "cpu".into(),
            service_namespace: ecs_namespace(),
            resource_id: SERVICE_ID.into(),
            scalable_dimension: dimension(),
            policy_type: Some("TargetTrackingScaling".into()),
            target_tracking_scaling_policy_configuration: Some(TargetTrackingScalingPolicyConfiguration {
                target_value: target,
                predefined_metric_specification: Some(PredefinedMetricSpecification {
                    predefined_metric_type: "ECSServiceAverageCPUUtilization".into(),
                    resource_label: None,
                }),
                scale_out_cooldown: Some(60),
                scale_in_cooldown: Some(60),
                ..Default::default()
            }),
            ..Default::default()
        };
        self.scaling
            .put_scaling_policy(&self.context, input)
            .await
            .unwrap()
    }

    async fn fire(&self, policy: &str, alarm: &str, value: f64, threshold: f64) -> String {
        // No two firings are of the same moment.
        self.clock.advance(Duration::from_secs(1));
        let firing = Firing {
            scope: self.context.scope.key(),
            alarm: alarm.into(),
            alarm_arn: String::new(),
            action: policy.into(),
            state: "ALARM".into(),
            reason: String::new(),
            value: Some(value),
            threshold: Some(threshold),
            at: self.clock.now(),
        };
        assert!(self.scaling.takes(policy));
        self.scaling.act(firing).await.unwrap()
    }

    fn desired(&self) -> i32 {
        *self.fake.desired.lock().unwrap()
    }

    async fn activities(&self) -> Vec<(String, String, String)> {
        let input = DescribeScalingActivitiesRequest {
            service_namespace: ecs_namespace(),
            include_not_scaled_activities: Some(true),
            ..Default::default()
        };
        let found = self
            .scaling
            .describe_scaling_activities(&self.context, input)
            .await
            .unwrap();
        let all = found.scaling_activities.unwrap().into_iter();
        all.map(|it| (it.description, it.cause, it.status_code.as_str().to_owned()))
            .collect()
    }
}

#[tokio::test]
async fn target_tracking_goes_out_and_in_and_says_why() {
    let world = world(2).await;
    let policy = world.track(50.0).await;
    let alarms = world.fake.alarms.lock().unwrap().clone();
    assert_eq!(
        alarms
            .iter()
            .map(|it| (it.threshold, it.evaluation_periods))
            .collect::<Vec<_>>(),
        [(Some(50.0), Some(3)), (Some(45.0), Some(15))]
    );
    let [high, low] = [0, 1].map(|at| policy.alarms.as_ref().unwrap()[at].alarm_name.clone());
    assert!(
        high.starts_with("TargetTracking-service/c/web-AlarmHigh-"),
        "{high}"
    );
    world.fire(&policy.policy_arn, &high, 90.0, 50.0).await;
    assert_eq!(world.desired(), 4);
    let (description, cause, status) = world.activities().await.remove(0);
    assert_eq!(description, "Setting desired count to 4.");
    assert_eq!(
        cause,
        format!("monitor alarm {high} in state ALARM triggered policy cpu")
    );
    assert_eq!(status, "InProgress");
    *world.fake.running.lock().unwrap() = 4;
    Targets::new(world.scaling.clone()).activate().await.unwrap();
    assert_eq!(world.activities().await[0].2, "Successful");
    let told = world.fire(&policy.policy_arn, &low, 10.0, 45.0).await;
    assert!(told.contains("cool-down"), "{told}");
    world.clock.advance(Duration::from_secs(61));
    *world.fake.deployments.lock().unwrap() = 2;
    let told = world.fire(&policy.policy_arn, &low, 10.0, 45.0).await;
    assert!(told.contains("deployment is in progress"), "{told}");
    *world.fake.deployments.lock().unwrap() = 1;
    world.fire(&policy.policy_arn, &low, 10.0, 45.0).await;
    assert_eq!(world.desired(), 1);
}

#[tokio::test]
async fn steps_follow_the_distance_from_the_threshold() {
    let world = world(2).await;
    let step = |lower: Option<f64>, upper: Option<f64>, by| StepAdjustment {
        metric_interval_lower_bound: lower,
        metric_interval_upper_bound: upper,
        scaling_adjustment: by,
    };
    let input = |steps: Vec<StepAdjustment>| PutScalingPolicyRequest {
        policy_name: "steps".into(),
        service_namespace: ecs_namespace(),
        resource_id: SERVICE_ID.into(),
        scalable_dimension: dimension(),
        policy_type: Some("StepScaling".into()),
        step_scaling_policy_configuration: Some(StepScalingPolicyConfiguration {
            adjustment_type: Some("ChangeInCapacity".into()),
            step_adjustments: Some(steps),
            cooldown: Some(0),
            ..Default::default()
        }),
        ..Default::default()
    };
    let gap = input(vec![step(Some(0.0), Some(5.0), 1), step(Some(10.0), None, 2)]);
    assert_eq!(
        world
            .scaling
            .put_scaling_policy(&world.context, gap)
            .await
            .unwrap_err()
            .code,
        "ValidationException"
    );
    let good = input(vec![step(Some(0.0), Some(20.0), 1), step(Some(20.0), None, 3)]);
    let policy = world
        .scaling
        .put_scaling_policy(&world.context, good)
        .await
        .unwrap();
    world.fire(&policy.policy_arn, "mine", 75.0, 70.0).await;
    assert_eq!(world.desired(), 3);
    world.fire(&policy.policy_arn, "mine", 95.0, 70.0).await;
    assert_eq!(world.desired(), 6);
    world.fire(&policy.policy_arn, "mine", 10.0, 70.0).await;
    assert_eq!(world.desired(), 6, "no step is meant for less");
}

#[tokio::test]
async fn a_schedule_moves_the_bounds_and_the_service_with_them() {
    let world = world(2).await;
    let input = PutScheduledActionRequest {
        service_namespace: ecs_namespace(),
        resource_id: SERVICE_ID.into(),
        scalable_dimension: dimension(),
        scheduled_action_name: "morning".into(),
        schedule: Some("rate(5 minutes)".into()),
        scalable_target_action: Some(ScalableTargetAction {
            min_capacity: Some(5),
            max_capacity: Some(8),
        }),
        ..Default::default()
    };
    world
        .scaling
        .put_scheduled_action(&world.context, input)
        .await
        .unwrap();
    let targets = Targets::new(world.scaling.clone());
    targets.activate().await.unwrap();
    assert_eq!(world.desired(), 2);
    world.clock.advance(Duration::from_secs(301));
    targets.activate().await.unwrap();
    assert_eq!(world.desired(), 5);
    let (_, cause, _) = world.activities().await.remove(0);
    assert_eq!(
        cause,
        "minimum capacity was set to 5 and maximum capacity was set to 8 by the scheduled action morning"
    );
}

#[tokio::test]
async fn bounds_hold_and_a_target_goes_with_all_that_is_its() {
    let world = world(2).await;
    world.track(50.0).await;
    world.register(3, 4).await.unwrap();
    Targets::new(world.scaling.clone()).activate().await.unwrap();
    assert_eq!(world.desired(), 3);
    assert_eq!(
        world.register(5, 4).await.unwrap_err().code,
        "ValidationException"
    );
    let input = DeregisterScalableTargetRequest {
        service_namespace: ecs_namespace(),
        resource_id: SERVICE_ID.into(),
        scalable_dimension: dimension(),
    };
    world
        .scaling
        .deregister_scalable_target(&world.context, input.clone())
        .await
        .unwrap();
    assert!(world.fake.alarms.lock().unwrap().is_empty());
    let error = world
        .scaling
        .deregister_scalable_target(&world.context, input)
        .await
        .unwrap_err();
    assert_eq!(error.code, "ObjectNotFoundException");
}

#[tokio::test]
async fn what_cannot_be_scaled_is_refused() {
    let world = world(2).await;
    for (namespace, id, says) in [
        ("dynamodb", SERVICE_ID, "ECS services only"),
        ("ecs", "service/c", "not of the form"),
        (
            "ecs",
            "service/c/nobody",
            "ECS service doesn't exist: service/c/nobody",
        ),
    ] {
        let input = RegisterScalableTargetRequest {
            service_namespace: namespace.into(),
            resource_id: id.into(),
            scalable_dimension: dimension(),
            min_capacity: Some(1),
            max_capacity: Some(2),
            ..Default::default()
        };
        let error = world
            .scaling
            .register_scalable_target(&world.context, input)
            .await
            .unwrap_err();
        assert_eq!(error.code, "ValidationException");
        assert!(error.message.contains(says), "{error}");
    }
}
