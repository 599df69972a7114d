//! Where everything of one local cloud is.

use std::path::{Path, PathBuf};

/// The state directory, and the run directory for what does not survive a reboot.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) state: PathBuf,
    pub(crate) run: PathBuf,
}

impl Layout {
    /// `instance` tells clouds on one machine apart.
    pub(crate) fn new(state: &Path, instance: &str) -> Self {
        Self {
            state: state.to_owned(),
            run: PathBuf::from(format!("/run/wharf-{instance}")),
        }
    }

    pub(crate) fn settings(state: &Path) -> PathBuf {
        state.join("cloud.json")
    }

    pub(crate) fn credentials(&self) -> PathBuf {
        self.state.join("credentials.json")
    }

    /// What values of secrets are sealed with.
    pub(crate) fn secrets_key(&self) -> PathBuf {
        self.state.join("secrets.key")
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.state.join("state.db")
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.state.join("log-store")
    }

    /// Where earlier versions kept log lines.
    pub(crate) fn old_logs(&self) -> PathBuf {
        self.state.join("logs.db")
    }

    pub(crate) fn metrics(&self) -> PathBuf {
        self.state.join("metrics.db")
    }

    pub(crate) fn images(&self) -> PathBuf {
        self.state.join("images")
    }

    pub(crate) fn build_cache(&self) -> PathBuf {
        self.state.join("build-cache")
    }

    /// Repositories, runs and what was set for them.
    pub(crate) fn pipelines(&self) -> PathBuf {
        self.state.join("pipelines")
    }

    pub(crate) fn routes(&self) -> PathBuf {
        self.state.join("routes.json")
    }

    /// What tasks reach others by.
    pub(crate) fn connections(&self) -> PathBuf {
        self.state.join("connections.json")
    }

    /// What the name server knows.
    pub(crate) fn names(&self) -> PathBuf {
        self.state.join("names")
    }

    /// The local certificate authority.
    pub(crate) fn authority(&self) -> PathBuf {
        self.state.join("authority")
    }

    /// What a process says about itself.
    pub(crate) fn log(&self, role: &str) -> PathBuf {
        self.state.join("log").join(format!("{role}.log"))
    }

    pub(crate) fn engine_socket(&self) -> PathBuf {
        self.run.join("docker.sock")
    }

    pub(crate) fn proxy_socket(&self) -> PathBuf {
        self.run.join("proxy.sock")
    }

    pub(crate) fn connect_socket(&self) -> PathBuf {
        self.run.join("connect.sock")
    }

    /// Where names can be asked for, while they can.
    pub(crate) fn dns_address(&self) -> PathBuf {
        self.run.join("dns")
    }

    pub(crate) fn dns_socket(&self) -> PathBuf {
        self.run.join("dns.sock")
    }

    /// The networks of tasks, by their interfaces.
    pub(crate) fn task_namespaces(&self) -> PathBuf {
        self.run.join("netns-tasks")
    }

    pub(crate) fn namespaces(&self) -> PathBuf {
        self.run.join("netns")
    }

    /// Held by the process of this role as long as it lives; contains its process id.
    pub(crate) fn lock(&self, role: &str) -> PathBuf {
        self.run.join(format!("{role}.lock"))
    }

    /// Why the control process did not start; for whoever waits for it.
    pub(crate) fn failure(&self) -> PathBuf {
        self.run.join("failure")
    }
}
