//! What a policy makes of the value that it is called with.

use base_scaling::capacity::{self, Adjustment, Decision, Direction, Move, Picture, Step, Why};
use jiff::{SignedDuration, Timestamp};

use crate::model::{Group, Stage};

/// What a policy says, in numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Rule {
    Simple {
        adjustment: Adjustment,
        by: i32,
        cool_down: Option<i32>,
    },
    Steps {
        adjustment: Adjustment,
        steps: Vec<Step>,
        warm_up: Option<i32>,
    },
    Tracking {
        target: f64,
        only_out: bool,
        warm_up: Option<i32>,
    },
}

/// What it is called with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Call {
    /// By an alarm or a user, with the value and what it was compared with.
    Of {
        value: Option<f64>,
        threshold: Option<f64>,
    },
    /// By the alarms of target tracking.
    High(f64),
    Low(f64),
    /// By a user who does not wait for cool-downs; of simple policies.
    AtOnce,
}

/// How many there shall be; or why nothing is changed, in a sentence.
pub(crate) fn decide(rule: &Rule, group: &Group, call: Call, now: Timestamp) -> Result<Move, String> {
    let current = number(group.desired);
    let (decision, last) = match (rule, call) {
        (Rule::Simple { .. }, _) => (simple(rule, group, call, now)?, None),
        (
            Rule::Steps {
                adjustment,
                steps,
                warm_up,
            },
            Call::Of { value, threshold },
        ) => {
            let (Some(value), Some(threshold)) = (value, threshold) else {
                return Err("The alarm has no value to choose a step by.".to_owned());
            };
            let step = capacity::step_for(steps, value - threshold)
                .ok_or("The policy has nothing to do for this value.")?;
            let seconds = warm_up_seconds(group, *warm_up);
            let last = warming(group, seconds, now);
            let picture = picture(group, last.clone(), now);
            (capacity::step(picture, step, *adjustment, seconds), last)
        }
        (
            Rule::Tracking {
                target,
                only_out,
                warm_up,
            },
            Call::High(value) | Call::Low(value),
        ) => {
            let direction = match call {
                Call::Low(_) if *only_out => return Err("The policy does not scale in.".to_owned()),
                Call::Low(_) => Direction::In,
                _ => Direction::Out,
            };
            let seconds = warm_up_seconds(group, *warm_up);
            let last = warming(group, seconds, now);
            let picture = picture(group, last.clone(), now);
            let decision = capacity::track(picture, value, *target, direction, seconds);
            (decision, last)
        }
        _ => return Err("The policy cannot be called like this.".to_owned()),
    };
    match decision {
        Decision::To(to) => Ok(Move {
            at: now,
            // As long as instances warm up, more are counted from where the first of them began.
            from: last.filter(|_| to > current).map_or(current, |it| it.from),
            to,
            occasion: None,
        }),
        Decision::Not(why) => Err(sentence(why, group)),
    }
}

fn number(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn warm_up_seconds(group: &Group, given: Option<i32>) -> i64 {
    let own = group.warmup_seconds.unwrap_or(group.cooldown_seconds);
    given.unwrap_or(number(own)).into()
}

fn picture(group: &Group, last: Option<Move>, now: Timestamp) -> Picture {
    Picture {
        current: number(group.desired),
        min: number(group.min),
        max: number(group.max),
        last,
        now,
    }
}

fn simple(rule: &Rule, group: &Group, call: Call, now: Timestamp) -> Result<Decision, String> {
    let Rule::Simple {
        adjustment,
        by,
        cool_down,
    } = rule
    else {
        return Err("The policy is no simple one.".to_owned());
    };
    if call != Call::AtOnce {
        cooled(group, cool_down.unwrap_or(number(group.cooldown_seconds)), now)?;
    }
    let step = Step {
        lower: None,
        upper: None,
        adjustment: *by,
    };
    Ok(capacity::step(picture(group, None, now), step, *adjustment, 0))
}

fn sentence(why: Why, group: &Group) -> String {
    match why {
        Why::AlreadyAtMaxCapacity => format!("The group has its maximum size of {} already.", group.max),
        Why::AlreadyAtMinCapacity => format!("The group has its minimum size of {} already.", group.min),
        Why::AlreadyAtDesiredCapacity => "The group has what the policy wants already.".to_owned(),
        Why::CoolDown(left) => format!("Instances warm up for {left} more seconds."),
    }
}

/// A simple policy waits until nothing moves any more, and its cool-down after that.
fn cooled(group: &Group, seconds: i32, now: Timestamp) -> Result<(), String> {
    let is_moving = group.members.iter().any(|it| it.stage != Stage::InService);
    if is_moving || group.count() != group.desired as usize {
        return Err("A scaling activity is in progress.".to_owned());
    }
    let Some(last) = &group.moved else {
        return Ok(());
    };
    let arrived = group.members.iter().filter_map(|it| it.in_service_since);
    let since = arrived.chain(group.scaled_at).fold(last.at, Timestamp::max);
    let left = i64::from(seconds) - now.duration_since(since).as_secs();
    if left > 0 {
        return Err(format!(
            "The cool-down after the last change goes on for {left} seconds."
        ));
    }
    Ok(())
}

/// What a policy added and what is not warm yet.
fn warming(group: &Group, seconds: i64, now: Timestamp) -> Option<Move> {
    let last = group.moved.as_ref().filter(|it| it.to > it.from)?;
    let is_coming = group.count() < group.desired as usize
        || group
            .members
            .iter()
            .any(|it| matches!(it.stage, Stage::Launching | Stage::Pending));
    let since = if is_coming {
        now
    } else {
        let arrived = group.members.iter().filter_map(|it| it.in_service_since);
        arrived.filter(|at| *at >= last.at).max()?
    };
    let is_cold = now.duration_since(since) < SignedDuration::from_secs(seconds);
    is_cold.then(|| Move {
        at: since,
        ..last.clone()
    })
}

#[cfg(test)]
mod tests;
