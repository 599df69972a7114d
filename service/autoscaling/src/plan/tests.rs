//! Whatever happens to a group: never more than the maximum, and in the end as many as desired.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::model::Template;

pub(super) fn group(min: u32, max: u32, desired: u32) -> Group {
    Group {
        name: "g".into(),
        uuid: String::new(),
        created_at: Timestamp::UNIX_EPOCH,
        template: Template {
            id: "lt-1".into(),
            name: "lt".into(),
            version: "$Latest".into(),
        },
        min,
        max,
        desired,
        cooldown_seconds: 300,
        subnets: [("s-a", "a"), ("s-b", "b"), ("s-c", "c")]
            .map(|(subnet, zone)| (subnet.to_owned(), zone.to_owned()))
            .to_vec(),
        target_groups: vec![],
        elb_checks: true,
        grace_seconds: 0,
        policies: vec![],
        protect_new: false,
        warmup_seconds: None,
        service_role: None,
        context: None,
        metrics: Default::default(),
        suspended: BTreeMap::new(),
        tags: BTreeMap::new(),
        members: vec![],
        deleting: false,
        change: String::new(),
        scaled_at: None,
        replacing: 0,
        back_off: None,
        refreshes: vec![],
        moved: None,
        settled_at: None,
    }
}

/// The world outside, in which launches work and terminations end.
struct Outside {
    group: Group,
    picture: Picture,
    now: Timestamp,
    names: u32,
}

#[derive(Clone, Debug)]
enum Event {
    Desire(u32),
    Kill(usize),
    Sicken(usize),
    Protect(usize),
    FailLaunches,
    Version(u32),
    Refresh,
    Nothing,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        (0_u32..7).prop_map(Event::Desire),
        (0_usize..6).prop_map(Event::Kill),
        (0_usize..6).prop_map(Event::Sicken),
        (0_usize..6).prop_map(Event::Protect),
        Just(Event::FailLaunches),
        (1_u32..4).prop_map(Event::Version),
        Just(Event::Refresh),
        Just(Event::Nothing),
    ];
    prop::collection::vec(event, 0..40)
}

impl Outside {
    fn new(group: Group) -> Self {
        let template = Template {
            version: "1".into(),
            ..group.template.clone()
        };
        Self {
            group,
            picture: Picture {
                instances: BTreeMap::new(),
                template: Some(template),
            },
            now: "2026-01-01T00:00:00Z".parse().unwrap(),
            names: 0,
        }
    }

    fn plan(&mut self) {
        let names = &mut self.names;
        let mut name = || {
            *names += 1;
            format!("n{names}")
        };
        let planned = plan(&self.group, &self.picture, self.now, &mut name);
        self.group = planned.group;
        self.now += SignedDuration::from_secs(10);
    }

    /// What the reconciler and EC2 do between two plans.
    fn act(&mut self, launches: bool) {
        let mut fails = false;
        for member in &mut self.group.members {
            if member.stage == Stage::Launching && launches {
                let id = format!("i-{}", member.token);
                let seen = Seen {
                    state: State::Running,
                    elb_unhealthy: false,
                };
                self.picture.instances.insert(id.clone(), seen);
                (member.stage, member.instance) = (Stage::Pending, Some(id));
            }
        }
        if !launches {
            let before = self.group.members.len();
            self.group.members.retain(|it| it.stage != Stage::Launching);
            fails = self.group.members.len() < before;
        }
        if fails {
            back_off(&mut self.group, self.now);
        }
        self.group.members.retain(|it| it.stage != Stage::Terminating);
    }

    fn happen(&mut self, event: &Event) {
        let id = |group: &Group, index: usize| group.members.get(index).and_then(|it| it.instance.clone());
        match event {
            Event::Desire(count) => self.group.desired = (*count).clamp(self.group.min, self.group.max),
            Event::Kill(index) => {
                if let Some(id) = id(&self.group, *index) {
                    self.picture.instances.remove(&id);
                }
            }
            Event::Sicken(index) => {
                let seen = id(&self.group, *index).and_then(|id| self.picture.instances.get_mut(&id));
                if let Some(seen) = seen {
                    seen.elb_unhealthy = true;
                }
            }
            Event::Protect(index) => {
                if let Some(member) = self.group.members.get_mut(*index) {
                    member.protected = !member.protected;
                }
            }
            Event::FailLaunches => self.act(false),
            Event::Version(version) => {
                if let Some(template) = &mut self.picture.template {
                    template.version = version.to_string();
                }
            }
            Event::Refresh if self.group.refresh().is_none() => {
                self.group.refreshes.push(crate::model::Refresh {
                    id: "r".into(),
                    status: crate::model::RefreshStatus::Pending,
                    reason: None,
                    started_at: self.now,
                    ended_at: None,
                    min_healthy_percent: 50,
                    warmup_seconds: Some(0),
                    skip_matching: false,
                    protected: crate::model::Protected::Ignore,
                    template: None,
                    total: 0,
                    left: 0,
                })
            }
            Event::Refresh | Event::Nothing => {}
        }
    }
}

proptest! {
    #[test]
    fn never_above_the_maximum_and_at_last_as_desired(events in events()) {
        let mut outside = Outside::new(group(1, 5, 2));
        for event in &events {
            outside.happen(event);
            outside.plan();
            prop_assert!(outside.group.count() <= 5);
            outside.act(true);
        }
        for member in &mut outside.group.members {
            member.protected = false;
        }
        for _ in 0..100 {
            outside.plan();
            outside.act(true);
        }
        let serving = outside.group.members.iter().filter(|it| it.stage == Stage::InService).count();
        prop_assert_eq!(serving, outside.group.desired as usize);
        prop_assert_eq!(outside.group.members.len(), serving);
        prop_assert!(outside.group.refresh().is_none(), "a refresh ends");
        let settled = outside.group.clone();
        outside.plan();
        prop_assert_eq!(&outside.group, &settled, "what stands is left alone");
    }

    #[test]
    fn what_is_launched_is_spread_evenly(desired in 0_u32..12) {
        let mut outside = Outside::new(group(0, 12, desired));
        outside.plan();
        let in_zone = |zone: &str| outside.group.members.iter().filter(|it| it.zone == zone).count();
        let counts = [in_zone("a"), in_zone("b"), in_zone("c")];
        prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1);
    }
}

#[test]
fn the_default_policy_takes_from_the_fullest_zone_the_oldest_template() {
    let mut outside = Outside::new(group(0, 9, 4));
    outside.plan();
    outside.act(true);
    outside.plan();
    // Four over three zones: zone a has two, of which the second gets an older template.
    let in_a: Vec<usize> = (0..4)
        .filter(|it| outside.group.members[*it].zone == "a")
        .collect();
    let old = in_a[1];
    for index in 0..4 {
        let version = if index == old { "1" } else { "2" };
        outside.group.members[index].template.as_mut().unwrap().version = version.into();
    }
    let token = outside.group.members[old].token.clone();
    outside.group.desired = 3;
    outside.plan();
    let gone = outside
        .group
        .members
        .iter()
        .find(|it| it.stage == Stage::Terminating)
        .unwrap();
    assert_eq!(gone.token, token);
}

#[test]
fn a_group_in_numbers_says_what_is_enabled() {
    let mut group = group(1, 5, 2);
    group.metrics = ["GroupDesiredCapacity", "GroupTotalInstances", "WarmPoolMinSize"]
        .map(str::to_owned)
        .into();
    assert_eq!(
        sizes(&group),
        [("GroupDesiredCapacity", 2), ("GroupTotalInstances", 0)]
    );
}
