//! Snapshot, plan, save.

mod place;
mod registration;
mod services;
mod target;
mod tasks;

pub use services::Services;
pub use tasks::Tasks;
