//! From an application's folder to a running service: everything `wharf up`, `down`, `status`, `logs` and `url` do.
//!
//! Speaks only what AWS and Docker speak: the generated traits over HTTP, and the Docker Engine API. So it is the
//! same against a local cloud and against AWS. Reads no environment and writes to no terminal: what happens is told
//! as events.
//!
//! `check` reads the folder and finds all that is wrong in it; `up` makes what is missing and `rollout` follows the
//! tasks; `run` runs a task of its own; `exec` opens a session in a running one; `foresee` finds what cannot work;
//! `domain`, `zone` and `certificate` give an application a name of its own;
//! `down` takes away what carries our tags; `status` and `logs` look. `engine` is the Docker Engine.

mod archive;
mod aws;
mod certificate;
mod check;
mod definition;
mod deployer;
mod domain;
mod down;
mod engine;
mod event;
mod exec;
mod failure;
mod folder;
mod foresee;
mod logs;
mod name;
mod rollout;
mod run;
mod status;
mod up;
mod zone;

pub use check::{App, CheckError, Faults, Target, check};
pub use deployer::{CLUSTER_DEFAULT, Deployer};
pub use domain::{DomainError, DomainName};
pub use down::Removed;
pub use engine::Engine;
pub use event::{Event, Outcome, Sink, Step};
pub use exec::{ExecEnd, ExecOptions, ExecSession, Printed, TerminalSize, Typed, join};
pub use failure::Failure;
pub use folder::FolderError;
pub use foresee::Foreseen;
pub use logs::{LogLine, LogOptions};
pub use name::{AppName, NAME_CHARS_MAX, NameError};
pub use rollout::{Broken, ContainerEnd, TaskEnd};
pub use run::{RunEnd, RunOptions};
pub use status::{DeploymentStatus, EventStatus, Status, TargetStatus, TaskStatus};
pub use up::{Deployed, DomainOptions, UpOptions};
