//! AWS's standard retries: what may be tried again, and after how long.

use std::time::Duration;

use aws_protocol::ApiError;

use crate::UNREACHABLE;

/// The longest wait before another try, in seconds.
const WAIT_MAX_SECONDS: f64 = 20.0;

/// Errors by which a service asks for less.
const THROTTLED: [&str; 14] = [
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
];

/// Errors that pass by themselves.
const TRANSIENT: [&str; 4] = [
    "InternalError",
    "RequestTimeout",
    "RequestTimeoutException",
    UNREACHABLE,
];

/// Whether a request that failed like this may succeed when it is sent again.
pub fn may_pass(error: &ApiError) -> bool {
    let code = error.code.as_str();
    matches!(error.status, 500 | 502 | 503 | 504) || THROTTLED.contains(&code) || TRANSIENT.contains(&code)
}

/// How long to wait before the next try. `attempt` counts from 0; `chance` is from 0 to 1.
pub fn wait(attempt: u32, chance: f64) -> Duration {
    Duration::from_secs_f64((chance * 2_f64.powi(attempt.min(10).cast_signed())).clamp(0.0, WAIT_MAX_SECONDS))
}

#[cfg(test)]
mod tests;
