//! Rules about the project as a whole that a machine can check.

#[path = "project/layers.rs"]
mod layers;
#[path = "project/tidy.rs"]
mod tidy;

use std::path::PathBuf;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}
