//! Snapshot, plan, save.

mod capacity;
mod conclude;
mod connect;
mod definitions;
mod discovery;
mod instances;
mod place;
mod registration;
mod services;
mod standing;
mod target;
mod tasks;
mod usage;

pub use capacity::Capacity;
pub use connect::Connections;
pub use definitions::Definitions;
pub use instances::Instances;
pub use services::Services;
pub use tasks::Tasks;
pub use usage::Metrics;
