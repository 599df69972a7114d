//! Keeps the control process, the proxy and the name server running. One that an earlier supervisor started is waited for, not doubled.

use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use super::{Order, Role, holder};

/// How often a process that is not our child is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// A process that lived shorter than this is restarted later each time.
const LIFE_MIN: Duration = Duration::from_secs(5);
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// How long a process may take to end in good order.
const END_LIMIT: Duration = Duration::from_secs(30);

pub(super) async fn run(order: &Order) -> anyhow::Result<()> {
    let stop = tokio_util::sync::CancellationToken::new();
    let serving_stop = tokio_util::sync::CancellationToken::new();
    let control = keep(order, Role::Control, stop.clone());
    let proxy = keep(order, Role::Proxy, serving_stop.clone());
    let names = keep(order, Role::Dns, serving_stop.clone());
    let told = async {
        super::told_to_stop().await;
        tracing::info!("told to stop");
        stop.cancel();
    };
    // Both serve until the control process has stopped the tasks.
    let ordered = async {
        control.await;
        serving_stop.cancel();
    };
    tokio::join!(told, ordered, proxy, names);
    Ok(())
}

async fn keep(order: &Order, role: Role, stop: tokio_util::sync::CancellationToken) {
    let lock = order.layout.lock(role.name());
    let mut pause = LOOK_EVERY;
    while !stop.is_cancelled() {
        if let Some(stranger) = holder(&lock) {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => continue,
                () = stop.cancelled() => {
                    end_stranger(stranger, &lock).await;
                    return;
                }
            }
        }
        let begun = Instant::now();
        match spawn(order, role) {
            Ok(mut child) => {
                tokio::select! {
                    ended = child.wait() => tracing::warn!(role = role.name(), ?ended, "a process ended and is started again"),
                    () = stop.cancelled() => return end(&mut child).await,
                }
            }
            Err(error) => tracing::error!(role = role.name(), %error, "a process cannot be started"),
        }
        pause = if begun.elapsed() > LIFE_MIN {
            LOOK_EVERY
        } else {
            (pause * 2).min(PAUSE_MAX)
        };
        tokio::select! {
            () = tokio::time::sleep(pause - LOOK_EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}

fn spawn(order: &Order, role: Role) -> std::io::Result<Child> {
    Command::new("/proc/self/exe")
        .arg0("wharf")
        .arg(role.name())
        .arg(&order.layout.state)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Its own group: a key pressed in a terminal is not meant for it.
        .process_group(0)
        .spawn()
}

async fn end(child: &mut Child) {
    if let Some(id) = child.id() {
        let _ = kill(nix::unistd::Pid::from_raw(id as i32), Signal::SIGTERM);
    }
    if tokio::time::timeout(END_LIMIT, child.wait()).await.is_err() {
        tracing::error!("a process did not end in time and is killed");
        let _ = child.kill().await;
    }
}

async fn end_stranger(pid: nix::unistd::Pid, lock: &std::path::Path) {
    let _ = kill(pid, Signal::SIGTERM);
    let gone = async {
        while holder(lock) == Some(pid) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    if tokio::time::timeout(END_LIMIT, gone).await.is_err() {
        let _ = kill(pid, Signal::SIGKILL);
    }
}
