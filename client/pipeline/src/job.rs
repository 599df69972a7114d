//! One job: its folders, its steps one after the other, what it gives to those that need it.

mod bench;
mod checkout;
mod docker;
mod environment;
mod folders;
mod script;
mod step;
mod talk;
mod uses;

pub(crate) use environment::github;
pub(crate) use script::Shell;

use base_workflow::{Combination, Job, Map, Status, Template, Value};
use tokio::sync::watch;

use crate::leftover;
use crate::record::{Conclusion, LineKind, Status as Progressing};
use crate::runner::Shared;
use crate::view::{View, object};
use bench::Bench;

/// How long a job may take unless it says so; GitHub's.
const LIMIT_MINUTES_DEFAULT: f64 = 360.0;

/// What a job is given.
pub(crate) struct Order<'a> {
    pub(crate) job: &'a Job,
    /// In the run's record.
    pub(crate) index: usize,
    pub(crate) title: String,
    pub(crate) combination: Combination,
    pub(crate) strategy: Value,
    pub(crate) needs: Value,
    /// Cancels this job, by the run or by its siblings.
    pub(crate) cancel: watch::Receiver<bool>,
}

/// What came of it.
pub(crate) struct JobEnd {
    pub(crate) conclusion: Conclusion,
    /// A failure that the workflow goes on after.
    pub(crate) is_tolerated: bool,
    pub(crate) outputs: Vec<(String, String)>,
}

impl Order<'_> {
    /// What expressions of the job itself see.
    pub(crate) fn view(&self, shared: &Shared<'_>) -> View {
        shared
            .view()
            .with("needs", self.needs.clone())
            .with("matrix", Value::Map(self.combination.values.clone()))
            .with("strategy", self.strategy.clone())
    }
}

pub(crate) async fn run(shared: &Shared<'_>, order: Order<'_>) -> JobEnd {
    let index = order.index;
    let tolerated = |view: &View| {
        let said = order.job.continue_on_error.as_ref();
        said.is_some_and(|said| said.value(view).is_ok_and(|value| value.truthy()))
    };
    let is_tolerated = tolerated(&order.view(shared));
    let now = || shared.machine.clock.now();
    let end = match admitted(shared, &order).await {
        Err(end) => end,
        Ok((environment, _group)) => {
            shared.recorder.job(index, |job| job.progress.begin(now()));
            let line = format!("{} begins", order.title);
            shared.journal.write(place(index), LineKind::Begin, &line);
            perform(shared, &order, environment).await
        }
    };
    let mark = leftover::job_mark(shared.id, shared.machine.runs.home(), index);
    let _ = tokio::task::spawn_blocking(move || leftover::end(&mark)).await;
    let _ = std::fs::remove_dir_all(shared.work.join(index.to_string()));
    let Ending {
        conclusion,
        reason,
        outputs,
    } = end;
    shared.recorder.job(index, |job| {
        job.progress.end(now(), conclusion, reason.clone());
    });
    let why = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    let line = format!("{}: {}{why}", order.title, conclusion.name().replace('_', " "));
    shared.journal.write(place(index), LineKind::End, &line);
    JobEnd {
        conclusion,
        is_tolerated: is_tolerated && conclusion == Conclusion::Failure,
        outputs,
    }
}

fn place(index: usize) -> crate::journal::Place {
    crate::journal::Place {
        job: Some(index),
        step: None,
    }
}

struct Ending {
    conclusion: Conclusion,
    reason: Option<String>,
    outputs: Vec<(String, String)>,
}

impl Ending {
    fn new(conclusion: Conclusion, reason: Option<String>) -> Self {
        Self {
            conclusion,
            reason,
            outputs: Vec::new(),
        }
    }

    fn failure(reason: impl std::fmt::Display) -> Self {
        Self::new(Conclusion::Failure, Some(reason.to_string()))
    }
}

