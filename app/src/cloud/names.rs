//! The machine's resolver and the cloud's name server.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, bail};
use dataplane_dns::{Follow, Installed, Machine};

use super::Cloud;
use crate::layout::Layout;
use crate::process::dns_address;
use crate::settings::Settings;

/// What was changed, and what else is to be known about it.
pub(crate) struct Led {
    pub(crate) domains: Vec<String>,
    pub(crate) file: PathBuf,
    pub(crate) note: Option<String>,
}

impl Cloud {
    fn machine_and_server(&self) -> anyhow::Result<(Machine, SocketAddr)> {
        let settings = Settings::load(&self.state)?;
        let settings = settings.context("there is no local cloud yet; start it first: wharf cloud start")?;
        let layout = Layout::new(&self.state, &settings.instance);
        let machine = Machine {
            etc: PathBuf::from("/etc"),
            run: PathBuf::from("/run"),
            memory: self.state.join("dns-install.json"),
            instance: settings.instance.clone(),
        };
        let told = std::fs::read_to_string(layout.dns_address()).ok();
        let server = told.and_then(|it| it.trim().parse().ok());
        Ok((machine, server.unwrap_or_else(|| dns_address(&settings.instance))))
    }

    pub(crate) fn install_dns(&self, domain: &str) -> anyhow::Result<Led> {
        if self.reach()?.is_none() {
            bail!(
                "the local cloud is not running, so nobody would answer; start it first: wharf cloud start"
            );
        }
        let (machine, server) = self.machine_and_server()?;
        follow(machine.install(domain, server)?)
    }

    pub(crate) fn remove_dns(&self, domain: &str) -> anyhow::Result<Led> {
        let (machine, server) = self.machine_and_server()?;
        follow(machine.remove(domain, server)?)
    }

    pub(crate) fn dns_domains(&self) -> anyhow::Result<Vec<String>> {
        match Settings::load(&self.state)? {
            None => Ok(vec![]),
            Some(_) => Ok(self.machine_and_server()?.0.domains()?),
        }
    }

    /// The certificate of the authority, made with the cloud's first start.
    pub(crate) fn authority(&self) -> anyhow::Result<String> {
        let settings =
            Settings::load(&self.state)?.context("there is no local cloud yet: wharf cloud start")?;
        let file = Layout::new(&self.state, &settings.instance)
            .authority()
            .join("ca.pem");
        std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))
    }
}

fn follow(installed: Installed) -> anyhow::Result<Led> {
    let note = match installed.follow {
        Follow::Nothing => Some(
            "what the local cloud does not know it passes on to the name servers behind it in this file"
                .to_owned(),
        ),
        Follow::ReloadResolved => {
            let done = Command::new("systemctl")
                .args(["reload-or-restart", "systemd-resolved"])
                .output()
                .context("systemd-resolved cannot be told: systemctl")?;
            if !done.status.success() {
                bail!(
                    "systemd-resolved does not take its new settings: {}",
                    String::from_utf8_lossy(&done.stderr).trim()
                );
            }
            None
        }
    };
    Ok(Led {
        domains: installed.domains,
        file: installed.file,
        note,
    })
}
