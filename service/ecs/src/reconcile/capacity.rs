//! Capacity providers: which instances are theirs, how many there shall be, and which of them may go.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_protocol::{ApiError, Context};
use aws_shape::autoscaling::{self, AutoScalingGroup};
use base_id::Scope;
use base_reconcile::{Outcome, Reconciler};
use base_store::Snapshot;
use jiff::Timestamp;

use crate::Ecs;
use crate::lodging::need::need;
use crate::lodging::{self, House};
use crate::model::cluster::Cluster;
use crate::model::instance::Instance;
use crate::model::provider::{Provider, Scaling};
use crate::model::task::Task;
use crate::plan::capacity::{self, Picture, Plan, Step};
use crate::table::{self, CLUSTERS, INSTANCES, PROVIDERS, SERVICES, TASKS};

/// While a group is on its way to what it shall be it is looked at again after this.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// How the lifecycle states of an instance begin that its group takes away.
const TERMINATING: &str = "Terminating";

/// The reconciler of capacity providers.
pub struct Capacity(Ecs);

/// A capacity provider with its group, as they are now.
struct View {
    snapshot: Snapshot,
    scope: Scope,
    context: Context,
    provider: Arc<Provider>,
    group: AutoScalingGroup,
    /// Container instances of the clusters that have the provider.
    houses: Vec<House>,
    waiting: Vec<Arc<Task>>,
}

impl View {
    /// The group's instances and how they are, by id.
    fn members(&self) -> BTreeMap<&str, &autoscaling::Instance> {
        let all = self.group.instances.iter().flatten();
        all.map(|it| (it.instance_id.as_str(), it)).collect()
    }

    fn is_terminating(&self, instance: &Instance) -> bool {
        self.members()
            .get(instance.ec2_instance.as_str())
            .is_some_and(|it| it.lifecycle_state.as_str().starts_with(TERMINATING))
    }

    fn own(&self) -> impl Iterator<Item = &House> {
        let mine = |house: &&House| house.instance.capacity_provider.as_ref() == Some(&self.provider.name);
        self.houses.iter().filter(mine)
    }

    fn is_busy(&self, house: &House) -> bool {
        house.is_busy(&self.snapshot, &self.scope)
    }

    fn picture(&self) -> Picture {
        let scaling = &self.provider.scaling;
        let there: Vec<&House> = self
            .own()
            .filter(|it| !it.instance.draining && it.instance.connected)
            .collect();
        let warmup = scaling.warmup_seconds.unwrap_or(Scaling::WARMUP_SECONDS_DEFAULT);
        let need = need(&self.snapshot, &self.scope, &self.provider, &there, &self.waiting);
        let youngest = there.iter().map(|it| it.instance.registered_at).max();
        Picture {
            running: there.len() as u32,
            busy: there.iter().filter(|it| self.is_busy(it)).count() as u32 + need.taken,
            missing: need.missing,
            desired: self.group.desired_capacity.max(0).unsigned_abs(),
            least: self.group.min_size.max(0).unsigned_abs(),
            most: self.group.max_size.max(0).unsigned_abs(),
            target: scaling.target.unwrap_or(Scaling::TARGET_DEFAULT),
            step_least: scaling.step_least.unwrap_or(Scaling::STEP_LEAST_DEFAULT),
            step_most: scaling.step_most.unwrap_or(Scaling::STEP_MOST_DEFAULT),
            warm_at: youngest.map(|at| at + Duration::from_secs(warmup.into())),
            low_since: self.provider.low_since,
        }
    }
}

impl Capacity {
    /// What wakes it.
    pub const READS: &[&str] = &[
        PROVIDERS.name,
        CLUSTERS.name,
        INSTANCES.name,
        TASKS.name,
        SERVICES.name,
    ];

    pub fn new(ecs: Ecs) -> Self {
        Self(ecs)
    }

    async fn one(&self, place: &str, provider: &Arc<Provider>) -> Result<Outcome, ApiError> {
        let Some(view) = self.view(place, provider).await? else {
            return Ok(Outcome::Settled);
        };
        if self.adopt(&view).await? {
            return Ok(Outcome::Again);
        }
        if provider.protection {
            self.protect(&view, true).await?;
            self.protect(&view, false).await?;
        }
        let leaving = self.let_go(&view).await?;
        if !provider.scaling.enabled {
            return Ok(Outcome::Settled);
        }
        let now = self.0.clock.now();
        let picture = view.picture();
        let plan = capacity::plan(&picture, now);
        tracing::debug!(provider = %provider.name, reservation = plan.reservation, "managed scaling");
        self.follow(&view, &plan, place).await?;
        let busy = leaving || !view.waiting.is_empty() || plan.step != Step::Stay;
        let soon = busy.then_some(now + LOOK_AGAIN);
        let due = soon.into_iter().chain(plan.look_again_at).min();
        Ok(due.map_or(Outcome::Settled, Outcome::Until))
    }

