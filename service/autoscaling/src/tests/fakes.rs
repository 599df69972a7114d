//! Neighbours that misbehave when told so.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use aws_protocol::{ApiError, Context};
use aws_shape::ec2::{self, *};
use aws_shape::{cloudwatch, elbv2};
use base_store::{Store, StoreError, Table};
use contract::task::{DesiredTask, ObservedTask, TaskPhase};

const DESIRED: Table<DesiredTask> = Table::new(DesiredTask::TABLE, 1);
const OBSERVED: Table<ObservedTask> = Table::new(ObservedTask::TABLE, 1);

/// Every boot moves one step.
pub(super) async fn step(store: &Store) {
    let done = store.write(|tx| {
        for (id, wish) in tx.list(DESIRED) {
            let seen = tx.get(OBSERVED, &id).map(|row| row.phase);
            let phase = match (seen, &wish.stop) {
                (None, _) => TaskPhase::Pending,
                (Some(TaskPhase::Stopping | TaskPhase::Stopped), _) => TaskPhase::Stopped,
                (Some(_), Some(_)) => TaskPhase::Stopping,
                (Some(_), None) => TaskPhase::Running,
            };
            let seen = ObservedTask {
                id: id.clone(),
                generation: wish.generation,
                phase,
                address: None,
                containers: vec![],
                pull_started_at: None,
                pull_stopped_at: None,
                started_at: None,
                stopping_at: None,
                stopped_at: None,
                stop_cause: None,
            };
            tx.put(OBSERVED, &id, seen);
        }
        for (id, _) in tx.list(OBSERVED) {
            if tx.get(DESIRED, &id).is_none() {
                tx.delete(OBSERVED, &id);
            }
        }
        Ok::<_, StoreError>(())
    });
    done.await.unwrap();
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    None,
    /// About every second call is done, and its answer is lost: as if the caller had died in between.
    LostAnswers,
    /// No instance is launched.
    NoCapacity,
}

/// The real EC2, behind a line that may fail.
pub(super) struct Flaky {
    ec2: service_ec2::Ec2,
    state: Mutex<(Trouble, usize)>,
    /// How often instances were asked for.
    pub(super) runs: Mutex<usize>,
}

impl Flaky {
    pub(super) fn new(ec2: service_ec2::Ec2) -> Self {
        Self {
            ec2,
            state: Mutex::new((Trouble::None, 0)),
            runs: Mutex::new(0),
        }
    }

    pub(super) fn set(&self, trouble: Trouble) {
        self.state.lock().unwrap().0 = trouble;
    }

    fn lose<T>(&self, answer: Result<T, ApiError>) -> Result<T, ApiError> {
        let mut state = self.state.lock().unwrap();
        state.1 += 1;
        if state.0 == Trouble::LostAnswers && (state.1.wrapping_mul(2_654_435_761) >> 9).is_multiple_of(2) {
            return Err(ApiError::internal("the answer is lost"));
        }
        answer
    }
}

#[async_trait]
impl ec2::Api for Flaky {
    async fn run_instances(
        &self,
        context: &Context,
        input: RunInstancesRequest,
    ) -> Result<Reservation, ApiError> {
        *self.runs.lock().unwrap() += 1;
        if self.state.lock().unwrap().0 == Trouble::NoCapacity {
            let message =
                "We currently do not have sufficient capacity in the Availability Zone you requested.";
            return Err(ApiError::client("InsufficientInstanceCapacity", message));
        }
        self.lose(self.ec2.run_instances(context, input).await)
    }

    async fn terminate_instances(
        &self,
        context: &Context,
        input: TerminateInstancesRequest,
    ) -> Result<TerminateInstancesResult, ApiError> {
        self.lose(self.ec2.terminate_instances(context, input).await)
    }

    async fn describe_instances(
        &self,
        context: &Context,
        input: DescribeInstancesRequest,
    ) -> Result<DescribeInstancesResult, ApiError> {
        self.lose(self.ec2.describe_instances(context, input).await)
    }

    async fn describe_launch_template_versions(
        &self,
        context: &Context,
        input: DescribeLaunchTemplateVersionsRequest,
    ) -> Result<DescribeLaunchTemplateVersionsResult, ApiError> {
        self.ec2.describe_launch_template_versions(context, input).await
    }

    async fn describe_subnets(
        &self,
        context: &Context,
        input: DescribeSubnetsRequest,
    ) -> Result<DescribeSubnetsResult, ApiError> {
        self.ec2.describe_subnets(context, input).await
    }
}

/// Targets and how they are. Those that leave drain for a few steps.
#[derive(Default)]
pub(super) struct Balancer {
    targets: Mutex<BTreeMap<String, Health>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Healthy,
    Unhealthy,
    Draining(u32),
}

