//! An operation's failure, as the caller will read it.

use std::fmt::{self, Display};

use crate::Fields;

/// What went wrong: AWS's code and a clear sentence for the caller, the cause for the operator.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiError {
    /// AWS's code, such as `ClusterNotFoundException`.
    pub code: String,
    /// For the caller: a sentence.
    pub message: String,
    /// HTTP status. Where the service's model gives this code a status, the model's is sent.
    pub status: u16,
    /// Further members of the error's shape.
    pub fields: Fields,
    /// For the operator only; never sent.
    pub cause: Option<Box<str>>,
    /// Known to a client that was answered.
    pub request_id: Option<Box<str>>,
}

/// Code of an error that is the service's own fault, until the protocol's own code replaces it.
pub(crate) const INTERNAL: &str = "InternalFailure";
/// Code of an operation that is not served, until the protocol's own code replaces it.
pub(crate) const NOT_IMPLEMENTED: &str = "NotImplemented";

impl ApiError {
    pub fn with_status(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            status,
            fields: Fields::new(),
            cause: None,
            request_id: None,
        }
    }

    /// The caller's fault: 400, unless the model knows the code with another status.
    pub fn client(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::with_status(400, code, message)
    }

    /// Our fault: 500. The cause is for the operator; the caller learns only that it was not theirs.
    pub fn internal(cause: impl Display) -> Self {
        let message = "An internal error occurred. The request id leads to its cause in Wharf's log.";
        Self {
            cause: Some(cause.to_string().into()),
            ..Self::with_status(500, INTERNAL, message)
        }
    }

    /// An operation that AWS has and Wharf does not serve.
    pub fn not_implemented(operation: &str) -> Self {
        Self::client(
            NOT_IMPLEMENTED,
            format!("Wharf does not serve the operation {operation} yet."),
        )
    }

    /// Adds a member of the error's shape.
    #[must_use]
    pub fn field(mut self, name: &'static str, value: impl crate::Shaped) -> Self {
        self.fields.put(name, value);
        self
    }

    /// Whether the service, not the caller, is to blame.
    pub fn is_internal(&self) -> bool {
        self.status >= 500
    }
}

impl Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for ApiError {}

/// Saving failed: nothing was changed, and it is not the caller's fault.
impl From<base_store::StoreError> for ApiError {
    fn from(error: base_store::StoreError) -> Self {
        Self::internal(error)
    }
}
