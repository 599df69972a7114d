//! A build step's shim: one container, mostly on the host's network, its output straight to whoever started the step.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd as _, FromRawFd as _, OwnedFd, RawFd};
use std::path::{Path, PathBuf};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

use crate::capability::Capabilities;
use crate::cgroup::Cgroup;
use crate::container::{Library, StartError, Stdio};
use crate::executor::Manner;
use crate::in_root::InRoot;
use crate::oci;
use crate::overlay::Overlay;
use crate::rlimit;
use crate::seccomp::Filters;
use crate::step::{Bind, RESULT_FILE, STEP_FILE, Step, StepMemory, StepResult};
use crate::tmpfs::Memory;
use crate::user;

const CONTAINER_ID: &str = "step";

pub(super) fn run(directory: &Path, cgroup: &str) -> io::Result<()> {
    super::detach()?;
    let step: Step =
        serde_json::from_slice(&fs::read(directory.join(STEP_FILE))?).map_err(io::Error::other)?;
    let result = match perform(directory, &step, cgroup) {
        Ok(code) => StepResult::Exited(code),
        Err(error) => StepResult::Failed(error.to_string()),
    };
    let text = serde_json::to_vec(&result).map_err(io::Error::other)?;
    fs::write(directory.join(RESULT_FILE), text)
}

fn perform(directory: &Path, step: &Step, cgroup: &str) -> Result<i32, StartError> {
    let targets: Vec<(&Path, bool)> = step
        .binds
        .iter()
        .map(|bind| (bind.target.as_path(), bind.source.is_dir()))
        .chain(step.memory.iter().map(|memory| (memory.target.as_path(), true)))
        .collect();
    let overlay = Overlay::mount(directory, &step.lower, &step.upper, &step.work, &targets)?;
    let mut made = Vec::new();
    let result = contained(directory, step, cgroup, &overlay, &mut made);
    if let Ok(root) = InRoot::open(&overlay.root) {
        for path in made.iter().rev() {
            root.remove_if_empty(path);
        }
    }
    Cgroup::new(cgroup).kill_and_remove();
    overlay.unmount();
    result
}

fn contained(
    directory: &Path,
    step: &Step,
    cgroup: &str,
    overlay: &Overlay,
    made: &mut Vec<PathBuf>,
) -> Result<i32, StartError> {
    let root = InRoot::open(&overlay.root)?;
    // The working directory belongs to the image, what is only mounted on does not.
    root.make_directory(Path::new(&step.working_directory))?;
    for Bind { source, target, .. } in &step.binds {
        made.extend(root.make_target(target, source.is_dir())?);
    }
    for memory in &step.memory {
        made.extend(root.make_target(&memory.target, true)?);
    }
    for directory in ["/proc", "/sys", "/dev"] {
        made.extend(root.make_target(Path::new(directory), true)?);
    }
    let user =
        user::resolve(&root, step.user.as_deref()).map_err(|error| StartError::Program(error.to_string()))?;
    let (rlimits, _) = rlimit::resolve(&[]);
    let capabilities = Capabilities::docker();
    let process = oci::Process {
        arguments: &step.arguments,
        environment: &step.environment,
        working_directory: &step.working_directory,
        user: &user,
        terminal: false,
        rlimits: &rlimits,
        capabilities: &capabilities,
        no_new_privileges: false,
    };
    let cgroup = format!("{cgroup}/{CONTAINER_ID}");
    let memory: Vec<Memory> = step.memory.iter().map(in_memory).collect();
    let network = if step.offline {
        oci::Namespace::Own
    } else {
        oci::Namespace::Inherited
    };
    let config = oci::Container {
        binds: &step.binds,
        tmpfs: &memory,
        network,
        ..oci::Container::new(&overlay.root, process, &step.hostname, &cgroup)
    }
    .to_json();
    let filters = Filters::docker(&capabilities).map_err(|error| StartError::Library(error.to_string()))?;
    let library = Library::new(directory.join("library"))?;
    let stdio = Stdio::Streams {
        stdin: File::open("/dev/null")?.into(),
        stdout: io::stdout().as_fd().try_clone_to_owned()?,
        stderr: io::stderr().as_fd().try_clone_to_owned()?,
    };
    let started = library.start(CONTAINER_ID, directory, &config, Manner::new(filters), stdio)?;
    await_end(started.pid)
}

fn in_memory(memory: &StepMemory) -> Memory {
    let mut options = ["nosuid", "nodev", "mode=1777"].map(str::to_owned).to_vec();
    options.extend(memory.size_bytes.map(|bytes| format!("size={bytes}")));
    Memory {
        target: memory.target.clone(),
        options,
    }
}

/// Waits until the container ends, and ends it when whoever wanted the step has gone: standard input is a pipe that
/// nobody writes to, and whose other end closes with them.
fn await_end(pid: i32) -> Result<i32, StartError> {
    // SAFETY: a plain system call; the descriptor it returns is new and ours alone.
    let process = unsafe {
        let descriptor = libc::syscall(libc::SYS_pidfd_open, pid, 0);
        if descriptor < 0 {
            return Err(StartError::Prepare(io::Error::last_os_error()));
        }
        OwnedFd::from_raw_fd(descriptor as RawFd)
    };
    let lifeline = io::stdin();
    loop {
        let mut waits = [
            PollFd::new(process.as_fd(), PollFlags::POLLIN),
            PollFd::new(lifeline.as_fd(), PollFlags::empty()),
        ];
        match poll(&mut waits, PollTimeout::NONE) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(StartError::Prepare(error.into())),
        }
        if waits[1].any().unwrap_or(false) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        if waits[0].any().unwrap_or(false) || waits[1].any().unwrap_or(false) {
            let status = waitpid(Pid::from_raw(pid), None).map_err(io::Error::from)?;
            let code = super::exit_code(status).map(|(_, code)| code);
            return code
                .ok_or_else(|| StartError::Library("the container ended in an unknown way".to_owned()));
        }
    }
}
