//! Reading parameters: one, several, or all below a path.

use std::sync::Arc;

use aws_protocol::{ApiError, Context, page};
use aws_shape::ssm::*;
use base_id::Scope;
use base_store::Snapshot;

use super::name::{self, Selected, Selector};
use super::{DATA_TYPE, arn, bad_token, filter, invalid, key, kind, missing, public, reference, value};
use crate::{PARAMETERS, Secrets, model};

const PAGE_PARAMETERS_MAX: usize = 10;

pub(super) async fn get_parameter(
    secrets: &Secrets,
    context: &Context,
    input: GetParameterRequest,
) -> Result<GetParameterResult, ApiError> {
    let decrypt = input.with_decryption == Some(true);
    let parameter = read(secrets, context, &input.name, decrypt).await?;
    Ok(GetParameterResult {
        parameter: Some(parameter),
    })
}

pub(super) async fn get_parameters(
    secrets: &Secrets,
    context: &Context,
    input: GetParametersRequest,
) -> Result<GetParametersResult, ApiError> {
    let decrypt = input.with_decryption == Some(true);
    for (place, name) in input.names.iter().enumerate() {
        if input.names[..place].contains(name) {
            return Err(invalid(format!("The parameter {name} is named more than once.")));
        }
    }
    let (mut found, mut unknown) = (vec![], vec![]);
    for name in input.names {
        match read(secrets, context, &name, decrypt).await {
            Ok(parameter) => found.push(parameter),
            Err(error) if error.code == "InvalidKeyId" || error.is_internal() => return Err(error),
            Err(_) => unknown.push(name),
        }
    }
    Ok(GetParametersResult {
        parameters: Some(found),
        invalid_parameters: Some(unknown),
    })
}

async fn read(
    secrets: &Secrets,
    context: &Context,
    text: &str,
    decrypt: bool,
) -> Result<Parameter, ApiError> {
    if let Some(id) = reference::secret(text) {
        return reference::read(secrets, context, text, id, decrypt).await;
    }
    if public::is_public(text) {
        return public::read(secrets, context, text).await;
    }
    let scope = &context.scope;
    let snapshot = secrets.store.snapshot();
    let selected = name::select(scope, text)?.ok_or_else(|| missing(text))?;
    let (key, parameter) = find(&snapshot, scope, &selected)?;
    let version = version(&parameter, &selected.selector)?;
    let value = value(secrets, &snapshot, &key, version, decrypt)?;
    Ok(shape(scope, &parameter, version, value, selected.selector.text()))
}

/// The parameter of a name, and its key.
pub(super) fn find(
    snapshot: &Snapshot,
    scope: &Scope,
    selected: &Selected,
) -> Result<(String, Arc<model::Parameter>), ApiError> {
    let key = key(scope, &selected.name);
    let found = snapshot.get(PARAMETERS, &key);
    let found = found.filter(|it| selected.is_arn || it.name == selected.name);
    Ok((key, found.ok_or_else(|| missing(&selected.name))?))
}

pub(super) fn version<'a>(
    parameter: &'a model::Parameter,
    selector: &Selector,
) -> Result<&'a model::ParameterVersion, ApiError> {
    let mut versions = parameter.versions.iter();
    let (found, what, value) = match selector {
        Selector::Latest => return Ok(parameter.latest()),
        Selector::Version(number) => {
            let found = versions.find(|version| version.number == *number);
            (found, "version", number.to_string())
        }
        Selector::Label(label) => {
            let found = versions.find(|version| version.labels.contains(label));
            (found, "label", label.clone())
        }
    };
    found.ok_or_else(|| {
        let joint = if what == "version" { "of" } else { "for parameter" };
        let message = format!(
            "Systems Manager could not find {what} {value} {joint} {}. Verify the {what} and try again.",
            parameter.name
        );
        ApiError::client("ParameterVersionNotFound", message)
    })
}

fn shape(
    scope: &Scope,
    parameter: &model::Parameter,
    version: &model::ParameterVersion,
    value: String,
    selector: Option<String>,
) -> Parameter {
    Parameter {
        name: Some(parameter.name.clone()),
        type_: Some(kind(version.kind)),
        value: Some(value),
        version: Some(version.number),
        selector,
        source_result: None,
        last_modified_date: Some(version.modified_at),
        arn: Some(arn(scope, &parameter.name)),
        data_type: Some(DATA_TYPE.to_owned()),
    }
}

pub(super) async fn get_parameters_by_path(
    secrets: &Secrets,
    context: &Context,
    input: GetParametersByPathRequest,
) -> Result<GetParametersByPathResult, ApiError> {
    if public::is_public(&input.path) {
        return public::by_path(secrets, context, input).await;
    }
    let scope = &context.scope;
    let path = name::path(&input.path)?;
    let recursive = input.recursive == Some(true);
    let decrypt = input.with_decryption == Some(true);
    let filters = input.parameter_filters.unwrap_or_default();
    filters.iter().try_for_each(filter::check_by_path)?;
    let label = filter::label(&filters);
    let snapshot = secrets.store.snapshot();
    let below = snapshot
        .prefix(PARAMETERS, &key(scope, &path))
        .into_iter()
        .filter(|(_, parameter)| {
            filter::is_below(&parameter.name, &path, recursive)
                && filters.iter().all(|it| filter::passes(parameter, it))
        });
    let (below, next_token) = page(
        below.collect(),
        input.max_results,
        PAGE_PARAMETERS_MAX,
        input.next_token.as_deref(),
    )
    .map_err(bad_token)?;
    let mut parameters = Vec::with_capacity(below.len());
    for (key, parameter) in below {
        let labelled = label.and_then(|labels| {
            let mut versions = parameter.versions.iter();
            versions.find(|version| version.labels.iter().any(|it| labels.contains(it)))
        });
        let version = labelled.unwrap_or_else(|| parameter.latest());
        let value = value(secrets, &snapshot, &key, version, decrypt)?;
        let selector = labelled.and_then(|version| {
            let mut labels = version.labels.iter();
            labels.find(|it| label.is_some_and(|labels| labels.contains(it)))
        });
        let selector = selector.map(|label| format!(":{label}"));
        parameters.push(shape(scope, &parameter, version, value, selector));
    }
    Ok(GetParametersByPathResult {
        parameters: Some(parameters),
        next_token,
    })
}
