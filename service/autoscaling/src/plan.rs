//! What is to change about a group. Pure: it is handed what is seen, the time, and names for what is new.

pub(crate) mod policy;
mod refresh;
pub(crate) mod schedule;
mod sizes;
mod victim;

pub(crate) use sizes::sizes;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::event;
use crate::model::{Activity, ActivityStatus, Group, Member, Stage, Template};

/// What is known of the world outside.
#[derive(Clone, Debug, Default)]
pub(crate) struct Picture {
    /// By instance; what is absent is gone.
    pub(crate) instances: BTreeMap<String, Seen>,
    /// The template with its version's number, if a launch is to be thought of.
    pub(crate) template: Option<Template>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) state: State,
    /// A load balancer says that it is not healthy.
    pub(crate) elb_unhealthy: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Pending,
    Running,
    /// Stopped, terminated, or on the way there.
    Ended,
    /// Terminated: nothing of it is left.
    Gone,
}

/// The group as it shall be, and what is to be told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Planned {
    pub(crate) group: Group,
    pub(crate) activities: Vec<Activity>,
}

pub(crate) struct Planner<'a> {
    pub(crate) picture: &'a Picture,
    pub(crate) now: Timestamp,
    pub(crate) name: &'a mut dyn FnMut() -> String,
    pub(crate) activities: Vec<Activity>,
}

pub(crate) fn plan(
    group: &Group,
    picture: &Picture,
    now: Timestamp,
    name: &mut dyn FnMut() -> String,
) -> Planned {
    let mut planner = Planner {
        picture,
        now,
        name,
        activities: Vec::new(),
    };
    let mut group = group.clone();
    planner.arrivals(&mut group);
    planner.health(&mut group);
    if group.deleting {
        planner.everybody_out(&mut group);
    } else {
        refresh::step(&mut planner, &mut group);
        planner.shrink(&mut group);
        planner.grow(&mut group);
    }
    let is_settled = group.count() == group.desired as usize
        && group.members.iter().all(|it| it.stage == Stage::InService);
    if is_settled && group.moved.is_some() && group.settled_at.is_none() {
        group.settled_at = Some(now);
    }
    Planned {
        group,
        activities: planner.activities,
    }
}

impl Planner<'_> {
    fn seen(&self, member: &Member) -> State {
        let id = member.instance.as_ref();
        let seen = id.and_then(|id| self.picture.instances.get(id));
        seen.map_or(State::Gone, |seen| seen.state)
    }

    /// An instance that runs is in service.
    fn arrivals(&mut self, group: &mut Group) {
        let name = group.name.clone();
        for member in group.members.iter_mut().filter(|it| it.stage == Stage::Pending) {
            if self.seen(member) != State::Running {
                continue;
            }
            member.stage = Stage::InService;
            member.in_service_since = Some(self.now);
            group.back_off = None;
            let launched = self.launch_activity(&name, member);
            self.activities.push(Activity {
                ended_at: Some(self.now),
                status: ActivityStatus::Successful,
                ..launched
            });
        }
    }

    /// Told again with the same id and start; the saver keeps the cause that was told first.
    fn launch_activity(&self, group: &str, member: &Member) -> Activity {
        Activity {
            id: member.activity.clone(),
            group: group.to_owned(),
            description: event_launching(member.instance.as_deref()),
            cause: String::new(),
            started_at: member.since,
            ended_at: None,
            status: ActivityStatus::PreInService,
            message: None,
            details: details(member),
        }
    }

    fn health(&mut self, group: &mut Group) {
        if !group.runs("HealthCheck") {
            return;
        }
        for index in 0..group.members.len() {
            let member = &group.members[index];
            if !matches!(member.stage, Stage::Pending | Stage::InService) {
                continue;
            }
            let Some(why) = self.ailment(group, member) else {
                continue;
            };
            let pending = member.stage == Stage::Pending;
            if group.runs("ReplaceUnhealthy") && group.runs("Terminate") {
                if pending {
                    self.failed(group, index);
                } else {
                    group.replacing += 1;
                }
                let cause = event::unhealthy(self.now, &why);
                self.take_out(group, index, cause);
            }
        }
    }

    /// Why it is not healthy.
    fn ailment(&self, group: &Group, member: &Member) -> Option<String> {
        if matches!(self.seen(member), State::Ended | State::Gone) {
            return Some("an EC2 health check indicating it has been terminated or stopped".into());
        }
        if member.unhealthy.is_some() {
            return member.unhealthy.clone();
        }
        let grace = SignedDuration::from_secs(group.grace_seconds.into());
        let past_grace = member
            .in_service_since
            .is_some_and(|since| since + grace <= self.now);
        let id = member.instance.as_ref()?;
        let elb = group.elb_checks && past_grace && self.picture.instances.get(id)?.elb_unhealthy;
        elb.then(|| "an ELB system health check failure".into())
    }

    /// It never came into service: the next launch waits a little.
    fn failed(&mut self, group: &mut Group, index: usize) {
        back_off(group, self.now);
        let member = group.members[index].clone();
        let launched = self.launch_activity(&group.name, &member);
        let message =
            "Instance failed to complete user's Lifecycle Action: it became unhealthy while launching.";
        self.activities.push(Activity {
            ended_at: Some(self.now),
            status: ActivityStatus::Failed,
            message: Some(message.into()),
            ..launched
        });
    }

    /// From here on it is no longer counted; the reconciler takes it from the load balancers and ends it.
    pub(crate) fn take_out(&mut self, group: &mut Group, index: usize, cause: String) {
        let activity = (self.name)();
        let member = &mut group.members[index];
        member.stage = Stage::Terminating;
        member.activity = activity;
        member.since = self.now;
        group.scaled_at = Some(self.now);
        let told = terminating(&group.name, &group.members[index], cause, self.now);
        self.activities.push(told);
    }

    fn everybody_out(&mut self, group: &mut Group) {
        for index in 0..group.members.len() {
            let member = &group.members[index];
            if matches!(member.stage, Stage::Pending | Stage::InService) {
                let cause = event::deleted(self.now);
                self.take_out(group, index, cause);
            }
        }
    }

    fn shrink(&mut self, group: &mut Group) {
        if !group.runs("Terminate") {
            return;
        }
        let (from, to) = (group.count(), group.desired as usize);
        while group.count() > to {
            let Some(index) = victim::choose(group, self.now) else {
                return;
            };
            let id = group.members[index].instance.clone().unwrap_or_default();
            let shrunk = event::shrunk(self.now, from, to, &id);
            let cause = join(&group.change, &shrunk);
            self.take_out(group, index, cause);
        }
    }

    fn grow(&mut self, group: &mut Group) {
        let waits = group.back_off.as_ref().is_some_and(|it| it.until > self.now);
        if !group.runs("Launch") || waits {
            return;
        }
        let Some(template) = self.picture.template.clone() else {
            return;
        };
        let wanted = group.desired.min(group.max) as usize;
        let from = group.count();
        while group.count() < wanted {
            let Some((subnet, zone)) = emptiest(group) else {
                return;
            };
            let cause = if group.replacing > 0 {
                group.replacing -= 1;
                event::replaced(self.now)
            } else {
                let started = event::started(self.now, from, wanted);
                join(&group.change, &started)
            };
            let member = Member {
                token: (self.name)(),
                instance: None,
                kind: None,
                image: None,
                subnet,
                zone,
                template: Some(template.clone()),
                tags: launch_tags(group),
                stage: Stage::Launching,
                protected: group.protect_new,
                unhealthy: None,
                since: self.now,
                in_service_since: None,
                registered: Default::default(),
                activity: (self.name)(),
            };
            let told = self.launch_activity(&group.name, &member);
            self.activities.push(Activity { cause, ..told });
            group.scaled_at = Some(self.now);
            group.members.push(member);
        }
        group.replacing = 0;
    }
}

