//! Queries that people have saved under a name.

use std::sync::Arc;

use aws_protocol::{ApiError, Context, page};
use aws_shape::logs::*;

use super::invalid;
use crate::Logs;
use crate::model::QueryDefinition as Stored;
use crate::table::QUERY_DEFINITIONS;

const DEFINITIONS_MAX: usize = 1_000;

pub(super) async fn put_query_definition(
    logs: &Logs,
    context: &Context,
    input: PutQueryDefinitionRequest,
) -> Result<PutQueryDefinitionResponse, ApiError> {
    if input
        .query_language
        .as_ref()
        .is_some_and(|it| *it != QueryLanguage::Cwli)
        || input.parameters.is_some_and(|it| !it.is_empty())
    {
        return Err(invalid(
            "Wharf serves query definitions in the language CWLI and without parameters alone.",
        ));
    }
    let is_new = input.query_definition_id.is_none();
    // The same request again, by its token, is the same definition.
    let id = match (input.query_definition_id, input.client_token) {
        (Some(id), _) => id,
        (None, Some(token)) if !token.is_empty() => token,
        (None, _) => logs.ids.uuid(),
    };
    let definition = Stored {
        id: id.clone(),
        name: input.name,
        text: input.query_string,
        groups: input.log_group_names.unwrap_or_default(),
        changed_ms: logs.clock.now().as_millisecond(),
    };
    let (scope, key) = (context.scope.key(), format!("{}/{id}", context.scope.key()));
    logs.store
        .write(move |tx| {
            if !is_new && tx.get(QUERY_DEFINITIONS, &key).is_none() {
                let message = "The specified query definition does not exist.";
                return Err(ApiError::client("ResourceNotFoundException", message));
            }
            if is_new && tx.prefix(QUERY_DEFINITIONS, &format!("{scope}/")).len() >= DEFINITIONS_MAX {
                return Err(ApiError::client(
                    "LimitExceededException",
                    "Resource limit exceeded.",
                ));
            }
            tx.put(QUERY_DEFINITIONS, &key, definition);
            Ok(())
        })
        .await?;
    Ok(PutQueryDefinitionResponse {
        query_definition_id: Some(id),
    })
}

pub(super) async fn describe_query_definitions(
    logs: &Logs,
    context: &Context,
    input: DescribeQueryDefinitionsRequest,
) -> Result<DescribeQueryDefinitionsResponse, ApiError> {
    let prefix = input.query_definition_name_prefix.unwrap_or_default();
    let found = logs
        .store
        .snapshot()
        .prefix(QUERY_DEFINITIONS, &format!("{}/", context.scope.key()));
    let ours = input
        .query_language
        .as_ref()
        .is_none_or(|it| *it == QueryLanguage::Cwli);
    let mut found: Vec<Arc<Stored>> = found.into_iter().map(|(_, it)| it).collect();
    found.retain(|it| ours && it.name.starts_with(&prefix));
    found.sort_by(|one, other| one.name.cmp(&other.name));
    let (found, next_token) = page(
        found,
        input.max_results,
        DEFINITIONS_MAX,
        input.next_token.as_deref(),
    )?;
    let shape = |it: Arc<Stored>| QueryDefinition {
        query_language: Some(QueryLanguage::Cwli),
        query_definition_id: Some(it.id.clone()),
        name: Some(it.name.clone()),
        query_string: Some(it.text.clone()),
        last_modified: Some(it.changed_ms),
        log_group_names: Some(it.groups.clone()),
        ..Default::default()
    };
    Ok(DescribeQueryDefinitionsResponse {
        query_definitions: Some(found.into_iter().map(shape).collect()),
        next_token,
    })
}

pub(super) async fn delete_query_definition(
    logs: &Logs,
    context: &Context,
    input: DeleteQueryDefinitionRequest,
) -> Result<DeleteQueryDefinitionResponse, ApiError> {
    let key = format!("{}/{}", context.scope.key(), input.query_definition_id);
    logs.store
        .write(move |tx| {
            if tx.get(QUERY_DEFINITIONS, &key).is_none() {
                let message = "The specified query definition does not exist.";
                return Err(ApiError::client("ResourceNotFoundException", message));
            }
            tx.delete(QUERY_DEFINITIONS, &key);
            Ok(())
        })
        .await?;
    Ok(DeleteQueryDefinitionResponse { success: Some(true) })
}
