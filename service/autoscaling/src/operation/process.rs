//! Scaling processes, which can be suspended, and metrics.

use aws_protocol::{ApiError, Context};
use aws_shape::autoscaling::*;

use crate::Autoscaling;
use crate::error::validation;
use crate::model::Group;
use crate::table::{self, GROUPS, key};

/// Those of AWS. AZRebalance has nothing to do here.
const PROCESSES: [&str; 9] = [
    "AZRebalance",
    "AddToLoadBalancer",
    "AlarmNotification",
    "HealthCheck",
    "InstanceRefresh",
    "Launch",
    "ReplaceUnhealthy",
    "ScheduledActions",
    "Terminate",
];

pub(super) const POLICIES: [&str; 7] = [
    "AllocationStrategy",
    "ClosestToNextInstanceHour",
    "Default",
    "NewestInstance",
    "OldestInstance",
    "OldestLaunchConfiguration",
    "OldestLaunchTemplate",
];

/// The only one.
pub(super) const GRANULARITY: &str = "1Minute";

const METRICS: [&str; 21] = [
    "GroupAndWarmPoolDesiredCapacity",
    "GroupAndWarmPoolTotalCapacity",
    "GroupDesiredCapacity",
    "GroupInServiceCapacity",
    "GroupInServiceInstances",
    "GroupMaxSize",
    "GroupMinSize",
    "GroupPendingCapacity",
    "GroupPendingInstances",
    "GroupStandbyCapacity",
    "GroupStandbyInstances",
    "GroupTerminatingCapacity",
    "GroupTerminatingInstances",
    "GroupTerminatingRetainedCapacity",
    "GroupTotalCapacity",
    "GroupTotalInstances",
    "WarmPoolDesiredCapacity",
    "WarmPoolMinSize",
    "WarmPoolPendingCapacity",
    "WarmPoolTotalCapacity",
    "WarmPoolWarmedCapacity",
];

async fn change(
    autoscaling: &Autoscaling,
    context: &Context,
    name: String,
    edit: impl FnOnce(&mut Group) + Send + 'static,
) -> Result<(), ApiError> {
    let scope = context.scope.clone();
    autoscaling
        .store
        .write(move |tx| {
            let mut group = table::group(&tx.snapshot(), &scope, &name)?;
            edit(&mut group);
            tx.put(GROUPS, &key(&scope, &name), group);
            Ok(())
        })
        .await
}

/// Those that were named, or all.
fn chosen(given: Option<Vec<String>>, known: &[&str], what: &str) -> Result<Vec<String>, ApiError> {
    let given = given.unwrap_or_default();
    if let Some(unknown) = given.iter().find(|it| !known.contains(&it.as_str())) {
        return Err(validation(format!("Invalid {what}: {unknown}")));
    }
    if given.is_empty() {
        return Ok(known.iter().map(|it| (*it).to_owned()).collect());
    }
    Ok(given)
}

pub(super) async fn suspend_processes(
    autoscaling: &Autoscaling,
    context: &Context,
    input: ScalingProcessQuery,
) -> Result<(), ApiError> {
    let processes = chosen(input.scaling_processes, &PROCESSES, "process type")?;
    let at = autoscaling.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    change(
        autoscaling,
        context,
        input.auto_scaling_group_name,
        move |group| {
            for process in processes {
                let why = format!("User suspended at {at}");
                group.suspended.entry(process).or_insert(why);
            }
        },
    )
    .await
}

pub(super) async fn resume_processes(
    autoscaling: &Autoscaling,
    context: &Context,
    input: ScalingProcessQuery,
) -> Result<(), ApiError> {
    let processes = chosen(input.scaling_processes, &PROCESSES, "process type")?;
    change(
        autoscaling,
        context,
        input.auto_scaling_group_name,
        move |group| {
            group.suspended.retain(|process, _| !processes.contains(process));
        },
    )
    .await
}

pub(super) async fn enable_metrics_collection(
    autoscaling: &Autoscaling,
    context: &Context,
    input: EnableMetricsCollectionQuery,
) -> Result<(), ApiError> {
    if input.granularity != GRANULARITY {
        return Err(validation(format!("Granularity must be {GRANULARITY}.")));
    }
    let metrics = chosen(input.metrics, &METRICS, "metric")?;
    change(autoscaling, context, input.auto_scaling_group_name, |group| {
        group.metrics.extend(metrics);
    })
    .await
}

pub(super) async fn disable_metrics_collection(
    autoscaling: &Autoscaling,
    context: &Context,
    input: DisableMetricsCollectionQuery,
) -> Result<(), ApiError> {
    let metrics = chosen(input.metrics, &METRICS, "metric")?;
    change(
        autoscaling,
        context,
        input.auto_scaling_group_name,
        move |group| {
            group.metrics.retain(|metric| !metrics.contains(metric));
        },
    )
    .await
}

pub(super) async fn describe_scaling_process_types(
    _: &Autoscaling,
    _: &Context,
    _: DescribeScalingProcessTypesRequest,
) -> Result<ProcessesType, ApiError> {
    let processes = PROCESSES.iter().map(|name| ProcessType {
        process_name: (*name).to_owned(),
    });
    Ok(ProcessesType {
        processes: Some(processes.collect()),
    })
}

pub(super) async fn describe_termination_policy_types(
    _: &Autoscaling,
    _: &Context,
    _: DescribeTerminationPolicyTypesRequest,
) -> Result<DescribeTerminationPolicyTypesAnswer, ApiError> {
    Ok(DescribeTerminationPolicyTypesAnswer {
        termination_policy_types: Some(POLICIES.iter().map(|it| (*it).to_owned()).collect()),
    })
}

pub(super) async fn describe_metric_collection_types(
    _: &Autoscaling,
    _: &Context,
    _: DescribeMetricCollectionTypesRequest,
) -> Result<DescribeMetricCollectionTypesAnswer, ApiError> {
    let metrics = METRICS.iter().map(|it| MetricCollectionType {
        metric: Some((*it).to_owned()),
    });
    let granularity = MetricGranularityType {
        granularity: Some(GRANULARITY.to_owned()),
    };
    Ok(DescribeMetricCollectionTypesAnswer {
        metrics: Some(metrics.collect()),
        granularities: Some(vec![granularity]),
    })
}
