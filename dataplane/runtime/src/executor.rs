//! The last moments between the runtime library and the container's own program: loopback, the system call filter,
//! and the exec itself. Runs in the container's first process, in its namespaces.

use std::ffi::CString;
use std::os::fd::{BorrowedFd, RawFd};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use contract::exec::TerminalSize;
use libcontainer::oci_spec::runtime::Spec;
use libcontainer::workload::{Executor, ExecutorError, ExecutorValidationError};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SigHandler, Signal};

use crate::seccomp::Filters;

/// Shells' exit codes for a program that is not there, and one that may not be run.
const NOT_FOUND: i32 = 127;
const NOT_EXECUTABLE: i32 = 126;

/// How the last moments are to be.
#[derive(Clone)]
pub(crate) struct Manner {
    pub filters: Filters,
    pub raise_loopback: bool,
    /// A small process stays before the program, with these capabilities.
    pub init: Option<u64>,
    /// Of the terminal that is standard input.
    pub window: Option<TerminalSize>,
    /// Soft and hard limit, where they are too low for what happens before the program runs.
    pub open_files: Option<(u64, u64)>,
}

impl Manner {
    pub fn new(filters: Filters) -> Self {
        Self {
            filters,
            raise_loopback: false,
            init: None,
            window: None,
            open_files: None,
        }
    }
}

#[derive(Clone)]
pub(crate) struct FilteringExecutor {
    pub manner: Manner,
    /// Gets a sentence when the program cannot be started, and is closed without one when it can.
    pub report: RawFd,
}

impl Executor for FilteringExecutor {
    fn exec(&self, spec: &Spec) -> Result<(), ExecutorError> {
        let (code, sentence) = self.run(spec);
        // SAFETY: the descriptor was opened by the shim for this process and nobody here has closed it.
        let report = unsafe { BorrowedFd::borrow_raw(self.report) };
        let _ = nix::unistd::write(report, sentence.as_bytes());
        // SAFETY: ends this process at once; nothing of the shim's copied state must run.
        unsafe { libc::_exit(code) }
    }

    /// The program is looked for when it is started, and reported with the words that Docker uses.
    fn validate(&self, _: &Spec) -> Result<(), ExecutorValidationError> {
        Ok(())
    }
}

impl FilteringExecutor {
    /// Comes back only with what went wrong.
    fn run(&self, spec: &Spec) -> (i32, String) {
        let Some(arguments) = spec
            .process()
            .as_ref()
            .and_then(|process| process.args().as_ref())
        else {
            return (NOT_FOUND, "no command specified".to_owned());
        };
        let name = arguments.first().map(String::as_str).unwrap_or_default();
        let program = match find(name) {
            Ok(program) => program,
            Err(failure) => return failure,
        };
        let strings: Result<Vec<CString>, _> = arguments
            .iter()
            .map(|argument| CString::new(argument.as_str()))
            .collect();
        let (Ok(strings), Ok(path)) = (strings, CString::new(program.as_os_str().as_encoded_bytes())) else {
            return (
                NOT_EXECUTABLE,
                format!("exec: {name:?}: an argument holds a zero byte"),
            );
        };
        if let Err(failure) = self.prepare() {
            return failure;
        }
        let error = nix::unistd::execv(&path, &strings)
            .map(|_| ())
            .expect_err("exec returns only errors");
        let reason = match error {
            nix::errno::Errno::ENOEXEC => "exec format error".to_owned(),
            nix::errno::Errno::ENOENT => {
                "no such file or directory (or its interpreter is missing)".to_owned()
            }
            other => io::Error::from(other).to_string(),
        };
        (NOT_EXECUTABLE, format!("exec: {name:?}: {reason}"))
    }

    /// Everything between having found the program and executing it.
    fn prepare(&self) -> Result<(), (i32, String)> {
        if self.manner.raise_loopback
            && let Err(error) = crate::loopback::raise()
        {
            return Err((NOT_EXECUTABLE, format!("loopback cannot be brought up: {error}")));
        }
        if let Some(size) = self.manner.window {
            let _ = crate::terminal::resize(io::stdin(), size);
        }
        heed_all_signals();
        end_with_parent();
        if let Err(error) = self.manner.filters.install() {
            let sentence = format!("the system call filter cannot be installed: {error}");
            return Err((NOT_EXECUTABLE, sentence));
        }
        if let Some((soft, hard)) = self.manner.open_files {
            setrlimit(Resource::RLIMIT_NOFILE, soft, hard)
                .map_err(|error| (NOT_EXECUTABLE, format!("ulimit nofile cannot be set: {error}")))?;
        }
        if let Some(keep) = self.manner.init {
            crate::reaper::precede(keep)
                .map_err(|error| (NOT_EXECUTABLE, format!("no first process can be made: {error}")))?;
            end_with_parent();
        }
        Ok(())
    }
}

/// What is ignored stays ignored in the program: SIGPIPE, as Rust ignores it, and SIGINT and SIGQUIT, if the cloud was
/// started in the background of a script. A shell could not even trap them then.
fn heed_all_signals() {
    for signal in Signal::iterator() {
        // SAFETY: no handler is installed, the default one is put back.
        let _ = unsafe { nix::sys::signal::signal(signal, SigHandler::SigDfl) };
    }
}

/// The container must not outlive its shim, which owns its output and its exit.
fn end_with_parent() {
    let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
}

/// Looks a program up in PATH as a shell does, unless it is a path itself.
fn find(name: &str) -> Result<PathBuf, (i32, String)> {
    if name.contains('/') {
        return match fs::metadata(name) {
            Ok(metadata) if metadata.is_dir() => {
                Err((NOT_EXECUTABLE, format!("exec: {name:?}: is a directory")))
            }
            Ok(metadata) if metadata.permissions().mode() & 0o111 == 0 => {
                Err((NOT_EXECUTABLE, format!("exec: {name:?}: permission denied")))
            }
            Ok(_) => Ok(PathBuf::from(name)),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                Err((NOT_EXECUTABLE, format!("exec: {name:?}: permission denied")))
            }
            Err(_) => Err((NOT_FOUND, format!("exec: {name:?}: no such file or directory"))),
        };
    }
    let path = env::var("PATH").unwrap_or_default();
    path.split(':')
        .filter(|directory| !directory.is_empty() && !name.is_empty())
        .map(|directory| Path::new(directory).join(name))
        .find(|candidate| {
            fs::metadata(candidate)
                .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
        })
        .ok_or_else(|| {
            (
                NOT_FOUND,
                format!("exec: {name:?}: executable file not found in $PATH"),
            )
        })
}
