//! Snapshot, plan, save.

mod place;
mod services;
mod target;
mod tasks;

pub use services::Services;
pub use tasks::Tasks;
