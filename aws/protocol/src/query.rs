//! awsQuery and ec2Query requests: forms whose parameter names are paths, such as `Filter.1.Value.2`.

mod form;
mod read;
mod write;

pub use form::Form;
pub use read::read;
pub use write::write;

use crate::{Member, Protocol};

/// A member's name in a request.
pub(crate) fn name(protocol: Protocol, member: &Member) -> String {
    match (protocol, member.query_name, member.location_name) {
        (Protocol::Ec2, Some(name), _) => name.to_owned(),
        (Protocol::Ec2, None, Some(name)) => {
            let mut name = name.to_owned();
            if let Some(first) = name.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            name
        }
        (_, _, Some(name)) => name.to_owned(),
        (_, _, None) => member.name.to_owned(),
    }
}

/// Whether a list or map has its entries directly under its own name.
fn is_flattened(protocol: Protocol, member: &Member) -> bool {
    protocol == Protocol::Ec2 || member.flattened || member.schema.flattened
}

#[cfg(test)]
mod tests;
