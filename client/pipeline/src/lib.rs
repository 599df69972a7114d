//! From a commit to a run of its workflows: GitHub's workflow files on this machine.
//!
//! `start` writes down which runs a push or a person calls for; `runner` does the work of one in a process of its own,
//! `job` that of its jobs. `store` is where records are, read by everyone and written by a run's runner alone, and
//! where runs are put right that lost theirs. `base-workflow` knows the language; here it is carried out: `action`
//! finds what steps use, `preflight` what cannot work, `view` is what expressions see, `mask` hides secrets.
//!
//! Speaks only what AWS, Docker and git speak. Reads no environment and writes to no terminal.

mod action;
mod command;
mod concurrency;
mod event;
mod git;
mod job;
mod journal;
mod leftover;
mod live;
mod machine;
mod mask;
mod preflight;
mod process;
mod record;
mod recorder;
mod runner;
mod settings;
mod start;
mod store;
mod token;
mod view;

pub use event::{Event, EventName};
pub use git::{Commit, GitError, Repository};
pub use machine::{ACTIONS_DEFAULT, Cloud, Machine};
pub use record::{Annotation, Conclusion, JobRun, Level, Line, LineKind, Progress, Run, Status, StepRun};
pub use runner::{RunError, work};
pub use settings::{
    EnvironmentSettings, NameError, Settings, VALUE_BYTES_MAX, check_repository, check_value_name,
};
pub use start::{Push, StartError, Started, Wish, dispatch, push, rerun};
pub use store::{Follow, Runs, StoreError};
pub use token::public_key_path;
