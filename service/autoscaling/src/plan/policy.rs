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

/// Why nothing is changed, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Not {
    /// Something has to be waited for.
    Yet(String),
    Now(String),
    /// No step is meant for the value.
    Ever(String),
}

impl Not {
    pub(crate) fn now(why: &str) -> Self {
        Self::Now(why.to_owned())
    }

    pub(crate) fn sentence(&self) -> &str {
        match self {
            Self::Yet(why) | Self::Now(why) | Self::Ever(why) => why,
        }
    }
}

/// How many there shall be.
pub(crate) fn decide(rule: &Rule, group: &Group, call: Call, now: Timestamp) -> Result<Move, Not> {
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
                return Err(Not::now("The alarm has no value to choose a step by."));
            };
            let step = capacity::step_for(steps, value - threshold)
                .ok_or_else(|| Not::Ever("The policy has no step for this value.".to_owned()))?;
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
                Call::Low(_) if *only_out => return Err(Not::now("The policy does not scale in.")),
                Call::Low(_) => Direction::In,
                _ => Direction::Out,
            };
            let seconds = warm_up_seconds(group, *warm_up);
            let last = warming(group, seconds, now);
            let picture = picture(group, last.clone(), now);
            let decision = capacity::track(picture, value, *target, direction, seconds);
            // The metric does not show yet what the last change has done.
            if direction == Direction::In && matches!(decision, Decision::To(_)) {
                shrunk(group, seconds, now)?;
            }
            (decision, last)
        }
        _ => return Err(Not::now("The policy cannot be called like this.")),
    };
    match decision {
        Decision::To(to) if to < current && is_leaving(group) => {
            Err(Not::Yet("Instances are being taken out.".to_owned()))
        }
        Decision::To(to) => Ok(Move {
            at: now,
            // As long as instances warm up, more are counted from where the first of them began.
            from: last.filter(|_| to > current).map_or(current, |it| it.from),
            to,
            occasion: None,
        }),
        Decision::Not(why @ Why::CoolDown(_)) => Err(Not::Yet(sentence(why, group))),
        Decision::Not(why) => Err(Not::Now(sentence(why, group))),
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

fn simple(rule: &Rule, group: &Group, call: Call, now: Timestamp) -> Result<Decision, Not> {
    let Rule::Simple {
        adjustment,
        by,
        cool_down,
    } = rule
    else {
        return Err(Not::now("The policy is no simple one."));
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
fn cooled(group: &Group, seconds: i32, now: Timestamp) -> Result<(), Not> {
    let is_moving = group.members.iter().any(|it| it.stage != Stage::InService);
    if is_moving || group.count() != group.desired as usize {
        return Err(Not::Yet("A scaling activity is in progress.".to_owned()));
    }
    let Some(last) = &group.moved else {
        return Ok(());
    };
    let since = group.settled_at.unwrap_or(last.at);
    let left = i64::from(seconds) - now.duration_since(since).as_secs();
    if left > 0 {
        return Err(Not::Yet(format!(
            "The cool-down after the last change goes on for {left} seconds."
        )));
    }
    Ok(())
}

fn is_leaving(group: &Group) -> bool {
    let is_gone = |stage| matches!(stage, Stage::Terminating | Stage::Detaching);
    group.count() > group.desired as usize || group.members.iter().any(|it| is_gone(it.stage))
}

/// Whether what a policy took away last was so long ago.
fn shrunk(group: &Group, seconds: i64, now: Timestamp) -> Result<(), Not> {
    let last = group.moved.as_ref().filter(|it| it.to < it.from);
    let left = last.map_or(0, |it| seconds - now.duration_since(it.at).as_secs());
    if left > 0 {
        return Err(Not::Yet(format!(
            "What the last change has done shows in {left} seconds."
        )));
    }
    Ok(())
}

/// What a policy added and what is not warm yet: until all of them are in service, and as long as they warm up then.
fn warming(group: &Group, seconds: i64, now: Timestamp) -> Option<Move> {
    let last = group.moved.as_ref().filter(|it| it.to > it.from)?;
    let since = match group.settled_at {
        Some(at) => at,
        // They cannot be launched: nobody waits for them.
        None if group.back_off.is_some() => return None,
        None => now,
    };
    let is_cold = now.duration_since(since) < SignedDuration::from_secs(seconds);
    is_cold.then(|| Move {
        at: since,
        ..last.clone()
    })
}

#[cfg(test)]
mod tests;
