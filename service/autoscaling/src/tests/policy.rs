//! Policies, called by alarms and by users.

use contract::alarm::{ActionTarget as _, Firing};

use super::*;

fn request(name: &str) -> PutScalingPolicyType {
    PutScalingPolicyType {
        auto_scaling_group_name: NAME.into(),
        policy_name: name.into(),
        ..Default::default()
    }
}

fn tracking(name: &str) -> PutScalingPolicyType {
    PutScalingPolicyType {
        policy_type: Some("TargetTrackingScaling".into()),
        estimated_instance_warmup: Some(10),
        target_tracking_configuration: Some(TargetTrackingConfiguration {
            target_value: 50.0,
            predefined_metric_specification: Some(PredefinedMetricSpecification {
                predefined_metric_type: MetricType::AsgAverageCpuUtilization,
                resource_label: None,
            }),
            ..Default::default()
        }),
        ..request(name)
    }
}

fn simple(name: &str, by: i32) -> PutScalingPolicyType {
    PutScalingPolicyType {
        adjustment_type: Some("ChangeInCapacity".into()),
        scaling_adjustment: Some(by),
        ..request(name)
    }
}

impl World {
    async fn put(&self, input: PutScalingPolicyType) -> Result<(String, Vec<String>), ApiError> {
        let made = self.asg.put_scaling_policy(&self.context, input).await?;
        let alarms = made.alarms.unwrap().into_iter().map(|it| it.alarm_name.unwrap());
        Ok((made.policy_arn.unwrap(), alarms.collect()))
    }

    async fn policies(&self) -> Vec<ScalingPolicy> {
        let input = DescribePoliciesType {
            auto_scaling_group_name: Some(NAME.into()),
            ..Default::default()
        };
        let found = self.asg.describe_policies(&self.context, input).await;
        found.unwrap().scaling_policies.unwrap()
    }

    async fn fire(&self, action: &str, alarm: &str, value: f64) -> Result<String, String> {
        let firing = Firing {
            scope: self.context.scope.key(),
            alarm: alarm.into(),
            alarm_arn: String::new(),
            action: action.into(),
            state: "ALARM".into(),
            reason: String::new(),
            value: Some(value),
            threshold: Some(50.0),
            at: base_clock::Clock::now(&*self.clock),
        };
        assert!(self.asg.takes(action));
        self.asg.act(firing).await
    }

    async fn desired(&self) -> i32 {
        self.find().await.unwrap().desired_capacity
    }
}

#[tokio::test]
async fn tracking_grows_and_shrinks_a_group_and_says_why() {
    let world = world().await;
    world.create(world.request(1, 4, 1)).await.unwrap();
    world.settle().await;
    let (arn, alarms) = world.put(tracking("cpu")).await.unwrap();
    assert_eq!(alarms.len(), 2);
    let high = world.alarms.all.lock().unwrap()[&alarms[0]].clone();
    assert_eq!(high.namespace.as_deref(), Some("AWS/EC2"));
    assert_eq!(high.dimensions.unwrap()[0].name, "AutoScalingGroupName");
    assert_eq!(high.alarm_actions.unwrap(), std::slice::from_ref(&arn));

    world.fire(&arn, &alarms[0], 140.0).await.unwrap();
    assert_eq!(world.desired().await, 3);
    world.settle().await;
    assert_eq!(world.in_service().await.len(), 3);
    let cause = world.activities().await[0].cause.clone();
    assert!(
        cause.contains(&format!(
            "a monitor alarm {} in state ALARM triggered policy cpu changing the desired capacity from 1 to 3.",
            alarms[0]
        )),
        "{cause}"
    );

    // Another policy that is content keeps the group as it is.
    let (_, others) = world.put(tracking("other")).await.unwrap();
    let told = world.fire(&arn, &alarms[1], 10.0).await.unwrap();
    assert_eq!(told, "The policy other does not want fewer instances.");
    world.alarms.ringing.lock().unwrap().push(others[1].clone());
    world.fire(&arn, &alarms[1], 10.0).await.unwrap();
    assert_eq!(world.desired().await, 1);
    world.settle().await;
    assert_eq!(world.in_service().await.len(), 1);
}

#[tokio::test]
async fn a_call_is_answered_once_and_not_while_it_is_suspended() {
    let world = world().await;
    world.create(world.request(1, 9, 1)).await.unwrap();
    world.settle().await;
    let (arn, _) = world.put(simple("more", 2)).await.unwrap();
    let suspend = ScalingProcessQuery {
        auto_scaling_group_name: NAME.into(),
        scaling_processes: Some(vec!["AlarmNotification".into()]),
    };
    world
        .asg
        .suspend_processes(&world.context, suspend.clone())
        .await
        .unwrap();
    let told = world.fire(&arn, "busy", 90.0).await.unwrap();
    assert_eq!(told, "The process AlarmNotification is suspended.");
    world.asg.resume_processes(&world.context, suspend).await.unwrap();
    for _ in 0..2 {
        world.fire(&arn, "busy", 90.0).await.unwrap();
    }
    assert_eq!(world.desired().await, 3);
}

#[tokio::test]
async fn a_disabled_policy_does_nothing() {
    let world = world().await;
    world.create(world.request(1, 9, 1)).await.unwrap();
    world.settle().await;
    let off = PutScalingPolicyType {
        enabled: Some(false),
        ..simple("more", 2)
    };
    let (arn, _) = world.put(off).await.unwrap();
    assert_eq!(
        world.fire(&arn, "busy", 90.0).await.unwrap(),
        "The policy is disabled."
    );
    assert_eq!(world.desired().await, 1);
}

