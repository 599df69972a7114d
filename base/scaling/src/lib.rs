//! How many there shall be, and when a schedule is due, whatever it is that there are more or fewer of. Pure.

pub mod capacity;
pub mod schedule;
