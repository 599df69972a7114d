//! The runtime library, and all of it: starting a container, and starting a further process inside one.
//!
//! Only ever called from a shim, which has one thread: the library changes the working directory of the whole
//! process and allocates after clone.

use std::fs::File;
use std::io::{self, IoSliceMut, Read as _};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::{env, fs};

use libcontainer::container::builder::ContainerBuilder;
use libcontainer::error::LibcontainerError;
use libcontainer::syscall::syscall::SyscallType;
use nix::fcntl::OFlag;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use serde_json::Value;

use crate::executor::{FilteringExecutor, Manner};

const CONSOLE_FILE: &str = "console.sock";
/// What the library leaves in a container's directory after each further process.
const LEFTOVERS: &str = "tenant-";
const REPORT_LIMIT_BYTES: u64 = 4096;

#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("{0}")]
    Prepare(#[from] io::Error),
    #[error("{0}")]
    Library(String),
    /// The container was made, but its program cannot be run; Docker's sentence.
    #[error("{0}")]
    Program(String),
}

impl From<LibcontainerError> for StartError {
    fn from(error: LibcontainerError) -> Self {
        // The whole chain: the outermost sentence alone rarely says what happened.
        let mut sentence = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            sentence.push_str(": ");
            sentence.push_str(&cause.to_string());
            source = cause.source();
        }
        Self::Library(sentence)
    }
}

pub(crate) enum Stdio {
    Streams {
        stdin: OwnedFd,
        stdout: OwnedFd,
        stderr: OwnedFd,
    },
    Terminal,
}

pub(crate) struct Started {
    pub pid: i32,
    /// The other side of the container's terminal.
    pub terminal: Option<OwnedFd>,
}

/// Where the library keeps what it knows about containers, one directory each.
pub(crate) struct Library {
    root: PathBuf,
}

impl Library {
    pub fn new(root: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&root)?;
        Ok(Self { root })
    }

    /// Makes and starts a container from its OCI configuration and waits until its program runs. After an error
    /// something may be left in its control group.
    pub fn start(
        &self,
        id: &str,
        bundle: &Path,
        config: &Value,
        manner: Manner,
        stdio: Stdio,
    ) -> Result<Started, StartError> {
        fs::write(bundle.join("config.json"), config.to_string())?;
        let (builder, connected) = self.builder(id, bundle, manner, stdio)?;
        let mut container = builder
            .as_init(bundle)
            .with_systemd(false)
            .with_detach(true)
            .build()?;
        let pid = container
            .pid()
            .ok_or_else(|| StartError::Library("the container has no first process".to_owned()))?
            .as_raw();
        let terminal = connected.terminal()?;
        container.start()?;
        connected.await_exec()?;
        Ok(Started { pid, terminal })
    }

    /// Starts a further process in a running container and waits until its program runs.
    pub fn exec(
        &self,
        id: &str,
        bundle: &Path,
        process: &Value,
        manner: Manner,
        stdio: Stdio,
    ) -> Result<Started, StartError> {
        let file = bundle.join("exec.json");
        fs::write(&file, process.to_string())?;
        let (builder, connected) = self.builder(id, bundle, manner, stdio)?;
        let built = builder
            .as_tenant()
            .with_detach(true)
            .with_process(Some(file))
            .build();
        self.remove_leftovers(id);
        let pid = built?.as_raw();
        let terminal = connected.terminal()?;
        connected.await_exec()?;
        Ok(Started { pid, terminal })
    }

    fn builder(
        &self,
        id: &str,
        bundle: &Path,
        manner: Manner,
        stdio: Stdio,
    ) -> Result<(ContainerBuilder, Connected), StartError> {
        let (report, report_end) = nix::unistd::pipe2(OFlag::O_CLOEXEC).map_err(io::Error::from)?;
        let executor = FilteringExecutor {
            manner,
            report: report_end.as_raw_fd(),
        };
        let mut builder = ContainerBuilder::new(id.to_owned(), SyscallType::default())
            .with_root_path(&self.root)?
            .with_executor(executor);
        let mut console = None;
        match stdio {
            Stdio::Streams {
                stdin,
                stdout,
                stderr,
            } => {
                builder = builder.with_stdin(stdin).with_stdout(stdout).with_stderr(stderr);
            }
            Stdio::Terminal => {
                let path = bundle.join(CONSOLE_FILE);
                console = Some(listen(&path)?);
                builder = builder.with_console_socket(Some(path));
            }
        }
        Ok((
            builder,
            Connected {
                report,
                report_end,
                console,
            },
        ))
    }

    fn remove_leftovers(&self, id: &str) {
        for entry in fs::read_dir(self.root.join(id)).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(LEFTOVERS) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// Forgets a container that has ended.
    pub fn forget(&self, id: &str) {
        let _ = fs::remove_dir_all(self.root.join(id));
    }
}

/// This side of what connects the shim with a process that is being started.
struct Connected {
    report: OwnedFd,
    /// The process' own side, which this process must let go of to see the end.
    report_end: OwnedFd,
    console: Option<UnixListener>,
}

impl Connected {
    fn terminal(&self) -> io::Result<Option<OwnedFd>> {
        self.console.as_ref().map(receive).transpose()
    }

    /// Exec closes the pipe; a program that cannot be run is told through it.
    fn await_exec(self) -> Result<(), StartError> {
        drop(self.report_end);
        let mut sentence = String::new();
        let _ = File::from(self.report)
            .take(REPORT_LIMIT_BYTES)
            .read_to_string(&mut sentence);
        if sentence.is_empty() {
            Ok(())
        } else {
            Err(StartError::Program(sentence))
        }
    }
}

/// Listens under a path of any length: the address itself may have little more than a hundred bytes.
fn listen(path: &Path) -> io::Result<UnixListener> {
    // Left by an earlier process of the same container.
    let _ = fs::remove_file(path);
    let before = env::current_dir()?;
    if let Some(parent) = path.parent() {
        env::set_current_dir(parent)?;
    }
    let listener = UnixListener::bind(path.file_name().map(Path::new).unwrap_or(path));
    env::set_current_dir(before)?;
    listener
}

/// Takes the terminal that the container's first process has sent while it was made.
fn receive(listener: &UnixListener) -> io::Result<OwnedFd> {
    listener.set_nonblocking(true)?;
    let (stream, _) = listener.accept()?;
    stream.set_nonblocking(true)?;
    let mut bytes = [0; 64];
    let mut buffers = [IoSliceMut::new(&mut bytes)];
    let mut space = nix::cmsg_space!(std::os::fd::RawFd);
    let message = recvmsg::<()>(
        stream.as_raw_fd(),
        &mut buffers,
        Some(&mut space),
        MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_DONTWAIT,
    )?;
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(descriptors) = control
            && let Some(&descriptor) = descriptors.first()
        {
            // SAFETY: the kernel has just made this descriptor for us, and we are the only ones to know it.
            return Ok(unsafe { OwnedFd::from_raw_fd(descriptor) });
        }
    }
    Err(io::Error::other("the container did not hand over its terminal"))
}
