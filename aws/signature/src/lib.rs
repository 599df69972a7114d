//! Verifies that a request was signed with AWS's Signature Version 4, in its headers or in its query string.
//!
//! The body is always part of what is checked: none of the served services accepts an unsigned payload.

mod canonical;
mod claim;
mod error;
mod verify;

pub use claim::{Claim, Request};
pub use error::SignatureError;
pub use verify::{Credentials, Identity, Mode, OPEN_ACCOUNT, Secret, Verifier, is_same};

#[cfg(test)]
mod tests;
