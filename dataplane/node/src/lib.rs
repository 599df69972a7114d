//! Makes desired tasks and networks real on this machine, and tells what became of them.
//!
//! Read on in `task` for the life of one task, in `networks` for the networks under them, in `ingest` for how
//! output becomes log lines, in `usage` for what tasks use and said last, in `doctor` for what a machine must have,
//! in `containers` for tasks that people start one by one.

mod containers;
mod doctor;
mod host;
mod image;
mod ingest;
mod networks;
mod node;
mod plan;
mod task;
mod usage;

pub use containers::NodeContainers;
pub use doctor::{Finding, check_host};
pub use image::{CredentialsFor, ImageSource, PreparedImage};
pub use node::{Node, NodeError, NodeParts};
