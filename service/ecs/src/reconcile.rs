//! Snapshot, plan, save.

mod definitions;
mod place;
mod registration;
mod services;
mod target;
mod tasks;

pub use definitions::Definitions;
pub use services::Services;
pub use tasks::Tasks;
