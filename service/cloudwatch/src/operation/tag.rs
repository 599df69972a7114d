//! Tags of alarms and dashboards.

use std::collections::BTreeMap;

use aws_protocol::{ApiError, Context};
use aws_shape::cloudwatch::*;
use base_store::{Snapshot, Transaction};

use crate::model::{Alarm, Dashboard};
use crate::table::{self, ALARMS, DASHBOARDS, alarm_arn, dashboard_arn};
use crate::{CloudWatch, error};

enum Place {
    Alarm(String),
    Dashboard(String),
}

fn place(context: &Context, arn: &str) -> Result<Place, ApiError> {
    if let Some(name) = arn.strip_prefix(&alarm_arn(&context.scope, "")) {
        return Ok(Place::Alarm(table::key(&context.scope.key(), name)));
    }
    if let Some(name) = arn.strip_prefix(&dashboard_arn(&context.scope, "")) {
        return Ok(Place::Dashboard(table::key(&context.scope.account, name)));
    }
    Err(error::value(format!(
        "{arn} is not the ARN of an alarm or a dashboard of this account and region."
    )))
}

fn not_found(arn: &str) -> ApiError {
    ApiError::with_status(404, "ResourceNotFoundException", format!("{arn} does not exist."))
}

fn tags(snapshot: &Snapshot, place: &Place) -> Option<BTreeMap<String, String>> {
    match place {
        Place::Alarm(key) => snapshot.get(ALARMS, key).map(|it| it.tags.clone()),
        Place::Dashboard(key) => snapshot.get(DASHBOARDS, key).map(|it| it.tags.clone()),
    }
}

fn save(tx: &mut Transaction, place: &Place, tags: BTreeMap<String, String>) {
    match place {
        Place::Alarm(key) => {
            if let Some(alarm) = tx.get(ALARMS, key) {
                tx.put(
                    ALARMS,
                    key,
                    Alarm {
                        tags,
                        ..Alarm::clone(&alarm)
                    },
                );
            }
        }
        Place::Dashboard(key) => {
            if let Some(dashboard) = tx.get(DASHBOARDS, key) {
                tx.put(
                    DASHBOARDS,
                    key,
                    Dashboard {
                        tags,
                        ..Dashboard::clone(&dashboard)
                    },
                );
            }
        }
    }
}

async fn edit(
    cloudwatch: &CloudWatch,
    context: &Context,
    arn: String,
    change: impl FnOnce(&mut BTreeMap<String, String>) + Send + 'static,
) -> Result<(), ApiError> {
    let place = place(context, &arn)?;
    cloudwatch
        .store
        .write(move |tx| {
            let mut found = tags(&tx.snapshot(), &place).ok_or_else(|| not_found(&arn))?;
            change(&mut found);
            save(tx, &place, found);
            Ok(())
        })
        .await
}

pub(super) async fn tag_resource(
    cloudwatch: &CloudWatch,
    context: &Context,
    input: TagResourceInput,
) -> Result<TagResourceOutput, ApiError> {
    let added = input.tags;
    edit(cloudwatch, context, input.resource_arn, move |tags| {
        tags.extend(added.into_iter().map(|it| (it.key, it.value)));
    })
    .await?;
    Ok(TagResourceOutput {})
}

pub(super) async fn untag_resource(
    cloudwatch: &CloudWatch,
    context: &Context,
    input: UntagResourceInput,
) -> Result<UntagResourceOutput, ApiError> {
    let removed = input.tag_keys;
    edit(cloudwatch, context, input.resource_arn, move |tags| {
        tags.retain(|key, _| !removed.contains(key));
    })
    .await?;
    Ok(UntagResourceOutput {})
}

pub(super) async fn list_tags_for_resource(
    cloudwatch: &CloudWatch,
    context: &Context,
    input: ListTagsForResourceInput,
) -> Result<ListTagsForResourceOutput, ApiError> {
    let place = place(context, &input.resource_arn)?;
    let found = tags(&cloudwatch.store.snapshot(), &place).ok_or_else(|| not_found(&input.resource_arn))?;
    let tags = found.into_iter().map(|(key, value)| Tag { key, value });
    Ok(ListTagsForResourceOutput {
        tags: Some(tags.collect()),
    })
}
