//! New parameters and new versions of them.

use std::collections::BTreeMap;

use aws_protocol::{ApiError, Context};
use aws_shape::ssm::*;
use base_store::Transaction;
use regex::Regex;

use super::{DATA_TYPE, invalid, key, name, place, tag, tier};
use crate::{PARAMETER_VALUES, PARAMETERS, Secrets, model};

const STANDARD_CHARACTERS_MAX: usize = 4096;
const ADVANCED_CHARACTERS_MAX: usize = 8192;
/// Versions that are kept; the next one pushes out the oldest.
const VERSIONS_MAX: usize = 100;
/// The key that AWS takes when nobody names one.
const DEFAULT_KEY: &str = "alias/aws/ssm";

pub(super) async fn put_parameter(
    secrets: &Secrets,
    context: &Context,
    input: PutParameterRequest,
) -> Result<PutParameterResult, ApiError> {
    name::check(&context.scope, &input.name)?;
    check(&input)?;
    let overwrite = input.overwrite == Some(true);
    let tags = tag::checked(input.tags.clone().unwrap_or_default())?;
    let (scope, this) = (context.scope.clone(), secrets.clone());
    let principal = context.principal_arn.clone();
    secrets
        .store
        .write(move |tx| {
            let key = key(&scope, &input.name);
            let old = tx.get(PARAMETERS, &key);
            // `a` and `/a` would have one ARN; so the other one is in the way even of an overwrite.
            if old.as_ref().is_some_and(|old| !overwrite || old.name != input.name) {
                return Err(ApiError::client(
                    "ParameterAlreadyExists",
                    "The parameter already exists. To overwrite this value, set the overwrite option in the request \
                     to true.",
                ));
            }
            let mut parameter = old.as_deref().cloned().unwrap_or_else(|| model::Parameter {
                name: input.name.clone(),
                tags,
                versions: vec![],
            });
            let version = version(&this, &parameter, &input, principal)?;
            make_room(tx, &key, &mut parameter)?;
            let place = place(&key, version.number);
            let sealed = this.seal(&place, input.value.as_bytes());
            let answer = PutParameterResult {
                version: Some(version.number),
                tier: Some(tier(version.tier)),
            };
            parameter.versions.push(version);
            tx.put(PARAMETER_VALUES, &place, sealed);
            tx.put(PARAMETERS, &key, parameter);
            Ok(answer)
        })
        .await
}

/// What can be said of a request alone.
fn check(input: &PutParameterRequest) -> Result<(), ApiError> {
    if input.overwrite == Some(true) && input.tags.as_ref().is_some_and(|tags| !tags.is_empty()) {
        return Err(invalid(
            "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove \
             overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or \
             RemoveTagsFromResource.",
        ));
    }
    if input.value.is_empty() {
        return Err(invalid(
            "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length \
             greater than or equal to 1",
        ));
    }
    if let Some((_, rest)) = input.value.split_once("{{")
        && rest.contains("}}")
    {
        return Err(invalid(
            "Parameter value can't nest another parameter. Do not use \"{{}}\" in the value.",
        ));
    }
    // AWS takes a list without any policy for none.
    if input
        .policies
        .as_deref()
        .is_some_and(|text| text.trim() != "[{}]" && text.trim() != "[]")
    {
        return Err(ApiError::client(
            "InvalidPolicyTypeException",
            "Wharf does not serve policies of parameters yet.",
        ));
    }
    match input.data_type.as_deref() {
        None | Some("" | DATA_TYPE) => Ok(()),
        Some(known @ ("aws:ec2:image" | "aws:ssm:integration")) => Err(invalid(format!(
            "Wharf does not serve parameters of the data type {known} yet."
        ))),
        Some(other) => Err(invalid(format!(
            "The following data type is not supported: {other} (Data type names are all lowercase.)"
        ))),
    }
}

