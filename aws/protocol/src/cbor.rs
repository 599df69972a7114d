//! rpc-v2-cbor: maps under the model's names, times as tagged seconds since 1970, the operation in the path.

mod read;
mod write;

use crate::ServiceSchema;

pub use read::{failure, read};
pub use write::{error, write};

/// What the header `smithy-protocol` says.
pub const PROTOCOL: &str = "rpc-v2-cbor";

/// Target prefix and operation of a request's method and path.
pub fn target<'a>(method: &str, path: &'a str) -> Option<(&'a str, &'a str)> {
    let (prefix, operation) = path
        .strip_prefix("/service/")
        .filter(|_| method == "POST")?
        .split_once("/operation/")?;
    // Some clients write the service with its namespace.
    let prefix = prefix.rsplit_once('.').map_or(prefix, |(_, name)| name);
    Some((prefix, operation))
}

/// Where a service's operation is asked.
pub fn path(service: &ServiceSchema, operation: &str) -> String {
    format!("/service/{}/operation/{operation}", service.target_prefix)
}

#[cfg(test)]
mod tests;
