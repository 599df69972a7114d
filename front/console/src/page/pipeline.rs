//! Pipelines: runs, and one run with its jobs, steps and log.

use std::sync::Arc;

use maud::{Markup, html};

use super::{CALM, DOT, LIVELY, Page, badge, empty, lines, outside, time};
use crate::picture::{Health, short};
use crate::port::{LogLine, Run, State as RunState};
use crate::route::State;
use crate::text;

const RUNS_SHOWN: usize = 50;

pub(super) async fn runs(state: &Arc<State>) -> Page {
    let part = match state.parts.pipelines.runs(RUNS_SHOWN).await {
        Err(error) => html! { p.problem role="alert" { (text::line(&error)) } },
        Ok(runs) if runs.is_empty() => empty(
            "No workflow has run yet. Run the one of a repository, or let a push run it:",
            Some("wharf pipeline run\nwharf pipeline remote && git push wharf main"),
        ),
        Ok(runs) => html! {
            ul.rows.card { @for run in &runs {
                li data-key=(run.id) {
                    span {
                        a href=(format!("/console/pipelines/{}", run.id)) { (text::name(&run.title)) }
                        p.facts { (text::name(&run.workflow)) " #" (run.number) (DOT) (text::name(&run.repository)) (DOT) (text::name(&run.git_ref)) " " code { (short(&run.commit)) } (DOT) (time(Some(run.created))) (took(&run.state)) }
                    }
                    (self::state(&run.state))
                }
            } }
        },
    };
    let head = html! { div.head { h1 { "Pipelines" } } };
    Page::new("Pipelines", LIVELY * 2, vec![("summary", head), ("runs", part)])
}

pub(super) async fn run(state: &Arc<State>, id: u64) -> Page {
    let Some(run) = state.parts.pipelines.run(id).await else {
        return Page::missing(&format!("Run {id}"), "There is no such run, or not any more.");
    };
    let log = state.parts.pipelines.log(id).await;
    let every = if run.state.is_over { CALM } else { LIVELY };
    Page::new(
        format!("{} #{}", run.workflow, run.number),
        every,
        vec![
            ("summary", summary(&run)),
            ("jobs", jobs(&run)),
            ("log", log_part(&run, &log)),
        ],
    )
}

/// A badge in GitHub's words.
pub(super) fn state(state: &RunState) -> Markup {
    badge(health(state), &state.word.replace('_', " "))
}

fn health(state: &RunState) -> Health {
    match state.word.as_str() {
        "success" => Health::Good,
        "failure" | "timed_out" | "startup_failure" => Health::Bad,
        "skipped" | "cancelled" => Health::Idle,
        _ => Health::Changing,
    }
}

fn took(state: &RunState) -> Markup {
    html! {
        @if let (Some(started), Some(ended)) = (state.started, state.ended) {
            (DOT) (ended.as_second() - started.as_second()) " s"
        }
    }
}

fn summary(run: &Run) -> Markup {
    html! {
        div.head {
            h1 { (text::name(&run.title)) " " (state(&run.state)) }
            p.facts { (text::name(&run.workflow)) " #" (run.number) (DOT) (text::name(&run.repository)) (DOT) (text::name(&run.git_ref)) " " code { (short(&run.commit)) } (DOT) (time(Some(run.created))) (took(&run.state)) }
            @if let Some(reason) = &run.state.reason { p.problem { (text::line(reason)) } }
            @for url in &run.urls { p { (outside(url)) } }
        }
    }
}

fn jobs(run: &Run) -> Markup {
    html! {
        div.section-head { h2 { "Jobs" } }
        div.cards { @for (index, job) in run.jobs.iter().enumerate() {
            article.card data-key=(index) {
                div.card-head { h3 { (text::name(&job.title)) } (state(&job.state)) }
                @if let Some(reason) = &job.state.reason { p.reason { (text::line(reason)) } }
                ol.steps { @for step in &job.steps {
                    li class=(health(&step.state).class()) {
                        span { (text::name(&step.title)) } span.faint { (step.state.word.replace('_', " ")) (took(&step.state)) }
                    }
                } }
            }
        } }
    }
}

fn log_part(run: &Run, log: &[LogLine]) -> Markup {
    let line = |(index, line): (usize, &LogLine)| {
        let job = line
            .job
            .and_then(|it| run.jobs.get(it))
            .map(|it| it.title.as_str());
        html! {
            div class=(format!("log-line kind-{}", line.kind)) data-key=(format!("{}-{index}", line.at.as_nanosecond())) {
                span.log-time { (line.at.strftime("%H:%M:%S")) } " "
                @if let Some(job) = job { span class=(format!("log-from hue-{}", line.job.unwrap_or_default() % 6)) { (text::clean(job, 16)) } " " }
                (text::line(line.text.trim_end()))
            }
        }
    };
    html! {
        div.section-head { h2 { "Log" } }
        @if log.is_empty() { (empty("Nothing was printed yet.", None)) }
        @else { (lines("Log of the run", numbered(log).map(line))) }
    }
}

/// Lines of the same time are told apart by their place among them, which does not change when earlier lines go.
fn numbered(log: &[LogLine]) -> impl Iterator<Item = (usize, &LogLine)> {
    let mut before = None;
    let mut place = 0;
    log.iter().map(move |line| {
        place = if before == Some(line.at) { place + 1 } else { 0 };
        before = Some(line.at);
        (place, line)
    })
}
