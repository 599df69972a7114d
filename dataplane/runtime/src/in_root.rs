//! Paths inside a container's root file system, from outside: links are followed as the container would follow
//! them and never lead out of the root, however the image has laid them.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::path::{Component, Path, PathBuf};

use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat2, readlinkat};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::{UnlinkatFlags, unlinkat};

/// Links that lead to links that are not there.
const LINKS_MAX: u32 = 8;

pub(crate) struct InRoot {
    root: OwnedFd,
}

impl InRoot {
    pub fn open(root: &Path) -> io::Result<Self> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        Ok(Self {
            root: open(root, flags, Mode::empty())?,
        })
    }

    fn at(&self, path: &Path, flags: OFlag, mode: Mode) -> io::Result<OwnedFd> {
        let how = OpenHow::new()
            .flags(flags | OFlag::O_CLOEXEC)
            .mode(mode)
            .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS);
        Ok(openat2(self.root.as_fd(), path, how)?)
    }

    /// A whole text file of at most `limit_bytes`.
    pub fn read(&self, path: &str, limit_bytes: u64) -> io::Result<String> {
        // Without O_NONBLOCK a named pipe in place of the file would hold us up for ever.
        let file = File::from(self.at(
            Path::new(path),
            OFlag::O_RDONLY | OFlag::O_NONBLOCK,
            Mode::empty(),
        )?);
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{path} is not a file"),
            ));
        }
        let mut bytes = Vec::new();
        file.take(limit_bytes).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Makes a directory and those above it; returns those that were missing, outermost first.
    pub fn make_directory(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        self.make_directory_after(path, LINKS_MAX)
    }

    fn make_directory_after(&self, path: &Path, links_left: u32) -> io::Result<Vec<PathBuf>> {
        let mut made = Vec::new();
        let mut current = PathBuf::from("/");
        for component in path.components() {
            let Component::Normal(name) = component else {
                continue;
            };
            let above = self.at(&current, OFlag::O_PATH | OFlag::O_DIRECTORY, Mode::empty())?;
            let parent = current.clone();
            current.push(name);
            match self.at(&current, OFlag::O_PATH | OFlag::O_DIRECTORY, Mode::empty()) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if let Ok(link) = readlinkat(above.as_fd(), name) {
                        // A link to what is not there, such as `/var/run`.
                        if links_left == 0 {
                            return Err(io::Error::other(format!("too many links at {}", path.display())));
                        }
                        let target = normal(&parent.join(link));
                        made.extend(self.make_directory_after(&target, links_left - 1)?);
                    } else {
                        mkdirat(above.as_fd(), name, Mode::from_bits_truncate(0o755))?;
                        made.push(current.clone());
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(made)
    }

    /// Makes sure that something is there to mount on; returns what was missing, outermost first.
    pub fn make_target(&self, path: &Path, directory: bool) -> io::Result<Vec<PathBuf>> {
        self.make_target_after(path, directory, LINKS_MAX)
    }

    fn make_target_after(&self, path: &Path, directory: bool, links_left: u32) -> io::Result<Vec<PathBuf>> {
        if self.at(path, OFlag::O_PATH, Mode::empty()).is_ok() {
            return Ok(Vec::new());
        }
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a mount target needs a name",
            ));
        };
        let mut made = self.make_directory(parent)?;
        let above = self.at(parent, OFlag::O_PATH | OFlag::O_DIRECTORY, Mode::empty())?;
        if let Ok(link) = readlinkat(above.as_fd(), name) {
            // A link to what is not there, such as resolv.conf into a /run that is filled at boot.
            if links_left == 0 {
                return Err(io::Error::other(format!("too many links at {}", path.display())));
            }
            let target = normal(&parent.join(link));
            made.extend(self.make_target_after(&target, directory, links_left - 1)?);
            return Ok(made);
        }
        if directory {
            mkdirat(above.as_fd(), name, Mode::from_bits_truncate(0o755))?;
        } else {
            self.at(
                path,
                OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_WRONLY,
                Mode::from_bits_truncate(0o644),
            )?;
        }
        made.push(path.to_owned());
        Ok(made)
    }

    /// Where a path that is there really lies, with no link left in it.
    pub fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        let place =
            |descriptor: &OwnedFd| std::fs::read_link(format!("/proc/self/fd/{}", descriptor.as_raw_fd()));
        let found = place(&self.at(path, OFlag::O_PATH, Mode::empty())?)?;
        let root = place(&self.root)?;
        let inner = found
            .strip_prefix(root)
            .map_err(|_| io::Error::other(format!("{} leads out of its root", path.display())))?;
        Ok(Path::new("/").join(inner))
    }

    /// Whether a path leads over a link, as far as it is there.
    pub fn has_links(&self, path: &Path) -> bool {
        let how = OpenHow::new()
            .flags(OFlag::O_PATH | OFlag::O_CLOEXEC)
            .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_SYMLINKS);
        openat2(self.root.as_fd(), path, how).err() == Some(nix::errno::Errno::ELOOP)
    }

    /// A directory as a path that leads there whatever becomes of its name, as long as the descriptor is open.
    pub fn open_directory(&self, path: &Path) -> io::Result<(OwnedFd, PathBuf)> {
        let directory = self.at(path, OFlag::O_RDONLY | OFlag::O_DIRECTORY, Mode::empty())?;
        let path = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd()));
        Ok((directory, path))
    }

    /// Removes a file or directory that is still empty; anything else stays.
    pub fn remove_if_empty(&self, path: &Path) {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return;
        };
        let Ok(above) = self.at(parent, OFlag::O_PATH | OFlag::O_DIRECTORY, Mode::empty()) else {
            return;
        };
        if unlinkat(above.as_fd(), name, UnlinkatFlags::RemoveDir).is_ok() {
            return;
        }
        let empty = self
            .at(path, OFlag::O_RDONLY | OFlag::O_NONBLOCK, Mode::empty())
            .and_then(|file| File::from(file).metadata())
            .is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0);
        if empty {
            let _ = unlinkat(above.as_fd(), name, UnlinkatFlags::NoRemoveDir);
        }
    }
}

/// Without `.` and `..`, which cannot climb above the root.
pub(crate) fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::from("/");
    for component in path.components() {
        match component {
            Component::Normal(name) => normal.push(name),
            Component::ParentDir => {
                normal.pop();
            }
            _ => {}
        }
    }
    normal
}

#[cfg(test)]
mod tests;
