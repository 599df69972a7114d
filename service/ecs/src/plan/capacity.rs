//! Managed scaling: how many instances a capacity provider's Auto Scaling group shall have.
//!
//! AWS measures `CapacityProviderReservation` = M / N x 100: N is how many instances there are, M how many are needed: those
//! with tasks, and, while tasks wait, all there are and those that the waiting ones need. It is kept at the target.

use std::time::Duration;

use jiff::Timestamp;

/// The reservation must be below the target for so long before instances go (AWS: 15 minutes).
pub(crate) const SCALE_IN_AFTER: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub(crate) struct Picture {
    /// Instances of the provider that take tasks.
    pub(crate) running: u32,
    /// Of these, those with tasks other than daemons.
    pub(crate) busy: u32,
    /// Further ones that the waiting tasks need.
    pub(crate) missing: u32,
    /// Of the Auto Scaling group.
    pub(crate) desired: u32,
    pub(crate) least: u32,
    pub(crate) most: u32,
    /// Percent, 1 to 100.
    pub(crate) target: u32,
    pub(crate) step_least: u32,
    pub(crate) step_most: u32,
    /// The youngest instance counts fully from then on.
    pub(crate) warm_at: Option<Timestamp>,
    /// Since when the reservation has been below the target.
    pub(crate) low_since: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Percent.
    pub(crate) reservation: u32,
    pub(crate) step: Step,
    pub(crate) low_since: Option<Timestamp>,
    pub(crate) look_again_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Stay,
    /// The group's new desired capacity.
    Out(u32),
    /// So many instances without tasks go.
    In(u32),
}

pub(crate) fn plan(picture: &Picture, now: Timestamp) -> Plan {
    let target = picture.target.clamp(1, 100);
    let needed = match picture.missing {
        0 => picture.busy,
        missing => picture.running + missing,
    };
    let reservation = match (needed, picture.running) {
        (0, 0) => 100,
        (_, 0) => 200,
        (needed, running) => needed * 100 / running,
    };
    let want = (needed * 100).div_ceil(target);
    let mut plan = Plan {
        reservation,
        step: Step::Stay,
        low_since: None,
        look_again_at: None,
    };
    if want > picture.running {
        let least = picture.step_least.min(picture.step_most);
        let change = (want - picture.running).clamp(least, picture.step_most);
        let new = (picture.running + change).min(picture.most);
        if new > picture.desired {
            plan.step = Step::Out(new);
        }
        return plan;
    }
    let surplus = picture.running - want.max(picture.least).min(picture.running);
    if surplus == 0 {
        return plan;
    }
    let low_since = picture.low_since.unwrap_or(now);
    let due = (low_since + SCALE_IN_AFTER).max(picture.warm_at.unwrap_or(now));
    plan.low_since = Some(low_since);
    if due > now {
        plan.look_again_at = Some(due);
    } else {
        plan.step = Step::In(surplus.min(picture.step_most));
    }
    plan
}

#[cfg(test)]
mod tests;
