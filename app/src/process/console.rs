//! The console at the endpoint: what it reads, who may come to it, and the pipelines that only this program knows.

use std::net::IpAddr;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use async_trait::async_trait;
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Redirect, Response};
use base_id::{IdSource as _, RandomIds, Scope};
use client_pipeline::{Machine, Progress, Runs, Status};
use front_api::Hosts;
use front_console::{Job, LogLine, Parts, Password, Pipelines, Run, Source, State, Step};
use hyper::Method;
use hyper::header::ACCEPT;
use tokio::sync::watch;

use super::Order;
use super::wire::Plane;
use crate::cloud::REGION;

const PATH: &str = "/console";
/// How much of the end of a run's log a page shows.
const LOG_BYTES_MAX: u64 = 128 * 1024;
const LOG_LINES_MAX: usize = 500;

/// Adds the console to what the endpoint serves. Tasks, which reach the endpoint through doors of their own, do not
/// get it.
pub(super) fn attach(
    rest: Router,
    order: &Order,
    plane: &Plane,
    machine: &Machine,
    shutdown: watch::Receiver<bool>,
) -> anyhow::Result<Router> {
    let parts = Parts {
        source: source(order, plane),
        pipelines: Arc::new(Records(machine.runs.clone())),
        store: plane.store.clone(),
        tables: tables(),
        ids: Arc::clone(&plane.ids),
        password: password(order)?,
        key: key(),
        shutdown,
    };
    let console = hosts(order).protect(front_console::router(parts));
    Ok(rest.merge(console).layer(from_fn(lead)))
}

/// Who asks for the endpoint itself with a browser wants to see something.
async fn lead(request: Request, next: Next) -> Response {
    let accept = request.headers().get(ACCEPT).and_then(|it| it.to_str().ok());
    let is_browser = accept.is_some_and(|it| it.contains("text/html"));
    if is_browser
        && request.method() == Method::GET
        && request.uri().path() == "/"
        && request.uri().query().is_none()
    {
        return Redirect::to(PATH).into_response();
    }
    next.run(request).await
}

/// The endpoint's names, and pages of its own origins.
fn hosts(order: &Order) -> Hosts {
    let listen = order.settings.listen;
    let mut hosts = Hosts::new().name(&listen.ip().to_string());
    let port = listen.port();
    let own = match listen.ip() {
        IpAddr::V4(address) => format!("{address}"),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    for name in [own.as_str(), "127.0.0.1", "localhost", "[::1]"] {
        hosts = hosts.origin(&format!("http://{name}:{port}"));
    }
    hosts
}

fn source(order: &Order, plane: &Plane) -> Source {
    Source {
        ecs: Arc::new(plane.ecs.clone()),
        elbv2: Arc::new(plane.elbv2.clone()),
        ec2: Arc::new(plane.ec2.clone()),
        autoscaling: Arc::new(plane.autoscaling.clone()),
        logs: Arc::new(plane.logs.clone()),
        cloudwatch: Arc::new(plane.cloudwatch.clone()),
        route53: Arc::new(plane.route53.clone()),
        clock: Arc::clone(&plane.clock),
        scope: Scope::new(order.settings.account(), REGION),
    }
}

/// What the reconcilers of the services shown look at are changes of a page too.
fn tables() -> Vec<&'static str> {
    let all = [
        service_ecs::Services::READS,
        service_ecs::Tasks::READS,
        service_elbv2::Balancers::READS,
        service_elbv2::Routes::READS,
        service_elbv2::Targets::READS,
        service_ec2::Networks::READS,
        service_ec2::Instances::READS,
        service_cloudwatch::Alarms::READS,
    ];
    let mut tables: Vec<&str> = all.concat();
    tables.sort_unstable();
    tables.dedup();
    tables
}

fn password(order: &Order) -> anyhow::Result<Option<Password>> {
    let Some(path) = &order.settings.console_password_file else {
        return Ok(None);
    };
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("the console's password cannot be read from {}", path.display()))?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => bail!("the console's password in {} is empty", path.display()),
        text => Ok(Some(Password::new(text))),
    }
}

fn key() -> [u8; 32] {
    let mut key = [0; 32];
    let (one, other) = key.split_at_mut(16);
    one.copy_from_slice(&RandomIds.next().to_ne_bytes());
    other.copy_from_slice(&RandomIds.next().to_ne_bytes());
    key
}

/// Runs as their records tell them.
struct Records(Runs);

impl Records {
    /// Records are files.
    async fn read<T: Send + 'static>(&self, look: impl FnOnce(&Runs) -> T + Send + 'static) -> Option<T> {
        let runs = self.0.clone();
        tokio::task::spawn_blocking(move || look(&runs)).await.ok()
    }
}

#[async_trait]
impl Pipelines for Records {
    async fn runs(&self, at_most: usize) -> Result<Vec<Run>, String> {
        let found = self.read(move |runs| runs.list(at_most)).await;
        let found = found
            .ok_or("runs cannot be read")?
            .map_err(|error| error.to_string())?;
        Ok(found.into_iter().map(run).collect())
    }

    async fn run(&self, id: u64) -> Option<Run> {
        let found = self.read(move |runs| runs.load(id)).await?;
        found.ok().map(run)
    }

    async fn log(&self, id: u64) -> Vec<LogLine> {
        let lines = self
            .read(move |runs| runs.tail(id, LOG_BYTES_MAX))
            .await
            .unwrap_or_default();
        let first = lines.len().saturating_sub(LOG_LINES_MAX);
        lines.into_iter().skip(first).map(line).collect()
    }
}

fn run(run: client_pipeline::Run) -> Run {
    let step = |it: client_pipeline::StepRun| Step {
        title: it.title,
        state: state(it.progress),
    };
    let job = |it: client_pipeline::JobRun| Job {
        title: it.title,
        state: state(it.progress),
        steps: it.steps.into_iter().map(step).collect(),
    };
    Run {
        id: run.id,
        number: run.number,
        git_ref: run.ref_name().to_owned(),
        repository: run.repository,
        workflow: run.workflow,
        title: run.title,
        commit: run.event.sha,
        created: run.created,
        state: state(run.progress),
        jobs: run.jobs.into_iter().map(job).collect(),
        urls: run.urls,
    }
}

fn state(progress: Progress) -> State {
    let word = match (progress.conclusion, progress.status) {
        (Some(conclusion), _) => conclusion.name(),
        (None, Status::Queued) => "queued",
        (None, Status::Waiting) => "waiting",
        (None, Status::InProgress) => "in_progress",
        (None, Status::Completed) => "completed",
    };
    State {
        word: word.to_owned(),
        is_over: progress.is_over(),
        reason: progress.reason,
        started: progress.started,
        ended: progress.ended,
    }
}

fn line(line: client_pipeline::Line) -> LogLine {
    let kind = format!("{:?}", line.kind).to_lowercase();
    LogLine {
        at: line.at,
        job: line.job,
        kind,
        text: line.text,
    }
}
