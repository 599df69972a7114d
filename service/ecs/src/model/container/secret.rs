//! Variables whose values come from Secrets Manager or the Parameter Store when a task starts.

use aws_protocol::ApiError;
use base_id::Scope;
use serde::{Deserialize, Serialize};

use super::Definition;
use crate::error::client;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Secret {
    /// Of the variable.
    pub(crate) name: String,
    pub(crate) region: String,
    pub(crate) source: Source,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Source {
    /// Name or ARN of a parameter.
    Parameter(String),
    Secret {
        arn: String,
        /// A member of the JSON object that the secret is.
        key: Option<String>,
        stage: Option<String>,
        version: Option<String>,
    },
}

pub(super) fn parse(
    definition: &Definition,
    environment: &[(String, String)],
    scope: &Scope,
) -> Result<Vec<Secret>, ApiError> {
    let mut secrets: Vec<Secret> = Vec::new();
    for one in definition.secrets.iter().flatten() {
        if one.name.is_empty() || one.value_from.is_empty() {
            return Err(client("Secret name and valueFrom should not be null or empty."));
        }
        if environment.iter().any(|(name, _)| *name == one.name)
            || secrets.iter().any(|other| other.name == one.name)
        {
            return Err(client(format!(
                "The secret name must be unique and not shared with any new or existing environment variables set on the container, such as '{}'",
                one.name
            )));
        }
        let (region, source) = source(&one.value_from, scope)?;
        secrets.push(Secret {
            name: one.name.clone(),
            region,
            source,
        });
    }
    Ok(secrets)
}

/// What `valueFrom` names, and in which region.
pub(crate) fn source(text: &str, scope: &Scope) -> Result<(String, Source), ApiError> {
    if !text.starts_with("arn:") {
        return Ok((scope.region.clone(), Source::Parameter(text.to_owned())));
    }
    let refuse = || client("Invalid arn syntax.");
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [_, _, service, region, _, rest] = parts[..] else {
        return Err(refuse());
    };
    match service {
        "ssm" if rest.starts_with("parameter/") => {
            Ok((region.to_owned(), Source::Parameter(text.to_owned())))
        }
        "secretsmanager" => {
            // secret:NAME-XXXXXX[:json-key[:version-stage[:version-id]]]
            let mut words = rest.split(':');
            let (Some("secret"), Some(name)) = (words.next(), words.next()) else {
                return Err(refuse());
            };
            let arn = format!("{}:secret:{name}", parts[..5].join(":"));
            let mut next = || words.next().filter(|word| !word.is_empty()).map(str::to_owned);
            let (key, stage, version) = (next(), next(), next());
            if stage.is_some() && version.is_some() {
                return Err(client(
                    "The secret's valueFrom has both a version stage and a version id; give one of them.",
                ));
            }
            Ok((
                region.to_owned(),
                Source::Secret {
                    arn,
                    key,
                    stage,
                    version,
                },
            ))
        }
        _ => Err(refuse()),
    }
}