impl Balancer {
    pub(super) fn step(&self) {
        let mut targets = self.targets.lock().unwrap();
        targets.retain(|_, health| *health != Health::Draining(0));
        for health in targets.values_mut() {
            if let Health::Draining(left) = health {
                *left -= 1;
            }
        }
    }

    pub(super) fn health(&self, id: &str) -> Option<Health> {
        self.targets.lock().unwrap().get(id).copied()
    }

    pub(super) fn sicken(&self, id: &str) {
        self.targets
            .lock()
            .unwrap()
            .insert(id.to_owned(), Health::Unhealthy);
    }
}

#[async_trait]
impl elbv2::Api for Balancer {
    async fn describe_target_groups(
        &self,
        _: &Context,
        _: elbv2::DescribeTargetGroupsInput,
    ) -> Result<elbv2::DescribeTargetGroupsOutput, ApiError> {
        Ok(Default::default())
    }

    async fn register_targets(
        &self,
        _: &Context,
        input: elbv2::RegisterTargetsInput,
    ) -> Result<elbv2::RegisterTargetsOutput, ApiError> {
        for target in input.targets {
            self.targets.lock().unwrap().insert(target.id, Health::Healthy);
        }
        Ok(elbv2::RegisterTargetsOutput {})
    }

    async fn deregister_targets(
        &self,
        _: &Context,
        input: elbv2::DeregisterTargetsInput,
    ) -> Result<elbv2::DeregisterTargetsOutput, ApiError> {
        for target in input.targets {
            let mut targets = self.targets.lock().unwrap();
            let health = targets.get_mut(&target.id);
            if let Some(health) = health.filter(|it| !matches!(it, Health::Draining(_))) {
                *health = Health::Draining(3);
            }
        }
        Ok(elbv2::DeregisterTargetsOutput {})
    }

    async fn describe_target_health(
        &self,
        _: &Context,
        _: elbv2::DescribeTargetHealthInput,
    ) -> Result<elbv2::DescribeTargetHealthOutput, ApiError> {
        let targets = self.targets.lock().unwrap();
        let told = targets.iter().map(|(id, health)| elbv2::TargetHealthDescription {
            target: Some(elbv2::TargetDescription {
                id: id.clone(),
                ..Default::default()
            }),
            target_health: Some(elbv2::TargetHealth {
                state: Some(match health {
                    Health::Healthy => elbv2::TargetHealthStateEnum::Healthy,
                    Health::Unhealthy => elbv2::TargetHealthStateEnum::Unhealthy,
                    Health::Draining(_) => elbv2::TargetHealthStateEnum::Draining,
                }),
                ..Default::default()
            }),
            ..Default::default()
        });
        Ok(elbv2::DescribeTargetHealthOutput {
            target_health_descriptions: Some(told.collect()),
        })
    }
}

/// Alarms that only remember what they were told.
#[derive(Default)]
pub(super) struct Alarms {
    pub(super) all: Mutex<BTreeMap<String, cloudwatch::PutMetricAlarmInput>>,
    /// Those that are in the state ALARM.
    pub(super) ringing: Mutex<Vec<String>>,
    /// No alarm is taken.
    pub(super) is_full: Mutex<bool>,
}

#[async_trait]
impl cloudwatch::Api for Alarms {
    async fn put_metric_alarm(
        &self,
        _: &Context,
        input: cloudwatch::PutMetricAlarmInput,
    ) -> Result<(), ApiError> {
        if *self.is_full.lock().unwrap() {
            return Err(ApiError::client("LimitExceeded", "There are too many alarms."));
        }
        self.all.lock().unwrap().insert(input.alarm_name.clone(), input);
        Ok(())
    }

    async fn delete_alarms(&self, _: &Context, input: cloudwatch::DeleteAlarmsInput) -> Result<(), ApiError> {
        for name in input.alarm_names {
            self.all.lock().unwrap().remove(&name);
        }
        Ok(())
    }

    async fn describe_alarms(
        &self,
        _: &Context,
        input: cloudwatch::DescribeAlarmsInput,
    ) -> Result<cloudwatch::DescribeAlarmsOutput, ApiError> {
        let ringing = self.ringing.lock().unwrap();
        let names = input.alarm_names.unwrap_or_default().into_iter();
        let known = names.filter(|it| self.all.lock().unwrap().contains_key(it));
        let told = known.map(|name| cloudwatch::MetricAlarm {
            state_value: Some(if ringing.contains(&name) {
                cloudwatch::StateValue::Alarm
            } else {
                cloudwatch::StateValue::Ok
            }),
            alarm_name: Some(name),
            ..Default::default()
        });
        Ok(cloudwatch::DescribeAlarmsOutput {
            metric_alarms: Some(told.collect()),
            ..Default::default()
        })
    }
}
