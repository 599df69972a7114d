//! What was done, and why.

use aws_protocol::{ApiError, Context, page};
use aws_shape::applicationautoscaling::*;

use super::is_served;
use crate::AppScaling;
use crate::model::{Activity, Outcome};
use crate::resource::{DIMENSION, NAMESPACE};
use crate::table::{ACTIVITIES, key, target};

const PAGE_MAX: usize = 50;

pub(super) async fn describe_scaling_activities(
    scaling: &AppScaling,
    context: &Context,
    input: DescribeScalingActivitiesRequest,
) -> Result<DescribeScalingActivitiesResponse, ApiError> {
    let snapshot = scaling.store.snapshot();
    let all = match is_served(&input.service_namespace) {
        true => snapshot.prefix(ACTIVITIES, &key(&context.scope, "")),
        false => vec![],
    };
    let with_all = input.include_not_scaled_activities == Some(true);
    let bounds = |it: &Activity| {
        let target = target(&snapshot, &context.scope, &it.resource).ok();
        target.map_or((None, None), |it| (Some(it.min), Some(it.max)))
    };
    let mut found: Vec<ScalingActivity> = all
        .into_iter()
        .map(|(_, it)| it)
        .filter(|it| input.resource_id.as_ref().is_none_or(|id| *id == it.resource))
        .filter(|it| with_all || it.not_scaled.is_none())
        .map(|it| shown(&it, bounds(&it)))
        .collect();
    // The newest first.
    found.sort_by_key(|it| std::cmp::Reverse(it.start_time));
    let (activities, next_token) = page(found, input.max_results, PAGE_MAX, input.next_token.as_deref())
        .map_err(|_| ApiError::client("InvalidNextTokenException", "The next token is not valid."))?;
    Ok(DescribeScalingActivitiesResponse {
        scaling_activities: Some(activities),
        next_token,
    })
}

fn shown(it: &Activity, (min, max): (Option<i32>, Option<i32>)) -> ScalingActivity {
    ScalingActivity {
        activity_id: it.id.clone(),
        service_namespace: NAMESPACE.into(),
        resource_id: it.resource.clone(),
        scalable_dimension: DIMENSION.into(),
        description: it.description.clone(),
        cause: it.cause.clone(),
        start_time: it.started_at,
        end_time: it.ended_at,
        status_code: match it.outcome {
            Outcome::InProgress => "InProgress",
            Outcome::Successful => "Successful",
            Outcome::Overridden => "Overridden",
            Outcome::Failed => "Failed",
        }
        .into(),
        status_message: Some(it.message.clone()),
        details: None,
        not_scaled_reasons: it.not_scaled.as_ref().map(|code| {
            vec![NotScaledReason {
                code: code.clone(),
                max_capacity: max.filter(|_| code == "AlreadyAtMaxCapacity"),
                min_capacity: min.filter(|_| code == "AlreadyAtMinCapacity"),
                current_capacity: Some(it.desired),
            }]
        }),
    }
}
