//! When scheduled actions are due, and what they make of a group.

use base_scaling::schedule;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::event;
use crate::model::{Group, Schedule};

const MISSED_MAX: usize = 1000;

/// The first time after `after`; `None` if there is none before `end`.
///
/// # Errors
/// What is wrong with it, in a sentence.
pub(crate) fn next(
    recurrence: Option<&str>,
    time_zone: Option<&str>,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    after: Timestamp,
) -> Result<Option<Timestamp>, String> {
    let name = time_zone.unwrap_or("UTC");
    let zone = TimeZone::get(name).map_err(|_| format!("The time zone {name} is not known."))?;
    let found = match recurrence {
        None => start.filter(|it| *it > after),
        Some(text) => {
            let when = schedule::crontab(text)
                .map_err(|cause| format!("The recurrence {text} is not valid: {cause}."))?;
            // The first time may be the start itself.
            let begin = start.and_then(|it| it.checked_sub(SignedDuration::from_secs(1)).ok());
            let after = begin.map_or(after, |it| it.max(after));
            schedule::next(&when, &zone, after, after)
        }
    };
    Ok(found.filter(|it| end.is_none_or(|end| *it <= end)))
}

/// The next time of one that was taken once: it is understood again.
pub(crate) fn after(it: &Schedule, moment: Timestamp) -> Option<Timestamp> {
    let (recurrence, time_zone) = (it.recurrence.as_deref(), it.time_zone.as_deref());
    next(recurrence, time_zone, it.start, it.end, moment)
        .ok()
        .flatten()
}

/// The last time that it was due, or its next one. Of very many that were missed, one of the first thousand.
pub(crate) fn latest(it: &Schedule, now: Timestamp) -> Timestamp {
    let times = std::iter::successors(Some(it.next_at), |at| after(it, *at));
    let missed = times.take(MISSED_MAX).take_while(|at| *at <= now).last();
    missed.unwrap_or(it.next_at)
}

/// The group after its action has run.
///
/// # Errors
/// Why it cannot run, in a sentence.
pub(crate) fn run(group: &Group, action: &Schedule, now: Timestamp) -> Result<Group, String> {
    let min = action.min.unwrap_or(group.min);
    let max = action.max.unwrap_or(group.max);
    if min > max {
        return Err(format!(
            "The minimum size {min} would be larger than the maximum size {max}."
        ));
    }
    let desired = action.desired.unwrap_or(group.desired).clamp(min, max);
    let told = event::scheduled(
        now,
        &action.name,
        &[
            ("min size", group.min, min),
            ("max size", group.max, max),
            ("desired capacity", group.desired, desired),
        ],
    );
    let is_same = desired == group.desired;
    Ok(Group {
        min,
        max,
        desired,
        change: if is_same { group.change.clone() } else { told },
        moved: group.moved.clone().filter(|_| is_same),
        back_off: group.back_off.clone().filter(|_| is_same),
        ..group.clone()
    })
}

#[cfg(test)]
mod tests;
