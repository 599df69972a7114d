//! Values that containers get from Secrets Manager and the Parameter Store.

use aws_protocol::{ApiError, Context};
use aws_shape::{secretsmanager, ssm};
use base_id::Scope;

use super::Failure;
use crate::Ecs;
use crate::model::container::{Container, Secret, Source};

const HEAD: &str = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed:";

/// Names and values of the variables that a container's secrets become.
pub(super) async fn values(
    ecs: &Ecs,
    scope: &Scope,
    container: &Container,
) -> Result<Vec<(String, String)>, Failure> {
    let mut values = Vec::new();
    for secret in &container.secrets {
        let context = Ecs::own_context(&Scope::new(&scope.account, &secret.region), "ecs-tasks");
        let value = match &secret.source {
            Source::Parameter(name) => parameter(ecs, &context, name).await?,
            Source::Secret { arn, key, .. } => {
                let text = of_secrets_manager(ecs, &context, secret, arn).await?;
                match key {
                    Some(key) => member(&text, key, arn)?,
                    None => text,
                }
            }
        };
        values.push((secret.name.clone(), value));
    }
    Ok(values)
}

async fn parameter(ecs: &Ecs, context: &Context, name: &str) -> Result<String, Failure> {
    let input = ssm::GetParametersRequest {
        names: vec![name.to_owned()],
        with_decryption: Some(true),
    };
    let answer = ecs
        .neighbours
        .parameters
        .get_parameters(context, input)
        .await
        .map_err(|error| failed(error, &format!("unable to retrieve secrets from ssm: {name}")))?;
    let found = answer.parameters.into_iter().flatten().next();
    found.and_then(|it| it.value).ok_or_else(|| {
        Failure::Never(format!(
            "{HEAD} unable to retrieve secrets from ssm: invalid ssm parameters: {name}"
        ))
    })
}

async fn of_secrets_manager(
    ecs: &Ecs,
    context: &Context,
    secret: &Secret,
    arn: &str,
) -> Result<String, Failure> {
    let Source::Secret { stage, version, .. } = &secret.source else {
        return Ok(String::new());
    };
    let input = secretsmanager::GetSecretValueRequest {
        secret_id: arn.to_owned(),
        version_id: version.clone(),
        version_stage: stage.clone(),
    };
    let answer = ecs
        .neighbours
        .secrets
        .get_secret_value(context, input)
        .await
        .map_err(|error| failed(error, &format!("unable to retrieve secret from asm: {arn}")))?;
    answer.secret_string.ok_or_else(|| {
        Failure::Never(format!(
            "{HEAD} unable to retrieve secret from asm: {arn}: it holds bytes and no text"
        ))
    })
}

fn failed(error: ApiError, what: &str) -> Failure {
    if error.is_internal() {
        Failure::Later(error)
    } else {
        Failure::Never(format!("{HEAD} {what}: {}: {}", error.code, error.message))
    }
}

/// A member of the JSON object that a secret is; what is not a text is given as it is written.
fn member(text: &str, key: &str, arn: &str) -> Result<String, Failure> {
    let refuse =
        |why: &str| Failure::Never(format!("{HEAD} unable to retrieve secret from asm: {arn}: {why}"));
    let value: serde_json::Value =
        serde_json::from_str(text).map_err(|_| refuse("the secret is not JSON, so it has no keys"))?;
    match value.get(key) {
        None => Err(refuse(&format!(
            "retrieved secret did not contain json key {key}"
        ))),
        Some(serde_json::Value::String(text)) => Ok(text.clone()),
        Some(other) => Ok(other.to_string()),
    }
}

#[cfg(test)]
mod tests;
