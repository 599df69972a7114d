//! Makes one container of a task: root, user, configuration, output.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use nix::fcntl::OFlag;

use crate::container::{Library, StartError, Started, Stdio};
use crate::in_root::InRoot;
use crate::oci;
use crate::overlay::Overlay;
use crate::rlimit;
use crate::shim::output::SharedSpool;
use crate::spec::{ContainerSpec, TaskSpec};
use crate::spool::{SpoolWriter, Stream};
use crate::step::Bind;
use crate::user::{self, User};

/// What is to be read of a container's output, and what must stay open while it runs.
pub(super) struct Launched {
    pub pid: i32,
    pub sources: Vec<(OwnedFd, Stream)>,
    pub spool: SharedSpool,
    /// The writing end of standard input of a container that keeps it open.
    pub stdin: Option<OwnedFd>,
    pub user: User,
}

/// The parts of a container that are there before and after it runs.
pub(super) struct Place {
    pub bundle: PathBuf,
    pub overlay: Option<Overlay>,
}

impl Place {
    pub fn new(task: &Path, container: &str) -> Self {
        Self {
            bundle: task.join("containers").join(container),
            overlay: None,
        }
    }

    /// Gives back what does not outlive the container. What it has written stays until the task's directory goes.
    pub fn release(&mut self) {
        if let Some(overlay) = self.overlay.take() {
            overlay.unmount();
        }
    }
}

/// Files of the host that every container of a task sees.
pub(super) fn write_shared_files(directory: &Path, spec: &TaskSpec) -> io::Result<()> {
    fs::write(directory.join("resolv.conf"), &spec.resolv_conf)?;
    fs::write(directory.join("hosts"), &spec.hosts)?;
    fs::write(directory.join("hostname"), format!("{}\n", spec.hostname))
}

fn shared_binds(directory: &Path) -> Vec<Bind> {
    ["resolv.conf", "hosts", "hostname"]
        .into_iter()
        .map(|name| Bind {
            source: directory.join(name),
            target: Path::new("/etc").join(name),
            readonly: false,
        })
        .collect()
}

pub(super) fn launch(
    directory: &Path,
    task: &TaskSpec,
    spec: &ContainerSpec,
    place: &mut Place,
    library: &Library,
    cgroup: &str,
) -> Result<(Launched, Vec<String>), StartError> {
    let (upper, work) = (place.bundle.join("upper"), place.bundle.join("work"));
    for made in [&upper, &work] {
        fs::create_dir_all(made)?;
    }
    let overlay = place
        .overlay
        .insert(Overlay::mount(&place.bundle, &spec.lower, &upper, &work, &[])?);
    let root = InRoot::open(&overlay.root)?;
    root.make_directory(Path::new(&spec.working_directory))?;
    let binds = shared_binds(directory);
    for bind in &binds {
        root.make_target(&bind.target, false)?;
    }
    for path in ["/proc", "/sys", "/dev"] {
        root.make_target(Path::new(path), true)?;
    }
    let user =
        user::resolve(&root, spec.user.as_deref()).map_err(|error| StartError::Program(error.to_string()))?;
    let (rlimits, notes) = rlimit::resolve(&spec.ulimits);
    let config = oci::Container {
        root: &overlay.root,
        process: oci::Process {
            arguments: &spec.arguments,
            environment: &spec.environment,
            working_directory: &spec.working_directory,
            user: &user,
            terminal: spec.pseudo_terminal,
            rlimits: &rlimits,
        },
        hostname: &task.hostname,
        binds: &binds,
        readonly_root: spec.readonly_root,
        own_network: spec.disable_networking,
        cgroup: &format!("{cgroup}/{}", spec.name),
        limits: spec.limits,
    }
    .to_json();
    let spool = Rc::new(RefCell::new(SpoolWriter::create(directory, &spec.name)?));
    let streams = Streams::make(spec)?;
    let started = library.start(
        &spec.runtime_id,
        &place.bundle,
        &config,
        spec.disable_networking,
        streams.stdio,
    )?;
    let Started { pid, terminal } = started;
    let mut sources = streams.sources;
    sources.extend(terminal.map(|terminal| (terminal, Stream::Stdout)));
    Ok((
        Launched {
            pid,
            sources,
            spool,
            stdin: streams.stdin,
            user,
        },
        notes,
    ))
}

/// The process that checks a container's health: as the container itself, but with another program.
pub(super) fn check_process(spec: &ContainerSpec, user: &User, arguments: &[String]) -> serde_json::Value {
    oci::Process {
        arguments,
        environment: &spec.environment,
        working_directory: &spec.working_directory,
        user,
        terminal: false,
        rlimits: &[],
    }
    .to_json()
}

struct Streams {
    stdio: Stdio,
    sources: Vec<(OwnedFd, Stream)>,
    stdin: Option<OwnedFd>,
}

impl Streams {
    fn make(spec: &ContainerSpec) -> io::Result<Self> {
        if spec.pseudo_terminal {
            return Ok(Self {
                stdio: Stdio::Terminal,
                sources: Vec::new(),
                stdin: None,
            });
        }
        let pipe = || nix::unistd::pipe2(OFlag::O_CLOEXEC).map_err(io::Error::from);
        let (out, stdout) = pipe()?;
        let (err, stderr) = pipe()?;
        let (stdin, kept) = if spec.interactive {
            let (read, write) = pipe()?;
            (read, Some(write))
        } else {
            (File::open("/dev/null")?.into(), None)
        };
        Ok(Self {
            stdio: Stdio::Streams {
                stdin,
                stdout,
                stderr,
            },
            sources: vec![(out, Stream::Stdout), (err, Stream::Stderr)],
            stdin: kept,
        })
    }
}
