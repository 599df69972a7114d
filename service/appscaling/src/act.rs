//! An alarm calls: how many there shall be is decided, the service is changed, and an activity says why.

use async_trait::async_trait;
use aws_protocol::ApiError;
use aws_shape::cloudwatch;
use base_id::Scope;
use base_scaling::capacity::{self, Adjustment, Decision, Direction, Move, Picture, Why};
use contract::alarm::{ActionTarget, Firing};

use crate::AppScaling;
use crate::model::{Activity, Kind, Outcome, Policy, Target};
use crate::operation::policy::steps;
use crate::resource::{Resource, Seen, own_context};
use crate::table::{POLICIES, TARGETS, key, record, target};

/// AWS's, for ECS services.
const COOL_DOWN_SECONDS: i32 = 300;

#[async_trait]
impl ActionTarget for AppScaling {
    fn takes(&self, action: &str) -> bool {
        action.starts_with("arn:aws:autoscaling:") && action.contains(":resource/ecs/service/")
    }

    async fn act(&self, firing: Firing) -> Result<String, String> {
        let scope = Scope::of_key(&firing.scope);
        let all = self.store.snapshot().prefix(POLICIES, &key(&scope, ""));
        let found = all
            .into_iter()
            .map(|(_, it)| it)
            .find(|it| it.arn == firing.action);
        let policy = found.ok_or("There is no such scaling policy.")?;
        self.follow(&scope, &policy, &firing)
            .await
            .map_err(|error| error.message)
    }
}

/// What a policy wants, and in which direction.
struct Wish {
    decision: Decision,
    direction: Direction,
}

impl AppScaling {
    async fn follow(&self, scope: &Scope, policy: &Policy, firing: &Firing) -> Result<String, ApiError> {
        let resource = Resource::of(&policy.resource).map_err(ApiError::internal)?;
        let Some(seen) = self.look(scope, &resource).await? else {
            return Ok(format!("{} does not exist any more.", resource.id));
        };
        let target = target(&self.store.snapshot(), scope, &resource.id)?;
        let occasion = format!("{} {} {}", policy.name, firing.alarm, firing.at);
        // The process died after it had decided: what was decided is done, not decided again.
        if let Some(last) = target
            .last
            .as_ref()
            .filter(|it| it.occasion.as_ref() == Some(&occasion))
        {
            self.set(scope, &resource, last.to).await?;
            return Ok(format!(
                "Set the desired count of {} to {}.",
                resource.id, last.to
            ));
        }
        let picture = Picture {
            current: seen.desired,
            min: target.min,
            max: target.max,
            last: target.last.clone(),
            now: self.clock.now(),
        };
        let wish = match policy.kind {
            Kind::Tracking => tracking(policy, firing, picture)?,
            Kind::Step => step(policy, firing, picture)?,
        };
        let Some(wish) = wish else {
            return Ok("The policy has nothing to do for this value.".to_owned());
        };
        let cause = format!(
            "monitor alarm {} in state {} triggered policy {}",
            firing.alarm, firing.state, policy.name
        );
        if let Some(why) = self.hindrance(scope, policy, &target, &seen, &wish).await? {
            return self.refrain(scope, &resource, &seen, cause, None, why).await;
        }
        match wish.decision {
            Decision::To(desired) => {
                self.change(scope, &resource, &seen, desired, cause, Some(occasion))
                    .await
            }
            Decision::Not(why) => {
                let (code, sentence) = told(why, &target);
                self.refrain(scope, &resource, &seen, cause, code, sentence).await
            }
        }
    }

    /// Why nothing may be changed now, whatever is wanted.
    async fn hindrance(
        &self,
        scope: &Scope,
        policy: &Policy,
        target: &Target,
        seen: &Seen,
        wish: &Wish,
    ) -> Result<Option<String>, ApiError> {
        Ok(match wish.direction {
            Direction::Out if target.suspended.scaling_out => Some("Scaling out is suspended.".to_owned()),
            Direction::In if target.suspended.scaling_in => Some("Scaling in is suspended.".to_owned()),
            Direction::In if seen.is_deploying => {
                Some("A deployment is in progress; nothing is scaled in until it is over.".to_owned())
            }
            Direction::In if policy.kind == Kind::Tracking => self.dissent(scope, policy).await?,
            _ => None,
        })
    }

