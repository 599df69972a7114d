//! restXml requests: the method and the path say which operation is meant; members are in the path, in the query and
//! in an XML body.

mod path;
mod read;
mod write;

pub use path::find;
pub(crate) use read::read;
pub(crate) use write::write;

/// A request as it came in. All but restXml look at the message alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Incoming<'a> {
    /// The body; for a query protocol's GET the query string.
    pub message: &'a [u8],
    /// As it is on the wire, percent-encoded.
    pub path: &'a str,
    pub query: &'a str,
}

impl<'a> Incoming<'a> {
    pub fn message(message: &'a [u8]) -> Self {
        Self {
            message,
            path: "/",
            query: "",
        }
    }
}

#[cfg(test)]
mod tests;
