//! What a group is made of, checked with those who know.

use aws_protocol::{ApiError, Context};
use aws_shape::autoscaling::{LaunchTemplateSpecification, MixedInstancesPolicy};
use aws_shape::{ec2, elbv2};

use super::process::POLICIES;
use crate::Autoscaling;
use crate::error::{unsupported, validation};
use crate::model::{Group, Template};

/// What EC2 says is wrong, as Auto Scaling says it.
fn passed_on(head: &str, error: ApiError) -> ApiError {
    if error.is_internal() {
        return error;
    }
    validation(format!("{head}{}", error.message))
}

pub(super) fn only_template(
    configuration: Option<&String>,
    mixed: Option<&MixedInstancesPolicy>,
) -> Result<(), ApiError> {
    if configuration.is_some() {
        return Err(unsupported("LaunchConfigurationName"));
    }
    if mixed.is_some() {
        return Err(unsupported("MixedInstancesPolicy"));
    }
    Ok(())
}

/// The template with both its id and its name, if its version exists.
pub(super) async fn template(
    autoscaling: &Autoscaling,
    context: &Context,
    given: LaunchTemplateSpecification,
) -> Result<Template, ApiError> {
    let version = given
        .version
        .filter(|it| !it.is_empty())
        .unwrap_or_else(|| "$Default".to_owned());
    let input = ec2::DescribeLaunchTemplateVersionsRequest {
        launch_template_id: given.launch_template_id,
        launch_template_name: given.launch_template_name,
        versions: Some(vec![version.clone()]),
        ..Default::default()
    };
    let answer = autoscaling
        .neighbours
        .ec2
        .describe_launch_template_versions(context, input)
        .await;
    let answer =
        answer.map_err(|error| passed_on("You must use a valid fully-formed launch template. ", error))?;
    let found = answer
        .launch_template_versions
        .into_iter()
        .flatten()
        .next()
        .unwrap_or_default();
    let data = found.launch_template_data.unwrap_or_default();
    if data.image_id.is_none() {
        return Err(validation(
            "You must use a valid fully-formed launch template. The request must contain the parameter ImageId",
        ));
    }
    Ok(Template {
        id: found.launch_template_id.unwrap_or_default(),
        name: found.launch_template_name.unwrap_or_default(),
        version,
    })
}

/// Subnets with their zones.
pub(super) async fn subnets(
    autoscaling: &Autoscaling,
    context: &Context,
    identifier: Option<&str>,
    zones: &[String],
) -> Result<Vec<(String, String)>, ApiError> {
    let ids: Vec<String> = identifier
        .unwrap_or_default()
        .split(',')
        .map(|id| id.trim().to_owned())
        .filter(|id| !id.is_empty())
        .collect();
    if ids.is_empty() && zones.is_empty() {
        return Err(validation(
            "At least one Availability Zone or VPC Subnet is required.",
        ));
    }
    let filter = |name: &str, values: Vec<String>| ec2::Filter {
        name: Some(name.to_owned()),
        values: Some(values),
    };
    // Zones without subnets mean those of the default VPC.
    let (wanted, filters) = if ids.is_empty() {
        let filters = vec![
            filter("default-for-az", vec!["true".to_owned()]),
            filter("availability-zone", zones.to_vec()),
        ];
        (None, Some(filters))
    } else {
        (Some(ids.clone()), None)
    };
    let input = ec2::DescribeSubnetsRequest {
        subnet_ids: wanted,
        filters,
        ..Default::default()
    };
    let answer = autoscaling.neighbours.ec2.describe_subnets(context, input).await;
    let found = answer
        .map_err(|error| passed_on("", error))?
        .subnets
        .unwrap_or_default();
    let mut known: Vec<(String, String)> = found
        .into_iter()
        .filter_map(|it| Some((it.subnet_id?, it.availability_zone?)))
        .collect();
    if known.is_empty() {
        return Err(validation("No default VPC for this user"));
    }
    if let Some((_, zone)) = known
        .iter()
        .find(|(_, zone)| !zones.is_empty() && !zones.contains(zone))
    {
        let message = format!(
            "The availability zones of the specified subnets and the Auto Scaling group do not match: {zone}"
        );
        return Err(validation(message));
    }
    known.sort_by_key(|(subnet, _)| ids.iter().position(|id| id == subnet));
    Ok(known)
}

pub(super) async fn target_groups(
    autoscaling: &Autoscaling,
    context: &Context,
    arns: &[String],
) -> Result<(), ApiError> {
    if arns.is_empty() {
        return Ok(());
    }
    let input = elbv2::DescribeTargetGroupsInput {
        target_group_arns: Some(arns.to_vec()),
        ..Default::default()
    };
    let answer = autoscaling
        .neighbours
        .elbv2
        .describe_target_groups(context, input)
        .await;
    answer.map(drop).map_err(|error| {
        let message = "Provided Target Groups may not be valid. Please ensure they exist and try again.";
        if error.is_internal() {
            error
        } else {
            validation(message)
        }
    })
}

/// Whether the load balancers' checks count; EC2's always do.
pub(super) fn elb_checks(text: &str) -> Result<bool, ApiError> {
    let kinds: Vec<&str> = text.split(',').map(str::trim).collect();
    if let Some(unknown) = kinds.iter().find(|it| !["EC2", "ELB"].contains(it)) {
        return Err(unsupported(&format!("HealthCheckType {unknown}")));
    }
    Ok(kinds.contains(&"ELB"))
}

pub(super) fn policies(given: Vec<String>) -> Result<Vec<String>, ApiError> {
    if let Some(unknown) = given.iter().find(|it| !POLICIES.contains(&it.as_str())) {
        return Err(validation(format!("Termination policy is not valid: {unknown}")));
    }
    Ok(given)
}

pub(super) fn number(name: &str, value: i32) -> Result<u32, ApiError> {
    u32::try_from(value).map_err(|_| validation(format!("{name} must not be negative, but is {value}")))
}

pub(super) fn sizes(group: &Group) -> Result<(), ApiError> {
    let Group {
        min, max, desired, ..
    } = group;
    if max < min {
        let message = format!("Max bound, {max}, must be greater than or equal to min bound, {min}");
        return Err(validation(message));
    }
    if !(min..=max).contains(&desired) {
        let message = format!(
            "Desired capacity:{desired} must be between the specified min size:{min} and max size:{max}"
        );
        return Err(validation(message));
    }
    Ok(())
}