/// The version that the request makes of what is there.
fn version(
    secrets: &Secrets,
    parameter: &model::Parameter,
    input: &PutParameterRequest,
    modified_by: String,
) -> Result<model::ParameterVersion, ApiError> {
    let last = parameter.versions.last();
    let kind = match (&input.type_, last) {
        (Some(ParameterType::String), _) => model::Kind::Text,
        (Some(ParameterType::StringList), _) => model::Kind::List,
        (Some(ParameterType::SecureString), _) => model::Kind::Secure,
        (Some(other), _) => {
            return Err(ApiError::client(
                "UnsupportedParameterType",
                format!("The parameter type {other} is not supported."),
            ));
        }
        (None, Some(last)) => last.kind,
        (None, None) => {
            return Err(invalid(
                "A parameter type is required when you create a parameter.",
            ));
        }
    };
    let is_secure = kind == model::Kind::Secure;
    if !is_secure && input.key_id.is_some() {
        return Err(invalid(
            "KeyId can only be specified for parameters of type SecureString.",
        ));
    }
    let key_id = || {
        let kept = last.and_then(|last| last.key_id.clone());
        let new = input.key_id.clone().filter(|id| !id.is_empty());
        new.or(kept).unwrap_or_else(|| DEFAULT_KEY.to_owned())
    };
    let kept = |new: &Option<String>, old: Option<&Option<String>>| match new {
        Some(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        None => old.cloned().flatten(),
    };
    let pattern = kept(&input.allowed_pattern, last.map(|last| &last.allowed_pattern));
    if let Some(pattern) = &pattern {
        matches(pattern, &input.value)?;
    }
    Ok(model::ParameterVersion {
        number: last.map_or(1, |last| last.number + 1),
        kind,
        key_id: is_secure.then(key_id),
        modified_at: secrets.clock.now(),
        modified_by,
        description: kept(&input.description, last.map(|last| &last.description)),
        allowed_pattern: pattern,
        tier: choose_tier(input.tier.as_ref(), last.map(|last| last.tier), &input.value)?,
        labels: vec![],
    })
}

fn matches(pattern: &str, value: &str) -> Result<(), ApiError> {
    let regex = Regex::new(pattern).map_err(|error| {
        let message = format!("The request does not meet the regular expression requirement: {error}");
        ApiError::client("InvalidAllowedPatternException", message)
    })?;
    if regex.is_match(value) {
        return Ok(());
    }
    Err(ApiError::client(
        "ParameterPatternMismatchException",
        format!("Parameter value, cannot be validated against allowedPattern: {pattern}"),
    ))
}

fn choose_tier(
    wish: Option<&ParameterTier>,
    old: Option<model::Tier>,
    value: &str,
) -> Result<model::Tier, ApiError> {
    let length = value.chars().count();
    let fits = length <= STANDARD_CHARACTERS_MAX;
    let chosen = match wish {
        Some(ParameterTier::Advanced) => model::Tier::Advanced,
        Some(ParameterTier::IntelligentTiering) if !fits => model::Tier::Advanced,
        Some(ParameterTier::Standard) if old == Some(model::Tier::Advanced) => {
            return Err(invalid(
                "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the \
                 advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced \
                 parameter and recreate it as a standard parameter.",
            ));
        }
        _ => old.unwrap_or(model::Tier::Standard),
    };
    if chosen == model::Tier::Standard && !fits {
        return Err(invalid(format!(
            "Standard tier parameters support a maximum parameter value of {STANDARD_CHARACTERS_MAX} characters. To \
             create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more \
             information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"
        )));
    }
    if length > ADVANCED_CHARACTERS_MAX {
        return Err(invalid(format!(
            "Advanced tier parameters support a maximum parameter value of {ADVANCED_CHARACTERS_MAX} characters."
        )));
    }
    Ok(chosen)
}

/// Lets go of the oldest version when there are too many; one with a label stays.
fn make_room(tx: &mut Transaction, key: &str, parameter: &mut model::Parameter) -> Result<(), ApiError> {
    if parameter.versions.len() < VERSIONS_MAX {
        return Ok(());
    }
    let oldest = parameter.versions.remove(0);
    if !oldest.labels.is_empty() {
        return Err(ApiError::client(
            "ParameterMaxVersionLimitExceeded",
            format!(
                "You attempted to create a new version of {} by calling the PutParameter API with the overwrite flag. \
                 Version {}, the oldest version, can't be deleted because it has a label associated with it. Move the \
                 label to another version of the parameter, and try again.",
                parameter.name, oldest.number
            ),
        ));
    }
    tx.delete(PARAMETER_VALUES, &place(key, oldest.number));
    Ok(())
}

/// Tags by key; the last of a name counts.
pub(super) type Tags = BTreeMap<String, String>;
