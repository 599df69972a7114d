//! Which parameters a request means.

use aws_protocol::ApiError;
use aws_shape::ssm::*;

use super::{DATA_TYPE, invalid, kind, name, tier};
use crate::model;

/// Whether a name is below a path that ends with a slash. Names without any slash are at the root.
pub(super) fn is_below(name: &str, path: &str, recursive: bool) -> bool {
    let rest = if path == "/" {
        Some(name.strip_prefix('/').unwrap_or(name))
    } else {
        name.strip_prefix(path)
    };
    rest.is_some_and(|rest| !rest.is_empty() && (recursive || !rest.contains('/')))
}

fn option(filter: &ParameterStringFilter) -> &str {
    match (&filter.option, filter.key.as_str()) {
        (Some(option), _) => option,
        (None, "Path") => "OneLevel",
        (None, _) => "Equals",
    }
}

fn check_option(filter: &ParameterStringFilter, options: &[&str]) -> Result<(), ApiError> {
    if options.contains(&option(filter)) {
        return Ok(());
    }
    let message = format!(
        "The following filter option is not valid: {}. Valid options include: [{}].",
        option(filter),
        options.join(", ")
    );
    Err(ApiError::client("InvalidFilterOption", message))
}

/// Filters of DescribeParameters.
pub(super) fn check(filter: &ParameterStringFilter) -> Result<(), ApiError> {
    let values = filter.values.as_deref().unwrap_or_default();
    let is_tag = filter.key.starts_with("tag:");
    if values.is_empty() && !is_tag {
        let message = format!(
            "The following filter values are missing : null for filter key {}",
            filter.key
        );
        return Err(ApiError::client("InvalidFilterValue", message));
    }
    let options: &[&str] = match filter.key.as_str() {
        "Path" => &["Recursive", "OneLevel"],
        "Name" => &["Equals", "BeginsWith", "Contains"],
        "KeyId" => &["Equals", "BeginsWith"],
        "Type" | "Tier" | "DataType" => &["Equals"],
        _ if is_tag => &["Equals"],
        other => {
            let message = format!(
                "The following filter key is not valid: {other}. Valid filter keys include: [Path, Name, Type, KeyId, Tier, DataType, tag:<key>]."
            );
            return Err(ApiError::client("InvalidFilterKey", message));
        }
    };
    check_option(filter, options)?;
    if filter.key == "Path" {
        values.iter().try_for_each(|path| name::path(path).map(drop))?;
    }
    check_values(filter, values)
}

fn check_values(filter: &ParameterStringFilter, values: &[String]) -> Result<(), ApiError> {
    let known: &[&str] = match filter.key.as_str() {
        "Type" => &["String", "StringList", "SecureString"],
        "Tier" => &["Standard", "Advanced", "Intelligent-Tiering"],
        _ => return Ok(()),
    };
    match values.iter().find(|value| !known.contains(&value.as_str())) {
        None => Ok(()),
        Some(value) => Err(ApiError::client(
            "InvalidFilterValue",
            format!(
                "The following filter value is not valid: {value}. Valid values include: [{}].",
                known.join(", ")
            ),
        )),
    }
}

/// Filters of GetParametersByPath.
pub(super) fn check_by_path(filter: &ParameterStringFilter) -> Result<(), ApiError> {
    let options: &[&str] = match filter.key.as_str() {
        "Type" | "Label" => &["Equals"],
        "KeyId" => &["Equals", "BeginsWith"],
        other => {
            let message = format!(
                "The following filter key is not valid: {other}. Valid filter keys include: [Type, KeyId, Label]."
            );
            return Err(ApiError::client("InvalidFilterKey", message));
        }
    };
    check_option(filter, options)?;
    let values = filter.values.as_deref().unwrap_or_default();
    if values.is_empty() {
        let message = format!(
            "The following filter values are missing : null for filter key {}",
            filter.key
        );
        return Err(ApiError::client("InvalidFilterValue", message));
    }
    check_values(filter, values)
}

/// The labels that filters ask for.
pub(super) fn label(filters: &[ParameterStringFilter]) -> Option<&[String]> {
    let filter = filters.iter().find(|filter| filter.key == "Label")?;
    filter.values.as_deref()
}

/// A name as filters compare it: with its slash.
fn whole(name: &str) -> String {
    if name.starts_with('/') {
        name.to_owned()
    } else {
        format!("/{name}")
    }
}

/// Any of the values will do.
pub(super) fn passes(parameter: &model::Parameter, filter: &ParameterStringFilter) -> bool {
    let values = filter.values.as_deref().unwrap_or_default();
    let latest = parameter.latest();
    let compare = |own: &str, value: &str| match option(filter) {
        "BeginsWith" => own.starts_with(value),
        "Contains" => own.contains(value),
        _ => own == value,
    };
    let any = |test: &dyn Fn(&str) -> bool| values.iter().any(|value| test(value));
    match filter.key.as_str() {
        "Name" if option(filter) == "Contains" => any(&|value| parameter.name.contains(value)),
        "Name" => any(&|value| compare(&whole(&parameter.name), &whole(value))),
        "Type" => any(&|value| kind(latest.kind).as_str() == value),
        "KeyId" => any(&|value| latest.key_id.as_deref().is_some_and(|id| compare(id, value))),
        "Tier" => any(&|value| tier(latest.tier).as_str() == value),
        "DataType" => any(&|value| value == DATA_TYPE),
        "Label" => any(&|value| {
            let mut versions = parameter.versions.iter();
            versions.any(|version| version.labels.iter().any(|label| label == value))
        }),
        "Path" => any(&|value| {
            let recursive = option(filter) == "Recursive";
            name::path(value).is_ok_and(|path| is_below(&parameter.name, &path, recursive))
        }),
        other => {
            let tag = other.strip_prefix("tag:").and_then(|key| parameter.tags.get(key));
            tag.is_some_and(|own| values.is_empty() || values.contains(own))
        }
    }
}

/// The older form of filters, in terms of the newer one.
pub(super) fn modern(filter: ParametersFilter) -> Result<ParameterStringFilter, ApiError> {
    let option = match filter.key {
        ParametersFilterKey::Name => "BeginsWith",
        ParametersFilterKey::Type | ParametersFilterKey::KeyId => "Equals",
        ParametersFilterKey::Other(other) => {
            return Err(invalid(format!("The filter key {other} is not valid.")));
        }
    };
    Ok(ParameterStringFilter {
        key: filter.key.as_str().to_owned(),
        option: Some(option.to_owned()),
        values: Some(filter.values),
    })
}
