//! How the targets are, as the proxy has seen it.

use aws_protocol::{ApiError, Context};
use aws_shape::elbv2::*;
use contract::route::{ObservedTarget, RouteTable, TargetHealth as Seen, Unhealthy};

use crate::Elbv2;
use crate::machine::{self, Machine};
use crate::model::{self, Target};
use crate::table::{self, OBSERVED};

pub(super) async fn describe_target_health(
    elb: &Elbv2,
    context: &Context,
    input: DescribeTargetHealthInput,
) -> Result<DescribeTargetHealthOutput, ApiError> {
    let (scope, snapshot) = (&context.scope, elb.store.snapshot());
    let group = table::target_group(&snapshot, scope, &input.target_group_arn)?;
    let used = !table::users_of(&snapshot, scope, &group.arn).is_empty();
    let seen = snapshot.get(OBSERVED, RouteTable::KEY);
    let ids: Vec<String> = group
        .targets
        .iter()
        .filter_map(|it| it.instance.clone())
        .collect();
    let machines = machine::machines(elb, context, ids).await?;
    let of_target = |target: &Target| {
        let targets = seen
            .as_ref()
            .map(|seen| seen.targets.as_slice())
            .unwrap_or_default();
        let mine = |one: &&ObservedTarget| {
            (one.target_group.as_str(), one.address, one.port)
                == (group.arn.as_str(), target.address, target.port)
        };
        let stopped = target
            .instance
            .as_ref()
            .is_some_and(|id| !machines.get(id).is_some_and(Machine::runs));
        if stopped && !target.draining {
            let sentence = "Target is in the stopped state";
            return answer(
                TargetHealthStateEnum::Unused,
                Some(TargetHealthReasonEnum::TargetInvalidState),
                Some(sentence.to_owned()),
            );
        }
        health(&group, target, used, targets.iter().find(mine))
    };
    let description = |target: &Target| TargetHealthDescription {
        target: Some(TargetDescription {
            id: target.id(),
            port: Some(target.port.into()),
            ..Default::default()
        }),
        health_check_port: Some(group.health_check.port.unwrap_or(target.port).to_string()),
        target_health: Some(of_target(target)),
        ..Default::default()
    };
    let descriptions = match &input.targets {
        None => group.targets.iter().map(description).collect(),
        Some(wanted) => wanted
            .iter()
            .map(|one| named(&group, one).map_or_else(|| unknown(one), description))
            .collect(),
    };
    Ok(DescribeTargetHealthOutput {
        target_health_descriptions: Some(descriptions),
    })
}

fn named<'a>(group: &'a model::TargetGroup, wanted: &TargetDescription) -> Option<&'a Target> {
    let port = wanted.port.unwrap_or(group.port.into());
    group
        .targets
        .iter()
        .find(|one| one.id() == wanted.id && i32::from(one.port) == port)
}

fn unknown(wanted: &TargetDescription) -> TargetHealthDescription {
    TargetHealthDescription {
        target: Some(wanted.clone()),
        target_health: Some(answer(
            TargetHealthStateEnum::Unused,
            Some(TargetHealthReasonEnum::TargetNotRegistered),
            Some("Target is not registered to the target group".to_owned()),
        )),
        ..Default::default()
    }
}

fn answer(
    state: TargetHealthStateEnum,
    reason: Option<TargetHealthReasonEnum>,
    description: Option<String>,
) -> TargetHealth {
    TargetHealth {
        state: Some(state),
        reason,
        description,
    }
}

fn health(
    group: &model::TargetGroup,
    target: &Target,
    used: bool,
    seen: Option<&ObservedTarget>,
) -> TargetHealth {
    use TargetHealthReasonEnum as Reason;
    use TargetHealthStateEnum as State;
    if target.draining {
        let sentence = "Target deregistration is in progress";
        return answer(
            State::Draining,
            Some(Reason::TargetDeregistrationInProgress),
            Some(sentence.to_owned()),
        );
    }
    if !used {
        let sentence = "Target group is not configured to receive traffic from the load balancer";
        return answer(
            State::Unused,
            Some(Reason::TargetNotInUse),
            Some(sentence.to_owned()),
        );
    }
    match seen.map(|seen| &seen.health) {
        None => {
            let sentence = "Target registration is in progress";
            answer(
                State::Initial,
                Some(Reason::ElbRegistrationInProgress),
                Some(sentence.to_owned()),
            )
        }
        Some(Seen::Initial | Seen::Draining { .. }) => {
            let sentence = "Initial health checks in progress";
            answer(
                State::Initial,
                Some(Reason::ElbInitialHealthChecking),
                Some(sentence.to_owned()),
            )
        }
        Some(Seen::Healthy) => answer(State::Healthy, None, None),
        Some(Seen::Unchecked) => {
            let sentence = "Health checks are disabled for this target";
            answer(
                State::Unavailable,
                Some(Reason::TargetHealthCheckDisabled),
                Some(sentence.to_owned()),
            )
        }
        Some(Seen::Unhealthy(why)) => {
            let (reason, sentence) = match why {
                Unhealthy::Timeout => (Reason::TargetTimeout, "Request timed out".to_owned()),
                Unhealthy::Connection(cause) => (
                    Reason::TargetFailedHealthChecks,
                    format!("Health checks failed: {cause}"),
                ),
                Unhealthy::Status(code) => {
                    let sentence = format!("Health checks failed with these codes: [{code}]");
                    (Reason::TargetResponseCodeMismatch, sentence)
                }
            };
            let sentence = format!("{sentence} (asked for {})", group.health_check.path);
            answer(State::Unhealthy, Some(reason), Some(sentence))
        }
    }
}
