//! How many there shall be.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A change of capacity, for what must not follow it too soon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    pub at: Timestamp,
    pub from: i32,
    pub to: i32,
    /// Which policy was called by which alarm and when; so that it is done once.
    #[serde(default)]
    pub occasion: Option<String>,
}

/// What a policy looks at.
#[derive(Clone, Debug)]
pub struct Picture {
    pub current: i32,
    pub min: i32,
    pub max: i32,
    pub last: Option<Move>,
    pub now: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    To(i32),
    Not(Why),
}

/// Why nothing is changed, in AWS's codes where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    AlreadyAtMaxCapacity,
    AlreadyAtMinCapacity,
    AlreadyAtDesiredCapacity,
    /// So many seconds are left.
    CoolDown(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Out,
    In,
}

/// What target tracking looks at: so many minutes in a row above its target for more of them, so many below a part of it
/// for fewer, so that the number does not swing.
pub const PERIOD_SECONDS: i32 = 60;
pub const PERIODS_OUT: i32 = 3;
pub const PERIODS_IN: i32 = 15;
pub const IN_PART: f64 = 0.9;

/// By target tracking: as many as would bring the metric to its target.
pub fn track(picture: Picture, value: f64, target: f64, direction: Direction, cool_down: i64) -> Decision {
    let wanted = |base: i32| {
        let exact = f64::from(base) * value / target;
        // What is next to a whole number is that number.
        let whole = (exact - 1e-9).ceil();
        if whole.is_finite() { bounded(whole) } else { base }
    };
    decide(picture, direction, cool_down, |base| match direction {
        Direction::Out => wanted(base.max(1)).max(base),
        Direction::In => wanted(base).min(base),
    })
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the range is cut to that of counts"
)]
fn bounded(number: f64) -> i32 {
    number.clamp(0.0, f64::from(i32::MAX)) as i32
}

/// One step of a policy: bounds relative to the alarm's threshold, and what is done within them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    pub lower: Option<f64>,
    pub upper: Option<f64>,
    pub adjustment: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adjustment {
    Change,
    Exact,
    /// With the least change it makes.
    Percent(i32),
}

/// # Errors
/// When two steps overlap, or nothing is said of what lies between two.
pub fn check(steps: &[Step]) -> Result<(), &'static str> {
    let range = |it: &Step| {
        (
            it.lower.unwrap_or(f64::NEG_INFINITY),
            it.upper.unwrap_or(f64::INFINITY),
        )
    };
    let mut ranges: Vec<(f64, f64)> = steps.iter().map(range).collect();
    ranges.sort_by(|a, b| a.0.total_cmp(&b.0));
    if ranges.contains(&(f64::NEG_INFINITY, f64::INFINITY)) {
        return Err("The upper and lower bound can't be null in the same step adjustment.");
    }
    let ends = ranges.first().zip(ranges.last());
    if ends.is_some_and(|(first, last)| {
        (first.0.is_finite() && first.0 < 0.0) || (last.1.is_finite() && last.1 > 0.0)
    }) {
        return Err("There must be a step adjustment without a bound on the side of the last values.");
    }
    if ranges.iter().any(|(low, high)| low >= high) {
        return Err("At least one StepAdjustment has a lower bound that is not below its upper bound.");
    }
    for pair in ranges.windows(2) {
        if pair[0].1 > pair[1].0 {
            return Err("StepAdjustment intervals can't overlap");
        }
        if pair[0].1 < pair[1].0 {
            return Err("There is a gap between two StepAdjustment intervals");
        }
    }
    Ok(())
}

/// The step that is meant for a value so far from the threshold.
pub fn step_for(steps: &[Step], distance: f64) -> Option<Step> {
    let bounds = |it: &Step| {
        (
            it.lower.unwrap_or(f64::NEG_INFINITY),
            it.upper.unwrap_or(f64::INFINITY),
        )
    };
    // A bound belongs to the step that is nearer to the threshold's far side; the threshold itself to either.
    let above = |it: &&Step| {
        let (lower, upper) = bounds(it);
        distance >= 0.0 && lower <= distance && distance < upper
    };
    let below = |it: &&Step| {
        let (lower, upper) = bounds(it);
        distance <= 0.0 && lower < distance && distance <= upper
    };
    let found = steps.iter().find(above);
    found.or_else(|| steps.iter().find(below)).copied()
}

pub fn adjusted(base: i32, step: Step, adjustment: Adjustment) -> i32 {
    match adjustment {
        Adjustment::Change => base.saturating_add(step.adjustment),
        Adjustment::Exact => step.adjustment,
        Adjustment::Percent(least) => {
            let exact = f64::from(base) * f64::from(step.adjustment) / 100.0;
            // Away from nothing where it is less than one, else towards it, as AWS rounds.
            let change = if exact.abs() < 1.0 && exact != 0.0 {
                exact.signum()
            } else {
                exact.trunc()
            };
            let change = if exact == 0.0 {
                0.0
            } else {
                change.signum() * change.abs().max(f64::from(least))
            };
            bounded(f64::from(base) + change)
        }
    }
}

/// By a step policy.
pub fn step(picture: Picture, step: Step, adjustment: Adjustment, cool_down: i64) -> Decision {
    let direction = if adjusted(picture.current, step, adjustment) >= picture.current {
        Direction::Out
    } else {
        Direction::In
    };
    decide(picture, direction, cool_down, |base| {
        adjusted(base, step, adjustment)
    })
}

/// Out again within the cool-down only beyond what the last move was for; in not at all.
fn decide(picture: Picture, direction: Direction, cool_down: i64, wanted: impl Fn(i32) -> i32) -> Decision {
    let Picture {
        current,
        min,
        max,
        last,
        now,
    } = picture;
    let left = |last: &Move| {
        let end = last
            .at
            .checked_add(SignedDuration::from_secs(cool_down))
            .unwrap_or(last.at);
        end.duration_since(now).as_secs()
    };
    let cooling = last.as_ref().filter(|it| left(it) > 0);
    let base = match (direction, cooling) {
        (Direction::In, Some(it)) => return Decision::Not(Why::CoolDown(left(it))),
        // What was added a moment ago does not show in the metric yet: it counts towards what is wanted now.
        (Direction::Out, Some(it)) if it.to > it.from => it.from,
        _ => current,
    };
    let to = wanted(base).clamp(min, max);
    match (direction, to.cmp(&current)) {
        (Direction::Out, std::cmp::Ordering::Greater) | (Direction::In, std::cmp::Ordering::Less) => {
            Decision::To(to)
        }
        (Direction::Out, _) if current >= max => Decision::Not(Why::AlreadyAtMaxCapacity),
        (Direction::In, _) if current <= min => Decision::Not(Why::AlreadyAtMinCapacity),
        _ => match cooling {
            Some(it) => Decision::Not(Why::CoolDown(left(it))),
            None => Decision::Not(Why::AlreadyAtDesiredCapacity),
        },
    }
}

#[cfg(test)]
mod tests;
