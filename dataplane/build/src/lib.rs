//! From a Dockerfile and its context to an image in the blob store; and, with it, all that the Docker Engine API
//! needs of this machine's images (`contract::image::Engine`).
//!
//! `engine` is the door. `builder` goes through the stages of a file; `stage` does one instruction after the other,
//! asking `cache` first; `transfer` is COPY and ADD, `command` is RUN, `mount` what
//! only that sees. `view` looks into stacked layers without
//! mounting them, `pack` turns a directory of changes into a layer, `image` is the configuration that comes out.

mod builder;
mod cache;
mod command;
mod engine;
mod image;
mod mount;
mod pack;
mod scratch;
mod stage;
mod transfer;
mod user;
mod view;

pub use builder::{BuildConfig, BuildError};
pub use command::Runner;
pub use engine::LocalEngine;
