//! Decisions, pure: no clock, no store, no chance. What they see is a picture, what they say is steps.

pub(crate) mod capacity;
pub(crate) mod connect;
pub(crate) mod placement;
pub(crate) mod query;
pub(crate) mod rolling;
pub(crate) mod usage;
