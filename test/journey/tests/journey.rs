//! What a user does, by the commands a user has: `wharf`, the AWS CLI, docker, skopeo, curl, wrk, a browser.
//!
//! Needs root and the binary (`cargo xtask ci` builds both it and `examples/hello`).

#[path = "journey/cloud.rs"]
mod cloud;
#[path = "journey/command.rs"]
mod command;
#[path = "journey/console.rs"]
mod console;
#[path = "journey/container.rs"]
mod container;
#[path = "journey/crash.rs"]
mod crash;
#[path = "journey/domain.rs"]
mod domain;
#[path = "journey/exec.rs"]
mod exec;
#[path = "journey/guide.rs"]
mod guide;
#[path = "journey/hello.rs"]
mod hello;
#[path = "journey/image.rs"]
mod image;
#[path = "journey/ingest.rs"]
mod ingest;
#[path = "journey/input.rs"]
mod input;
#[path = "journey/inside.rs"]
mod inside;
#[path = "journey/instances.rs"]
mod instances;
#[path = "journey/logs.rs"]
mod logs;
#[path = "journey/names.rs"]
mod names;
#[path = "journey/node.rs"]
mod node;
#[path = "journey/open.rs"]
mod open;
#[path = "journey/pipeline.rs"]
mod pipeline;
#[path = "journey/roll.rs"]
mod roll;
#[path = "journey/scaling.rs"]
mod scaling;
#[path = "journey/storm.rs"]
mod storm;
#[path = "journey/streamlit.rs"]
mod streamlit;
#[path = "journey/terraform.rs"]
mod terraform;
