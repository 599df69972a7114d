//! Makes one container of a task: root, user, configuration, output.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use contract::task::Sharing;
use serde_json::Value;

use super::shared::Shared;
use crate::capability;
use crate::cgroup::Cgroup;
use crate::container::{Library, StartError, Started, Stdio};
use crate::device;
use crate::executor::Manner;
use crate::in_root::InRoot;
use crate::machine;
use crate::memory::Memory;
use crate::oci::{self, Namespace, SharedMemory};
use crate::overlay::Overlay;
use crate::rlimit;
use crate::seccomp::Filters;
use crate::spec::{ContainerSpec, TaskSpec};
use crate::spool::Stream;
use crate::step::Bind;
use crate::sysctl;
use crate::tmpfs;
use crate::user::{self, User};
use crate::volume;

/// What is to be read of a container's output, and what must stay open while it runs.
pub(super) struct Launched {
    pub pid: i32,
    pub sources: Vec<(OwnedFd, Stream)>,
    /// The writing end of standard input of a container that keeps it open, or the terminal of one that has one.
    pub input: Option<OwnedFd>,
    /// OCI's `process` and the manner of its start: what further processes in the container are like.
    pub process: Value,
    pub manner: Manner,
    pub notes: Vec<String>,
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

/// Files of the host that a container sees instead of its image's, but for those that it mounts itself.
fn file_binds(
    shared: &Shared,
    spec: &ContainerSpec,
    bundle: &Path,
    root: &InRoot,
    mounted: &[Bind],
) -> io::Result<Vec<Bind>> {
    let hostname = spec.hostname.as_ref().map(|name| format!("{name}\n"));
    let own = [
        ("resolv.conf", &spec.resolv_conf),
        ("hosts", &spec.hosts),
        ("hostname", &hostname),
    ];
    let mut binds = Vec::new();
    for (name, content) in own {
        let source = match content {
            Some(content) => {
                let path = bundle.join(name);
                fs::write(&path, content)?;
                path
            }
            None => shared.directory.join(name),
        };
        let wanted = Path::new("/etc").join(name);
        if mounted.iter().any(|bind| bind.target == wanted) {
            continue;
        }
        binds.push(Bind {
            source,
            target: volume::make_target(root, &wanted, false, mounted)?,
            readonly: false,
        });
    }
    Ok(binds)
}

/// What is mounted into a container because somebody asked for it.
struct Mounts {
    binds: Vec<Bind>,
    tmpfs: Vec<tmpfs::Memory>,
}

impl Mounts {
    fn prepare(
        shared: &Shared,
        spec: &ContainerSpec,
        bundle: &Path,
        root: &InRoot,
    ) -> Result<Self, StartError> {
        let mut binds = match &spec.disk {
            Some(disk) => machine::binds(&shared.disks.join(disk), root)?,
            None => shared
                .volumes
                .prepare(root, &spec.mounts)
                .map_err(StartError::Program)?,
        };
        let mut memories = Vec::new();
        for asked in &spec.linux.tmpfs {
            let mut memory = tmpfs::resolve(asked).map_err(StartError::Program)?;
            let target = volume::make_target(root, &memory.target, true, &binds)?;
            memory.target = volume::allowed(&target)?;
            memories.push(memory);
        }
        let files = file_binds(shared, spec, bundle, root, &binds)?;
        binds.extend(files);
        Ok(Self {
            binds,
            tmpfs: memories,
        })
    }
}

/// What a container may do, and the sentences about what it may not although it was asked for.
struct Powers {
    capabilities: capability::Capabilities,
    filters: Filters,
    devices: Vec<device::Node>,
    sysctls: sysctl::Sysctls,
    /// Where the library cannot find them: see [`oci::Container::control_groups`].
    control_groups: Vec<(PathBuf, String)>,
    notes: Vec<String>,
}

impl Powers {
    fn resolve(shared: &Shared, task: &TaskSpec, spec: &ContainerSpec) -> Result<Self, StartError> {
        let linux = &spec.linux;
        let (capabilities, notes) =
            capability::resolve(linux, &shared.own_capabilities).map_err(StartError::Program)?;
        let filters = if linux.privileged {
            Filters::none()
        } else {
            shared
                .filters(&capabilities)
                .map_err(|error| StartError::Library(error.to_string()))?
        };
        let mut devices = device::resolve(&linux.devices).map_err(StartError::Program)?;
        if linux.privileged {
            let own = device::all();
            let others = own
                .into_iter()
                .filter(|node| !devices.iter().any(|asked| asked.path == node.path));
            devices = others.chain(devices.clone()).collect();
        }
        let sysctls =
            sysctl::resolve(&linux.sysctls, task.ipc == Sharing::Host).map_err(StartError::Program)?;
        Ok(Self {
            capabilities,
            filters,
            devices,
            sysctls,
            control_groups: Vec::new(),
            notes,
        })
    }
}

fn network_of(spec: &ContainerSpec) -> Namespace {
    match &spec.network {
        _ if spec.disable_networking => Namespace::Own,
        Some(pin) => Namespace::Join(pin.display().to_string()),
        None => Namespace::Inherited,
    }
}

/// Mounts the container's root, unless an earlier run of the same container has left it.
fn mount_root(shared: &Shared, spec: &ContainerSpec, place: &mut Place) -> io::Result<PathBuf> {
    if let Some(disk) = &spec.disk {
        fs::create_dir_all(&place.bundle)?;
        return machine::lay_out(&shared.disks.join(disk));
    }
    if let Some(overlay) = &place.overlay {
        return Ok(overlay.root.clone());
    }
    let (upper, work) = (place.bundle.join("upper"), place.bundle.join("work"));
    for made in [&upper, &work] {
        fs::create_dir_all(made)?;
    }
    let overlay = Overlay::mount(&place.bundle, &spec.lower, &upper, &work, &[])?;
    Ok(place.overlay.insert(overlay).root.clone())
}

pub(super) fn launch(
    shared: &Shared,
    task: &TaskSpec,
    spec: &ContainerSpec,
    place: &mut Place,
    library: &Library,
) -> Result<Launched, StartError> {
    let mut powers = Powers::resolve(shared, task, spec)?;
    let root_path = mount_root(shared, spec, place)?;
    let root = InRoot::open(&root_path)?;
    root.make_directory(Path::new(&spec.working_directory))?;
    for path in ["/proc", "/sys", "/dev"] {
        root.make_target(Path::new(path), true)?;
    }
    let mounts = Mounts::prepare(shared, spec, &place.bundle, &root)?;
    let user =
        user::resolve(&root, spec.user.as_deref()).map_err(|error| StartError::Program(error.to_string()))?;
    let (rlimits, notes) = rlimit::resolve(&spec.ulimits);
    powers.notes.extend(notes);
    let (rlimits, open_files) = rlimit::in_two_steps(rlimits);
    let memory = Memory::new(spec.limits.memory_mib, spec.memory_reservation_mib, &spec.linux);
    let group = Cgroup::new(&shared.cgroup).child(&spec.name);
    powers.notes.extend(group.set_memory(&memory)?);
    if matches!(shared.processes, Namespace::Join(_)) {
        powers.control_groups = group.legacy_places()?;
    }
    let config = configuration(shared, task, spec, &root_path, &mounts, &powers, &user, &rlimits);
    if network_of(spec) == Namespace::Inherited {
        sysctl::set(&powers.sysctls.network)?;
    }
    let streams = Streams::make(spec)?;
    let further = Manner {
        open_files,
        ..Manner::new(powers.filters)
    };
    // What executing its program leaves to a process.
    let kept = if user.uid == 0 {
        powers.capabilities.bits()
    } else {
        0
    };
    let manner = Manner {
        raise_loopback: spec.disable_networking,
        init: spec.linux.init.then_some(kept),
        ..further.clone()
    };
    // We are there already, but the library moves the container's process in a moment, which then does not wait.
    let _ = shared.shims.begin_to_enter(std::process::id());
    let started = library.start(&spec.runtime_id, &place.bundle, &config, manner, streams.stdio)?;
    let Started { pid, terminal } = started;
    let mut sources = streams.sources;
    let input = match &terminal {
        Some(terminal) => Some(terminal.try_clone()?),
        None => streams.stdin,
    };
    sources.extend(terminal.map(|terminal| (terminal, Stream::Stdout)));
    Ok(Launched {
        pid,
        sources,
        input,
        process: config["process"].clone(),
        manner: further,
        notes: powers.notes,
    })
}

#[expect(
    clippy::too_many_arguments,
    reason = "the one place where everything about a container comes together"
)]
fn configuration(
    shared: &Shared,
    task: &TaskSpec,
    spec: &ContainerSpec,
    root: &Path,
    mounts: &Mounts,
    powers: &Powers,
    user: &User,
    rlimits: &[rlimit::Rlimit],
) -> Value {
    let process = oci::Process {
        arguments: &spec.arguments,
        environment: &spec.environment,
        working_directory: &spec.working_directory,
        user,
        terminal: spec.pseudo_terminal,
        rlimits,
        capabilities: &powers.capabilities,
        no_new_privileges: spec.linux.no_new_privileges,
    };
    let mut sysctls = powers.sysctls.ipc.clone();
    if network_of(spec) != Namespace::Inherited {
        sysctls.extend(powers.sysctls.network.iter().cloned());
    }
    let hostname = spec.hostname.as_deref().unwrap_or(&task.hostname);
    let cgroup = format!("{}/{}", shared.cgroup, spec.name);
    oci::Container {
        control_groups: &powers.control_groups,
        binds: &mounts.binds,
        tmpfs: &mounts.tmpfs,
        readonly_root: spec.readonly_root,
        network: network_of(spec),
        processes: shared.processes.clone(),
        ipc: shared.ipc.clone(),
        shared_memory: match &shared.shared_memory {
            Some(directory) => SharedMemory::Bind(directory),
            None => SharedMemory::Own(spec.linux.shared_memory_mib),
        },
        privileged: spec.linux.privileged,
        devices: &powers.devices,
        sysctls: &sysctls,
        limits: spec.limits,
        ..oci::Container::new(root, process, hostname, &cgroup)
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
