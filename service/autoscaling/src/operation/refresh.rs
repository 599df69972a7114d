//! Instance refreshes.

use aws_protocol::{ApiError, Context, page};
use aws_shape::autoscaling::*;

use super::{describe, group_check};
use crate::error::{bad_token, unsupported, validation};
use crate::model::{Protected, Refresh, RefreshStatus};
use crate::table::{self, GROUPS, key};
use crate::{Autoscaling, model};

/// AWS's own value where nothing is said.
const MIN_HEALTHY_PERCENT: i32 = 90;
/// Of one group; older ones are forgotten.
const REFRESHES_MAX: usize = 50;
const PAGE_MAX: usize = 100;
const PAGE_DEFAULT: i32 = 50;

fn check(preferences: &RefreshPreferences) -> Result<(), ApiError> {
    let listed = preferences.checkpoint_percentages.as_ref();
    let alarms = preferences
        .alarm_specification
        .as_ref()
        .and_then(|it| it.alarms.as_ref());
    for (asked, name) in [
        (listed.is_some_and(|it| !it.is_empty()), "CheckpointPercentages"),
        (preferences.auto_rollback == Some(true), "AutoRollback"),
        (alarms.is_some_and(|it| !it.is_empty()), "AlarmSpecification"),
        (preferences.bake_time.is_some_and(|it| it != 0), "BakeTime"),
        (
            preferences.max_healthy_percentage.is_some_and(|it| it != 100),
            "MaxHealthyPercentage",
        ),
    ] {
        if asked {
            return Err(unsupported(&format!("Preferences.{name}")));
        }
    }
    let percent = preferences.min_healthy_percentage.unwrap_or(MIN_HEALTHY_PERCENT);
    if !(0..=100).contains(&percent) {
        return Err(validation("MinHealthyPercentage must be between 0 and 100."));
    }
    Ok(())
}

pub(super) async fn start_instance_refresh(
    autoscaling: &Autoscaling,
    context: &Context,
    input: StartInstanceRefreshType,
) -> Result<StartInstanceRefreshAnswer, ApiError> {
    if input.strategy.is_some_and(|it| it != RefreshStrategy::Rolling) {
        return Err(unsupported("Strategy other than Rolling"));
    }
    let preferences = input.preferences.unwrap_or_default();
    check(&preferences)?;
    let wanted = input.desired_configuration.unwrap_or_default();
    group_check::only_template(None, wanted.mixed_instances_policy.as_ref())?;
    let template = match wanted.launch_template {
        Some(given) => Some(group_check::template(autoscaling, context, given).await?),
        None => None,
    };
    let (scope, now, id) = (
        context.scope.clone(),
        autoscaling.clock.now(),
        autoscaling.ids.uuid(),
    );
    let warmup = preferences
        .instance_warmup
        .map(|it| group_check::number("InstanceWarmup", it));
    let warmup = warmup.transpose()?;
    autoscaling
        .store
        .write(move |tx| {
            let mut group = table::group(&tx.snapshot(), &scope, &input.auto_scaling_group_name)?;
            if group.refresh().is_some() {
                let message = "An Instance Refresh is already in progress and blocks the execution of this Instance Refresh.";
                return Err(ApiError::client("InstanceRefreshInProgress", message));
            }
            if let Some(template) = &template {
                group.template = template.clone();
            }
            let total = group.members.iter().filter(|it| it.counts()).count() as u32;
            let percent = preferences.min_healthy_percentage.unwrap_or(MIN_HEALTHY_PERCENT);
            group.refreshes.push(Refresh {
                id: id.clone(),
                status: RefreshStatus::Pending,
                reason: None,
                started_at: now,
                ended_at: None,
                min_healthy_percent: percent.unsigned_abs(),
                warmup_seconds: warmup,
                skip_matching: preferences.skip_matching.unwrap_or(false),
                protected: match preferences.scale_in_protected_instances {
                    Some(ScaleInProtectedInstances::Refresh) => Protected::Refresh,
                    Some(ScaleInProtectedInstances::Ignore) => Protected::Ignore,
                    _ => Protected::Wait,
                },
                template,
                total,
                left: total,
            });
            let surplus = group.refreshes.len().saturating_sub(REFRESHES_MAX);
            group.refreshes.drain(..surplus);
            tx.put(GROUPS, &key(&scope, &group.name), group.clone());
            Ok(StartInstanceRefreshAnswer {
                instance_refresh_id: Some(id),
            })
        })
        .await
}

