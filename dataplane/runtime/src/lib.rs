//! Runs containers: one shim process per task (or per build step) that owns its containers through an OCI runtime
//! library, and the handles by which the rest of the program talks to it.
//!
//! Read on in `shim` for what happens in that process, in `task` for starting and following one from outside, and
//! in `container` for the only place that knows the library.

mod capability;
mod cgroup;
mod config;
mod container;
mod device;
mod exec;
mod executor;
mod fill;
pub mod frames;
mod in_root;
mod loopback;
mod machine;
mod memory;
mod oci;
mod overlay;
pub mod process;
mod reaper;
mod rlimit;
mod seccomp;
mod shim;
mod spec;
pub mod spool;
mod status;
mod step;
mod sysctl;
mod task;
mod terminal;
mod tmpfs;
mod usage;
mod user;
mod volume;

pub use cgroup::{Limits, missing_controllers};
pub use config::RuntimeConfig;
pub use exec::Input;
pub use machine::OWN_PROGRAM;
pub use shim::shim_main;
pub use spec::{ContainerSpec, Full, HostSpec, SpoolSpec, TaskSpec};
pub use status::{ContainerStatus, TaskStatus};
pub use step::{Bind, Step, StepError, StepMemory, StepOutput, run_step};
pub use task::{Runtime, TaskError, TaskHandle};
