//! Runs containers: one shim process per task (or per build step) that owns its containers through an OCI runtime
//! library, and the handles by which the rest of the program talks to it.

mod cgroup;
mod config;
mod step;

pub use config::RuntimeConfig;
pub use step::{Bind, Step, StepError, StepOutput, run_step};
