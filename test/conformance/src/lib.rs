//! What the conformance tests share: a front with small services behind it, and values as plain JSON.

pub mod fake;
pub mod plain;
pub mod python;
pub mod registry;
