//! Directories that are gone when nobody needs them any more, however a build ends.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Removed when dropped, in the background: it may hold a gigabyte, and whoever drops it may be an async task.
#[derive(Debug)]
pub(crate) struct ScratchDir(PathBuf);

impl ScratchDir {
    pub fn create(path: PathBuf) -> std::io::Result<Self> {
        std::fs::create_dir(&path)?;
        let made = Self(path);
        // It may become the root of a container, whatever mask this process has.
        std::fs::set_permissions(&made.0, std::fs::Permissions::from_mode(0o755))?;
        Ok(made)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for ScratchDir {
    fn drop(&mut self) {
        let path = std::mem::take(&mut self.0);
        let remove = move || {
            if let Err(error) = std::fs::remove_dir_all(&path)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                // It is removed at the next start.
                tracing::warn!(path = %path.display(), %error, "a temporary directory of a build stays");
            }
        };
        match tokio::runtime::Handle::try_current() {
            Ok(handle) => drop(handle.spawn_blocking(remove)),
            Err(_) => remove(),
        }
    }
}
