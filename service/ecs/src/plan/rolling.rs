//! The rolling deployment: which tasks to start and which to retire, so that the service never falls below its floor
//! or rises above its ceiling.
//!
//! floor = ceil(desired × minimumHealthyPercent / 100); ceiling = floor(desired × maximumPercent / 100).

use std::time::Duration;

use jiff::Timestamp;

/// What is seen of a service.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    pub(crate) desired: u32,
    pub(crate) minimum_healthy_percent: u32,
    pub(crate) maximum_percent: u32,
    /// Whether failing tasks end the deployment.
    pub(crate) circuit_breaker: bool,
    /// Failures of the primary deployment, and when the last one was.
    pub(crate) failures: u32,
    pub(crate) last_failure_at: Option<Timestamp>,
    pub(crate) rollout: Rollout,
    /// Whether there are deployments beside the primary.
    pub(crate) has_old: bool,
    pub(crate) tasks: Vec<Task>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rollout {
    InProgress,
    Completed,
    Failed,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) id: String,
    /// Of the primary deployment.
    pub(crate) new: bool,
    pub(crate) standing: Standing,
    /// It works on something: neither a deployment nor scaling in stops it.
    pub(crate) protected: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// On its way to running.
    Pending,
    /// Runs, but nobody has said yet that it is well.
    Unready,
    Healthy,
    Unhealthy(Unwell),
    /// Ended by itself, and not yet counted as a failure of its deployment.
    Failing,
    /// Told to stop, not yet gone.
    Stopping,
}

/// Who says that a task which runs is not well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unwell {
    /// Its own health checks.
    Container,
    /// A load balancer's, for this reason.
    Target {
        group: String,
        port: u16,
        reason: String,
    },
}

/// What to do now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Steps {
    /// So many of the primary deployment.
    pub(crate) start: u32,
    pub(crate) stop: Vec<(String, Why)>,
    /// The roll-out is done: old deployments are history.
    pub(crate) complete: bool,
    /// The circuit breaker has opened.
    pub(crate) fail: bool,
    /// All is as desired.
    pub(crate) steady: bool,
    /// Floor and ceiling leave no room for any step: it stays like this until one of them is changed.
    pub(crate) blocked: bool,
    /// Tasks fail again and again: the next ones wait.
    pub(crate) throttled: bool,
    /// Something becomes due then: the next attempt after failures.
    pub(crate) look_again_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// It belongs to an older deployment.
    Replaced,
    /// There are more than desired.
    ScaledIn,
    Unhealthy(Unwell),
}

/// The longest pause between attempts when tasks keep failing.
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(300);

pub(crate) fn plan(picture: &Picture, now: Timestamp) -> Steps {
    let mut steps = Steps::default();
    if picture.rollout == Rollout::InProgress
        && picture.circuit_breaker
        && picture.desired > 0
        && picture.failures >= threshold(picture.desired)
    {
        steps.fail = true;
        return steps;
    }
    let floor = (picture.desired * picture.minimum_healthy_percent).div_ceil(100);
    let ceiling = picture.desired * picture.maximum_percent / 100;
    retire_unhealthy(picture, &mut steps);
    if picture.rollout == Rollout::Failed {
        retire_beyond(picture, &mut steps);
    } else {
        retire_old(picture, floor, &mut steps);
        retire_surplus(picture, &mut steps);
    }
    start_missing(picture, ceiling, now, &mut steps);
    steps.blocked = is_blocked(picture, ceiling, &steps);
    let healthy_new = count(picture, |task| task.new && task.standing == Standing::Healthy);
    let settled = healthy_new == picture.desired && picture.tasks.len() == picture.desired as usize;
    steps.steady = settled && steps.stop.is_empty();
    steps.complete = steps.steady && (picture.rollout == Rollout::InProgress || picture.has_old);
    steps
}

/// Failures after which the circuit breaker opens: half of the desired count, at least 3, at most 200.
pub(crate) fn threshold(desired: u32) -> u32 {
    desired.div_ceil(2).clamp(3, 200)
}

fn count(picture: &Picture, which: impl Fn(&Task) -> bool) -> u32 {
    picture.tasks.iter().filter(|task| which(task)).count() as u32
}

fn retire_unhealthy(picture: &Picture, steps: &mut Steps) {
    for task in &picture.tasks {
        if let Standing::Unhealthy(why) = &task.standing {
            steps.stop.push((task.id.clone(), Why::Unhealthy(why.clone())));
        }
    }
}

