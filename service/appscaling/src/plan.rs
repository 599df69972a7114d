//! Pure decisions: how many tasks there shall be, and when a schedule is due.

pub(crate) mod capacity;
pub(crate) mod schedule;
