//! Network namespaces: made and pinned by a mount, entered only by threads that end afterwards.

use std::fs::{self, File};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::{Path, PathBuf};
use std::{io, thread};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::statfs::{NSFS_MAGIC, statfs};

use crate::link::Links;
use crate::netlink::Socket;

/// An open network namespace.
pub(crate) struct Namespace {
    file: File,
}

impl Namespace {
    /// The one that the calling thread is in.
    pub fn current() -> io::Result<Self> {
        Ok(Self {
            file: File::open("/proc/thread-self/ns/net")?,
        })
    }

    /// Opens a pinned one.
    pub fn open(pin: &Path) -> io::Result<Self> {
        if !is_pinned(pin) {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!("{} is no network namespace", pin.display()),
            ));
        }
        Ok(Self {
            file: File::open(pin)?,
        })
    }

    /// Opens a pinned one, and makes it first, with these settings, if it is not there. Returns whether it was made.
    pub fn ensure(pin: &Path, settings: &[(&str, &str)]) -> io::Result<(Self, bool)> {
        if let Ok(there) = Self::open(pin) {
            return Ok((there, false));
        }
        if let Some(parent) = pin.parent() {
            fs::create_dir_all(parent)?;
        }
        // A file without its mount is what a reboot leaves.
        File::create(pin)?;
        on_own_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET)?;
            // All of it before it is pinned: whoever finds a pinned one takes it as it is.
            Links::here()?.raise("lo")?;
            write_settings(settings)?;
            mount(
                Some("/proc/thread-self/ns/net"),
                pin,
                None::<&str>,
                MsFlags::MS_BIND,
                None::<&str>,
            )?;
            Ok(())
        })?;
        Ok((Self::open(pin)?, true))
    }

    /// Runs something on a thread that is in the namespace.
    pub fn inside<R: Send>(&self, act: impl FnOnce() -> io::Result<R> + Send) -> io::Result<R> {
        on_own_thread(|| {
            setns(self.file.as_fd(), CloneFlags::CLONE_NEWNET)?;
            act()
        })
    }

    /// A way to links, addresses and routes in the namespace.
    pub fn links(&self) -> io::Result<Links> {
        self.inside(Links::here)
    }

    /// A way to the packet filter in the namespace.
    pub fn filter(&self) -> io::Result<Socket> {
        self.inside(Socket::filter)
    }

    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Writes settings below `/proc/sys/net`.
    pub fn set(&self, settings: &[(&str, &str)]) -> io::Result<()> {
        self.inside(|| write_settings(settings))
    }
}

fn write_settings(settings: &[(&str, &str)]) -> io::Result<()> {
    for (name, value) in settings {
        let path = Path::new("/proc/sys/net").join(name);
        fs::write(&path, value)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    }
    Ok(())
}

pub(crate) fn is_pinned(pin: &Path) -> bool {
    statfs(pin).is_ok_and(|stat| stat.filesystem_type() == NSFS_MAGIC)
}

/// Lets a pinned namespace go; it ends with its last process.
pub(crate) fn unpin(pin: &Path) {
    // More than once when it was pinned twice over; and removing the file also takes away copies of the mount that
    // other mount namespaces hold.
    while is_pinned(pin) && umount2(pin, MntFlags::MNT_DETACH).is_ok() {}
    if let Err(error) = fs::remove_file(pin)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(pin = %pin.display(), %error, "a network namespace cannot be let go");
    }
}

/// Names of everything pinned in a directory.
pub(crate) fn pinned(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

fn on_own_thread<R: Send>(act: impl FnOnce() -> io::Result<R> + Send) -> io::Result<R> {
    thread::scope(|scope| {
        thread::Builder::new()
            .name("netns".to_owned())
            .spawn_scoped(scope, act)?
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("a thread in a network namespace has panicked")))
    })
}

/// Where a network's namespace is pinned: a convention for whoever has sockets to open in it.
pub fn network_pin(run_dir: &Path, network: &str) -> PathBuf {
    run_dir.join("netns").join(network)
}
