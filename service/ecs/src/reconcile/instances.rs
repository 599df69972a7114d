//! Container instances: whether their EC2 instances are there and run. One that is terminated leaves its cluster, and its
//! tasks stop; one that is stopped stays, without its agent and without its tasks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_protocol::ApiError;
use aws_shape::ec2::{self, InstanceStateName};
use base_id::Scope;
use base_reconcile::{Outcome, Reconciler};
use base_store::Snapshot;
use jiff::Timestamp;

use crate::model::instance::Instance;
use crate::model::task::StopCode;
use crate::table::{self, DESIRED, INSTANCES, OBSERVED};
use crate::{Ecs, event, lodging};

/// An instance that is on its way from one state to another is looked at again after this.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The reconciler of container instances.
pub struct Instances(Ecs);

/// What is seen of an EC2 instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Running,
    Stopped,
    Gone,
}

impl Seen {
    fn of(state: Option<&InstanceStateName>) -> Self {
        match state {
            Some(InstanceStateName::Stopping | InstanceStateName::Stopped) => Self::Stopped,
            Some(InstanceStateName::ShuttingDown | InstanceStateName::Terminated) | None => Self::Gone,
            Some(_) => Self::Running,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Gone => "terminated",
        }
    }
}

impl Instances {
    /// What wakes it.
    pub const READS: &[&str] = &[INSTANCES.name, DESIRED.name, OBSERVED.name];

    pub fn new(ecs: Ecs) -> Self {
        Self(ecs)
    }

    /// The container instances of one account and region.
    async fn scope(&self, scope: &Scope, rows: &[Arc<Instance>]) -> Result<Outcome, ApiError> {
        let ids = rows.iter().map(|row| row.ec2_instance.clone()).collect();
        let states = states(&self.0, scope, ids).await?;
        let now = self.0.clock.now();
        let mut settled = true;
        for row in rows {
            let state = states.get(&row.ec2_instance);
            let seen = Seen::of(state);
            settled &= matches!(
                state,
                None | Some(InstanceStateName::Running | InstanceStateName::Stopped)
            );
            self.note(scope, row, seen, now).await?;
        }
        Ok(match settled {
            true => Outcome::Settled,
            false => Outcome::Until(now + LOOK_AGAIN),
        })
    }

    /// Writes down what was seen, unless the row is another one now.
    async fn note(&self, scope: &Scope, row: &Instance, seen: Seen, now: Timestamp) -> Result<(), ApiError> {
        let connected = seen == Seen::Running;
        if connected && row.connected {
            return Ok(());
        }
        let (scope, row) = (scope.clone(), row.clone());
        self.0
            .store
            .write(move |tx| {
                let place = table::key(&scope, &row.path());
                if tx.get(INSTANCES, &place).as_deref() != Some(&row) {
                    return Ok(());
                }
                if seen != Seen::Running {
                    let reason = event::host_gone(&row.ec2_instance, seen.word());
                    let tasks = tasks_on(&tx.snapshot(), &scope, &row);
                    lodging::evict(tx, &scope, &tasks, (StopCode::TerminationNotice, &reason), now);
                }
                if seen == Seen::Gone {
                    tx.delete(INSTANCES, &place);
                } else if row.connected != connected {
                    let version = row.version + 1;
                    tx.put(
                        INSTANCES,
                        &place,
                        Instance {
                            connected,
                            version,
                            ..row
                        },
                    );
                }
                Ok(())
            })
            .await
    }
}

/// Of the EC2 instances that exist.
async fn states(
    ecs: &Ecs,
    scope: &Scope,
    ids: Vec<String>,
) -> Result<BTreeMap<String, InstanceStateName>, ApiError> {
    // As a filter, for which one that does not exist is no error.
    let filter = ec2::Filter {
        name: Some("instance-id".to_owned()),
        values: Some(ids),
    };
    let mut input = ec2::DescribeInstancesRequest {
        filters: Some(vec![filter]),
        ..Default::default()
    };
    let context = Ecs::own_context(scope, "ecs-instances");
    let mut states = BTreeMap::new();
    loop {
        let answer = ecs
            .neighbours
            .ec2
            .describe_instances(&context, input.clone())
            .await?;
        let reservations = answer.reservations.into_iter().flatten();
        for one in reservations.flat_map(|it| it.instances.unwrap_or_default()) {
            if let (Some(id), Some(state)) = (one.instance_id, one.state.and_then(|it| it.name)) {
                states.insert(id, state);
            }
        }
        input.next_token = answer.next_token;
        if input.next_token.is_none() {
            return Ok(states);
        }
    }
}

/// What became of an EC2 instance that does not run any more: `stopped`, `terminated`.
pub(super) async fn fate(ecs: &Ecs, scope: &Scope, id: &str) -> Result<Option<&'static str>, ApiError> {
    let states = states(ecs, scope, vec![id.to_owned()]).await?;
    let seen = Seen::of(states.get(id));
    Ok((seen != Seen::Running).then(|| seen.word()))
}

fn tasks_on(snapshot: &Snapshot, scope: &Scope, row: &Instance) -> Vec<Arc<crate::model::task::Task>> {
    let houses = lodging::houses(snapshot, scope, &row.cluster);
    let house = houses.into_iter().find(|it| it.instance.id == row.id);
    house.map(|it| it.tasks).unwrap_or_default()
}

#[async_trait]
impl Reconciler for Instances {
    fn name(&self) -> &'static str {
        "ecs container instances"
    }

    async fn activate(&self) -> Result<Outcome, String> {
        let mut scopes: BTreeMap<Scope, Vec<Arc<Instance>>> = BTreeMap::new();
        for (place, row) in self.0.store.snapshot().list(INSTANCES) {
            scopes.entry(Scope::of_key(&place)).or_default().push(row);
        }
        let (mut outcome, mut failures) = (Outcome::Settled, Vec::new());
        for (scope, rows) in scopes {
            match self.scope(&scope, &rows).await {
                Ok(next) => outcome = super::services::sooner(outcome, next),
                Err(error) => failures.push(format!("{}: {error}", scope.key())),
            }
        }
        match failures.is_empty() {
            true => Ok(outcome),
            false => Err(failures.join("; ")),
        }
    }
}