    /// Another policy of target tracking that does not want less.
    async fn dissent(&self, scope: &Scope, policy: &Policy) -> Result<Option<String>, ApiError> {
        let all = self
            .store
            .snapshot()
            .prefix(POLICIES, &crate::table::sub_key(scope, &policy.resource, ""));
        for (_, other) in all {
            if other.name == policy.name || other.kind != Kind::Tracking {
                continue;
            }
            if other.tracking()?.disable_scale_in == Some(true) {
                continue;
            }
            let input = cloudwatch::DescribeAlarmsInput {
                alarm_names: other.alarms.get(1).map(|it| vec![it.clone()]),
                ..Default::default()
            };
            let found = self
                .neighbours
                .cloudwatch
                .describe_alarms(&own_context(scope), input)
                .await?;
            // One whose alarm is gone has no opinion.
            let mut alarms = found.metric_alarms.unwrap_or_default().into_iter();
            if alarms.any(|it| it.state_value != Some(cloudwatch::StateValue::Alarm)) {
                return Ok(Some(format!(
                    "The policy {} does not want fewer tasks.",
                    other.name
                )));
            }
        }
        Ok(None)
    }

    /// Sets the service's desired count, and writes down why.
    pub(crate) async fn change(
        &self,
        scope: &Scope,
        resource: &Resource,
        seen: &Seen,
        desired: i32,
        cause: String,
        occasion: Option<String>,
    ) -> Result<String, ApiError> {
        let now = self.clock.now();
        let last = Move {
            at: now,
            from: seen.desired,
            to: desired,
            occasion,
        };
        let before = self.remember(scope, resource, Some(last)).await?;
        let result = self.set(scope, resource, desired).await;
        if result.is_err() {
            self.remember(scope, resource, before).await?;
        }
        let activity = Activity {
            id: self.ids.uuid(),
            resource: resource.id.clone(),
            description: format!("Setting desired count to {desired}."),
            cause,
            started_at: now,
            ended_at: result.is_err().then_some(now),
            outcome: if result.is_ok() {
                Outcome::InProgress
            } else {
                Outcome::Failed
            },
            message: match &result {
                Ok(()) => format!(
                    "Successfully set desired count to {desired}. Waiting for change to be fulfilled by ecs."
                ),
                Err(error) => format!(
                    "Failed to set desired count to {desired}. Reason: {}",
                    error.message
                ),
            },
            not_scaled: None,
            desired,
        };
        let (scope, from) = (scope.clone(), seen.desired);
        self.store
            .write(move |tx| {
                let head = crate::table::sub_key(&scope, &activity.resource, "");
                let all = tx.prefix(crate::table::ACTIVITIES, &head);
                // The same failure again and again is told once.
                let same = |it: &Activity| it.outcome == Outcome::Failed && it.message == activity.message;
                if !all.last().is_some_and(|(_, it)| same(it)) {
                    record(tx, &scope, activity);
                }
                Ok::<_, base_store::StoreError>(())
            })
            .await?;
        result.map(|()| {
            format!(
                "Set the desired count of {} from {from} to {desired}.",
                resource.id
            )
        })
    }

    /// Writes down what a target does; what it did before is returned.
    async fn remember(
        &self,
        scope: &Scope,
        resource: &Resource,
        last: Option<Move>,
    ) -> Result<Option<Move>, ApiError> {
        let place = key(scope, &resource.id);
        self.store
            .write(move |tx| {
                let Some(target) = tx.get(TARGETS, &place) else {
                    return Ok(None);
                };
                let before = target.last.clone();
                tx.put(
                    TARGETS,
                    &place,
                    Target {
                        last,
                        ..Target::clone(&target)
                    },
                );
                Ok::<_, ApiError>(before)
            })
            .await
    }

