//! Starting, stopping, rebooting and terminating: the wish is written, the reconciler follows.

use aws_protocol::Context;
use aws_shape::ec2::*;
use base_id::Scope;
use base_store::Transaction;
use jiff::Timestamp;

use super::instance_describe::{state, state_shape};
use super::tag;
use crate::Ec2;
use crate::error::{Error, dry_run, unsupported, with_code};
use crate::model::instance::{Instance, Life, Reason, State};
use crate::table::{self, INSTANCES, key};

fn user_initiated(now: Timestamp) -> Option<Reason> {
    let code = "Client.UserInitiatedShutdown";
    Some(Reason {
        code: code.into(),
        message: format!("{code}: User initiated shutdown"),
        at: now,
    })
}

/// All of them change, or none.
async fn change(
    ec2: &Ec2,
    context: &Context,
    ids: Vec<String>,
    dry: Option<bool>,
    decide: impl Fn(&Instance, State) -> Result<Option<Instance>, Error> + Send + 'static,
) -> Result<Vec<InstanceStateChange>, Error> {
    let scope = context.scope.clone();
    ec2.store
        .write(move |tx| {
            let instances = table::instances(&tx.snapshot(), &scope, Some(&ids))?;
            let mut changes = Vec::new();
            for before in &instances {
                let old = state(&tx.snapshot(), before);
                if let Some(after) = decide(before, old)? {
                    tx.put(INSTANCES, &key(&scope, &before.id), after);
                }
                changes.push(told(tx, &scope, &before.id, old));
            }
            dry_run(dry)?;
            Ok(changes)
        })
        .await
}

fn told(tx: &Transaction, scope: &Scope, id: &str, old: State) -> InstanceStateChange {
    let now = tx
        .get(INSTANCES, &key(scope, id))
        .map(|row| state(&tx.snapshot(), &row));
    InstanceStateChange {
        instance_id: Some(id.to_owned()),
        current_state: now.map(state_shape),
        previous_state: Some(state_shape(old)),
    }
}

fn wrong_state(id: &str, what: &str) -> Error {
    let message = format!("The instance '{id}' is not in a state from which it can be {what}.");
    with_code("IncorrectInstanceState", message)
}

pub(super) async fn start_instances(
    ec2: &Ec2,
    context: &Context,
    input: StartInstancesRequest,
) -> Result<StartInstancesResult, Error> {
    if input.additional_info.is_some() {
        return Err(unsupported("AdditionalInfo"));
    }
    let (now, ids) = (ec2.clock.now(), ec2.ids.clone());
    let decide = move |before: &Instance, state| match (&before.life, state) {
        (Life::Stopped { .. }, _) => Ok(Some(Instance {
            life: Life::Up {
                boot: ids.hex(32),
                again: true,
                reboot: false,
            },
            reason: None,
            launched_at: now,
            ..before.clone()
        })),
        (_, State::Pending | State::Running) => Ok(None),
        _ => Err(wrong_state(&before.id, "started")),
    };
    let changes = change(ec2, context, input.instance_ids, input.dry_run, decide).await?;
    Ok(StartInstancesResult {
        starting_instances: Some(changes),
    })
}

pub(super) async fn stop_instances(
    ec2: &Ec2,
    context: &Context,
    input: StopInstancesRequest,
) -> Result<StopInstancesResult, Error> {
    if input.hibernate == Some(true) {
        let message = "The instance is not configured for hibernation.";
        return Err(with_code("UnsupportedHibernationConfiguration", message));
    }
    let force = input.force == Some(true) || input.skip_os_shutdown == Some(true);
    let now = ec2.clock.now();
    let decide = move |before: &Instance, _| match &before.life {
        Life::Up { .. } | Life::Rebooting { .. } if before.stop_protection => {
            let message = format!(
                "The instance '{}' may not be stopped. Modify its 'disableApiStop' instance attribute and try again.",
                before.id
            );
            Err(with_code("OperationNotPermitted", message))
        }
        Life::Up { boot, .. } | Life::Rebooting { boot } => Ok(Some(Instance {
            life: Life::Stopping {
                boot: boot.clone(),
                force,
            },
            reason: user_initiated(now),
            ..before.clone()
        })),
        Life::Stopping { boot, force: false } if force => Ok(Some(Instance {
            life: Life::Stopping {
                boot: boot.clone(),
                force,
            },
            ..before.clone()
        })),
        Life::Stopping { .. } | Life::Stopped { .. } => Ok(None),
        Life::ShuttingDown { .. } | Life::Terminated { .. } => Err(wrong_state(&before.id, "stopped")),
    };
    let changes = change(ec2, context, input.instance_ids, input.dry_run, decide).await?;
    Ok(StopInstancesResult {
        stopping_instances: Some(changes),
    })
}

pub(super) async fn reboot_instances(
    ec2: &Ec2,
    context: &Context,
    input: RebootInstancesRequest,
) -> Result<(), Error> {
    let decide = |before: &Instance, state| match (&before.life, state) {
        (Life::Up { boot, .. }, State::Running) => Ok(Some(Instance {
            life: Life::Rebooting { boot: boot.clone() },
            ..before.clone()
        })),
        // It starts anyway.
        (_, State::Pending | State::Running) => Ok(None),
        _ => Err(wrong_state(&before.id, "rebooted")),
    };
    change(ec2, context, input.instance_ids, input.dry_run, decide)
        .await
        .map(drop)
}

pub(super) async fn terminate_instances(
    ec2: &Ec2,
    context: &Context,
    input: TerminateInstancesRequest,
) -> Result<TerminateInstancesResult, Error> {
    let force = input.force == Some(true) || input.skip_os_shutdown == Some(true);
    let now = ec2.clock.now();
    // It keeps people from accidents; an Auto Scaling group ends its instances all the same, as in AWS.
    let by_service = tag::is_service(context);
    let decide = move |before: &Instance, _| {
        if before.termination_protection && !by_service && !before.is_terminated() {
            let message = format!(
                "The instance '{}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.",
                before.id
            );
            return Err(with_code("OperationNotPermitted", message));
        }
        Ok(match &before.life {
            Life::Terminated { .. } | Life::ShuttingDown { .. } => None,
            Life::Up { boot, .. }
            | Life::Rebooting { boot }
            | Life::Stopping { boot, .. }
            | Life::Stopped { boot } => Some(Instance {
                life: Life::ShuttingDown {
                    boot: boot.clone(),
                    force,
                },
                reason: user_initiated(now),
                ..before.clone()
            }),
        })
    };
    let changes = change(ec2, context, input.instance_ids, input.dry_run, decide).await?;
    Ok(TerminateInstancesResult {
        terminating_instances: Some(changes),
    })
}
