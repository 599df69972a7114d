//! The local cloud as the command line sees it: starting, stopping, asking.

mod adapter;
mod names;
mod start;
mod stop;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::layout::Layout;
use crate::process::{Role, holder};
use crate::settings::{Keys, Settings};

/// Where the state is unless somebody says otherwise.
pub(crate) const DEFAULT_STATE: &str = "/var/lib/wharf";

/// The region that `cloud env` names; any other is served as well.
pub(crate) const REGION: &str = "us-east-1";

/// Runs a command.
pub(crate) fn command_line(arguments: Vec<OsString>) -> ExitCode {
    adapter::run(arguments)
}

/// A local cloud, running or not.
pub(crate) struct Cloud {
    pub(crate) state: PathBuf,
}

/// How to reach a running cloud.
pub(crate) struct Reach {
    pub(crate) settings: Settings,
    pub(crate) layout: Layout,
    pub(crate) keys: Keys,
}

impl Cloud {
    /// `None` when no control process is running.
    pub(crate) fn reach(&self) -> anyhow::Result<Option<Reach>> {
        let Some(settings) = Settings::load(&self.state)? else {
            return Ok(None);
        };
        let layout = Layout::new(&self.state, &settings.instance);
        if holder(&layout.lock(Role::Control.name())).is_none() {
            return Ok(None);
        }
        let Ok(text) = std::fs::read(layout.credentials()) else {
            return Ok(None);
        };
        Ok(Some(Reach {
            keys: serde_json::from_slice(&text)?,
            settings,
            layout,
        }))
    }

    /// Which processes run, with their process ids.
    pub(crate) fn processes(&self) -> anyhow::Result<Vec<(Role, Option<i32>)>> {
        let Some(settings) = Settings::load(&self.state)? else {
            return Ok(Role::ALL.into_iter().map(|role| (role, None)).collect());
        };
        let layout = Layout::new(&self.state, &settings.instance);
        let pid = |role: Role| holder(&layout.lock(role.name())).map(nix::unistd::Pid::as_raw);
        Ok(Role::ALL.into_iter().map(|role| (role, pid(role))).collect())
    }
}