    /// None when no cluster has it, or its group is gone.
    async fn view(&self, place: &str, provider: &Arc<Provider>) -> Result<Option<View>, ApiError> {
        let (snapshot, scope) = (self.0.store.snapshot(), Scope::of_key(place));
        let (mut houses, mut waiting) = (Vec::new(), Vec::new());
        let users = users(&snapshot, &scope, &provider.name);
        if users.is_empty() {
            return Ok(None);
        }
        for cluster in users {
            houses.extend(lodging::houses(&snapshot, &scope, &cluster));
            let tasks = table::tasks(&snapshot, &scope, &cluster).into_iter();
            waiting.extend(
                tasks.filter(|it| it.waits() && it.capacity_provider.as_ref() == Some(&provider.name)),
            );
        }
        let context = Ecs::own_context(&scope, "ecs-capacity");
        let input = autoscaling::AutoScalingGroupNamesType {
            auto_scaling_group_names: Some(vec![provider.group.clone()]),
            ..Default::default()
        };
        let answer = self
            .0
            .neighbours
            .autoscaling
            .describe_auto_scaling_groups(&context, input)
            .await?;
        let group = answer.auto_scaling_groups.into_iter().next();
        Ok(group.map(|group| View {
            snapshot,
            scope,
            context,
            provider: Arc::clone(provider),
            group,
            houses,
            waiting,
        }))
    }

    /// Instances of the group are the provider's; those that the group takes away are drained if that is wanted. Returns
    /// whether anything was new.
    async fn adopt(&self, view: &View) -> Result<bool, ApiError> {
        let members = view.members();
        let mut changed = Vec::new();
        for house in &view.houses {
            let one = &house.instance;
            if !members.contains_key(one.ec2_instance.as_str()) {
                continue;
            }
            let mut row = Instance::clone(one);
            row.capacity_provider
                .get_or_insert_with(|| view.provider.name.clone());
            row.draining |= view.provider.draining && view.is_terminating(one);
            if row != **one {
                row.version += 1;
                changed.push((Arc::clone(one), row));
            }
        }
        let sample = view
            .own()
            .map(|it| &it.instance)
            .max_by_key(|it| it.registered_at)
            .cloned();
        let known = sample
            .as_ref()
            .is_none_or(|it| view.provider.size.as_ref() == Some(&it.total));
        if changed.is_empty() && known {
            return Ok(false);
        }
        let (scope, provider) = (view.scope.clone(), Arc::clone(&view.provider));
        self.0
            .store
            .write(move |tx| {
                for (old, new) in changed {
                    let place = table::key(&scope, &new.path());
                    if tx.get(INSTANCES, &place).as_deref() == Some(&*old) {
                        tx.put(INSTANCES, &place, new);
                    }
                }
                let place = table::key(&scope, &provider.name);
                if let Some(sample) = sample
                    && tx.get(PROVIDERS, &place).as_deref() == Some(&*provider)
                {
                    let mut row = Provider::clone(&provider);
                    row.size = Some(sample.total.clone());
                    row.attributes = sample.attributes.clone();
                    tx.put(PROVIDERS, &place, row);
                }
                Ok(true)
            })
            .await
    }

    /// Instances with tasks shall not be scaled in, those without may be.
    async fn protect(&self, view: &View, wanted: bool) -> Result<(), ApiError> {
        let members = view.members();
        let wrong = view.own().filter(|house| {
            let member = members.get(house.instance.ec2_instance.as_str());
            let is_wrong = |it: &&autoscaling::Instance| {
                it.protected_from_scale_in != wanted && !it.lifecycle_state.as_str().starts_with(TERMINATING)
            };
            view.is_busy(house) == wanted && member.is_some_and(is_wrong)
        });
        let ids: Vec<String> = wrong.map(|it| it.instance.ec2_instance.clone()).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let input = autoscaling::SetInstanceProtectionQuery {
            instance_ids: ids,
            auto_scaling_group_name: view.provider.group.clone(),
            protected_from_scale_in: wanted,
        };
        let autoscaling = &self.0.neighbours.autoscaling;
        autoscaling.set_instance_protection(&view.context, input).await?;
        Ok(())
    }

