//! EC2's errors, in AWS's words.

use aws_protocol::ApiError;

pub(crate) type Error = ApiError;

fn client(code: &str, message: String) -> Error {
    ApiError::client(code, message)
}

/// `noun` as in the code, such as `Vpc` or `InternetGateway`; `word` as in the sentence.
pub(crate) fn not_found(noun: &str, word: &str, id: &str) -> Error {
    client(
        &format!("Invalid{noun}ID.NotFound"),
        format!("The {word} ID '{id}' does not exist"),
    )
}

pub(crate) fn group_not_found(id: &str) -> Error {
    client(
        "InvalidGroup.NotFound",
        format!("The security group '{id}' does not exist"),
    )
}

pub(crate) fn interface_not_found(id: &str) -> Error {
    client(
        "InvalidNetworkInterfaceID.NotFound",
        format!("The networkInterface ID '{id}' does not exist"),
    )
}

pub(crate) fn dependency(what: &str, id: &str) -> Error {
    client(
        "DependencyViolation",
        format!("The {what} '{id}' has dependencies and cannot be deleted."),
    )
}

pub(crate) fn invalid(parameter: &str, value: &str, why: &str) -> Error {
    client(
        "InvalidParameterValue",
        format!("Value ({value}) for parameter {parameter} is invalid. {why}"),
    )
}

pub(crate) fn missing(parameter: &str) -> Error {
    client(
        "MissingParameter",
        format!("The request must contain the parameter {parameter}"),
    )
}

pub(crate) fn with_code(code: &str, message: impl Into<String>) -> Error {
    client(code, message.into())
}

/// A member that has an effect in AWS and none here is refused, not dropped.
pub(crate) fn unsupported(parameter: &str) -> Error {
    client(
        "UnsupportedOperation",
        format!("Wharf does not serve the parameter {parameter} yet."),
    )
}

/// With `DryRun` everything was checked and nothing is done.
pub(crate) fn dry_run(asked: Option<bool>) -> Result<(), Error> {
    if asked == Some(true) {
        let message = "Request would have succeeded, but DryRun flag is set.";
        return Err(ApiError::with_status(412, "DryRunOperation", message));
    }
    Ok(())
}
