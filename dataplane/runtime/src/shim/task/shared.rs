//! What the containers of a task share: volumes, namespaces, the usual system call filter.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use contract::task::Sharing;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use crate::capability::Capabilities;
use crate::cgroup::Cgroup;
use crate::oci::{Namespace, shared_memory_mib};
use crate::reaper;
use crate::seccomp::{Filters, SeccompError};
use crate::spec::TaskSpec;
use crate::volume::Volumes;

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
        volumes: &Path,
    ) -> io::Result<Self> {
        let processes = match spec.processes {
            Sharing::Container => Namespace::Own,
            Sharing::Host => Namespace::Inherited,
            Sharing::Task => {
                // Not the first container's: it may end before the others, and its namespace with it.
                let pause = reaper::pause()?;
                Cgroup::new(cgroup)
                    .child(PAUSE_GROUP)
                    .enter(pause.as_raw().unsigned_abs())?;
                Namespace::Join(format!("/proc/{pause}/ns/pid"))
            }
        };
        let (ipc, shared_memory) = ipc(directory, spec)?;
        let usual_capabilities = Capabilities::docker();
        let usual_filters = Filters::docker(&usual_capabilities).map_err(io::Error::other)?;
        Ok(Self {
            directory: directory.to_owned(),
            cgroup: cgroup.to_owned(),
            shims: Cgroup::new(shims),
            volumes: Volumes::new(directory, volumes, &spec.volumes),
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

fn ipc(directory: &Path, spec: &TaskSpec) -> io::Result<(Namespace, Option<PathBuf>)> {
    match spec.ipc {
        Sharing::Container => Ok((Namespace::Own, None)),
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
