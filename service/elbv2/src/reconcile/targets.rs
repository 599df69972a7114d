//! Targets that are EC2 instances leave their groups when the instances are terminated.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use aws_protocol::ApiError;
use aws_shape::ec2::InstanceStateName;
use base_id::Scope;
use base_reconcile::{Outcome, Reconciler};
use contract::task::{DesiredTask, ObservedTask};

use crate::Elbv2;
use crate::machine::{self, Machine};
use crate::model::TargetGroup;
use crate::table::TARGET_GROUPS;

/// An instance that is on its way from one state to another is looked at again after this.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The reconciler of targets.
pub struct Targets(Elbv2);

impl Targets {
    /// What wakes it.
    pub const READS: &[&str] = &[TARGET_GROUPS.name, DesiredTask::TABLE, ObservedTask::TABLE];

    pub fn new(service: Elbv2) -> Self {
        Self(service)
    }

    async fn scope(&self, scope: &Scope, ids: BTreeSet<String>) -> Result<Outcome, ApiError> {
        let context = super::own_context(scope);
        let machines = machine::machines(&self.0, &context, ids.iter().cloned().collect()).await?;
        let gone: BTreeSet<String> = ids
            .into_iter()
            .filter(|id| machines.get(id).is_none_or(Machine::is_gone))
            .collect();
        if !gone.is_empty() {
            self.remove(scope, gone).await?;
        }
        let settled = machines.values().all(|it| {
            matches!(
                it.state,
                InstanceStateName::Running | InstanceStateName::Stopped | InstanceStateName::Terminated
            )
        });
        Ok(match settled {
            true => Outcome::Settled,
            false => Outcome::Until(self.0.clock.now() + LOOK_AGAIN),
        })
    }

    /// At once: nothing is in flight to an instance that is not there.
    async fn remove(&self, scope: &Scope, gone: BTreeSet<String>) -> Result<(), ApiError> {
        let prefix = crate::table::key(scope, "");
        self.0
            .store
            .write(move |tx| {
                let is_gone =
                    |instance: &Option<String>| instance.as_ref().is_some_and(|id| gone.contains(id));
                for (place, group) in tx.prefix(TARGET_GROUPS, &prefix) {
                    if group.targets.iter().any(|it| is_gone(&it.instance)) {
                        let mut group = TargetGroup::clone(&group);
                        group.targets.retain(|it| !is_gone(&it.instance));
                        tx.put(TARGET_GROUPS, &place, group);
                    }
                }
                Ok(())
            })
            .await
    }
}

#[async_trait]
impl Reconciler for Targets {
    fn name(&self) -> &'static str {
        "elbv2 targets"
    }

    async fn activate(&self) -> Result<Outcome, String> {
        let mut scopes: BTreeMap<Scope, BTreeSet<String>> = BTreeMap::new();
        for (place, group) in self.0.store.snapshot().list(TARGET_GROUPS) {
            let instances = group.targets.iter().filter_map(|it| it.instance.clone());
            scopes.entry(Scope::of_key(&place)).or_default().extend(instances);
        }
        let (mut due, mut failures) = (None, Vec::new());
        for (scope, ids) in scopes.into_iter().filter(|(_, ids)| !ids.is_empty()) {
            match self.scope(&scope, ids).await {
                Ok(Outcome::Until(at)) => due = Some(at),
                Ok(_) => {}
                Err(error) => failures.push(format!("{}: {error}", scope.key())),
            }
        }
        match failures.is_empty() {
            true => Ok(due.map_or(Outcome::Settled, Outcome::Until)),
            false => Err(failures.join("; ")),
        }
    }
}