    /// Instances that are not needed any more go when nothing runs on them. Returns whether there are any.
    async fn let_go(&self, view: &View) -> Result<bool, ApiError> {
        let members = view.members();
        let mut any = false;
        for house in view.own().filter(|it| it.instance.leaving) {
            let one = &house.instance;
            if !members.contains_key(one.ec2_instance.as_str()) {
                continue;
            }
            any = true;
            if view.is_busy(house) || view.is_terminating(one) {
                continue;
            }
            let input = autoscaling::TerminateInstanceInAutoScalingGroupType {
                instance_id: one.ec2_instance.clone(),
                should_decrement_desired_capacity: true,
            };
            let autoscaling = &self.0.neighbours.autoscaling;
            autoscaling
                .terminate_instance_in_auto_scaling_group(&view.context, input)
                .await?;
        }
        Ok(any)
    }

    async fn follow(&self, view: &View, plan: &Plan, place: &str) -> Result<(), ApiError> {
        if let Step::Out(desired) = plan.step {
            let input = autoscaling::SetDesiredCapacityType {
                auto_scaling_group_name: view.provider.group.clone(),
                desired_capacity: i32::try_from(desired).unwrap_or(i32::MAX),
                honor_cooldown: Some(false),
            };
            let autoscaling = &self.0.neighbours.autoscaling;
            autoscaling.set_desired_capacity(&view.context, input).await?;
        }
        let count = match plan.step {
            Step::In(count) => count as usize,
            Step::Stay | Step::Out(_) => 0,
        };
        let (provider, place, low_since) = (Arc::clone(&view.provider), place.to_owned(), plan.low_since);
        if count == 0 && provider.low_since == low_since {
            return Ok(());
        }
        let mut idle: Vec<(Timestamp, Arc<Instance>)> = view
            .own()
            .filter(|it| !it.instance.draining && !view.is_busy(it))
            .map(|it| (it.instance.registered_at, Arc::clone(&it.instance)))
            .collect();
        // The youngest first.
        idle.sort_by(|a, b| (b.0, &b.1.id).cmp(&(a.0, &a.1.id)));
        let scope = view.scope.clone();
        self.0
            .store
            .write(move |tx| {
                for (_, one) in idle.into_iter().take(count) {
                    let place = table::key(&scope, &one.path());
                    let snapshot = tx.snapshot();
                    let houses = lodging::houses(&snapshot, &scope, &one.cluster);
                    let house = houses.iter().find(|it| it.instance == one);
                    // One that was given a task meanwhile stays.
                    if house.is_some_and(|it| !it.is_busy(&snapshot, &scope)) {
                        let row = Instance {
                            draining: true,
                            leaving: true,
                            version: one.version + 1,
                            ..Instance::clone(&one)
                        };
                        tx.put(INSTANCES, &place, row);
                    }
                }
                if tx.get(PROVIDERS, &place).as_deref() == Some(&*provider) {
                    let row = Provider {
                        low_since,
                        ..Provider::clone(&provider)
                    };
                    tx.put(PROVIDERS, &place, row);
                }
                Ok(())
            })
            .await
    }
}

/// Names of the clusters that have a capacity provider.
fn users(snapshot: &Snapshot, scope: &Scope, provider: &str) -> Vec<String> {
    let clusters = snapshot.prefix(CLUSTERS, &table::key(scope, "")).into_iter();
    let has = |it: &Cluster| !it.inactive && it.capacity_providers.iter().any(|name| name == provider);
    clusters
        .filter(|(_, it)| has(it))
        .map(|(_, it)| it.name.clone())
        .collect()
}

#[async_trait]
impl Reconciler for Capacity {
    fn name(&self) -> &'static str {
        "ecs capacity providers"
    }

    async fn activate(&self) -> Result<Outcome, String> {
        let (mut outcome, mut failures) = (Outcome::Settled, Vec::new());
        for (place, provider) in self.0.store.snapshot().list(PROVIDERS) {
            match self.one(&place, &provider).await {
                Ok(next) => outcome = super::services::sooner(outcome, next),
                Err(error) => failures.push(format!("{place}: {error}")),
            }
        }
        match failures.is_empty() {
            true => Ok(outcome),
            false => Err(failures.join("; ")),
        }
    }
}