/// Waits for the environment's approval and for the concurrency group; gives the environment's name.
async fn admitted(
    shared: &Shared<'_>,
    order: &Order<'_>,
) -> Result<(Option<String>, Option<crate::concurrency::Turn>), Ending> {
    let view = order.view(shared);
    let mut cancel = order.cancel.clone();
    let environment = match &order.job.environment {
        None => None,
        Some(environment) => Some(environment.name.text(&view).map_err(Ending::failure)?),
    };
    let wait = |reason: String| {
        shared.recorder.job(order.index, |job| {
            job.progress.status = Progressing::Waiting;
            job.progress.reason = Some(reason.clone());
            job.environment.clone_from(&environment);
        });
        shared.journal.write(place(order.index), LineKind::Notice, &reason);
    };
    if let Some(name) = environment.as_ref().filter(|name| shared.needs_approval(name)) {
        wait(format!(
            "{} waits for approval: wharf pipeline approve {} --environment {name}",
            order.title, shared.id
        ));
        let approved = async {
            while !shared.machine.runs.approved(shared.id, name) {
                shared.machine.clock.sleep(crate::runner::LOOK_EVERY).await;
            }
        };
        tokio::select! {
            () = approved => {}
            _ = cancel.wait_for(|wanted| *wanted) => {
                return Err(Ending::new(Conclusion::Cancelled, Some("cancelled before it was approved".to_owned())));
            }
        }
    }
    let turn = match &order.job.concurrency {
        None => None,
        Some(concurrency) => {
            let asked = shared.concurrency.job(concurrency, &view, order.index, order.cancel.clone());
            let turn = asked.await.map_err(Ending::failure)?;
            let cancelled = || Ending::new(Conclusion::Cancelled, Some("cancelled while it waited".to_owned()));
            Some(turn.ok_or_else(cancelled)?)
        }
    };
    Ok((environment, turn))
}

async fn perform(shared: &Shared<'_>, order: &Order<'_>, environment: Option<String>) -> Ending {
    let view = order.view(shared);
    let minutes = match &order.job.timeout_minutes {
        None => LIMIT_MINUTES_DEFAULT,
        Some(said) => match said.value(&view).map(|value| value.number()) {
            Ok(minutes) if minutes > 0.0 => minutes,
            Ok(_) => return Ending::failure("timeout-minutes is not a number above 0"),
            Err(error) => return Ending::failure(error),
        },
    };
    let mut bench = match Bench::new(shared, order, environment.as_deref(), minutes) {
        Ok(bench) => bench,
        Err(error) => return Ending::failure(error),
    };
    bench.steps().await;
    if let Some(region) = bench.region() {
        shared.worked_in(region);
    }
    let mut end = Ending::new(bench.conclusion(), bench.reason.clone());
    let view = bench.job_view();
    let named = |(name, template): &(String, Template)| Some((name.clone(), template.text(&view).ok()?));
    for (name, value) in order.job.outputs.iter().filter_map(named) {
        // As on GitHub: what contains a secret is not handed on.
        if shared.journal.masker.hide(&value) == value {
            end.outputs.push((name, value));
        } else {
            let line = format!("the output `{name}` is not handed on, as it may contain a secret");
            shared.journal.write(place(order.index), LineKind::Warning, &line);
        }
    }
    let url = order.job.environment.as_ref().and_then(|it| it.url.as_ref());
    if let Some(url) = url.and_then(|url| url.text(&view).ok()).filter(|url| !url.is_empty())
        && end.conclusion == Conclusion::Success
    {
        shared.recorder.change(|run| run.urls.push(url));
    }
    end
}

/// `needs.<job>`
pub(crate) fn need(result: &str, outputs: &[(String, String)]) -> Value {
    Value::Map(Map::from_iter([
        ("result".to_owned(), Value::Text(result.to_owned())),
        ("outputs".to_owned(), object(outputs.iter().map(|(name, value)| (name.clone(), value.clone())))),
    ]))
}

/// The name of a status, as `job.status` says it.
pub(crate) fn status_name(status: Status) -> &'static str {
    match status {
        Status::Success => "success",
        Status::Failure => "failure",
        Status::Cancelled => "cancelled",
    }
}
