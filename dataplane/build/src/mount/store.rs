//! Directories that `--mount=type=cache` keeps from build to build, by their id.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use base_dockerfile::Sharing;
use sha2::{Digest as _, Sha256};
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// Directories of one id that commands at the same time have each for themselves.
const PRIVATE_MAX: u32 = 64;
/// All of them together; the ones that were used longest ago go first.
const CACHES_BYTES_MAX: u64 = 20 << 30;
/// What does not look like ours is in the way of nobody.
const GONE: &str = ".gone";

#[derive(Clone, Debug)]
pub(crate) struct MountStore {
    directory: PathBuf,
    locks: Arc<Mutex<HashMap<String, Arc<RwLock<()>>>>>,
}

/// Held while a command uses the directory.
#[derive(Debug)]
pub(crate) struct Lease {
    pub path: PathBuf,
    /// Nobody has used it before.
    pub is_new: bool,
    _guard: Guard,
}

#[derive(Debug)]
enum Guard {
    Shared { _guard: OwnedRwLockReadGuard<()> },
    Alone { _guard: OwnedRwLockWriteGuard<()> },
}

impl MountStore {
    /// Blocks: disk.
    pub fn open(directory: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&directory)?;
        for entry in fs::read_dir(&directory)? {
            let path = entry?.path();
            if path.to_string_lossy().ends_with(GONE) {
                fs::remove_dir_all(path)?;
            }
        }
        Ok(Self {
            directory,
            locks: Arc::default(),
        })
    }

    /// Waits for a locked one. Whoever wants several must ask in the order of their ids.
    pub async fn lease(&self, id: &str, sharing: Sharing) -> io::Result<Lease> {
        let name = hex::encode(Sha256::digest(id.as_bytes()));
        let (name, guard) = match sharing {
            Sharing::Shared => {
                let _guard = self.lock(&name).read_owned().await;
                (name, Guard::Shared { _guard })
            }
            Sharing::Locked => {
                let _guard = self.lock(&name).write_owned().await;
                (name, Guard::Alone { _guard })
            }
            Sharing::Private => self.private(&name)?,
        };
        let path = self.directory.join(name);
        let is_new = match fs::create_dir(&path) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(error),
        };
        Ok(Lease {
            path,
            is_new,
            _guard: guard,
        })
    }

    fn private(&self, name: &str) -> io::Result<(String, Guard)> {
        for number in 0..PRIVATE_MAX {
            let name = format!("{name}-{number}");
            if let Ok(_guard) = self.lock(&name).try_write_owned() {
                return Ok((name, Guard::Alone { _guard }));
            }
        }
        Err(io::Error::other(format!(
            "more than {PRIVATE_MAX} commands use the cache at the same time"
        )))
    }

    fn lock(&self, name: &str) -> Arc<RwLock<()>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        locks.entry(name.to_owned()).or_default().clone()
    }

    /// Removes what is too much, if nobody uses it. Blocks: disk.
    pub fn sweep(&self) -> io::Result<()> {
        self.sweep_to(CACHES_BYTES_MAX)
    }

    fn sweep_to(&self, limit_bytes: u64) -> io::Result<()> {
        let mut found: Vec<(SystemTime, PathBuf, u64)> = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            let path = entry.path();
            found.push((entry.metadata()?.modified()?, path.clone(), size(&path)));
        }
        found.sort();
        let mut bytes: u64 = found.iter().map(|(_, _, bytes)| bytes).sum();
        for (_, path, own) in found {
            if bytes <= limit_bytes {
                break;
            }
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let Ok(_guard) = self.lock(&name).try_write_owned() else {
                continue;
            };
            let gone = self.directory.join(format!("{name}{GONE}"));
            fs::rename(&path, &gone)?;
            fs::remove_dir_all(gone)?;
            bytes -= own;
        }
        Ok(())
    }
}

/// Bytes on disk of all that is below; what vanishes meanwhile counts nothing.
fn size(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size(&entry.path()),
        Ok(metadata) => metadata.blocks() * 512,
        Err(_) => 0,
    });
    sizes.sum()
}

#[cfg(test)]
mod tests;
