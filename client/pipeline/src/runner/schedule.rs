//! Which jobs begin when: what they need is over, their condition holds, their matrix is known.

use std::collections::BTreeMap;

use base_workflow::{Combination, Expression, Job, Map, Status, Value, job_title};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::sync::watch;

use super::{LOOK_EVERY, Shared};
use crate::job::{self, JobEnd, Order};
use crate::record::{Conclusion, JobRun, LineKind, Progress};
use crate::view::View;

/// Jobs of one run that go on at the same time.
const PARALLEL_MAX: usize = 8;

/// How far the jobs of one `jobs.<id>` are.
struct Node<'a> {
    job: &'a Job,
    /// Its first place in the record; a matrix adds places at the end.
    index: usize,
    state: State,
}

enum State {
    Waiting,
    Running {
        waiting: Vec<Instance>,
        running: usize,
        at_most: usize,
        fail_fast: bool,
        cancel: watch::Sender<bool>,
        ended: Ended,
    },
    Over(Ended),
}

/// What those that need it learn.
#[derive(Clone, Default)]
struct Ended {
    conclusions: Vec<Conclusion>,
    outputs: Vec<(String, String)>,
    /// Skipped as it is for another system: nobody is held up by that.
    is_foreign: bool,
    tolerated: usize,
}

impl Ended {
    fn result(&self) -> Conclusion {
        let has = |wanted: &[Conclusion]| self.conclusions.iter().any(|it| wanted.contains(it));
        if self.tolerated < self.conclusions.iter().filter(|it| is_failure(**it)).count() {
            Conclusion::Failure
        } else if has(&[Conclusion::Cancelled]) {
            Conclusion::Cancelled
        } else if has(&[Conclusion::Success]) || self.tolerated > 0 {
            Conclusion::Success
        } else {
            Conclusion::Skipped
        }
    }
}

fn is_failure(conclusion: Conclusion) -> bool {
    matches!(
        conclusion,
        Conclusion::Failure | Conclusion::TimedOut | Conclusion::StartupFailure
    )
}

struct Instance {
    index: usize,
    title: String,
    combination: Combination,
    strategy: Value,
}

pub(super) async fn jobs(shared: &Shared<'_>, cancel: watch::Receiver<bool>) -> (Conclusion, Option<String>) {
    let mut nodes: Vec<Node> = Vec::new();
    shared.recorder.change(|run| {
        run.jobs = shared
            .workflow
            .jobs
            .iter()
            .map(|job| record(job.id.clone(), job.id.clone()))
            .collect();
    });
    for (index, job) in shared.workflow.jobs.iter().enumerate() {
        nodes.push(Node {
            job,
            index,
            state: State::Waiting,
        });
    }
    let mut running = FuturesUnordered::new();
    loop {
        while admit(shared, &mut nodes, &cancel) {}
        for (at, instance, own) in next(&mut nodes, running.len()) {
            let order = Order {
                job: nodes[at].job,
                index: instance.index,
                title: instance.title,
                combination: instance.combination,
                strategy: instance.strategy,
                needs: needs(&nodes, nodes[at].job),
                cancel: either(shared, cancel.clone(), own, instance.index),
            };
            running.push(async move { (at, job::run(shared, order).await) });
        }
        match running.next().await {
            Some((at, end)) => finish(&mut nodes[at], end),
            None if nodes.iter().all(|node| matches!(node.state, State::Over(_))) => break,
            None => {}
        }
    }
    conclude(shared, &nodes)
}

fn record(id: String, title: String) -> JobRun {
    JobRun {
        id,
        title,
        progress: Progress::queued(),
        environment: None,
        steps: Vec::new(),
        annotations: Vec::new(),
        summary: String::new(),
    }
}

