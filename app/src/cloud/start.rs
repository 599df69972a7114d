//! Starting: the settings are written down, a supervisor is started, and the endpoint is waited for.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::{Cloud, Reach};
use crate::layout::Layout;
use crate::process::{Role, holder};
use crate::settings::Settings;

/// How long the endpoint may take to answer; an old state may have to be repaired first.
const READY_LIMIT: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What a start may change; absent is as it was.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wishes {
    pub(crate) listen: Option<std::net::SocketAddr>,
    pub(crate) open: Option<bool>,
    pub(crate) build_ca_bundle: Option<std::path::PathBuf>,
    pub(crate) registry_mirrors: Vec<String>,
    pub(crate) actions: Vec<std::path::PathBuf>,
    pub(crate) console_password_file: Option<std::path::PathBuf>,
}

impl Cloud {
    /// Starts the cloud, or finds it running; returns when its endpoint answers.
    pub(crate) fn start(&self, wishes: &Wishes) -> anyhow::Result<Reach> {
        let before = Settings::load(&self.state)?;
        let mut settings = before.clone().unwrap_or_else(Settings::new);
        settings.listen = wishes.listen.unwrap_or(settings.listen);
        settings.open = wishes.open.unwrap_or(settings.open);
        settings.build_ca_bundle = wishes.build_ca_bundle.clone().or(settings.build_ca_bundle);
        let password = wishes.console_password_file.clone();
        settings.console_password_file = password.or(settings.console_password_file);
        if !wishes.registry_mirrors.is_empty() {
            settings.registry_mirrors.clone_from(&wishes.registry_mirrors);
        }
        if !wishes.actions.is_empty() {
            settings.actions.clone_from(&wishes.actions);
        }
        if settings.open && !settings.listen.ip().is_loopback() {
            bail!(
                "--auth open accepts everybody, so it goes with a loopback address only, not with {}",
                settings.listen
            );
        }
        if let Some(running) = self.reach()?
            && before.as_ref() != Some(&settings)
        {
            bail!(
                "this cloud is running with other settings on {}; stop it first: wharf cloud stop",
                running.settings.listen
            );
        }
        let state = std::path::absolute(&self.state)?;
        settings.save(&state)?;
        let layout = Layout::new(&state, &settings.instance);
        std::fs::create_dir_all(&layout.run)
            .with_context(|| format!("{} cannot be created", layout.run.display()))?;
        let _ = std::fs::remove_file(layout.failure());
        // Also where everything else runs: nobody would start again what ends.
        if holder(&layout.lock(Role::Supervise.name())).is_none() {
            supervise(&state)?;
        }
        self.ready(&settings)
    }

    fn ready(&self, settings: &Settings) -> anyhow::Result<Reach> {
        let layout = Layout::new(&self.state, &settings.instance);
        let deadline = Instant::now() + READY_LIMIT;
        while Instant::now() < deadline {
            if let Ok(failure) = std::fs::read_to_string(layout.failure()) {
                let _ = self.stop();
                bail!("the local cloud cannot start: {failure}");
            }
            if let Some(reach) = self.reach()?
                && answers(settings.listen)
                && layout.engine_socket().exists()
                && holder(&layout.lock(Role::Proxy.name())).is_some()
            {
                return Ok(reach);
            }
            std::thread::sleep(LOOK_EVERY);
        }
        bail!(
            "the local cloud does not answer; what it says is in {}",
            layout.log("control").display()
        )
    }
}

/// A process of its own session, so that it outlives the terminal.
fn supervise(state: &Path) -> anyhow::Result<()> {
    let mut command = std::process::Command::new("/proc/self/exe");
    command.arg0("wharf").arg(Role::Supervise.name()).arg(state);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .current_dir("/");
    // SAFETY: setsid is async-signal-safe and touches no memory of this process.
    unsafe {
        command.pre_exec(|| nix::unistd::setsid().map(drop).map_err(std::io::Error::from));
    }
    command.spawn().context("the supervisor cannot be started")?;
    Ok(())
}

fn answers(address: std::net::SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        write!(
            stream,
            "GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        )?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        Ok(head.starts_with(b"HTTP/1.1 200"))
    };
    ask().unwrap_or(false)
}
