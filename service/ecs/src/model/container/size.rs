//! CPU, memory and times of one container.

use aws_protocol::ApiError;

use super::Definition;
use crate::error::client;

/// Less than Docker gives a container.
const MEMORY_MIB_MIN: i32 = 6;
const START_TIMEOUT_SECONDS_MIN: i32 = 2;

/// What is above zero; AWS takes zero for nothing.
pub(super) fn positive(number: Option<i32>) -> Option<u32> {
    number
        .and_then(|number| u32::try_from(number).ok())
        .filter(|number| *number > 0)
}

pub(super) fn check(definition: &Definition, name: &str) -> Result<(), ApiError> {
    if definition.cpu.is_some_and(|units| units < 0) {
        return Err(client(format!("Invalid 'cpu' setting for container '{name}'.")));
    }
    for (what, mib) in [
        ("memory", definition.memory),
        ("memoryReservation", definition.memory_reservation),
    ] {
        if mib.is_some_and(|mib| mib < MEMORY_MIB_MIN) {
            return Err(client(format!(
                "Invalid '{what}' setting for container '{name}': it must be at least {MEMORY_MIB_MIN} MiB."
            )));
        }
    }
    if definition
        .start_timeout
        .is_some_and(|seconds| seconds < START_TIMEOUT_SECONDS_MIN)
    {
        return Err(client(format!(
            "Invalid startTimeout for container '{name}': it must be at least {START_TIMEOUT_SECONDS_MIN} seconds."
        )));
    }
    match (definition.memory, definition.memory_reservation) {
        (Some(hard), Some(soft)) if soft > hard => Err(client(format!(
            "Invalid setting for container '{name}'. 'memory' must be greater than 'memoryReservation'."
        ))),
        _ => Ok(()),
    }
}
