//! Health checks and start order.

use aws_protocol::ApiError;
use aws_shape::ecs as shape;
use contract::task::{Condition, Dependency, HealthCheck};

use super::Definition;
use crate::error::client;

pub(super) fn dependencies(definition: &Definition, name: &str) -> Result<Vec<Dependency>, ApiError> {
    let parse = |one: &shape::ContainerDependency| {
        if one.container_name.is_empty() {
            return Err(client(format!(
                "Container '{name}' has a dependsOn with an empty containerName."
            )));
        }
        let condition = match &one.condition {
            shape::ContainerCondition::Start => Condition::Start,
            shape::ContainerCondition::Complete => Condition::Complete,
            shape::ContainerCondition::Success => Condition::Success,
            shape::ContainerCondition::Healthy => Condition::Healthy,
            shape::ContainerCondition::Other(other) => {
                let message = format!(
                    "The dependsOn condition '{other}' of container '{name}' is not one of START, COMPLETE, SUCCESS, HEALTHY."
                );
                return Err(client(message));
            }
        };
        Ok(Dependency {
            container: one.container_name.clone(),
            condition,
        })
    };
    definition.depends_on.iter().flatten().map(parse).collect()
}

pub(super) fn check(definition: &Definition, name: &str) -> Result<Option<HealthCheck>, ApiError> {
    let Some(check) = &definition.health_check else {
        return Ok(None);
    };
    if check
        .command
        .first()
        .is_none_or(|kind| !["CMD", "CMD-SHELL", "NONE"].contains(&kind.as_str()))
    {
        return Err(client(format!(
            "The health check command of container '{name}' must begin with CMD or CMD-SHELL."
        )));
    }
    if check.command[0] == "NONE" {
        return Ok(None);
    }
    let within = |value: Option<i32>, default: u32, least: i32, most: i32, what: &str| match value {
        None => Ok(default),
        Some(value) if (least..=most).contains(&value) => Ok(value.unsigned_abs()),
        Some(value) => Err(client(format!(
            "Health check {what} {value} of container '{name}' must be between {least} and {most}."
        ))),
    };
    Ok(Some(HealthCheck {
        command: check.command.clone(),
        interval_seconds: within(check.interval, 30, 5, 300, "interval")?,
        timeout_seconds: within(check.timeout, 5, 2, 120, "timeout")?,
        retries: within(check.retries, 3, 1, 10, "retries")?,
        start_period_seconds: within(check.start_period, 0, 0, 300, "startPeriod")?,
    }))
}
