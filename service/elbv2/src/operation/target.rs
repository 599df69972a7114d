//! Targets: registering and deregistering.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use aws_protocol::{ApiError, Context};
use aws_shape::elbv2::*;

use crate::Elbv2;
use crate::machine::{self, Machine};
use crate::model::{self, Target};
use crate::table::{self, TARGET_GROUPS, key};

/// AWS's quota.
const TARGETS_PER_GROUP_MAX: usize = 1000;

fn invalid_target(message: String) -> ApiError {
    ApiError::client("InvalidTarget", message)
}

fn address(target: &TargetDescription) -> Result<Ipv4Addr, ApiError> {
    target.id.parse().map_err(|_| {
        invalid_target(format!(
            "The IP address '{}' is not a valid IPv4 address",
            target.id
        ))
    })
}

/// The instances among the targets of a group of instances: they exist, run, and are in its VPC.
async fn machines(
    elb: &Elbv2,
    context: &Context,
    group: &model::TargetGroup,
    targets: &[TargetDescription],
) -> Result<BTreeMap<String, Machine>, ApiError> {
    if !group.of_instances {
        return Ok(BTreeMap::new());
    }
    let ids: Vec<String> = targets.iter().map(|it| it.id.clone()).collect();
    let found = machine::machines(elb, context, ids.clone()).await?;
    let quoted = |wrong: Vec<&String>| {
        let quoted: Vec<String> = wrong.iter().map(|id| format!("'{id}'")).collect();
        quoted.join(", ")
    };
    let those = |wrong: &dyn Fn(&String) -> bool| ids.iter().filter(|id| wrong(id)).collect::<Vec<_>>();
    let unknown = those(&|id| !found.contains_key(id));
    if !unknown.is_empty() {
        return Err(invalid_target(format!(
            "The following instances are not valid: {}",
            quoted(unknown)
        )));
    }
    let idle = those(&|id| !found[id].runs());
    if !idle.is_empty() {
        return Err(invalid_target(format!(
            "The following targets are not in a running state and cannot be registered: {}",
            quoted(idle)
        )));
    }
    let strangers = those(&|id| found[id].vpc != group.vpc);
    if !strangers.is_empty() {
        return Err(invalid_target(format!(
            "The following targets are not in the target group VPC '{}': {}",
            group.vpc,
            quoted(strangers)
        )));
    }
    Ok(found)
}

fn port(target: &TargetDescription, default: u16) -> Result<u16, ApiError> {
    let Some(port) = target.port else {
        return Ok(default);
    };
    let fits = u16::try_from(port).ok().filter(|port| *port > 0);
    fits.ok_or_else(|| crate::error::validation("The target port must be between 1 and 65535"))
}

pub(super) async fn register_targets(
    elb: &Elbv2,
    context: &Context,
    input: RegisterTargetsInput,
) -> Result<RegisterTargetsOutput, ApiError> {
    let scope = context.scope.clone();
    let group = table::target_group(&elb.store.snapshot(), &scope, &input.target_group_arn)?;
    let machines = machines(elb, context, &group, &input.targets).await?;
    elb.store
        .write(move |tx| {
            let found = table::target_group(&tx.snapshot(), &scope, &input.target_group_arn)?;
            let mut group = model::TargetGroup::clone(&found);
            for one in &input.targets {
                let machine = machines.get(&one.id);
                let new = Target {
                    instance: machine.map(|_| one.id.clone()),
                    address: match machine {
                        Some(machine) => machine.address,
                        None => address(one)?,
                    },
                    port: port(one, group.port)?,
                    draining: false,
                };
                match group
                    .targets
                    .iter_mut()
                    .find(|old| (old.id(), old.port) == (new.id(), new.port))
                {
                    Some(old) => old.draining = false,
                    None => group.targets.push(new),
                }
            }
            if group.targets.len() > TARGETS_PER_GROUP_MAX {
                let message =
                    format!("You have reached the maximum number of targets: {TARGETS_PER_GROUP_MAX}");
                return Err(ApiError::client("TooManyTargets", message));
            }
            tx.put(TARGET_GROUPS, &key(&scope, &group.name), group);
            Ok(())
        })
        .await?;
    Ok(RegisterTargetsOutput {})
}

pub(super) async fn deregister_targets(
    elb: &Elbv2,
    context: &Context,
    input: DeregisterTargetsInput,
) -> Result<DeregisterTargetsOutput, ApiError> {
    let scope = context.scope.clone();
    elb.store
        .write(move |tx| {
            let found = table::target_group(&tx.snapshot(), &scope, &input.target_group_arn)?;
            let mut group = model::TargetGroup::clone(&found);
            for one in &input.targets {
                if !group.of_instances {
                    address(one)?;
                }
                let named = |old: &&mut Target| {
                    old.id() == one.id && one.port.is_none_or(|port| port == i32::from(old.port))
                };
                group
                    .targets
                    .iter_mut()
                    .filter(named)
                    .for_each(|old| old.draining = true);
            }
            tx.put(TARGET_GROUPS, &key(&scope, &group.name), group);
            Ok::<_, ApiError>(())
        })
        .await?;
    Ok(DeregisterTargetsOutput {})
}
