//! The processes of a local cloud.

mod agent;
mod console;
mod control;
mod dns;
mod guest;
mod instance;
mod lock;
mod node;
mod pipelines;
mod proxy;
mod runner;
mod serve;
mod supervise;
mod wire;

pub(crate) use dns::server as dns_address;
pub(crate) use instance::main as instance;
pub(crate) use lock::{Lock, holder};
pub(crate) use runner::{ROLE as RUNNER, main as runner};

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;

use crate::layout::Layout;
use crate::settings::Settings;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Supervise,
    Control,
    Proxy,
    Dns,
}

impl Role {
    pub(crate) const ALL: [Self; 4] = [Self::Supervise, Self::Control, Self::Proxy, Self::Dns];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Supervise => "supervise",
            Self::Control => "control",
            Self::Proxy => "proxy",
            Self::Dns => "dns-server",
        }
    }
}

/// What a process needs to know: the state directory, and whether it is only to clean up.
pub(crate) struct Order {
    pub(crate) settings: Settings,
    pub(crate) layout: Layout,
    /// Stop what earlier processes left running, then end.
    pub(crate) sweep: bool,
}

/// `<state directory> [sweep]`
pub(crate) fn run(role: Role, mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let state = PathBuf::from(arguments.next().unwrap_or_default());
    let sweep = arguments.next().is_some_and(|word| word == "sweep");
    match start(role, state, sweep) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{} ends: {error:#}", role.name());
            ExitCode::FAILURE
        }
    }
}

fn start(role: Role, state: PathBuf, sweep: bool) -> anyhow::Result<()> {
    let settings = Settings::load(&state)?.context("there is no cloud in this state directory")?;
    let layout = Layout::new(&state, &settings.instance);
    let log = layout.log(role.name());
    std::fs::create_dir_all(log.parent().unwrap_or(&state))?;
    std::fs::create_dir_all(&layout.run)?;
    let filter = std::env::var("WHARF_LOG").unwrap_or_else(|_| "info".to_owned());
    base_telemetry::start(&filter, Some(&log)).context("the log file cannot be opened")?;
    let Some(_lock) = Lock::take(&layout.lock(role.name()))? else {
        anyhow::bail!("another {} process of this cloud is running", role.name());
    };
    let order = Order {
        settings,
        layout,
        sweep,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        match role {
            Role::Supervise => supervise::run(&order).await,
            Role::Control => control::run(&order).await,
            Role::Proxy => proxy::run(&order).await,
            Role::Dns => dns::run(&order).await,
        }
    });
    if let (Err(error), Role::Control) = (&result, role) {
        let _ = std::fs::write(order.layout.failure(), format!("{error:#}"));
    }
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    result
}

/// Says true at SIGTERM or SIGINT.
fn stop_signal() -> tokio::sync::watch::Receiver<bool> {
    let stop = tokio::sync::watch::Sender::new(false);
    let told = stop.subscribe();
    tokio::spawn(async move {
        told_to_stop().await;
        stop.send_replace(true);
        // Keeps the channel open until the process ends.
        std::future::pending::<()>().await;
    });
    told
}

/// Resolves at SIGTERM or SIGINT.
async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
