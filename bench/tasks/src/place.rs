//! Where everything that is measured lives: one directory with a root file system made of busybox, and a pipe into
//! which each container's program says that it runs.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{process, thread};

use nix::sys::stat::Mode;
use tokio::sync::mpsc;

/// Where the pipes are inside every container.
pub const MARKS: &str = "/marks";
/// Far more than any start takes.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Place {
    pub directory: PathBuf,
    /// Eight hexadecimal digits.
    pub instance: String,
    begun: mpsc::UnboundedReceiver<(String, Instant)>,
    /// Both ends of both pipes, so that nobody waits for a reader or a writer.
    _ends: Vec<File>,
}

impl Place {
    pub fn new(parent: &Path) -> io::Result<Self> {
        let instance = format!("be{:06x}", process::id() & 0xff_ffff);
        let directory = parent.join(format!("wharf-bench-tasks-{instance}"));
        let bin = directory.join("image/bin");
        fs::create_dir_all(&bin)?;
        fs::copy("/bin/busybox", bin.join("busybox"))?;
        symlink("busybox", bin.join("sh"))?;
        let marks = directory.join("marks");
        fs::create_dir(&marks)?;
        let open = |name: &str| -> io::Result<File> {
            nix::unistd::mkfifo(&marks.join(name), Mode::from_bits_truncate(0o600))?;
            File::options().read(true).write(true).open(marks.join(name))
        };
        let (said, never) = (open("begun")?, open("never")?);
        let (teller, begun) = mpsc::unbounded_channel();
        let reader = said.try_clone()?;
        // Ends with this process: there is always a writer, ourselves.
        thread::spawn(move || {
            for line in BufReader::new(reader).lines().map_while(Result::ok) {
                if teller.send((line, Instant::now())).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            directory,
            instance,
            begun,
            _ends: vec![said, never],
        })
    }

    pub fn image(&self) -> PathBuf {
        self.directory.join("image")
    }

    pub fn marks(&self) -> PathBuf {
        self.directory.join("marks")
    }

    /// When some container's program began to run, and which.
    pub async fn next_begun(&mut self) -> io::Result<(String, Instant)> {
        match tokio::time::timeout(PATIENCE, self.begun.recv()).await {
            Ok(Some(begun)) => Ok(begun),
            _ => Err(io::Error::other("a container's program did not begin to run")),
        }
    }
}

/// Says that it runs, then waits for SIGTERM: one process, which does nothing.
pub fn program(name: &str) -> Vec<String> {
    let line = format!("trap 'exit 0' TERM; echo {name} >{MARKS}/begun; exec 3<>{MARKS}/never; read x <&3");
    ["/bin/sh", "-c", &line].map(str::to_owned).to_vec()
}
