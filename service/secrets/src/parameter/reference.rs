//! Secrets by the names of parameters: `/aws/reference/secretsmanager/<id of a secret>`.

use aws_protocol::{ApiError, Context};
use aws_shape::{secretsmanager, ssm::*};

use super::{DATA_TYPE, arn, invalid};
use crate::Secrets;

const HEAD: &str = "/aws/reference/secretsmanager/";

/// The secret's id in such a name.
pub(super) fn secret(name: &str) -> Option<&str> {
    name.strip_prefix(HEAD)
}

pub(super) async fn read(
    secrets: &Secrets,
    context: &Context,
    name: &str,
    id: &str,
    decrypt: bool,
) -> Result<Parameter, ApiError> {
    if !decrypt {
        return Err(invalid(
            "WithDecryption flag must be True for retrieving a Secret Manager secret.",
        ));
    }
    let input = secretsmanager::GetSecretValueRequest {
        secret_id: id.to_owned(),
        ..Default::default()
    };
    let answer = secretsmanager::Api::get_secret_value(secrets, context, input).await;
    let secret = answer.map_err(|error| match error.code.as_str() {
        "ResourceNotFoundException" | "InvalidRequestException" => ApiError::client(
            "ParameterNotFound",
            format!(
                "An error occurred ({}) when referencing Secrets Manager: {}",
                error.code, error.message
            ),
        ),
        _ => error,
    })?;
    Ok(Parameter {
        name: Some(name.to_owned()),
        type_: Some(ParameterType::SecureString),
        value: Some(
            secret
                .secret_string
                .ok_or_else(|| invalid("The secret is binary, not text."))?,
        ),
        version: Some(0),
        selector: None,
        source_result: None,
        last_modified_date: secret.created_date,
        arn: Some(arn(&context.scope, name)),
        data_type: Some(DATA_TYPE.to_owned()),
    })
}
