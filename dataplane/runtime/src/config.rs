//! Where the runtime keeps things, and how it starts its shims.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::cgroup::Cgroup;

/// Volumes that outlive the tasks that mount them, below the state directory.
pub(crate) fn volumes_dir(state: &Path) -> PathBuf {
    state.join("volumes")
}

/// Disks of hosts, below the state directory.
pub(crate) fn disks_dir(state: &Path) -> PathBuf {
    state.join("disks")
}

/// Group of the tasks that live in a host, inside its own. No container can be called so.
pub(crate) const GUESTS_GROUP: &str = ".guests";

#[derive(Clone, Debug)]
pub struct RuntimeConfig {
    /// Program and first arguments that lead to [`crate::shim_main`], such as `/proc/self/exe shim`.
    pub shim_command: Vec<OsString>,
    /// Holds `tasks/<id>/`, `steps/<id>/`, `volumes/<key>/` and `disks/<name>/`; on a file system that can carry an overlay's upper directory.
    pub state_dir: PathBuf,
    /// Eight hexadecimal digits; part of the names of control groups, so that several instances live side by side.
    pub instance: String,
    /// For what shall not survive a reboot.
    pub run_dir: PathBuf,
}

impl RuntimeConfig {
    pub(crate) fn steps_dir(&self) -> PathBuf {
        self.state_dir.join("steps")
    }

    pub(crate) fn tasks_dir(&self) -> PathBuf {
        self.state_dir.join("tasks")
    }

    /// The parent of all control groups of this instance.
    pub(crate) fn cgroup_root(&self) -> String {
        format!("/wharf-{}", self.instance)
    }

    pub(crate) fn cgroup_path(&self, id: &str) -> String {
        format!("{}/{id}", self.cgroup_root())
    }

    /// The group of a task that lives in another one.
    pub(crate) fn cgroup_path_within(&self, host: &str, id: &str) -> String {
        format!("{}/{GUESTS_GROUP}/{id}", self.cgroup_path(host))
    }

    /// The group of a task, wherever it lives.
    pub(crate) fn cgroup(&self, id: &str) -> Cgroup {
        let own = Cgroup::new(&self.cgroup_path(id));
        if own.exists() {
            return own;
        }
        let hosts = Cgroup::new(&self.cgroup_root()).children();
        let mut within = hosts
            .iter()
            .map(|host| Cgroup::new(&self.cgroup_path_within(host, id)));
        within.find(Cgroup::exists).unwrap_or(own)
    }
}
