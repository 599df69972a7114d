//! Where the runtime keeps things, and how it starts its shims.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::cgroup::Cgroup;

#[derive(Clone, Debug)]
pub struct RuntimeConfig {
    /// Program and first arguments that lead to [`crate::shim_main`], such as `/proc/self/exe shim`.
    pub shim_command: Vec<OsString>,
    /// Holds `tasks/<id>/`, `steps/<id>/` and `volumes/<key>/`; on a file system that can carry an overlay's upper directory.
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

    /// Volumes that outlive the tasks that mount them.
    pub(crate) fn volumes_dir(&self) -> PathBuf {
        self.state_dir.join("volumes")
    }

    /// The parent of all control groups of this instance.
    pub(crate) fn cgroup_root(&self) -> String {
        format!("/wharf-{}", self.instance)
    }

    pub(crate) fn cgroup_path(&self, id: &str) -> String {
        format!("{}/{id}", self.cgroup_root())
    }

    pub(crate) fn cgroup(&self, id: &str) -> Cgroup {
        Cgroup::new(&self.cgroup_path(id))
    }
}
