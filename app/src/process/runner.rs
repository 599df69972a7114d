//! The process of one pipeline run. It is nobody's child: what starts it may end, and the cloud may be started anew.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use tokio::sync::watch;

use crate::cloud::Cloud;
use crate::pipeline;

/// The command by which it is started; the state directory and the run follow.
pub(crate) const ROLE: &str = "runner";

/// `<state directory> <run>`
pub(crate) fn main(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let state = PathBuf::from(arguments.next().unwrap_or_default());
    let run = arguments
        .next()
        .and_then(|word| word.to_str()?.parse::<u64>().ok());
    let ended = run.context("which run?").and_then(|run| work(state, run));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("the runner ends: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn work(state: PathBuf, run: u64) -> anyhow::Result<()> {
    let cloud = Cloud { state };
    let machine = pipeline::machine(&cloud.state, cloud.reach()?.as_ref())?;
    let filter = std::env::var("WHARF_LOG").unwrap_or_else(|_| "info".to_owned());
    base_telemetry::start(&filter, Some(&machine.runs.folder(run).join("runner.log")))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(async move {
            super::told_to_stop().await;
            stop.send_replace(true);
            // Whoever listens does so until the run is over.
            std::future::pending::<()>().await;
        });
        client_pipeline::work(&machine, run, stopped).await
    })?;
    Ok(())
}
