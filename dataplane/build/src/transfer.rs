//! COPY and ADD: what is taken (with a hash of it, for the cache), and how it is laid into a directory of changes.

mod fetch;
mod mode;
mod source;
mod target;

pub(crate) use fetch::{Fetcher, name_of};
pub(crate) use mode::Change;
pub(crate) use source::{Picked, Selection, Wanted, digest, select};
pub(crate) use target::{Placement, Rules, place};

/// Whose files come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// As in the stage or image that they come from.
    Keep,
    Fixed(crate::user::Owner),
}