/// Decides about one job whose needs are over. `false` when there is none.
fn admit(shared: &Shared<'_>, nodes: &mut [Node<'_>], cancel: &watch::Receiver<bool>) -> bool {
    let over = |nodes: &[Node<'_>], id: &str| {
        nodes
            .iter()
            .any(|node| node.job.id == id && matches!(node.state, State::Over(_)))
    };
    let ready = nodes.iter().position(|node| {
        matches!(node.state, State::Waiting) && node.job.needs.iter().all(|need| over(nodes, need))
    });
    let Some(at) = ready else { return false };
    let status = status(nodes, nodes[at].job, *cancel.borrow());
    let view = shared
        .view()
        .status(status)
        .with("needs", needs(nodes, nodes[at].job));
    let ahead = Ahead {
        status,
        blocked: blocked(nodes, nodes[at].job),
    };
    let node = &mut nodes[at];
    node.state = match decide(shared, node.job, &view, ahead, node.index) {
        Decision::Run(state) => state,
        Decision::Over(conclusion, reason, is_foreign) => {
            let now = shared.machine.clock.now();
            let place = crate::journal::Place {
                job: Some(node.index),
                step: None,
            };
            let line = match &reason {
                Some(reason) => format!("{}: {} ({reason})", node.job.id, conclusion.name()),
                None => format!("{}: {}", node.job.id, conclusion.name()),
            };
            shared.journal.write(place, LineKind::End, &line);
            shared
                .recorder
                .job(node.index, |job| job.progress.end(now, conclusion, reason));
            State::Over(Ended {
                conclusions: vec![conclusion],
                is_foreign,
                ..Ended::default()
            })
        }
    };
    true
}

enum Decision {
    Run(State),
    Over(Conclusion, Option<String>, bool),
}

