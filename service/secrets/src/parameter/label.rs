//! Labels: each is on one version of a parameter at most.

use aws_protocol::{ApiError, Context};
use aws_shape::ssm::*;

use super::name::{self, Selector};
use super::{missing, read};
use crate::{PARAMETERS, Secrets, model};

/// Labels of one version.
const LABELS_MAX: usize = 10;

fn is_valid(label: &str) -> bool {
    let lower = label.to_ascii_lowercase();
    let allowed = |it: char| it.is_ascii_alphanumeric() || "._-".contains(it);
    label.chars().all(allowed)
        && !label.starts_with(|it: char| it.is_ascii_digit())
        && !lower.starts_with("aws")
        && !lower.starts_with("ssm")
}

pub(super) async fn label_parameter_version(
    secrets: &Secrets,
    context: &Context,
    input: LabelParameterVersionRequest,
) -> Result<LabelParameterVersionResult, ApiError> {
    let (valid, unfit): (Vec<String>, Vec<String>) = input.labels.into_iter().partition(|it| is_valid(it));
    let number = edit(secrets, context, &input.name, input.parameter_version, move |parameter, number| {
        for version in &mut parameter.versions {
            version.labels.retain(|label| !valid.contains(label));
            if version.number != number {
                continue;
            }
            for label in &valid {
                if !version.labels.contains(label) {
                    version.labels.push(label.clone());
                }
            }
            if version.labels.len() > LABELS_MAX {
                return Err(ApiError::client(
                    "ParameterVersionLabelLimitExceeded",
                    format!(
                        "A parameter version can have maximum {LABELS_MAX} labels.Move one or more labels to another \
                         version and try again."
                    ),
                ));
            }
        }
        Ok(number)
    })
    .await?;
    Ok(LabelParameterVersionResult {
        invalid_labels: Some(unfit),
        parameter_version: Some(number),
    })
}

pub(super) async fn unlabel_parameter_version(
    secrets: &Secrets,
    context: &Context,
    input: UnlabelParameterVersionRequest,
) -> Result<UnlabelParameterVersionResult, ApiError> {
    let version = Some(input.parameter_version);
    let (removed, unknown) = edit(
        secrets,
        context,
        &input.name,
        version,
        move |parameter, number| {
            let mut versions = parameter.versions.iter_mut();
            let version = versions.find(|version| version.number == number);
            let own = version.map(|version| &mut version.labels);
            let Some(own) = own else {
                return Ok((vec![], input.labels));
            };
            let (removed, unknown): (Vec<String>, Vec<String>) =
                input.labels.into_iter().partition(|label| own.contains(label));
            own.retain(|label| !removed.contains(label));
            Ok((removed, unknown))
        },
    )
    .await?;
    Ok(UnlabelParameterVersionResult {
        removed_labels: Some(removed),
        invalid_labels: Some(unknown),
    })
}

/// Changes the labels of a parameter, given which version is meant.
async fn edit<R: Send + 'static>(
    secrets: &Secrets,
    context: &Context,
    text: &str,
    version: Option<i64>,
    change: impl FnOnce(&mut model::Parameter, i64) -> Result<R, ApiError> + Send + 'static,
) -> Result<R, ApiError> {
    let scope = context.scope.clone();
    let selected = name::select(&scope, text)?.ok_or_else(|| missing(text))?;
    secrets
        .store
        .write(move |tx| {
            let (key, found) = read::find(&tx.snapshot(), &scope, &selected)?;
            let selector = version.map_or(Selector::Latest, Selector::Version);
            let number = read::version(&found, &selector)?.number;
            let mut parameter = model::Parameter::clone(&found);
            let answer = change(&mut parameter, number)?;
            tx.put(PARAMETERS, &key, parameter);
            Ok(answer)
        })
        .await
}
