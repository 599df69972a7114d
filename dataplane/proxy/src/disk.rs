//! The last route table on disk: what the proxy serves before anybody has told it anything.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use contract::route::RouteTable;

pub(crate) fn load(path: &Path) -> Option<RouteTable> {
    let text = std::fs::read(path).ok()?;
    serde_json::from_slice(&text)
        .inspect_err(
            |error| tracing::warn!(%error, "the route table on disk cannot be read and is left aside"),
        )
        .ok()
}

/// Replaces the file as a whole: a crash leaves the old table or the new one.
pub(crate) fn save(path: &Path, table: &RouteTable) -> std::io::Result<()> {
    let new = path.with_extension("new");
    // There may be keys in it.
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(&serde_json::to_vec(table)?)?;
    file.sync_data()?;
    std::fs::rename(&new, path)
}
