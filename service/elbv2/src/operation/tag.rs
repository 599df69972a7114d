//! Tags of load balancers, listeners and target groups.

use aws_protocol::{ApiError, Context};
use aws_shape::elbv2::*;
use base_id::Scope;
use base_store::{Snapshot, Transaction};

use crate::Elbv2;
use crate::model::{self, Tags};
use crate::table::{self, LISTENERS, LOAD_BALANCERS, TARGET_GROUPS, key, listener_key};

pub(super) fn parse(tags: Option<Vec<Tag>>) -> Tags {
    tags.into_iter()
        .flatten()
        .map(|tag| (tag.key, tag.value.unwrap_or_default()))
        .collect()
}

fn read(snapshot: &Snapshot, scope: &Scope, arn: &str) -> Result<Tags, ApiError> {
    if arn.contains(":loadbalancer/") {
        return table::balancer(snapshot, scope, arn).map(|it| it.tags.clone());
    }
    if arn.contains(":targetgroup/") {
        return table::target_group(snapshot, scope, arn).map(|it| it.tags.clone());
    }
    if arn.contains(":listener/") {
        return table::listener(snapshot, scope, arn).map(|it| it.tags.clone());
    }
    Err(crate::error::validation(format!(
        "'{arn}' is not a valid load balancer, target group or listener ARN"
    )))
}

fn write(tx: &mut Transaction, scope: &Scope, arn: &str, tags: Tags) -> Result<(), ApiError> {
    let snapshot = tx.snapshot();
    if let Ok(row) = table::balancer(&snapshot, scope, arn) {
        tx.put(
            LOAD_BALANCERS,
            &key(scope, &row.name),
            model::LoadBalancer {
                tags,
                ..(*row).clone()
            },
        );
    } else if let Ok(row) = table::target_group(&snapshot, scope, arn) {
        tx.put(
            TARGET_GROUPS,
            &key(scope, &row.name),
            model::TargetGroup {
                tags,
                ..(*row).clone()
            },
        );
    } else {
        let row = table::listener(&snapshot, scope, arn)?;
        if let Some(place) = listener_key(scope, arn) {
            tx.put(
                LISTENERS,
                &place,
                model::Listener {
                    tags,
                    ..(*row).clone()
                },
            );
        }
    }
    Ok(())
}

pub(super) async fn describe_tags(
    elb: &Elbv2,
    context: &Context,
    input: DescribeTagsInput,
) -> Result<DescribeTagsOutput, ApiError> {
    let snapshot = elb.store.snapshot();
    let describe = |arn: String| {
        let tags = read(&snapshot, &context.scope, &arn)?.into_iter();
        let tags = tags
            .map(|(key, value)| Tag {
                key,
                value: Some(value),
            })
            .collect();
        Ok::<_, ApiError>(TagDescription {
            resource_arn: Some(arn),
            tags: Some(tags),
        })
    };
    let descriptions = input
        .resource_arns
        .into_iter()
        .map(describe)
        .collect::<Result<_, _>>()?;
    Ok(DescribeTagsOutput {
        tag_descriptions: Some(descriptions),
    })
}

pub(super) async fn add_tags(
    elb: &Elbv2,
    context: &Context,
    input: AddTagsInput,
) -> Result<AddTagsOutput, ApiError> {
    let new = parse(Some(input.tags));
    edit(elb, context, input.resource_arns, move |tags| {
        tags.extend(new.clone())
    })
    .await?;
    Ok(AddTagsOutput {})
}

pub(super) async fn remove_tags(
    elb: &Elbv2,
    context: &Context,
    input: RemoveTagsInput,
) -> Result<RemoveTagsOutput, ApiError> {
    edit(elb, context, input.resource_arns, move |tags| {
        tags.retain(|key, _| !input.tag_keys.contains(key))
    })
    .await?;
    Ok(RemoveTagsOutput {})
}

async fn edit(
    elb: &Elbv2,
    context: &Context,
    arns: Vec<String>,
    change: impl Fn(&mut Tags) + Send + 'static,
) -> Result<(), ApiError> {
    let scope = context.scope.clone();
    elb.store
        .write(move |tx| {
            for arn in arns {
                let mut tags = read(&tx.snapshot(), &scope, &arn)?;
                change(&mut tags);
                write(tx, &scope, &arn, tags)?;
            }
            Ok(())
        })
        .await
}
