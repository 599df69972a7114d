//! What the containers of a task share: volumes, namespaces, the usual system call filter.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use contract::task::Sharing;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use crate::capability::Capabilities;
use crate::cgroup::Cgroup;
use crate::config::{GUESTS_GROUP, disks_dir, volumes_dir};
use crate::oci::{Namespace, shared_memory_mib};
use crate::reaper;
use crate::seccomp::{Filters, SeccompError};
use crate::spec::TaskSpec;
use crate::volume::{Volumes, own_directory};

/// Control group of the first process of a shared process namespace. No container can be called so.
const PAUSE_GROUP: &str = ".pause";
const HOSTS_SHARED_MEMORY: &str = "/dev/shm";

pub(super) struct Shared {
    pub directory: PathBuf,
    /// Absolute path in the hierarchies.
    pub cgroup: String,
    /// Where the shim itself is.
    pub shims: Cgroup,
    pub volumes: Volumes,
    pub disks: PathBuf,
    pub processes: Namespace,
    pub ipc: Namespace,
    /// For `/dev/shm`, unless each container has its own.
    pub shared_memory: Option<PathBuf>,
    /// What this machine can give.
    pub own_capabilities: Capabilities,
    usual_capabilities: Capabilities,
    usual_filters: Filters,
}

impl Shared {
    /// Must be called before this process has a second thread.
    pub fn prepare(
        directory: &Path,
        spec: &TaskSpec,
        cgroup: &str,
        shims: &str,
        state: &Path,
    ) -> io::Result<Self> {
        let processes = match spec.processes {
            Sharing::Container => Namespace::Own,
            Sharing::Host => of_the_host(spec, cgroup, "pid")?,
            Sharing::Task => {
                // Not the first container's: it may end before the others, and its namespace with it.
                let pause = reaper::pause()?;
                Cgroup::new(cgroup)
                    .child(PAUSE_GROUP)
                    .enter(pause.as_raw().unsigned_abs())?;
                Namespace::Join(format!("/proc/{pause}/ns/pid"))
            }
        };
        let (ipc, shared_memory) = ipc(directory, spec, cgroup)?;
        let usual_capabilities = Capabilities::docker();
        let usual_filters = Filters::docker(&usual_capabilities).map_err(io::Error::other)?;
        Ok(Self {
            directory: directory.to_owned(),
            cgroup: cgroup.to_owned(),
            shims: Cgroup::new(shims),
            volumes: Volumes {
                own: own_directory(directory),
                shared: volumes_dir(state),
                host: spec.host.as_ref().map(|host| disks_dir(state).join(&host.disk)),
                volumes: spec.volumes.clone(),
            },
            disks: disks_dir(state),
            processes,
            ipc,
            shared_memory,
            own_capabilities: Capabilities::own(),
            usual_capabilities,
            usual_filters,
        })
    }

    pub fn filters(&self, capabilities: &Capabilities) -> Result<Filters, SeccompError> {
        if *capabilities == self.usual_capabilities {
            Ok(self.usual_filters.clone())
        } else {
            Filters::docker(capabilities)
        }
    }
}

/// The machine's namespace of a kind, or that of the task which is the machine.
fn of_the_host(spec: &TaskSpec, cgroup: &str, kind: &str) -> io::Result<Namespace> {
    let Some(host) = &spec.host else {
        return Ok(Namespace::Inherited);
    };
    let guests = format!("/{GUESTS_GROUP}/");
    let of_host = cgroup.split_once(&guests).map(|(above, _)| above);
    let group = Cgroup::new(of_host.unwrap_or_default()).child(&host.container);
    // The one with the lowest number that is the first of its namespace.
    let first = group.processes().into_iter().find(|pid| is_first(*pid));
    let pid = first.ok_or_else(|| io::Error::other("the task's host does not run"))?;
    Ok(Namespace::Join(format!("/proc/{pid}/ns/{kind}")))
}

/// Whether a process is the first one of its own process namespace.
fn is_first(pid: i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    numbers.and_then(|numbers| numbers.split_whitespace().last()) == Some("1")
}

fn ipc(directory: &Path, spec: &TaskSpec, cgroup: &str) -> io::Result<(Namespace, Option<PathBuf>)> {
    match spec.ipc {
        Sharing::Container => Ok((Namespace::Own, None)),
        Sharing::Host if spec.host.is_some() => Ok((of_the_host(spec, cgroup, "ipc")?, None)),
        Sharing::Host => {
            let memory = Path::new(HOSTS_SHARED_MEMORY);
            Ok((Namespace::Inherited, memory.is_dir().then(|| memory.to_owned())))
        }
        Sharing::Task => {
            // Of the shim, so that it lives as long as the task.
            unshare(CloneFlags::CLONE_NEWIPC)?;
            let memory = directory.join("shm");
            fs::create_dir_all(&memory)?;
            let size = spec
                .containers
                .iter()
                .map(|container| shared_memory_mib(container.linux.shared_memory_mib))
                .max()
                .unwrap_or_else(|| shared_memory_mib(None));
            mount(
                Some("shm"),
                &memory,
                Some("tmpfs"),
                MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC,
                Some(format!("mode=1777,size={size}m").as_str()),
            )?;
            // Named although it is that of the shim: kernel parameters may then be set in it.
            Ok((Namespace::Join("/proc/self/ns/ipc".to_owned()), Some(memory)))
        }
    }
}
