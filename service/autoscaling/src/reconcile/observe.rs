//! What a group's instances are, as EC2 and the load balancers tell.

use std::collections::BTreeSet;

use aws_protocol::{ApiError, Context};
use aws_shape::{ec2, elbv2};
use base_id::Scope;

use crate::Autoscaling;
use crate::model::{Group, Template};
use crate::plan::{Picture, Seen, State};

/// With what is wrong about the launch template, if it is needed and cannot be used.
pub(super) async fn picture(
    autoscaling: &Autoscaling,
    scope: &Scope,
    group: &Group,
) -> Result<Result<Picture, (Picture, ApiError)>, ApiError> {
    let context = Autoscaling::own_context(scope);
    let mut picture = Picture::default();
    let ids: Vec<String> = group
        .members
        .iter()
        .filter_map(|it| it.instance.clone())
        .collect();
    for (id, state) in states(autoscaling, &context, ids).await? {
        let seen = Seen {
            state,
            elb_unhealthy: false,
        };
        picture.instances.insert(id, seen);
    }
    if group.elb_checks {
        for id in unhealthy(autoscaling, &context, group).await? {
            if let Some(seen) = picture.instances.get_mut(&id) {
                seen.elb_unhealthy = true;
            }
        }
    }
    match template(autoscaling, &context, &group.template).await {
        Ok(template) => {
            picture.template = Some(template);
            Ok(Ok(picture))
        }
        Err(error) if error.is_internal() => Err(error),
        Err(error) => Ok(Err((picture, error))),
    }
}

/// How the instances are; what EC2 has forgotten is absent.
pub(super) async fn states(
    autoscaling: &Autoscaling,
    context: &Context,
    ids: Vec<String>,
) -> Result<Vec<(String, State)>, ApiError> {
    if ids.is_empty() {
        return Ok(vec![]);
    }
    let (mut found, mut token) = (Vec::new(), None);
    loop {
        let input = ec2::DescribeInstancesRequest {
            filters: Some(vec![ec2::Filter {
                name: Some("instance-id".to_owned()),
                values: Some(ids.clone()),
            }]),
            next_token: token,
            ..Default::default()
        };
        let answer = autoscaling
            .neighbours
            .ec2
            .describe_instances(context, input)
            .await?;
        let reservations = answer.reservations.into_iter().flatten();
        for instance in reservations.flat_map(|it| it.instances.into_iter().flatten()) {
            let state = instance.state.and_then(|it| it.name);
            if let (Some(id), Some(name)) = (instance.instance_id, state) {
                found.push((id, state_of(&name)));
            }
        }
        token = answer.next_token;
        if token.is_none() {
            return Ok(found);
        }
    }
}

fn state_of(name: &ec2::InstanceStateName) -> State {
    match name {
        ec2::InstanceStateName::Pending => State::Pending,
        ec2::InstanceStateName::Running => State::Running,
        ec2::InstanceStateName::Terminated => State::Gone,
        _ => State::Ended,
    }
}

async fn unhealthy(
    autoscaling: &Autoscaling,
    context: &Context,
    group: &Group,
) -> Result<BTreeSet<String>, ApiError> {
    let mut all = BTreeSet::new();
    for arn in &group.target_groups {
        let input = elbv2::DescribeTargetHealthInput {
            target_group_arn: arn.clone(),
            ..Default::default()
        };
        let answer = autoscaling
            .neighbours
            .elbv2
            .describe_target_health(context, input)
            .await;
        let answer = match answer {
            // A target group that was deleted finds nobody unhealthy.
            Err(error) if error.code == "TargetGroupNotFound" => continue,
            result => result?,
        };
        for one in answer.target_health_descriptions.into_iter().flatten() {
            let state = one.target_health.and_then(|it| it.state);
            if state == Some(elbv2::TargetHealthStateEnum::Unhealthy) {
                all.extend(one.target.map(|it| it.id));
            }
        }
    }
    Ok(all)
}

/// The template with the number that its version means now.
pub(crate) async fn template(
    autoscaling: &Autoscaling,
    context: &Context,
    wanted: &Template,
) -> Result<Template, ApiError> {
    let input = ec2::DescribeLaunchTemplateVersionsRequest {
        launch_template_id: Some(wanted.id.clone()),
        versions: Some(vec![wanted.version.clone()]),
        ..Default::default()
    };
    let answer = autoscaling
        .neighbours
        .ec2
        .describe_launch_template_versions(context, input)
        .await?;
    let found = answer.launch_template_versions.into_iter().flatten().next();
    let number = found.and_then(|it| it.version_number);
    number
        .map(|number| Template {
            version: number.to_string(),
            ..wanted.clone()
        })
        .ok_or_else(|| ApiError::internal("a launch template's version has no number"))
}
