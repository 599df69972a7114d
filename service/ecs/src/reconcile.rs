//! Snapshot, plan, save.

mod conclude;
mod place;
mod registration;
mod services;
mod standing;
mod target;
mod tasks;

pub use services::Services;
pub use tasks::Tasks;
