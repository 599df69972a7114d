//! Repositories and runs as the control process serves them: git over HTTP, and runs put right that lost their runner.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use client_pipeline::Machine;

use super::Order;
use super::wire::Plane;
use crate::cloud::Cloud;
use crate::pipeline;

const REPAIR_EVERY: Duration = Duration::from_secs(2);

/// What git runs when somebody has pushed; what it prints reaches them.
const HOOK: &str = "#!/bin/sh\nexec \"$WHARF_PROGRAM\" --state-dir \"$WHARF_STATE_DIR\" pipeline receive\n";

/// Looks after the runs as long as the process lives.
pub(super) fn keep(order: &Order) -> anyhow::Result<Machine> {
    let cloud = Cloud {
        state: order.layout.state.clone(),
    };
    let machine = pipeline::machine(&cloud.state, cloud.reach()?.as_ref())?;
    let runs = machine.runs.clone();
    tokio::spawn(async move {
        loop {
            let runs = runs.clone();
            let repaired = tokio::task::spawn_blocking(move || runs.repair()).await;
            if let Ok(Err(error)) = repaired {
                tracing::warn!(%error, "runs could not be looked at");
            }
            tokio::time::sleep(REPAIR_EVERY).await;
        }
    });
    Ok(machine)
}

/// The keys of the issuers whose tokens STS believes: that of this machine's workflows.
pub(super) fn issuers(order: &Order) -> service_iam::Issuers {
    let path = client_pipeline::public_key_path(&order.layout.pipelines());
    Arc::new(move |issuer| {
        let is_ours = issuer == service_iam::WORKFLOWS;
        is_ours.then(|| std::fs::read(&path).ok()).flatten()
    })
}

/// `/git/`: for whoever has a key of this cloud that is not a session's, as a push runs programs on this machine.
pub(super) fn router(order: &Order, plane: &Plane, machine: &Machine) -> anyhow::Result<Router> {
    let home = order.layout.pipelines();
    let hooks = home.join("hooks");
    std::fs::create_dir_all(&hooks)?;
    let hook = hooks.join("post-receive");
    std::fs::write(&hook, HOOK)?;
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o700))?;
    let mut environment = machine.environment.clone();
    let text = |path: &Path| path.to_string_lossy().into_owned();
    environment.insert("WHARF_PROGRAM".to_owned(), text(&machine.program));
    environment.insert("WHARF_STATE_DIR".to_owned(), text(&order.layout.state));
    let iam = plane.iam.clone();
    Ok(front_git::router(front_git::Host {
        repositories: home.join("repositories"),
        hooks,
        environment,
        doorkeeper: Arc::new(move |user, password| {
            let found = iam.credential(user);
            found.is_some_and(|found| {
                found.session_token.is_none() && aws_signature::is_same(&found.secret_key, password)
            })
        }),
    }))
}
