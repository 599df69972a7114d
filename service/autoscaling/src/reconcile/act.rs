//! What members wait for: to be launched, made known to load balancers, drained, terminated. Every step may be
//! repeated: a launch carries the token that was written down before.

use std::collections::BTreeMap;

use aws_protocol::{ApiError, Context};
use aws_shape::{ec2, elbv2};
use base_id::Scope;
use jiff::Timestamp;

use super::{observe, tell};
use crate::Autoscaling;
use crate::model::{Activity, ActivityStatus, Group, Member, Stage};
use crate::plan::{self, Planned, State};
use crate::table::{self, GROUPS};

/// All that can be done now. What fails does not keep the others back.
pub(super) async fn all(autoscaling: &Autoscaling, scope: &Scope, group: &Group) -> Result<(), ApiError> {
    let context = Autoscaling::own_context(scope);
    let leaving = group.members.iter().filter(|it| it.stage == Stage::Terminating);
    let ids: Vec<String> = leaving.filter_map(|it| it.instance.clone()).collect();
    let states: BTreeMap<String, State> = observe::states(autoscaling, &context, ids)
        .await?
        .into_iter()
        .collect();
    let actor = Actor {
        autoscaling,
        context,
        group,
    };
    let mut failure = Ok(());
    for member in &group.members {
        let done = match (member.stage, &member.instance) {
            (Stage::Launching, _) => actor.launch(member).await,
            (Stage::InService, Some(id)) => actor.register(member, id).await,
            (Stage::Terminating, Some(id)) => {
                let state = states.get(id).copied().unwrap_or(State::Gone);
                actor.terminate(member, id, state).await
            }
            (Stage::Detaching, Some(id)) => actor.detach(member, id).await,
            _ => Ok(()),
        };
        if failure.is_ok() {
            failure = done;
        }
    }
    failure
}

struct Actor<'a> {
    autoscaling: &'a Autoscaling,
    context: Context,
    group: &'a Group,
}

