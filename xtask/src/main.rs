//! What the project does to itself: code generation, checks, the example.

mod ci;
mod codegen;
mod hello;
mod import_model;

use std::path::PathBuf;

use anyhow::{Result, bail};

const USAGE: &str = "cargo xtask COMMAND
  import-model [FOLDER]  write aws/model/data from the models of an installed botocore (or of FOLDER/botocore/data)
  codegen                write the generated parts of aws/shape and aws/client from aws/model
  hello [OPTION...]      build Wharf and examples/hello, and put it online (options go to wharf up)
  ci                     format, lints, build, tests: what CI runs";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["import-model"] => import_model::run(&root(), None),
        ["import-model", folder] => import_model::run(&root(), Some(folder.as_ref())),
        ["codegen"] => codegen::run(&root()),
        ["hello", ref options @ ..] => hello::run(&root(), options),
        ["ci"] => ci::run(&root()),
        _ => bail!("{USAGE}"),
    }
}

/// The project's folder.
fn root() -> PathBuf {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().map(PathBuf::from).unwrap_or(manifest)
}
