//! What the program says about itself to its operator: one line per event on standard error or in a file.

mod rotate;

use std::path::Path;
use std::sync::Arc;

use tracing_subscriber::EnvFilter;

/// Starts logging for this process. `filter` is in the form of `RUST_LOG`; with `file` lines are appended there.
///
/// # Errors
/// When the file cannot be opened.
pub fn start(filter: &str, file: Option<&Path>) -> std::io::Result<()> {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(true);
    match file {
        Some(path) => {
            let file = Arc::new(rotate::RotatingFile::open(path, rotate::FILE_BYTES_MAX)?);
            builder.with_ansi(false).with_writer(file).init();
        }
        None => builder.with_writer(std::io::stderr).init(),
    }
    Ok(())
}
