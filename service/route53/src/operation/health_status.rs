//! What the checkers have seen.

use aws_protocol::{ApiError, Context};
use aws_shape::route53::*;
use contract::dns::{CheckerResult, Head, ObservedCheck};
use jiff::Timestamp;

use crate::Route53;
use crate::error::invalid;
use crate::table::{self, OBSERVED};

/// From where checkers ask: this machine.
const CHECKERS: &str = "127.0.0.1";

fn observation(result: &CheckerResult) -> HealthCheckObservation {
    HealthCheckObservation {
        region: Some(result.region.as_str().into()),
        ip_address: Some(CHECKERS.to_owned()),
        status_report: Some(StatusReport {
            status: Some(result.text.clone()),
            checked_time: Timestamp::from_second(result.at_seconds).ok(),
        }),
    }
}

fn seen(route53: &Route53, context: &Context, given: &str) -> Result<Option<ObservedCheck>, ApiError> {
    let snapshot = route53.store.snapshot();
    let check = table::check(&snapshot, context, given)?;
    if check.config.is_calculated() {
        return Err(invalid(
            "The health check is a calculated health check, whose status is not reported by checkers.",
        ));
    }
    let all = snapshot.get(OBSERVED, Head::KEY);
    let own = all.and_then(|it| it.checks.iter().find(|it| it.id == check.id).cloned());
    Ok(own)
}

pub(super) async fn get_health_check_status(
    route53: &Route53,
    context: &Context,
    input: GetHealthCheckStatusRequest,
) -> Result<GetHealthCheckStatusResponse, ApiError> {
    let seen = seen(route53, context, &input.health_check_id)?;
    let results = seen.map(|it| it.results).unwrap_or_default();
    Ok(GetHealthCheckStatusResponse {
        health_check_observations: results.iter().map(observation).collect(),
    })
}

pub(super) async fn get_health_check_last_failure_reason(
    route53: &Route53,
    context: &Context,
    input: GetHealthCheckLastFailureReasonRequest,
) -> Result<GetHealthCheckLastFailureReasonResponse, ApiError> {
    let seen = seen(route53, context, &input.health_check_id)?;
    let results = seen.map(|it| it.last_failures).unwrap_or_default();
    Ok(GetHealthCheckLastFailureReasonResponse {
        health_check_observations: results.iter().map(observation).collect(),
    })
}

pub(super) async fn get_checker_ip_ranges(
    _: &Route53,
    _: &Context,
    _: GetCheckerIpRangesRequest,
) -> Result<GetCheckerIpRangesResponse, ApiError> {
    Ok(GetCheckerIpRangesResponse {
        checker_ip_ranges: vec![format!("{CHECKERS}/32")],
    })
}
