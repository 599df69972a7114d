//! XML messages of awsQuery, ec2Query and restXml.

mod element;
mod read;
mod write;

pub use element::{Element, XmlError};
pub(crate) use read::scalar;
pub use read::{read, read_error};
pub(crate) use write::{document, text_of};
pub use write::{error, response};

use crate::Member;

/// A member's element.
fn name(member: &Member) -> &'static str {
    member.location_name.unwrap_or(member.name)
}

fn is_flattened(member: &Member) -> bool {
    member.flattened || member.schema.flattened
}

#[cfg(test)]
mod tests;
