//! Whether a job runs, and in which combinations.

use base_workflow::{Combination, Expression, Job, Map, Status, Value, job_title};
use tokio::sync::watch;

use super::{Ended, Instance, State, record};
use crate::record::{Conclusion, LineKind};
use crate::runner::Shared;
use crate::view::View;

pub(super) enum Decision {
    Run(State),
    Over(Conclusion, Option<String>, bool),
}

/// What the jobs that it needs mean for one.
pub(super) struct Ahead {
    pub(super) status: Status,
    /// Why it is skipped unless its condition asks for the status itself.
    pub(super) blocked: Option<String>,
}

pub(super) fn decide(shared: &Shared<'_>, job: &Job, view: &View, ahead: Ahead, index: usize) -> Decision {
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
pub(super) fn foreign_label(labels: &[String]) -> Option<String> {
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

#[cfg(test)]
mod tests;