/// Tasks of older deployments: those that serve nobody at once, those that serve as far as the floor allows. One that
/// runs without a word about its health may serve all the same (the load balancer has just come back, say), so it goes
/// only when enough others are known to serve.
fn retire_old(picture: &Picture, floor: u32, steps: &mut Steps) {
    let healthy = count(picture, |task| task.standing == Standing::Healthy);
    let mut spare = healthy.saturating_sub(floor);
    for task in picture.tasks.iter().filter(|task| !task.new && !task.protected) {
        match task.standing {
            Standing::Pending => steps.stop.push((task.id.clone(), Why::Replaced)),
            Standing::Unready if healthy >= floor => steps.stop.push((task.id.clone(), Why::Replaced)),
            Standing::Unready => {}
            Standing::Healthy if spare > 0 => {
                spare -= 1;
                steps.stop.push((task.id.clone(), Why::Replaced));
            }
            Standing::Healthy | Standing::Unhealthy(_) | Standing::Failing | Standing::Stopping => {}
        }
    }
}

/// A deployment that has failed and has nothing to go back to replaces nobody any more: old and new tasks stay, as many
/// as are desired, those that serve nobody and its own first to go.
fn retire_beyond(picture: &Picture, steps: &mut Steps) {
    let order = [Standing::Pending, Standing::Unready, Standing::Healthy];
    let all = count(picture, |task| order.contains(&task.standing));
    let surplus = all.saturating_sub(picture.desired) as usize;
    let by_use = order.iter().flat_map(|standing| {
        [true, false].into_iter().flat_map(move |new| {
            let of = move |task: &&Task| task.new == new && !task.protected && task.standing == *standing;
            picture.tasks.iter().filter(of)
        })
    });
    steps
        .stop
        .extend(by_use.take(surplus).map(|task| (task.id.clone(), Why::ScaledIn)));
}

/// More new tasks than desired: those that serve nobody first.
fn retire_surplus(picture: &Picture, steps: &mut Steps) {
    let order = [Standing::Pending, Standing::Unready, Standing::Healthy];
    let new = count(picture, |task| task.new && order.contains(&task.standing));
    let surplus = new.saturating_sub(picture.desired) as usize;
    let by_use = order.iter().flat_map(|standing| {
        picture
            .tasks
            .iter()
            .filter(move |task| task.new && !task.protected && task.standing == *standing)
    });
    steps
        .stop
        .extend(by_use.take(surplus).map(|task| (task.id.clone(), Why::ScaledIn)));
}

fn start_missing(picture: &Picture, ceiling: u32, now: Timestamp, steps: &mut Steps) {
    if picture.rollout == Rollout::Failed {
        return;
    }
    // Whether the next attempt must wait is known once the last failure has been counted.
    let uncounted = |task: &Task| {
        task.standing == Standing::Failing || task.new && matches!(task.standing, Standing::Unhealthy(_))
    };
    if count(picture, uncounted) > 0 {
        return;
    }
    let new = count(picture, |task| task.new && living(task));
    // A task that is stopping still holds its place under the ceiling until it is gone, except that one which was
    // there beyond need must not keep its replacement out: at least the desired count may always be reached.
    let present = count(picture, living);
    let missing = picture
        .desired
        .saturating_sub(new)
        .min(ceiling.saturating_sub(present));
    if missing == 0 {
        return;
    }
    if let (Some(last), true) = (picture.last_failure_at, picture.failures > 0) {
        let rounds = picture.failures.div_ceil(picture.desired.max(1));
        let due = last + retry_pause(rounds);
        if due > now {
            steps.look_again_at = Some(due);
            steps.throttled = rounds > 1;
            return;
        }
    }
    steps.start = missing;
}

fn living(task: &Task) -> bool {
    !matches!(
        task.standing,
        Standing::Stopping | Standing::Failing | Standing::Unhealthy(_)
    )
}

/// New tasks are missing, nothing is under way, and neither a start nor a stop is allowed.
fn is_blocked(picture: &Picture, ceiling: u32, steps: &Steps) -> bool {
    let still = picture
        .tasks
        .iter()
        .all(|task| task.standing == Standing::Healthy);
    let new = count(picture, |task| task.new);
    still
        && picture.rollout != Rollout::Failed
        && steps.stop.is_empty()
        && new < picture.desired
        && count(picture, living) >= ceiling
}

/// 1 s after the first round of failures (as many as tasks are desired), then twice as long each time.
fn retry_pause(rounds: u32) -> Duration {
    Duration::from_secs(1 << (rounds.saturating_sub(1)).min(16)).min(RETRY_PAUSE_MAX)
}

#[cfg(test)]
mod tests;
