//! Snapshot, plan, save.

mod conclude;
mod definitions;
mod place;
mod registration;
mod services;
mod standing;
mod target;
mod tasks;

pub use definitions::Definitions;
pub use services::Services;
pub use tasks::Tasks;
