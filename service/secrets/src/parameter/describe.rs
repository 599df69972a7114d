//! What is known about parameters beside their values, and what they were.

use aws_protocol::{ApiError, Context, page};
use aws_shape::ssm::*;
use base_id::Scope;

use super::{DATA_TYPE, arn, bad_token, filter, invalid, key, kind, missing, name, read, tier, value};
use crate::{PARAMETERS, Secrets, model};

const PAGE_MAX: usize = 50;
const PAGE_DEFAULT: i32 = 10;

pub(super) async fn describe_parameters(
    secrets: &Secrets,
    context: &Context,
    input: DescribeParametersRequest,
) -> Result<DescribeParametersResult, ApiError> {
    let scope = &context.scope;
    let old = input.filters.unwrap_or_default();
    let new = input.parameter_filters.unwrap_or_default();
    if !old.is_empty() && !new.is_empty() {
        return Err(invalid(
            "You can use either Filters or ParameterFilters in a single request.",
        ));
    }
    let filters: Vec<ParameterStringFilter> = if old.is_empty() {
        new
    } else {
        old.into_iter().map(filter::modern).collect::<Result<_, _>>()?
    };
    filters.iter().try_for_each(filter::check)?;
    // Nobody shares parameters with anybody here.
    let shared = input.shared == Some(true);
    let rows = secrets.store.snapshot().prefix(PARAMETERS, &key(scope, ""));
    let found = rows
        .into_iter()
        .map(|(_, parameter)| parameter)
        .filter(|parameter| !shared && filters.iter().all(|it| filter::passes(parameter, it)));
    let (found, next_token) = page(
        found.collect(),
        input.max_results.or(Some(PAGE_DEFAULT)),
        PAGE_MAX,
        input.next_token.as_deref(),
    )
    .map_err(bad_token)?;
    Ok(DescribeParametersResult {
        parameters: Some(found.iter().map(|parameter| metadata(scope, parameter)).collect()),
        next_token,
    })
}

fn metadata(scope: &Scope, parameter: &model::Parameter) -> ParameterMetadata {
    let latest = parameter.latest();
    ParameterMetadata {
        name: Some(parameter.name.clone()),
        arn: Some(arn(scope, &parameter.name)),
        type_: Some(kind(latest.kind)),
        key_id: latest.key_id.clone(),
        last_modified_date: Some(latest.modified_at),
        last_modified_user: Some(latest.modified_by.clone()),
        description: latest.description.clone(),
        allowed_pattern: latest.allowed_pattern.clone(),
        version: Some(latest.number),
        tier: Some(tier(latest.tier)),
        policies: Some(vec![]),
        data_type: Some(DATA_TYPE.to_owned()),
    }
}

pub(super) async fn get_parameter_history(
    secrets: &Secrets,
    context: &Context,
    input: GetParameterHistoryRequest,
) -> Result<GetParameterHistoryResult, ApiError> {
    let snapshot = secrets.store.snapshot();
    let selected = name::select(&context.scope, &input.name)?.ok_or_else(|| missing(&input.name))?;
    if selected.selector != name::Selector::Latest {
        return Err(invalid("A history is of all versions: name no version or label."));
    }
    let (key, parameter) = read::find(&snapshot, &context.scope, &selected)?;
    let versions = parameter.versions.iter().collect();
    let (versions, next_token) =
        page(versions, input.max_results, PAGE_MAX, input.next_token.as_deref()).map_err(bad_token)?;
    let decrypt = input.with_decryption == Some(true);
    let shape = |version: &model::ParameterVersion| -> Result<ParameterHistory, ApiError> {
        Ok(ParameterHistory {
            name: Some(parameter.name.clone()),
            type_: Some(kind(version.kind)),
            key_id: version.key_id.clone(),
            last_modified_date: Some(version.modified_at),
            last_modified_user: Some(version.modified_by.clone()),
            description: version.description.clone(),
            value: Some(value(secrets, &snapshot, &key, version, decrypt)?),
            allowed_pattern: version.allowed_pattern.clone(),
            version: Some(version.number),
            labels: Some(version.labels.clone()),
            tier: Some(tier(version.tier)),
            policies: Some(vec![]),
            data_type: Some(DATA_TYPE.to_owned()),
        })
    };
    Ok(GetParameterHistoryResult {
        parameters: Some(versions.into_iter().map(shape).collect::<Result<_, _>>()?),
        next_token,
    })
}
