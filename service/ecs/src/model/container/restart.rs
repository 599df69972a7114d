//! Restarting a container in place.

use aws_protocol::ApiError;
use contract::task::Restart;

use super::Definition;
use crate::error::client;

const ATTEMPT_PERIOD_SECONDS_DEFAULT: i32 = 300;
const IGNORED_MAX: usize = 50;

pub(super) fn parse(definition: &mut Definition, name: &str) -> Result<Option<Restart>, ApiError> {
    let Some(policy) = definition.restart_policy.as_mut().filter(|it| it.enabled) else {
        return Ok(None);
    };
    let period = *policy
        .restart_attempt_period
        .get_or_insert(ATTEMPT_PERIOD_SECONDS_DEFAULT);
    if !(60..=1800).contains(&period) {
        return Err(client(format!(
            "Invalid restartAttemptPeriod for container '{name}': it must be between 60 and 1800 seconds."
        )));
    }
    let ignored = policy.ignored_exit_codes.clone().unwrap_or_default();
    if ignored.len() > IGNORED_MAX {
        return Err(client(format!(
            "The restartPolicy of container '{name}' has more than {IGNORED_MAX} ignoredExitCodes."
        )));
    }
    Ok(Some(Restart {
        ignored_exit_codes: ignored,
        attempt_period_seconds: period.unsigned_abs(),
    }))
}
