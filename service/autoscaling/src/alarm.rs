//! An alarm calls a policy: the group's desired capacity is decided and changed in one step, with the reason.

use async_trait::async_trait;
use aws_protocol::ApiError;
use aws_shape::cloudwatch;
use base_id::Scope;
use contract::alarm::{ActionTarget, Firing};

use crate::Autoscaling;
use crate::event;
use crate::model::{Group, Kind, Policy};
use crate::plan::policy::{self, Call, Not};
use crate::table::{self, GROUPS};

#[async_trait]
impl ActionTarget for Autoscaling {
    fn takes(&self, action: &str) -> bool {
        action.starts_with("arn:aws:autoscaling:") && action.contains(":autoScalingGroupName/")
    }

    async fn act(&self, firing: Firing) -> Result<String, String> {
        let scope = Scope::of_key(&firing.scope);
        let all = table::policies(&self.store.snapshot(), &scope, None);
        let found = all.into_iter().find(|it| it.arn == firing.action);
        let policy = found.ok_or("There is no such scaling policy.")?;
        let told = self.follow(&scope, &policy, &firing).await;
        told.map_err(|error| error.message)
    }
}

/// Who calls a policy, for the sentence that says why.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Caller {
    /// Its name, its state, and which of its calls this is: it is answered once.
    Alarm {
        name: String,
        state: String,
        occasion: String,
    },
    User,
}

impl Autoscaling {
    async fn follow(&self, scope: &Scope, policy: &Policy, firing: &Firing) -> Result<String, ApiError> {
        if policy.given()?.enabled == Some(false) {
            return Ok("The policy is disabled.".to_owned());
        }
        let call = match policy.kind {
            Kind::Tracking => {
                let Some(value) = firing.value.filter(|_| firing.state == "ALARM") else {
                    return Ok("The policy has nothing to do for this value.".to_owned());
                };
                if policy.alarms.first() == Some(&firing.alarm) {
                    Call::High(value)
                } else {
                    Call::Low(value)
                }
            }
            Kind::Simple | Kind::Step => Call::Of {
                value: firing.value,
                threshold: firing.threshold,
            },
        };
        if matches!(call, Call::Low(_))
            && let Some(why) = self.dissent(scope, policy).await?
        {
            return Ok(why);
        }
        let caller = Caller::Alarm {
            name: firing.alarm.clone(),
            state: firing.state.clone(),
            occasion: format!("{} {} {}", policy.name, firing.alarm, firing.at),
        };
        let done = self.apply(scope, policy, call, caller).await?;
        Ok(done.unwrap_or_else(|not| not.sentence().to_owned()))
    }

    /// Another policy of target tracking that does not want less.
    async fn dissent(&self, scope: &Scope, policy: &Policy) -> Result<Option<String>, ApiError> {
        for other in table::policies(&self.store.snapshot(), scope, Some(&policy.group)) {
            if other.name == policy.name || !other.scales_in()? {
                continue;
            }
            let input = cloudwatch::DescribeAlarmsInput {
                alarm_names: other.alarms.get(1).map(|it| vec![it.clone()]),
                ..Default::default()
            };
            let context = Self::own_context(scope);
            let found = self
                .neighbours
                .cloudwatch
                .describe_alarms(&context, input)
                .await?;
            // One whose alarm is gone has no opinion.
            let mut alarms = found.metric_alarms.unwrap_or_default().into_iter();
            if alarms.any(|it| it.state_value != Some(cloudwatch::StateValue::Alarm)) {
                return Ok(Some(format!(
                    "The policy {} does not want fewer instances.",
                    other.name
                )));
            }
        }
        Ok(None)
    }

    /// Does what a policy wants. The inner error is why nothing is changed.
    pub(crate) async fn apply(
        &self,
        scope: &Scope,
        policy: &Policy,
        call: Call,
        caller: Caller,
    ) -> Result<Result<String, Not>, ApiError> {
        let rule = policy.rule()?;
        let now = self.clock.now();
        let (scope, policy) = (scope.clone(), policy.clone());
        self.store
            .write(move |tx| {
                let group = table::group(&tx.snapshot(), &scope, &policy.group)?;
                let mut occasion = None;
                if let Caller::Alarm { occasion: this, .. } = &caller {
                    if !group.runs("AlarmNotification") {
                        return Ok(Err(Not::now("The process AlarmNotification is suspended.")));
                    }
                    // The process died after it had done this.
                    let last = group.moved.as_ref();
                    if let Some(last) = last.filter(|it| it.occasion.as_ref() == Some(this)) {
                        return Ok(Ok(said(&group.name, last.to)));
                    }
                    occasion = Some(this.clone());
                }
                let mut moved = match policy::decide(&rule, &group, call, now) {
                    Ok(moved) => moved,
                    Err(why) => return Ok(Err(why)),
                };
                moved.occasion = occasion;
                let (from, to) = (group.desired, u32::try_from(moved.to).unwrap_or(group.desired));
                let change = match &caller {
                    Caller::Alarm { name, state, .. } => {
                        event::alarmed(now, name, state, &policy.name, from, to)
                    }
                    Caller::User => event::executed(now, &policy.name, from, to),
                };
                let told = said(&group.name, moved.to);
                let place = table::key(&scope, &group.name);
                let group = Group {
                    desired: to,
                    change,
                    moved: Some(moved),
                    settled_at: None,
                    back_off: None,
                    ..group
                };
                tx.put(GROUPS, &place, group);
                Ok(Ok(told))
            })
            .await
    }
}

fn said(group: &str, to: i32) -> String {
    format!("Set the desired capacity of {group} to {to}.")
}
