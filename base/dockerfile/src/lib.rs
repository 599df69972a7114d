//! Dockerfiles: read whole, with the place of every word, and with all their problems at once. No I/O.
//!
//! `line` joins continued lines, `parse` turns them into instructions, `word` and `scope` know Docker's variables,
//! `source` checks what COPY and ADD name against a listing, `ignore` is `.dockerignore`.

mod ignore;
mod instruction;
mod line;
mod parse;
mod scope;
mod source;
mod stage;
mod word;

pub use ignore::{Ignore, IgnoreError};
pub use instruction::{
    Argument, Command, Document, Healthcheck, Instruction, Kind, Mount, MountKind, Network, Onbuild, Pair,
    Port, Probe, Protocol, Run, SCRIPT_FOLDER, Sharing, Transfer, Word,
};
pub use parse::{parse, parse_leniently, parse_trigger};
pub use scope::{PLATFORM_ARGUMENTS, PROXY_ARGUMENTS, Scope};
pub use source::{Source, check_sources, clean_source, is_git, is_url, matches_source};
pub use stage::{Base, Dockerfile, Origin, Stage};
pub use word::{ExpandError, parse_ports};

/// A Dockerfile longer than this is not read.
pub const DOCKERFILE_BYTES_MAX: usize = 1 << 20;
