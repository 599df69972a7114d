//! COPY and ADD: what is taken (with a hash of it, for the cache), and how it is laid into a directory of changes.

mod source;
mod target;

pub(crate) use source::{Picked, Selection, digest, select};
pub(crate) use target::{Placement, Rules, place};

/// Whose files come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// As in the stage or image that they come from.
    Keep,
    Fixed(crate::user::Owner),
}