pub(super) async fn cancel_instance_refresh(
    autoscaling: &Autoscaling,
    context: &Context,
    input: CancelInstanceRefreshType,
) -> Result<CancelInstanceRefreshAnswer, ApiError> {
    let scope = context.scope.clone();
    autoscaling
        .store
        .write(move |tx| {
            let mut group = table::group(&tx.snapshot(), &scope, &input.auto_scaling_group_name)?;
            let Some(refresh) = group.refresh() else {
                let message = format!(
                    "No in progress or pending Instance Refresh found for Auto Scaling group {}",
                    input.auto_scaling_group_name
                );
                return Err(ApiError::client("ActiveInstanceRefreshNotFound", message));
            };
            refresh.status = RefreshStatus::Cancelling;
            let id = refresh.id.clone();
            tx.put(GROUPS, &key(&scope, &group.name), group.clone());
            Ok(CancelInstanceRefreshAnswer {
                instance_refresh_id: Some(id),
            })
        })
        .await
}

pub(super) async fn describe_instance_refreshes(
    autoscaling: &Autoscaling,
    context: &Context,
    input: DescribeInstanceRefreshesType,
) -> Result<DescribeInstanceRefreshesAnswer, ApiError> {
    let group = table::group(
        &autoscaling.store.snapshot(),
        &context.scope,
        &input.auto_scaling_group_name,
    )?;
    let wanted = input.instance_refresh_ids.filter(|it| !it.is_empty());
    let newest_first = group.refreshes.iter().rev();
    let named = newest_first.filter(|it| wanted.as_ref().is_none_or(|ids| ids.contains(&it.id)));
    let found: Vec<_> = named.map(|it| shape(&group, it)).collect();
    let limit = input.max_records.or(Some(PAGE_DEFAULT));
    let (found, next_token) = page(found, limit, PAGE_MAX, input.next_token.as_deref()).map_err(bad_token)?;
    Ok(DescribeInstanceRefreshesAnswer {
        instance_refreshes: Some(found),
        next_token,
    })
}

fn shape(group: &model::Group, refresh: &Refresh) -> InstanceRefresh {
    let done = refresh.total.saturating_sub(refresh.left);
    let percent = match refresh.status {
        RefreshStatus::Successful => 100,
        _ if refresh.total == 0 => 0,
        // The last is done only when its replacement serves.
        _ => (done * 100 / refresh.total).min(99) as i32,
    };
    let status = match refresh.status {
        RefreshStatus::Pending => InstanceRefreshStatus::Pending,
        RefreshStatus::InProgress => InstanceRefreshStatus::InProgress,
        RefreshStatus::Successful => InstanceRefreshStatus::Successful,
        RefreshStatus::Cancelling => InstanceRefreshStatus::Cancelling,
        RefreshStatus::Cancelled => InstanceRefreshStatus::Cancelled,
        RefreshStatus::Failed => InstanceRefreshStatus::Failed,
    };
    let protected = match refresh.protected {
        Protected::Refresh => ScaleInProtectedInstances::Refresh,
        Protected::Ignore => ScaleInProtectedInstances::Ignore,
        Protected::Wait => ScaleInProtectedInstances::Wait,
    };
    InstanceRefresh {
        instance_refresh_id: Some(refresh.id.clone()),
        auto_scaling_group_name: Some(group.name.clone()),
        status: Some(status),
        status_reason: refresh.reason.clone(),
        start_time: Some(refresh.started_at),
        end_time: refresh.ended_at,
        percentage_complete: Some(percent),
        instances_to_update: Some(refresh.left as i32),
        preferences: Some(RefreshPreferences {
            min_healthy_percentage: Some(refresh.min_healthy_percent as i32),
            instance_warmup: refresh.warmup_seconds.map(|it| it as i32),
            skip_matching: Some(refresh.skip_matching),
            auto_rollback: Some(false),
            scale_in_protected_instances: Some(protected),
            standby_instances: Some(StandbyInstances::Ignore),
            ..Default::default()
        }),
        desired_configuration: refresh.template.as_ref().map(|template| DesiredConfiguration {
            launch_template: Some(describe::template_shape(template)),
            mixed_instances_policy: None,
        }),
        strategy: Some(RefreshStrategy::Rolling),
        ..Default::default()
    }
}
