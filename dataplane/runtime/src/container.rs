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

use crate::executor::FilteringExecutor;
use crate::seccomp::Filters;

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
    filters: Filters,
}

impl Library {
    pub fn new(root: PathBuf, filters: Filters) -> io::Result<Self> {
        fs::create_dir_all(&root)?;
        Ok(Self { root, filters })
    }

    /// Makes and starts a container from its OCI configuration and waits until its program runs. After an error
    /// something may be left in its control group.
    pub fn start(
        &self,
        id: &str,
        bundle: &Path,
        config: &Value,
        own_network: bool,
        stdio: Stdio,
    ) -> Result<Started, StartError> {
        fs::write(bundle.join("config.json"), config.to_string())?;
        let (report, report_end) = nix::unistd::pipe2(OFlag::O_CLOEXEC).map_err(io::Error::from)?;
        let executor = FilteringExecutor {
            filters: self.filters.clone(),
            report: report_end.as_raw_fd(),
            raise_loopback: own_network,
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
                let path = bundle.join("console.sock");
                console = Some(listen(&path)?);
                builder = builder.with_console_socket(Some(path));
            }
        }
        let mut container = builder
            .as_init(bundle)
            .with_systemd(false)
            .with_detach(true)
            .build()?;
        drop(report_end);
        let pid = container
            .pid()
            .ok_or_else(|| StartError::Library("the container has no first process".to_owned()))?
            .as_raw();
        let terminal = console.map(|listener| receive(&listener)).transpose()?;
        container.start()?;
        await_exec(report)?;
        Ok(Started { pid, terminal })
    }

    /// Starts a further process in a running container and waits until its program runs; returns its process id.
    pub fn exec(&self, id: &str, bundle: &Path, process: &Value) -> Result<i32, StartError> {
        let file = bundle.join("exec.json");
        fs::write(&file, process.to_string())?;
        let (report, report_end) = nix::unistd::pipe2(OFlag::O_CLOEXEC).map_err(io::Error::from)?;
        let executor = FilteringExecutor {
            filters: self.filters.clone(),
            report: report_end.as_raw_fd(),
            raise_loopback: false,
        };
        let null = || File::options().read(true).write(true).open("/dev/null");
        let pid = ContainerBuilder::new(id.to_owned(), SyscallType::default())
            .with_root_path(&self.root)?
            .with_executor(executor)
            .with_stdin(null()?)
            .with_stdout(null()?)
            .with_stderr(null()?)
            .as_tenant()
            .with_detach(true)
            .with_process(Some(file))
            .build()?;
        drop(report_end);
        await_exec(report)?;
        Ok(pid.as_raw())
    }

    /// Forgets a container that has ended.
    pub fn forget(&self, id: &str) {
        let _ = fs::remove_dir_all(self.root.join(id));
    }
}

/// Exec closes the pipe; a program that cannot be run is told through it.
fn await_exec(report: OwnedFd) -> Result<(), StartError> {
    let mut sentence = String::new();
    let _ = File::from(report)
        .take(REPORT_LIMIT_BYTES)
        .read_to_string(&mut sentence);
    if sentence.is_empty() {
        Ok(())
    } else {
        Err(StartError::Program(sentence))
    }
}

/// Listens under a path of any length: the address itself may have little more than a hundred bytes.
fn listen(path: &Path) -> io::Result<UnixListener> {
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