fn join(change: &str, then: &str) -> String {
    if change.is_empty() {
        then.to_owned()
    } else {
        format!("{change}  {then}")
    }
}

/// What the instances of a group are tagged with.
fn launch_tags(group: &Group) -> BTreeMap<String, String> {
    let own = group.tags.iter().filter(|(_, tag)| tag.propagate);
    own.map(|(key, tag)| (key.clone(), tag.value.clone()))
        .chain([("aws:autoscaling:groupName".to_owned(), group.name.clone())])
        .collect()
}

/// The subnet for the next instance: in the zone with the fewest, and there the one with the fewest.
fn emptiest(group: &Group) -> Option<(String, String)> {
    let counted = || group.members.iter().filter(|it| it.counts());
    let in_zone = |zone: &str| counted().filter(|it| it.zone == zone).count();
    let in_subnet = |subnet: &str| counted().filter(|it| it.subnet == subnet).count();
    let order = |(subnet, zone): &&(String, String)| (in_zone(zone), in_subnet(subnet));
    group.subnets.iter().min_by_key(order).cloned()
}

/// Seconds before the second try; doubled each time.
const BACK_OFF_SECONDS: i64 = 5;
const BACK_OFF_SECONDS_MAX: i64 = 300;

/// A launch has failed.
pub(crate) fn back_off(group: &mut Group, now: Timestamp) {
    let failures = group.back_off.as_ref().map_or(0, |it| it.failures) + 1;
    let seconds = BACK_OFF_SECONDS << (failures - 1).min(10);
    group.back_off = Some(crate::model::BackOff {
        failures,
        until: now + SignedDuration::from_secs(seconds.min(BACK_OFF_SECONDS_MAX)),
    });
}

pub(crate) fn event_launching(instance: Option<&str>) -> String {
    match instance {
        Some(id) => format!("Launching a new EC2 instance: {id}"),
        None => "Launching a new EC2 instance".to_owned(),
    }
}

pub(crate) fn details(member: &Member) -> String {
    serde_json::json!({ "Subnet ID": member.subnet, "Availability Zone": member.zone }).to_string()
}

/// The activity that a member's end is.
pub(crate) fn terminating(group: &str, member: &Member, cause: String, now: Timestamp) -> Activity {
    let id = member.instance.as_deref().unwrap_or_default();
    Activity {
        id: member.activity.clone(),
        group: group.to_owned(),
        description: format!("Terminating EC2 instance: {id}"),
        cause,
        started_at: now,
        ended_at: None,
        status: ActivityStatus::InProgress,
        message: None,
        details: details(member),
    }
}

#[cfg(test)]
mod tests;
