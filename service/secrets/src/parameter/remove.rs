//! Deleting parameters, with all their versions.

use aws_protocol::{ApiError, Context};
use aws_shape::ssm::*;
use base_id::Scope;
use base_store::Transaction;

use super::{missing, name, place, read};
use crate::{PARAMETER_VALUES, PARAMETERS, Secrets};

fn remove(tx: &mut Transaction, scope: &Scope, text: &str) -> Result<(), ApiError> {
    let selected = name::select(scope, text)?.ok_or_else(|| missing(text))?;
    if selected.selector != name::Selector::Latest {
        return Err(missing(text));
    }
    let (key, parameter) = read::find(&tx.snapshot(), scope, &selected)?;
    for version in &parameter.versions {
        tx.delete(PARAMETER_VALUES, &place(&key, version.number));
    }
    tx.delete(PARAMETERS, &key);
    Ok(())
}

pub(super) async fn delete_parameter(
    secrets: &Secrets,
    context: &Context,
    input: DeleteParameterRequest,
) -> Result<DeleteParameterResult, ApiError> {
    let scope = context.scope.clone();
    secrets
        .store
        .write(move |tx| remove(tx, &scope, &input.name))
        .await?;
    Ok(DeleteParameterResult {})
}

pub(super) async fn delete_parameters(
    secrets: &Secrets,
    context: &Context,
    input: DeleteParametersRequest,
) -> Result<DeleteParametersResult, ApiError> {
    let scope = context.scope.clone();
    let (deleted, unknown) = secrets
        .store
        .write(move |tx| {
            let all = input.names.into_iter();
            let parted: (Vec<String>, Vec<String>) = all.partition(|name| remove(tx, &scope, name).is_ok());
            Ok::<_, ApiError>(parted)
        })
        .await?;
    Ok(DeleteParametersResult {
        deleted_parameters: Some(deleted),
        invalid_parameters: Some(unknown),
    })
}
