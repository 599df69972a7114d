//! Alarms on other alarms.

use std::collections::BTreeSet;

use aws_protocol::{ApiError, Context};
use aws_shape::cloudwatch::*;
use base_store::Snapshot;

use super::alarm::{actions, save};
use crate::model::{Alarm, Body, Composite};
use crate::plan::composite;
use crate::table::{ALARMS, key};
use crate::{CloudWatch, error};

const CHILDREN_MAX: usize = 100;

pub(super) async fn put_composite_alarm(
    cloudwatch: &CloudWatch,
    context: &Context,
    input: PutCompositeAlarmInput,
) -> Result<(), ApiError> {
    if input.actions_suppressor.is_some() {
        return Err(error::validation("Wharf does not serve ActionsSuppressor."));
    }
    let rule = composite::parse(&input.alarm_rule)
        .map_err(|cause| error::validation(format!("AlarmRule is invalid: {cause}.")))?;
    let children = composite::children(&rule);
    if children.len() > CHILDREN_MAX {
        return Err(error::validation(format!(
            "AlarmRule refers to more than {CHILDREN_MAX} alarms."
        )));
    }
    let (snapshot, scope) = (cloudwatch.store.snapshot(), context.scope.key());
    let mut seen = BTreeSet::new();
    for child in children {
        if snapshot.get(ALARMS, &key(&scope, child)).is_none() {
            return Err(error::validation(format!(
                "AlarmRule refers to the alarm {child}, which does not exist."
            )));
        }
        if leads_to(&snapshot, &scope, child, &input.alarm_name, &mut seen) {
            return Err(error::validation(format!(
                "AlarmRule leads back to {} by {child}.",
                input.alarm_name
            )));
        }
    }
    let alarm = Alarm {
        name: input.alarm_name,
        description: input.alarm_description,
        actions_enabled: input.actions_enabled.unwrap_or(true),
        ok_actions: actions("OKActions", input.ok_actions)?,
        alarm_actions: actions("AlarmActions", input.alarm_actions)?,
        insufficient_actions: actions("InsufficientDataActions", input.insufficient_data_actions)?,
        changed_at: cloudwatch.clock.now(),
        tags: input
            .tags
            .unwrap_or_default()
            .into_iter()
            .map(|it| (it.key, it.value))
            .collect(),
        body: Body::Composite(Composite {
            rule: input.alarm_rule,
        }),
    };
    save(cloudwatch, context, alarm).await
}

/// Whether an alarm looks at another one, by however many between them. `seen` are those that were looked through.
fn leads_to(snapshot: &Snapshot, scope: &str, from: &str, to: &str, seen: &mut BTreeSet<String>) -> bool {
    if from == to {
        return true;
    }
    if !seen.insert(from.to_owned()) {
        return false;
    }
    let Some(alarm) = snapshot.get(ALARMS, &key(scope, from)) else {
        return false;
    };
    let Body::Composite(it) = &alarm.body else {
        return false;
    };
    composite::parse(&it.rule).is_ok_and(|rule| {
        let mut children = composite::children(&rule).into_iter();
        children.any(|child| leads_to(snapshot, scope, child, to, seen))
    })
}