#[tokio::test]
async fn users_execute_policies() {
    let world = world().await;
    world.create(world.request(1, 9, 1)).await.unwrap();
    world.settle().await;
    let (arn, _) = world.put(simple("more", 2)).await.unwrap();
    let execute = |name: &str, group: Option<&str>, honor_cooldown| ExecutePolicyType {
        auto_scaling_group_name: group.map(str::to_owned),
        policy_name: name.into(),
        honor_cooldown,
        ..Default::default()
    };
    let by_arn = execute(&arn, None, None);
    world.asg.execute_policy(&world.context, by_arn).await.unwrap();
    assert_eq!(world.desired().await, 3);
    let waits = execute("more", Some(NAME), Some(true));
    let refused = world.asg.execute_policy(&world.context, waits).await;
    assert_eq!(code(refused), "ScalingActivityInProgress");
    for (name, group) in [("more", None), ("less", Some(NAME)), ("more", Some("nothing"))] {
        let refused = world
            .asg
            .execute_policy(&world.context, execute(name, group, None))
            .await;
        assert_eq!(code(refused), "ValidationError", "{name} {group:?}");
    }
    world.put(tracking("cpu")).await.unwrap();
    let refused = world
        .asg
        .execute_policy(&world.context, execute("cpu", Some(NAME), None))
        .await;
    assert_eq!(code(refused), "ValidationError");
}

#[tokio::test]
async fn policies_go_with_their_group_and_their_alarms_with_them() {
    let world = world().await;
    world.create(world.request(0, 4, 0)).await.unwrap();
    let (arn, alarms) = world.put(tracking("cpu")).await.unwrap();
    let again = world.put(tracking("cpu")).await.unwrap();
    assert_eq!((arn, alarms), again, "a change keeps its names");
    let mut only_out = tracking("cpu");
    only_out
        .target_tracking_configuration
        .as_mut()
        .unwrap()
        .disable_scale_in = Some(true);
    assert_eq!(world.put(only_out).await.unwrap().1.len(), 1);
    assert_eq!(world.alarms.all.lock().unwrap().len(), 1);
    world.put(simple("more", 1)).await.unwrap();
    let less = DeletePolicyType {
        auto_scaling_group_name: Some(NAME.into()),
        policy_name: "more".into(),
    };
    world.asg.delete_policy(&world.context, less).await.unwrap();
    let shown = world.policies().await;
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0].policy_type.as_deref(), Some("TargetTrackingScaling"));
    assert_eq!(shown[0].enabled, Some(true));

    let delete = DeleteAutoScalingGroupType {
        auto_scaling_group_name: NAME.into(),
        force_delete: None,
    };
    world
        .asg
        .delete_auto_scaling_group(&world.context, delete)
        .await
        .unwrap();
    // One of the same name begins with nothing, even before anybody has tidied up.
    world.create(world.request(0, 4, 0)).await.unwrap();
    assert!(world.policies().await.is_empty());
    world.settle().await;
    assert!(world.alarms.all.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_policy_without_its_alarms_is_none() {
    let world = world().await;
    world.create(world.request(0, 4, 0)).await.unwrap();
    *world.alarms.is_full.lock().unwrap() = true;
    assert_eq!(code(world.put(tracking("cpu")).await), "LimitExceeded");
    assert!(world.policies().await.is_empty());
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let world = world().await;
    world.create(world.request(0, 4, 0)).await.unwrap();
    let kind = |kind: &str| PutScalingPolicyType {
        policy_type: Some(kind.into()),
        adjustment_type: Some("ChangeInCapacity".into()),
        ..request("p")
    };
    let step = |lower, upper| StepAdjustment {
        metric_interval_lower_bound: lower,
        metric_interval_upper_bound: upper,
        scaling_adjustment: 1,
    };
    let mut of_nothing = tracking("p");
    of_nothing.auto_scaling_group_name = "nothing".into();
    let mut low = tracking("p");
    low.target_tracking_configuration.as_mut().unwrap().target_value = 0.0;
    let mut two = tracking("p");
    two.target_tracking_configuration
        .as_mut()
        .unwrap()
        .customized_metric_specification = Some(Default::default());
    let cases = [
        (
            request("p"),
            "AdjustmentType is required for policy type SimpleScaling.",
        ),
        (
            kind("SimpleScaling"),
            "ScalingAdjustment is required for policy type SimpleScaling.",
        ),
        (
            kind("StepScaling"),
            "StepAdjustments has between 1 and 20 entries for policy type StepScaling.",
        ),
        (
            PutScalingPolicyType {
                step_adjustments: Some(vec![step(Some(0.0), Some(10.0)), step(Some(5.0), None)]),
                ..kind("StepScaling")
            },
            "StepAdjustment intervals can't overlap",
        ),
        (
            PutScalingPolicyType {
                cooldown: Some(5),
                ..kind("StepScaling")
            },
            "Cooldown cannot be specified with PolicyType StepScaling.",
        ),
        (
            kind("TargetTrackingScaling"),
            "AdjustmentType cannot be specified with PolicyType TargetTrackingScaling.",
        ),
        (kind("Magic"), "The policy type Magic is not valid."),
        (
            kind("PredictiveScaling"),
            "Wharf does not serve the parameter PolicyType PredictiveScaling yet.",
        ),
        (low, "TargetValue must be greater than 0."),
        (
            two,
            "Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification is required.",
        ),
        (
            of_nothing,
            "AutoScalingGroup name not found - AutoScalingGroup 'nothing' not found",
        ),
    ];
    for (input, message) in cases {
        let error = world.put(input).await.unwrap_err();
        assert_eq!(
            (error.code.as_str(), error.message.as_str()),
            ("ValidationError", message)
        );
    }
    assert!(world.policies().await.is_empty());
}
