//! Targets: registering and deregistering.

use std::net::Ipv4Addr;

use aws_protocol::{ApiError, Context};
use aws_shape::elbv2::*;

use crate::Elbv2;
use crate::model::{self, Target};
use crate::table::{self, TARGET_GROUPS, key};

/// AWS's quota.
const TARGETS_PER_GROUP_MAX: usize = 1000;

fn address(target: &TargetDescription) -> Result<Ipv4Addr, ApiError> {
    target.id.parse().map_err(|_| {
        let message = format!("The IP address '{}' is not a valid IPv4 address", target.id);
        ApiError::client("InvalidTarget", message)
    })
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
    elb.store
        .write(move |tx| {
            let found = table::target_group(&tx.snapshot(), &scope, &input.target_group_arn)?;
            let mut group = model::TargetGroup::clone(&found);
            for one in &input.targets {
                let new = Target {
                    address: address(one)?,
                    port: port(one, group.port)?,
                    draining: false,
                };
                match group
                    .targets
                    .iter_mut()
                    .find(|old| (old.address, old.port) == (new.address, new.port))
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
                let gone = address(one)?;
                let named = |old: &&mut Target| {
                    old.address == gone && one.port.is_none_or(|port| port == i32::from(old.port))
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
