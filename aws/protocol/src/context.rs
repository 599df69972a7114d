//! Who asks, where, and under which request id.

use base_id::Scope;

/// What every operation is told about the request beside its input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// The caller's account, and the region that was asked.
    pub scope: Scope,
    pub request_id: String,
    /// Such as `arn:aws:iam::123456789012:root`.
    pub principal_arn: String,
    /// The access key id that signed the request.
    pub access_key: String,
}
