//! The state of an alarm by its last periods: M of N breach, and what counts where values are missing.

use crate::model::{Gap, Metric};

/// Periods that are looked at beyond N, so that values that come late do not leave a gap.
pub(crate) const PERIODS_BEYOND: usize = 2;

pub(crate) const OK: &str = "OK";
pub(crate) const ALARM: &str = "ALARM";
pub(crate) const INSUFFICIENT_DATA: &str = "INSUFFICIENT_DATA";

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Verdict {
    /// `None`: as before.
    pub state: Option<&'static str>,
    /// The values that counted, with their places in what was given, oldest first.
    pub counted: Vec<(usize, f64)>,
    pub breaching: usize,
    /// Periods without a value that had to count as something.
    pub missing: usize,
}

pub(crate) fn breaches(comparison: &str, value: f64, threshold: f64) -> bool {
    match comparison {
        "GreaterThanOrEqualToThreshold" => value >= threshold,
        "GreaterThanThreshold" => value > threshold,
        "LessThanThreshold" => value < threshold,
        _ => value <= threshold,
    }
}

pub(crate) fn needed(alarm: &Metric) -> usize {
    let count = alarm.datapoints_to_alarm.unwrap_or(alarm.evaluation_periods);
    usize::try_from(count).unwrap_or(1)
}

/// `points`: the values of the last N + [`PERIODS_BEYOND`] periods, oldest first.
pub(crate) fn evaluate(alarm: &Metric, points: &[Option<f64>]) -> Verdict {
    let periods = usize::try_from(alarm.evaluation_periods).unwrap_or(1);
    let needed = needed(alarm);
    let present: Vec<(usize, f64)> = points
        .iter()
        .enumerate()
        .filter_map(|(place, value)| value.map(|value| (place, value)))
        .collect();
    let counted = present[present.len().saturating_sub(periods)..].to_vec();
    let breaching = counted
        .iter()
        .filter(|(_, value)| breaches(&alarm.comparison, *value, alarm.threshold))
        .count();
    let missing = periods - counted.len();
    let verdict = |state| Verdict {
        state,
        counted: counted.clone(),
        breaching,
        missing,
    };
    if breaching >= needed {
        return verdict(Some(ALARM));
    }
    if missing == 0 {
        return verdict(Some(OK));
    }
    verdict(match alarm.missing.unwrap_or(Gap::Missing) {
        Gap::Breaching if breaching + missing >= needed => Some(ALARM),
        Gap::Breaching | Gap::NotBreaching => Some(OK),
        // Something that is all right among what is there.
        _ if breaching < counted.len() => Some(OK),
        Gap::Missing if counted.is_empty() => Some(INSUFFICIENT_DATA),
        // All that is there breaches. It counts when the oldest of it is as old as M periods.
        Gap::Missing
            if counted
                .first()
                .is_some_and(|(place, _)| points.len() - place >= needed) =>
        {
            Some(ALARM)
        }
        Gap::Missing | Gap::Ignore => None,
    })
}

#[cfg(test)]
mod tests;