    /// Changes nothing, and writes down why; the same reason in a row only once.
    async fn refrain(
        &self,
        scope: &Scope,
        resource: &Resource,
        seen: &Seen,
        cause: String,
        code: Option<&'static str>,
        sentence: String,
    ) -> Result<String, ApiError> {
        let now = self.clock.now();
        let activity = Activity {
            id: self.ids.uuid(),
            resource: resource.id.clone(),
            description: "Attempting to scale due to alarm triggered".to_owned(),
            cause,
            started_at: now,
            ended_at: Some(now),
            outcome: Outcome::Failed,
            message: sentence.clone(),
            not_scaled: Some(code.unwrap_or("AutoScalingAnticipatedFlapping").to_owned()),
            desired: seen.desired,
        };
        let scope = scope.clone();
        self.store
            .write(move |tx| {
                let head = crate::table::sub_key(&scope, &activity.resource, "");
                let all = tx.prefix(crate::table::ACTIVITIES, &head);
                let same = |it: &Activity| {
                    it.not_scaled == activity.not_scaled
                        && it.cause == activity.cause
                        && it.not_scaled.is_some()
                };
                if !all.last().is_some_and(|(_, it)| same(it)) {
                    record(tx, &scope, activity);
                }
                Ok::<_, base_store::StoreError>(())
            })
            .await?;
        Ok(sentence)
    }
}

fn told(why: Why, target: &Target) -> (Option<&'static str>, String) {
    match why {
        Why::AlreadyAtMaxCapacity => (
            Some("AlreadyAtMaxCapacity"),
            format!("The service has its maximum capacity of {} already.", target.max),
        ),
        Why::AlreadyAtMinCapacity => (
            Some("AlreadyAtMinCapacity"),
            format!("The service has its minimum capacity of {} already.", target.min),
        ),
        Why::AlreadyAtDesiredCapacity => (
            Some("AlreadyAtDesiredCapacity"),
            "The service has what the policy wants already.".to_owned(),
        ),
        Why::CoolDown(left) => (
            None,
            format!("The cool-down after the last change goes on for {left} seconds."),
        ),
    }
}

fn tracking(policy: &Policy, firing: &Firing, picture: Picture) -> Result<Option<Wish>, ApiError> {
    let given = policy.tracking()?;
    let is_high = policy.alarms.first() == Some(&firing.alarm);
    let direction = if is_high { Direction::Out } else { Direction::In };
    let Some(value) = firing.value.filter(|_| firing.state == "ALARM") else {
        return Ok(None);
    };
    if direction == Direction::In && given.disable_scale_in == Some(true) {
        return Ok(None);
    }
    let cool_down = match direction {
        Direction::Out => given.scale_out_cooldown,
        Direction::In => given.scale_in_cooldown,
    };
    let cool_down = cool_down.unwrap_or(COOL_DOWN_SECONDS).into();
    let decision = capacity::track(picture, value, given.target_value, direction, cool_down);
    Ok(Some(Wish { decision, direction }))
}

fn step(policy: &Policy, firing: &Firing, picture: Picture) -> Result<Option<Wish>, ApiError> {
    let given = policy.step()?;
    let (Some(value), Some(threshold)) = (firing.value, firing.threshold) else {
        return Ok(None);
    };
    let steps = steps(&given);
    let Some(step) = capacity::step_for(&steps, value - threshold) else {
        return Ok(None);
    };
    let adjustment = match given.adjustment_type.as_ref().map(|it| it.as_str()) {
        Some("ExactCapacity") => Adjustment::Exact,
        Some("PercentChangeInCapacity") => Adjustment::Percent(given.min_adjustment_magnitude.unwrap_or(0)),
        _ => Adjustment::Change,
    };
    let cool_down = given.cooldown.unwrap_or(COOL_DOWN_SECONDS).into();
    let is_more = capacity::adjusted(picture.current, step, adjustment) >= picture.current;
    Ok(Some(Wish {
        decision: capacity::step(picture, step, adjustment, cool_down),
        direction: if is_more { Direction::Out } else { Direction::In },
    }))
}
