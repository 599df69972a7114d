//! Task definitions: families and revisions.

use std::collections::BTreeMap;

use aws_protocol::{ApiError, Context, page};
use aws_shape::ecs::*;
use base_id::Scope;
use base_store::Transaction;
use jiff::Timestamp;

use super::PAGE_ITEMS_MAX;
use crate::Ecs;
use crate::error::{client, invalid};
use crate::model::task_definition;
use crate::table::{self, DEFINITIONS, REVISIONS, definition_key, key};
use crate::view;

pub(super) async fn register_task_definition(
    ecs: &Ecs,
    context: &Context,
    mut input: RegisterTaskDefinitionRequest,
) -> Result<RegisterTaskDefinitionResponse, ApiError> {
    let spec = task_definition::parse(&mut input, &context.scope)?;
    let tags = super::tag::parse(input.tags.take())?;
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
                delete_requested_at: None,
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
            if !has_revision(&input.task_definition) {
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

const DELETED_PER_CALL_MAX: usize = 10;

pub(super) async fn delete_task_definitions(
    ecs: &Ecs,
    context: &Context,
    input: DeleteTaskDefinitionsRequest,
) -> Result<DeleteTaskDefinitionsResponse, ApiError> {
    if !(1..=DELETED_PER_CALL_MAX).contains(&input.task_definitions.len()) {
        return Err(invalid(format!(
            "The number of task definitions must be between 1 and {DELETED_PER_CALL_MAX}."
        )));
    }
    if let Some(given) = input.task_definitions.iter().find(|it| !has_revision(it)) {
        return Err(invalid(format!("Invalid revision number. Number: {given}")));
    }
    let (scope, now) = (context.scope.clone(), ecs.clock.now());
    let (deleted, failures) = ecs
        .store
        .write(move |tx| {
            let (mut deleted, mut failures) = (Vec::new(), Vec::new());
            for given in &input.task_definitions {
                match mark_deleted(tx, &scope, given, now) {
                    Ok(definition) => deleted.push(definition),
                    Err(reason) => failures.push(Failure {
                        arn: Some(given.clone()),
                        reason: Some(reason.to_owned()),
                        detail: None,
                    }),
                }
            }
            Ok::<_, ApiError>((deleted, failures))
        })
        .await?;
    Ok(DeleteTaskDefinitionsResponse {
        task_definitions: Some(deleted.iter().map(view::definition).collect::<Result<_, _>>()?),
        failures: Some(failures),
    })
}

/// The revision goes once nothing refers to it any more; until then it can be described.
fn mark_deleted(
    tx: &mut Transaction,
    scope: &Scope,
    given: &str,
    now: Timestamp,
) -> Result<task_definition::TaskDefinition, &'static str> {
    let found = table::definition(&tx.snapshot(), scope, given)
        .map_err(|_| "The specified task definition does not exist. Specify a valid account, family, revision and try again.")?;
    if found.is_active() {
        return Err(
            "The specified task definition is still in ACTIVE status. Please deregister the target and try again.",
        );
    }
    let mut definition = task_definition::TaskDefinition::clone(&found);
    definition.delete_requested_at.get_or_insert(now);
    tx.put(
        DEFINITIONS,
        &definition_key(scope, &definition.family, definition.revision),
        definition.clone(),
    );
    Ok(definition)
}

/// `family:revision`, or an ARN that ends so.
fn has_revision(given: &str) -> bool {
    given.rsplit('/').next().unwrap_or(given).contains(':')
}

pub(super) async fn list_task_definitions(
    ecs: &Ecs,
    context: &Context,
    input: ListTaskDefinitionsRequest,
) -> Result<ListTaskDefinitionsResponse, ApiError> {
    let rows = ecs.store.snapshot().prefix(DEFINITIONS, &key(&context.scope, ""));
    let status = input.status.unwrap_or(TaskDefinitionStatus::Active);
    if let TaskDefinitionStatus::Other(other) = &status {
        return Err(invalid(format!(
            "Invalid task definition status '{other}': it is one of ACTIVE, INACTIVE, DELETE_IN_PROGRESS."
        )));
    }
    let wanted = |row: &task_definition::TaskDefinition| {
        input
            .family_prefix
            .as_ref()
            .is_none_or(|family| row.family == *family)
            && row.status() == status
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