/// What `success()`, `failure()` and `cancelled()` say before a job begins: of all that it needs, directly or not.
fn status(nodes: &[Node<'_>], job: &Job, is_cancelled: bool) -> Status {
    if is_cancelled {
        return Status::Cancelled;
    }
    let mut seen: Vec<&str> = Vec::new();
    let mut ahead: Vec<&str> = job.needs.iter().map(String::as_str).collect();
    while let Some(id) = ahead.pop() {
        if seen.contains(&id) {
            continue;
        }
        seen.push(id);
        let Some(node) = nodes.iter().find(|node| node.job.id == id) else {
            continue;
        };
        if let State::Over(ended) = &node.state
            && ended.result() == Conclusion::Failure
        {
            return Status::Failure;
        }
        ahead.extend(node.job.needs.iter().map(String::as_str));
    }
    Status::Success
}

fn needs(nodes: &[Node<'_>], job: &Job) -> Value {
    let mut map = Map::new();
    for node in nodes.iter().filter(|node| job.needs.contains(&node.job.id)) {
        if let State::Over(ended) = &node.state {
            map.insert(
                node.job.id.clone(),
                job::need(ended.result().result(), &ended.outputs),
            );
        }
    }
    Value::Map(map)
}

/// What the jobs that it needs mean for one.
struct Ahead {
    status: Status,
    /// Why it is skipped unless its condition asks for the status itself.
    blocked: Option<String>,
}

fn decide(shared: &Shared<'_>, job: &Job, view: &View, ahead: Ahead, index: usize) -> Decision {
    let status = ahead.status;
    let failed = |reason: String| Decision::Over(Conclusion::Failure, Some(reason), false);
    let asks = Expression::parse(job.condition.source()).is_ok_and(|it| it.asks_status());
    if status == Status::Cancelled && !asks {
        return Decision::Over(Conclusion::Cancelled, None, false);
    }
    if !asks && let Some(need) = ahead.blocked {
        return Decision::Over(Conclusion::Skipped, Some(need), false);
    }
    match job.condition.holds(view) {
        Err(error) => return failed(format!("`if: {}`: {error}", job.condition.source())),
        Ok(false) if status == Status::Failure => {
            return Decision::Over(
                Conclusion::Skipped,
                Some("a job that it needs failed".to_owned()),
                false,
            );
        }
        Ok(false) => {
            return Decision::Over(
                Conclusion::Skipped,
                Some("its condition does not hold".to_owned()),
                false,
            );
        }
        Ok(true) => {}
    }
    let combinations = match job
        .strategy
        .as_ref()
        .and_then(|strategy| strategy.matrix.as_ref())
    {
        None => vec![Combination {
            values: Map::new(),
            words: Vec::new(),
        }],
        Some(matrix) => match matrix.expand(view) {
            Ok(combinations) => combinations,
            Err(error) => return failed(format!("`strategy.matrix`: {error}")),
        },
    };
    if combinations.is_empty() {
        return Decision::Over(Conclusion::Skipped, Some("its matrix is empty".to_owned()), false);
    }
    match instances(shared, job, view, combinations, index) {
        Ok((waiting, skipped)) => start(job, view, waiting, skipped),
        Err(error) => failed(error),
    }
}

/// A job that it needs was skipped, which skips it too, unless it was for another system.
fn blocked(nodes: &[Node<'_>], job: &Job) -> Option<String> {
    let skipped = |node: &&Node<'_>| match &node.state {
        State::Over(ended) => ended.result() == Conclusion::Skipped && !ended.is_foreign,
        _ => false,
    };
    let needed = nodes.iter().filter(|node| job.needs.contains(&node.job.id));
    let found = needed.into_iter().find(skipped);
    found.map(|node| format!("`{}`, which it needs, was skipped", node.job.id))
}

/// The places in the record for all combinations; those that this machine cannot run are over at once.
fn instances(
    shared: &Shared<'_>,
    job: &Job,
    view: &View,
    combinations: Vec<Combination>,
    index: usize,
) -> Result<(Vec<Instance>, Ended), String> {
    let total = combinations.len();
    let mut waiting = Vec::new();
    let mut ended = Ended::default();
    let mut foreign = 0;
    for (number, combination) in combinations.into_iter().enumerate() {
        let strategy = strategy(job, view, number, total);
        let view = view
            .clone()
            .with("matrix", Value::Map(combination.values.clone()))
            .with("strategy", strategy.clone());
        let named = match &job.name {
            Some(name) if !name.is_literal() => {
                name.text(&view).map_err(|error| format!("`name`: {error}"))?
            }
            Some(name) => job_title(name.source(), &combination),
            None => job_title(&job.id, &combination),
        };
        let mut labels = Vec::new();
        for label in &job.runs_on {
            let value = label
                .value(&view)
                .map_err(|error| format!("`runs-on`: {error}"))?;
            match value {
                Value::List(items) => labels.extend(items.iter().map(Value::text)),
                other => labels.push(other.text()),
            }
        }
        let place = shared.recorder.change(|run| {
            if number == 0 {
                run.jobs[index].title.clone_from(&named);
                return index;
            }
            run.jobs.push(record(job.id.clone(), named.clone()));
            run.jobs.len() - 1
        });
        match foreign_label(&labels) {
            Some(label) => {
                foreign += 1;
                ended
                    .conclusions
                    .push(skip_foreign(shared, place, &named, &label));
            }
            None => waiting.push(Instance {
                index: place,
                title: named,
                combination,
                strategy,
            }),
        }
    }
    ended.is_foreign = foreign == total && !shared.strict_platforms;
    Ok((waiting, ended))
}

fn strategy(job: &Job, view: &View, number: usize, total: usize) -> Value {
    let fail_fast = truth(
        job.strategy.as_ref().and_then(|it| it.fail_fast.as_ref()),
        view,
        true,
    );
    let mut map = Map::new();
    map.insert("fail-fast", Value::Bool(fail_fast));
    map.insert("job-index", Value::Number(number as f64));
    map.insert("job-total", Value::Number(total as f64));
    map.insert(
        "max-parallel",
        Value::Number(parallel(job, view).min(total) as f64),
    );
    Value::Map(map)
}

fn truth(said: Option<&base_workflow::Template>, view: &View, otherwise: bool) -> bool {
    said.map_or(otherwise, |said| {
        said.value(view).map_or(otherwise, |value| value.truthy())
    })
}

fn parallel(job: &Job, view: &View) -> usize {
    let said = job.strategy.as_ref().and_then(|it| it.max_parallel.as_ref());
    let number = said
        .and_then(|said| said.value(view).ok())
        .map(|value| value.number());
    number
        .filter(|number| *number >= 1.0)
        .map_or(usize::MAX, |number| number as usize)
}

const FOREIGN: &str = "this machine cannot run jobs for ";

/// A label that names another system or architecture.
fn foreign_label(labels: &[String]) -> Option<String> {
    let here = std::env::consts::ARCH;
    let found = labels.iter().find(|label| {
        let label = label.to_ascii_lowercase();
        let words: Vec<&str> = label.split('-').collect();
        let arm = words.iter().any(|word| matches!(*word, "arm" | "arm64"));
        let intel = words.iter().any(|word| matches!(*word, "x64" | "amd64"));
        matches!(words[0], "windows" | "macos") || (arm && here != "aarch64") || (intel && here != "x86_64")
    });
    found.cloned()
}

fn skip_foreign(shared: &Shared<'_>, index: usize, title: &str, label: &str) -> Conclusion {
    let conclusion = match shared.strict_platforms {
        true => Conclusion::Failure,
        false => Conclusion::Skipped,
    };
    let reason = format!("{FOREIGN}`{label}`");
    let place = crate::journal::Place {
        job: Some(index),
        step: None,
    };
    let line = format!("{title}: {} ({reason})", conclusion.name());
    shared.journal.write(place, LineKind::End, &line);
    let now = shared.machine.clock.now();
    shared
        .recorder
        .job(index, |job| job.progress.end(now, conclusion, Some(reason)));
    conclusion
}

fn start(job: &Job, view: &View, mut waiting: Vec<Instance>, ended: Ended) -> Decision {
    if waiting.is_empty() {
        return Decision::Run(State::Over(ended));
    }
    // The first of the list is the last to be taken.
    waiting.reverse();
    Decision::Run(State::Running {
        waiting,
        running: 0,
        at_most: parallel(job, view),
        fail_fast: truth(
            job.strategy.as_ref().and_then(|it| it.fail_fast.as_ref()),
            view,
            true,
        ),
        cancel: watch::Sender::new(false),
        ended,
    })
}

/// Takes what may begin now.
fn next(nodes: &mut [Node<'_>], mut going_on: usize) -> Vec<(usize, Instance, watch::Receiver<bool>)> {
    let mut found = Vec::new();
    for (at, node) in nodes.iter_mut().enumerate() {
        let State::Running {
            waiting,
            running,
            at_most,
            cancel,
            ..
        } = &mut node.state
        else {
            continue;
        };
        while going_on < PARALLEL_MAX && *running < *at_most {
            let Some(instance) = waiting.pop() else { break };
            *running += 1;
            going_on += 1;
            found.push((at, instance, cancel.subscribe()));
        }
    }
    found
}

fn finish(node: &mut Node<'_>, end: JobEnd) {
    let State::Running {
        waiting,
        running,
        fail_fast,
        cancel,
        ended,
        ..
    } = &mut node.state
    else {
        return;
    };
    *running -= 1;
    ended.conclusions.push(end.conclusion);
    ended.tolerated += usize::from(end.is_tolerated);
    let mut outputs: BTreeMap<String, String> = ended.outputs.drain(..).collect();
    // Of a matrix' outputs the last one that is not empty counts.
    outputs.extend(end.outputs.into_iter().filter(|(_, value)| !value.is_empty()));
    ended.outputs = outputs.into_iter().collect();
    if is_failure(end.conclusion) && !end.is_tolerated && *fail_fast {
        // Those that have not begun see it when they do.
        cancel.send_replace(true);
    }
    if *running == 0 && waiting.is_empty() {
        node.state = State::Over(std::mem::take(ended));
    }
}

/// Says `true` once the run, the job's siblings, or a later job of its concurrency group want it to end.
fn either(
    shared: &Shared<'_>,
    mut run: watch::Receiver<bool>,
    mut siblings: watch::Receiver<bool>,
    index: usize,
) -> watch::Receiver<bool> {
    let now = *run.borrow() || *siblings.borrow();
    let (tell, told) = watch::channel(now);
    let clock = std::sync::Arc::clone(&shared.machine.clock);
    let file = shared
        .machine
        .runs
        .folder(shared.id)
        .join(format!("cancel-{index}"));
    tokio::spawn(async move {
        let by_file = async {
            while !file.exists() {
                clock.sleep(LOOK_EVERY).await;
            }
        };
        tokio::select! {
            Ok(_) = run.wait_for(|wanted| *wanted) => {}
            Ok(_) = siblings.wait_for(|wanted| *wanted) => {}
            () = by_file => {}
            () = tell.closed() => return,
        }
        tell.send_replace(true);
    });
    told
}

fn conclude(shared: &Shared<'_>, nodes: &[Node<'_>]) -> (Conclusion, Option<String>) {
    let results: Vec<Conclusion> = nodes
        .iter()
        .filter_map(|node| match &node.state {
            State::Over(ended) => Some(ended.result()),
            _ => None,
        })
        .collect();
    let has = |wanted: Conclusion| results.contains(&wanted);
    if shared.machine.runs.cancelled(shared.id).is_some()
        && !results.iter().all(|it| *it == Conclusion::Success)
    {
        return (Conclusion::Cancelled, shared.cancel_reason());
    }
    if has(Conclusion::Failure) {
        let reason = shared.recorder.read(|run| {
            let failed = run
                .jobs
                .iter()
                .find(|job| job.progress.conclusion.is_some_and(is_failure));
            failed.map(|job| match &job.progress.reason {
                Some(reason) => format!("{}: {reason}", job.title),
                None => format!("{} failed", job.title),
            })
        });
        return (Conclusion::Failure, reason);
    }
    if has(Conclusion::Cancelled) {
        return (Conclusion::Cancelled, shared.cancel_reason());
    }
    if has(Conclusion::Success) {
        return (Conclusion::Success, None);
    }
    (Conclusion::Skipped, Some("no job was to run".to_owned()))
}
