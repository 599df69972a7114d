//! Scaling activities, newest first.

use aws_protocol::{ApiError, Context, page};
use aws_shape::autoscaling::*;
use base_id::Scope;

use super::describe;
use crate::error::{bad_token, unsupported};
use crate::model::{self, ActivityStatus};
use crate::{Autoscaling, table};

const ACTIVITIES_MAX: usize = 100;

pub(super) async fn describe_scaling_activities(
    autoscaling: &Autoscaling,
    context: &Context,
    input: DescribeScalingActivitiesType,
) -> Result<ActivitiesType, ApiError> {
    if input.filters.as_ref().is_some_and(|it| !it.is_empty()) {
        return Err(unsupported("Filters"));
    }
    // Those of deleted groups are forgotten with them.
    let (snapshot, scope) = (autoscaling.store.snapshot(), &context.scope);
    let groups = match &input.auto_scaling_group_name {
        Some(name) => vec![std::sync::Arc::new(table::group(&snapshot, scope, name)?)],
        None => table::groups(&snapshot, scope),
    };
    let mut all: Vec<Activity> = groups
        .iter()
        .flat_map(|group| {
            let rows = table::activities(&snapshot, scope, &group.name);
            rows.into_iter()
                .map(|row| shape(scope, Some(group), &row))
                .collect::<Vec<_>>()
        })
        .collect();
    if let Some(ids) = input.activity_ids.filter(|it| !it.is_empty()) {
        all.retain(|it| ids.contains(&it.activity_id));
    }
    all.sort_by_key(|it| std::cmp::Reverse(it.start_time));
    let limit = input.max_records.or(Some(ACTIVITIES_MAX as i32));
    let (activities, next_token) =
        page(all, limit, ACTIVITIES_MAX, input.next_token.as_deref()).map_err(bad_token)?;
    Ok(ActivitiesType {
        activities,
        next_token,
    })
}

pub(super) fn shape(scope: &Scope, group: Option<&model::Group>, activity: &model::Activity) -> Activity {
    let (status, progress) = match activity.status {
        ActivityStatus::PreInService => (ScalingActivityStatusCode::PreInService, 30),
        ActivityStatus::InProgress => (ScalingActivityStatusCode::InProgress, 50),
        ActivityStatus::WaitingForDraining => {
            (ScalingActivityStatusCode::WaitingForElbConnectionDraining, 50)
        }
        ActivityStatus::Successful => (ScalingActivityStatusCode::Successful, 100),
        ActivityStatus::Failed => (ScalingActivityStatusCode::Failed, 100),
        ActivityStatus::Cancelled => (ScalingActivityStatusCode::Cancelled, 100),
    };
    // As AWS has it, in the form of a UUID.
    let id = if activity.id.contains('-') {
        activity.id.clone()
    } else {
        base_id::uuid(&activity.id)
    };
    Activity {
        activity_id: id,
        auto_scaling_group_name: activity.group.clone(),
        description: Some(activity.description.clone()),
        cause: activity.cause.clone(),
        start_time: activity.started_at,
        end_time: activity.ended_at,
        status_code: status,
        status_message: activity.message.clone(),
        progress: Some(progress),
        details: Some(activity.details.clone()),
        auto_scaling_group_state: None,
        auto_scaling_group_arn: group.map(|group| describe::arn(scope, group)),
    }
}
