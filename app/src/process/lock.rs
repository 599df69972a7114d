//! One process per role: a locked file says who it is. The kernel lets go of the lock however the process ends.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use anyhow::Context as _;
use nix::fcntl::{Flock, FlockArg};

pub(crate) struct Lock {
    _file: Flock<File>,
}

impl Lock {
    /// `None` when another process has it.
    pub(crate) fn take(path: &Path) -> anyhow::Result<Option<Self>> {
        let open = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path);
        let file = open.with_context(|| format!("{} cannot be opened", path.display()))?;
        let mut file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(file) => file,
            Err((_, nix::errno::Errno::EWOULDBLOCK)) => return Ok(None),
            Err((_, error)) => {
                return Err(error).with_context(|| format!("{} cannot be locked", path.display()));
            }
        };
        file.set_len(0)?;
        file.rewind()?;
        write!(file, "{}", std::process::id())?;
        Ok(Some(Self { _file: file }))
    }
}

/// The process that holds the lock now.
pub(crate) fn holder(path: &Path) -> Option<nix::unistd::Pid> {
    let file = File::open(path).ok()?;
    match Flock::lock(file, FlockArg::LockSharedNonblock) {
        Ok(_) => None,
        Err((mut file, _)) => {
            let mut text = String::new();
            file.read_to_string(&mut text).ok()?;
            text.trim().parse().ok().map(nix::unistd::Pid::from_raw)
        }
    }
}