impl Actor<'_> {
    /// Changes the member's group as it stands now, if the member is still in this stage.
    async fn change(
        &self,
        member: &Member,
        edit: impl FnOnce(&mut Group, usize, Timestamp) -> Option<Activity> + Send + 'static,
    ) -> Result<(), ApiError> {
        let (scope, name) = (self.context.scope.clone(), self.group.name.clone());
        let (token, stage, now) = (member.token.clone(), member.stage, self.autoscaling.clock.now());
        self.autoscaling
            .store
            .write(move |tx| {
                let place = table::key(&scope, &name);
                let Some(row) = tx.get(GROUPS, &place) else {
                    return Ok(());
                };
                let mut group = Group::clone(&row);
                let index = group
                    .members
                    .iter()
                    .position(|it| it.token == token && it.stage == stage);
                if let Some(index) = index {
                    let told = edit(&mut group, index, now);
                    tell(tx, &scope, &name, told.into_iter().collect());
                    tx.put(GROUPS, &place, group);
                }
                Ok(())
            })
            .await
    }

    async fn launch(&self, member: &Member) -> Result<(), ApiError> {
        let tags = member.tags.iter().map(|(key, value)| ec2::Tag {
            key: Some(key.clone()),
            value: Some(value.clone()),
        });
        let template = member
            .template
            .as_ref()
            .map(|it| ec2::LaunchTemplateSpecification {
                launch_template_id: Some(it.id.clone()),
                version: Some(it.version.clone()),
                ..Default::default()
            });
        let input = ec2::RunInstancesRequest {
            client_token: Some(member.token.clone()),
            launch_template: template,
            subnet_id: Some(member.subnet.clone()),
            min_count: 1,
            max_count: 1,
            tag_specifications: Some(vec![ec2::TagSpecification {
                resource_type: Some(ec2::ResourceType::Instance),
                tags: Some(tags.collect()),
            }]),
            ..Default::default()
        };
        let answer = self
            .autoscaling
            .neighbours
            .ec2
            .run_instances(&self.context, input)
            .await;
        match answer {
            Ok(reservation) => {
                let launched = reservation
                    .instances
                    .into_iter()
                    .flatten()
                    .next()
                    .unwrap_or_default();
                self.change(member, move |group, index, _| {
                    let member = &mut group.members[index];
                    member.stage = Stage::Pending;
                    member.instance = launched.instance_id;
                    member.image = launched.image_id;
                    member.kind = launched.instance_type.map(|it| it.as_str().to_owned());
                    Some(launching(&group.name, member))
                })
                .await
            }
            Err(error) if error.is_internal() => Err(error),
            Err(error) => {
                self.change(member, move |group, index, now| {
                    let member = group.members.remove(index);
                    plan::back_off(group, now);
                    Some(failed(launching(&group.name, &member), &error, now))
                })
                .await
            }
        }
    }

    async fn register(&self, member: &Member, id: &str) -> Result<(), ApiError> {
        let wanted = &self.group.target_groups;
        let mut known = member.registered.clone();
        let mut failure = Ok(());
        for arn in wanted.iter().filter(|arn| !member.registered.contains(*arn)) {
            if !self.group.runs("AddToLoadBalancer") {
                break;
            }
            let input = elbv2::RegisterTargetsInput {
                target_group_arn: arn.clone(),
                targets: vec![target(id)],
            };
            match self
                .autoscaling
                .neighbours
                .elbv2
                .register_targets(&self.context, input)
                .await
            {
                Ok(_) => drop(known.insert(arn.clone())),
                Err(error) => failure = Err(error),
            }
        }
        for arn in member.registered.iter().filter(|arn| !wanted.contains(arn)) {
            match self.deregister(arn, id).await {
                Ok(()) => drop(known.remove(arn)),
                Err(error) => failure = Err(error),
            }
        }
        if known != member.registered {
            self.change(member, move |group, index, _| {
                group.members[index].registered = known;
                None
            })
            .await?;
        }
        failure
    }

    /// What is not there need not be taken away.
    async fn deregister(&self, arn: &str, id: &str) -> Result<(), ApiError> {
        let input = elbv2::DeregisterTargetsInput {
            target_group_arn: arn.to_owned(),
            targets: vec![target(id)],
        };
        match self
            .autoscaling
            .neighbours
            .elbv2
            .deregister_targets(&self.context, input)
            .await
        {
            Err(error) if error.is_internal() => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether requests may still be on their way to it.
    async fn drains(&self, arn: &str, id: &str) -> Result<bool, ApiError> {
        let input = elbv2::DescribeTargetHealthInput {
            target_group_arn: arn.to_owned(),
            ..Default::default()
        };
        let answer = self
            .autoscaling
            .neighbours
            .elbv2
            .describe_target_health(&self.context, input)
            .await;
        let answer = match answer {
            Err(error) if error.is_internal() => return Err(error),
            Err(_) => return Ok(false),
            Ok(answer) => answer,
        };
        let mut all = answer.target_health_descriptions.into_iter().flatten();
        Ok(all.any(|one| {
            let state = one.target_health.and_then(|it| it.state);
            one.target.is_some_and(|it| it.id == id) && state == Some(elbv2::TargetHealthStateEnum::Draining)
        }))
    }

    /// Takes it out of its load balancers; true once nobody is sent to it any more. `wait`: for requests under way.
    async fn leave(&self, member: &Member, id: &str, wait: bool) -> Result<bool, ApiError> {
        let mut left = true;
        for arn in &member.registered {
            self.deregister(arn, id).await?;
            left &= !(wait && self.drains(arn, id).await?);
        }
        Ok(left)
    }

    async fn terminate(&self, member: &Member, id: &str, state: State) -> Result<(), ApiError> {
        let serves = matches!(state, State::Pending | State::Running);
        if !self.leave(member, id, serves).await? {
            return self
                .change(member, |group, index, _| {
                    let member = &group.members[index];
                    let told = plan::terminating(&group.name, member, String::new(), member.since);
                    Some(Activity {
                        status: ActivityStatus::WaitingForDraining,
                        ..told
                    })
                })
                .await;
        }
        if state != State::Gone {
            let input = ec2::TerminateInstancesRequest {
                instance_ids: vec![id.to_owned()],
                ..Default::default()
            };
            match self
                .autoscaling
                .neighbours
                .ec2
                .terminate_instances(&self.context, input)
                .await
            {
                Err(error) if error.code == "InvalidInstanceID.NotFound" => {}
                result => return result.map(drop),
            }
        }
        self.change(member, |group, index, now| {
            let member = group.members.remove(index);
            let told = plan::terminating(&group.name, &member, String::new(), member.since);
            Some(Activity {
                status: ActivityStatus::Successful,
                ended_at: Some(now),
                ..told
            })
        })
        .await
    }

    async fn detach(&self, member: &Member, id: &str) -> Result<(), ApiError> {
        if !self.leave(member, id, true).await? {
            return Ok(());
        }
        self.change(member, |group, index, now| {
            let member = group.members.remove(index);
            let told = plan::terminating(&group.name, &member, String::new(), member.since);
            Some(Activity {
                description: format!(
                    "Detaching EC2 instance: {}",
                    member.instance.as_deref().unwrap_or_default()
                ),
                status: ActivityStatus::Successful,
                ended_at: Some(now),
                ..told
            })
        })
        .await
    }
}

fn target(id: &str) -> elbv2::TargetDescription {
    elbv2::TargetDescription {
        id: id.to_owned(),
        ..Default::default()
    }
}

fn launching(group: &str, member: &Member) -> Activity {
    Activity {
        id: member.activity.clone(),
        group: group.to_owned(),
        description: plan::event_launching(member.instance.as_deref()),
        cause: String::new(),
        started_at: member.since,
        ended_at: None,
        status: ActivityStatus::PreInService,
        message: None,
        details: plan::details(member),
    }
}

fn failed(activity: Activity, error: &ApiError, now: Timestamp) -> Activity {
    let sentence = error.message.trim_end_matches('.');
    Activity {
        description: format!(
            "Launching a new EC2 instance.  Status Reason: {sentence}.  Launching EC2 instance failed."
        ),
        status: ActivityStatus::Failed,
        ended_at: Some(now),
        message: Some(format!("{sentence}. Launching EC2 instance failed.")),
        ..activity
    }
}

/// The launch template cannot be used: that is a launch which failed.
pub(super) fn cannot_launch(planned: &mut Planned, error: &ApiError, now: Timestamp, id: String) {
    let group = &mut planned.group;
    let waits = group.back_off.as_ref().is_some_and(|it| it.until > now);
    let short = group.count() < group.desired as usize;
    if !short || waits || group.deleting || !group.runs("Launch") {
        return;
    }
    let count = group.count();
    plan::back_off(group, now);
    let activity = Activity {
        id,
        group: group.name.clone(),
        description: plan::event_launching(None),
        cause: crate::event::started(now, count, count + 1),
        started_at: now,
        ended_at: None,
        status: ActivityStatus::PreInService,
        message: None,
        details: "{}".to_owned(),
    };
    planned.activities.push(failed(activity, error, now));
}
