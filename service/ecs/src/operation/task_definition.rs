//! Task definitions: families and revisions.

use std::collections::BTreeMap;

use aws_protocol::{ApiError, Context, page};
use aws_shape::ecs::*;

use super::PAGE_ITEMS_MAX;
use crate::Ecs;
use crate::error::client;
use crate::model::task_definition;
use crate::table::{self, DEFINITIONS, REVISIONS, definition_key, key};
use crate::view;

pub(super) async fn register_task_definition(
    ecs: &Ecs,
    context: &Context,
    mut input: RegisterTaskDefinitionRequest,
) -> Result<RegisterTaskDefinitionResponse, ApiError> {
    let spec = task_definition::parse(&mut input, &context.scope)?;
    let tags = table::tags(input.tags.take());
    let (scope, family, now) = (context.scope.clone(), input.family.clone(), ecs.clock.now());
    let registered_by = context.principal_arn.clone();
    let request = task_definition::to_json(input);
    let definition = ecs
        .store
        .write(move |tx| {
            let revisions = key(&scope, &family);
            let revision = tx.get(REVISIONS, &revisions).map_or(1, |last| *last + 1);
            tx.put(REVISIONS, &revisions, revision);
            let definition = task_definition::TaskDefinition {
                arn: scope.arn("ecs", &format!("task-definition/{family}:{revision}")),
                revision,
                registered_at: now,
                registered_by,
                deregistered_at: None,
                request,
                spec,
                tags,
                family,
            };
            tx.put(
                DEFINITIONS,
                &definition_key(&scope, &definition.family, revision),
                definition.clone(),
            );
            Ok::<_, ApiError>(definition)
        })
        .await?;
    let tags = view::tags(&definition.tags);
    Ok(RegisterTaskDefinitionResponse {
        task_definition: Some(view::definition(&definition)?),
        tags: Some(tags),
    })
}

pub(super) async fn describe_task_definition(
    ecs: &Ecs,
    context: &Context,
    input: DescribeTaskDefinitionRequest,
) -> Result<DescribeTaskDefinitionResponse, ApiError> {
    let definition = table::definition(&ecs.store.snapshot(), &context.scope, &input.task_definition)?;
    let wanted = input
        .include
        .unwrap_or_default()
        .contains(&TaskDefinitionField::Tags);
    let tags = if wanted {
        view::tags(&definition.tags)
    } else {
        vec![]
    };
    Ok(DescribeTaskDefinitionResponse {
        task_definition: Some(view::definition(&definition)?),
        tags: Some(tags),
    })
}

pub(super) async fn deregister_task_definition(
    ecs: &Ecs,
    context: &Context,
    input: DeregisterTaskDefinitionRequest,
) -> Result<DeregisterTaskDefinitionResponse, ApiError> {
    let (scope, now) = (context.scope.clone(), ecs.clock.now());
    let definition = ecs
        .store
        .write(move |tx| {
            if !input.task_definition.contains(':') {
                return Err(client("Invalid revision number. Number: null"));
            }
            let found = table::definition(&tx.snapshot(), &scope, &input.task_definition)
                .map_err(|_| client("The specified task definition does not exist. Specify a valid account, family, revision and try again."))?;
            let mut definition = task_definition::TaskDefinition::clone(&found);
            definition.deregistered_at.get_or_insert(now);
            tx.put(DEFINITIONS, &definition_key(&scope, &definition.family, definition.revision), definition.clone());
            Ok(definition)
        })
        .await?;
    Ok(DeregisterTaskDefinitionResponse {
        task_definition: Some(view::definition(&definition)?),
    })
}

pub(super) async fn list_task_definitions(
    ecs: &Ecs,
    context: &Context,
    input: ListTaskDefinitionsRequest,
) -> Result<ListTaskDefinitionsResponse, ApiError> {
    let rows = ecs.store.snapshot().prefix(DEFINITIONS, &key(&context.scope, ""));
    let active = match input.status {
        None | Some(TaskDefinitionStatus::Active) => true,
        Some(TaskDefinitionStatus::Inactive) => false,
        Some(_) => {
            return Ok(ListTaskDefinitionsResponse {
                task_definition_arns: Some(vec![]),
                next_token: None,
            });
        }
    };
    let wanted = |row: &task_definition::TaskDefinition| {
        input
            .family_prefix
            .as_ref()
            .is_none_or(|family| row.family == *family)
            && row.is_active() == active
    };
    let mut arns: Vec<String> = rows
        .into_iter()
        .filter(|(_, row)| wanted(row))
        .map(|(_, row)| row.arn.clone())
        .collect();
    if input.sort == Some(SortOrder::Desc) {
        arns.reverse();
    }
    let (arns, next_token) = page(
        arns,
        input.max_results,
        PAGE_ITEMS_MAX,
        input.next_token.as_deref(),
    )?;
    Ok(ListTaskDefinitionsResponse {
        task_definition_arns: Some(arns),
        next_token,
    })
}

pub(super) async fn list_task_definition_families(
    ecs: &Ecs,
    context: &Context,
    input: ListTaskDefinitionFamiliesRequest,
) -> Result<ListTaskDefinitionFamiliesResponse, ApiError> {
    let rows = ecs.store.snapshot().prefix(DEFINITIONS, &key(&context.scope, ""));
    let mut families: BTreeMap<String, bool> = BTreeMap::new();
    for (_, row) in rows {
        *families.entry(row.family.clone()).or_default() |= row.is_active();
    }
    let prefix = input.family_prefix.unwrap_or_default();
    let wanted = |name: &str, active: bool| {
        let status = match input.status {
            Some(TaskDefinitionFamilyStatus::Active) => active,
            Some(TaskDefinitionFamilyStatus::Inactive) => !active,
            _ => true,
        };
        status && name.starts_with(&prefix)
    };
    let names = families
        .into_iter()
        .filter(|(name, active)| wanted(name, *active))
        .map(|(name, _)| name)
        .collect();
    let (families, next_token) = page(
        names,
        input.max_results,
        PAGE_ITEMS_MAX,
        input.next_token.as_deref(),
    )?;
    Ok(ListTaskDefinitionFamiliesResponse {
        families: Some(families),
        next_token,
    })
}
