//! The shim: a process of its own for each task (or build step), with one thread, that owns the containers and
//! outlives whoever started it.

mod control;
mod exec;
mod health;
mod output;
mod plan;
mod step;
mod task;

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::stat::{Mode, umask};

pub(crate) use control::{Command, SOCKET_FILE, address};
pub(crate) use exec::{Answer as ExecAnswer, EXEC_FILE, InputWish, Request as ExecWish};

/// Written to standard output when a task's shim can be talked to.
pub(crate) const READY: &str = "ready\n";

/// Where a task's files lie and which control groups are its own.
pub(crate) const TASK_FILE: &str = "task.json";

/// The shim's main function: `task <directory> <control group> <shims' control group> <state>` or
/// `step <directory> <control group>`. Must be called before the process has a second thread.
pub fn shim_main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.collect();
    let text = |index: usize| {
        arguments
            .get(index)
            .and_then(|argument| argument.to_str())
            .unwrap_or_default()
    };
    let directory = PathBuf::from(arguments.get(1).cloned().unwrap_or_default());
    let result = match (text(0), arguments.len()) {
        ("task", 5) => task::run(&directory, text(2), text(3), Path::new(&arguments[4])),
        ("step", 3) => step::run(&directory, text(2)),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "this command is for Wharf's own use",
        )),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A shim that cannot start has nobody else to tell.
            let _ = tell(&format!("{error}\n"));
            ExitCode::FAILURE
        }
    }
}

/// Says something to whoever started the shim.
///
/// # Errors
/// When nobody listens any more.
fn tell(text: &str) -> io::Result<()> {
    nix::unistd::write(io::stdout(), text.as_bytes())?;
    Ok(())
}

/// An own session, an own mount namespace, and the containers' orphans as children.
fn detach() -> io::Result<()> {
    // Fails only when this process already leads a group, and then it has what it needs.
    let _ = nix::unistd::setsid();
    umask(Mode::from_bits_truncate(0o022));
    nix::sys::prctl::set_child_subreaper(true)?;
    unshare(CloneFlags::CLONE_NEWNS)?;
    // Mounts of the host go on appearing and, above all, going away here; ours stay here.
    mount(
        None::<&str>,
        "/",
        None::<&str>,
        MsFlags::MS_REC | MsFlags::MS_SLAVE,
        None::<&str>,
    )?;
    std::env::set_current_dir("/")
}

/// Joins a pinned network namespace, or an own one with loopback only.
fn enter_network(pinned: Option<&Path>) -> io::Result<()> {
    match pinned {
        Some(path) => {
            let file = File::open(path).map_err(|error| {
                io::Error::new(
                    error.kind(),
                    format!("the task's network {} is not there: {error}", path.display()),
                )
            })?;
            Ok(setns(file.as_fd(), CloneFlags::CLONE_NEWNET)?)
        }
        None => {
            unshare(CloneFlags::CLONE_NEWNET)?;
            crate::loopback::raise()
        }
    }
}

/// 128 + n after signal n, as shells and Docker count; `None` while the process goes on.
fn exit_code(status: nix::sys::wait::WaitStatus) -> Option<(i32, i32)> {
    use nix::sys::wait::WaitStatus;
    match status {
        WaitStatus::Exited(pid, code) => Some((pid.as_raw(), code)),
        WaitStatus::Signaled(pid, signal, _) => Some((pid.as_raw(), 128 + signal as i32)),
        _ => None,
    }
}
