//! Which jobs begin when: what they need is over, their condition holds, their matrix is known.

mod decide;

use std::collections::BTreeMap;

use base_workflow::{Combination, Job, Map, Status, Value};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::sync::watch;

use super::{LOOK_EVERY, Shared};
use crate::job::{self, JobEnd, Order};
use crate::record::{Conclusion, JobRun, LineKind, Progress};
use decide::{Ahead, Decision, decide};

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
