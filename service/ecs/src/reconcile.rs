//! Snapshot, plan, save.

mod capacity;
mod conclude;
mod definitions;
mod instances;
mod place;
mod registration;
mod services;
mod standing;
mod target;
mod tasks;

pub use capacity::Capacity;
pub use definitions::Definitions;
pub use instances::Instances;
pub use services::Services;
pub use tasks::Tasks;
