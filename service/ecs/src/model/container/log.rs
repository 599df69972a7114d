//! Where a container's output goes.

mod delivery;

use aws_protocol::ApiError;
use aws_shape::ecs as shape;
use contract::log::Delivery;
use serde::{Deserialize, Serialize};

use super::Definition;
use crate::error::{client, unsupported};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Log {
    /// Kept with the task only.
    None,
    /// The `awslogs` driver.
    Group {
        name: String,
        region: String,
        prefix: Option<String>,
        create: bool,
        #[serde(default)]
        delivery: Delivery,
    },
}

pub(super) fn parse(definition: &Definition, name: &str) -> Result<Log, ApiError> {
    let Some(configuration) = &definition.log_configuration else {
        return Ok(Log::None);
    };
    match &configuration.log_driver {
        shape::LogDriver::Awslogs => {}
        shape::LogDriver::JsonFile => return without_options(configuration, name),
        shape::LogDriver::Other(other) if other == "none" => return without_options(configuration, name),
        other => {
            return Err(unsupported(&format!(
                "the log driver {other} (container '{name}')"
            )));
        }
    }
    if configuration
        .secret_options
        .as_ref()
        .is_some_and(|it| !it.is_empty())
    {
        return Err(unsupported("secretOptions"));
    }
    let mut options = configuration.options.clone().unwrap_or_default();
    let group = options.remove("awslogs-group");
    let lacks = |what: &str| client(format!("Log driver awslogs requires options: {what}"));
    let group = group.ok_or_else(|| lacks("awslogs-group"))?;
    let region = options
        .remove("awslogs-region")
        .ok_or_else(|| lacks("awslogs-region"))?;
    let prefix = options.remove("awslogs-stream-prefix");
    let create = match options.remove("awslogs-create-group").as_deref() {
        None => false,
        Some(text) if text.eq_ignore_ascii_case("true") => true,
        Some(text) if text.eq_ignore_ascii_case("false") => false,
        Some(other) => {
            return Err(client(format!(
                "The log option awslogs-create-group of container '{name}' is '{other}': it is true or false."
            )));
        }
    };
    let delivery = delivery::parse(&mut options, name)?;
    match options.keys().next() {
        Some(other) => Err(unsupported(&format!(
            "the log option {other} (container '{name}')"
        ))),
        None => Ok(Log::Group {
            name: group,
            region,
            prefix,
            create,
            delivery,
        }),
    }
}

/// The output is kept with the task, and nowhere else.
fn without_options(configuration: &shape::LogConfiguration, name: &str) -> Result<Log, ApiError> {
    match configuration.options.iter().flatten().next() {
        Some((option, _)) => Err(unsupported(&format!(
            "the log option {option} of the driver {} (container '{name}')",
            configuration.log_driver
        ))),
        None => Ok(Log::None),
    }
}
