//! An application: its deployment as it goes on, tasks, plots, lines, events, and what one can do.

use std::sync::Arc;

use maud::{Markup, html};

use super::{DOT, LIVELY, Page, badge, empty, hidden, home, lines, outside, time};
use crate::picture::{App, Deployment, Health, System, Task, short};
use crate::plot::{Unit, Window, plot};
use crate::read::{self, Line, Metric, Stat, Tail};
use crate::route::State;
use crate::source::last;
use crate::text;
use crate::view::{AppView, Zoom, app_path};
use crate::wait::waits;

/// Tasks that have stopped and are still shown.
const STOPPED_SHOWN: usize = 5;
const EVENTS_SHOWN: usize = 12;

pub(super) async fn page(state: &Arc<State>, view: &AppView, token: &str) -> Page {
    let source = &state.parts.source;
    let system = read::system(source).await;
    let found = system
        .apps
        .iter()
        .find(|it| it.cluster == view.cluster && it.name == view.service);
    let Some(app) = found else {
        return Page::missing(&view.service, "There is no such application, or not any more.");
    };
    let tail = read::tail(source, &app.logs, view.filter.as_deref()).await;
    let (zoom, mut plots) = (view.zoom, Vec::new());
    for (title, unit, metrics) in metrics(app, &system) {
        let found = state
            .metrics
            .lines(source, metrics, zoom.seconds(), zoom.period())
            .await;
        plots.push((title, unit, found.unwrap_or_default()));
    }
    let window = Window {
        end: source.clock.now(),
        seconds: zoom.seconds(),
        period: zoom.period(),
    };
    Page::new(
        app.name.clone(),
        LIVELY,
        vec![
            ("summary", summary(app)),
            ("deployment", deployment(app, &system)),
            ("tasks", tasks(app, token)),
            ("actions", actions(app, token)),
            ("plots", plot_grid(view, &plots, window)),
            ("log-filter", filter_form(view)),
            ("log", log(app, view, &tail)),
            ("events", events(app)),
        ],
    )
}

fn summary(app: &App) -> Markup {
    html! {
        div.head {
            h1 { (text::name(&app.name)) " " (badge(app.condition(), home::word(app))) }
            p.facts {
                @if let Some(url) = &app.url { (outside(url)) (DOT) }
                (app.running) " of " (app.desired) " tasks" (DOT) (text::name(&app.definition)) (DOT)
                (text::name(app.images.first().map_or("–", |it| home::image(it)))) (DOT) "cluster " (text::name(&app.cluster))
            }
        }
        @if let Some(problem) = app.problem() { p.problem role="alert" { (text::line(&problem)) } }
    }
}

fn deployment(app: &App, system: &System) -> Markup {
    let waits = waits(app, &system.groups);
    html! {
        div.section-head {
            h2 { "Deployment" }
            @if app.has_failed() { (badge(Health::Bad, "failed")) } @else if app.is_rolling() { (badge(Health::Changing, "in progress")) } @else { (badge(Health::Good, "steady")) }
        }
        div.card.deployment {
            div.lanes { @for one in &app.deployments { (lane(one, app)) } }
            @if waits.is_empty() {
                p.faint { "Nothing is waited for." }
            } @else {
                h3 { "Waiting for" }
                ul.waits { @for wait in waits {
                    li { (text::line(&wait.sentence)) @if wait.until.is_some() { span.until { " " (time(wait.until)) } } }
                } }
            }
        }
    }
}

fn lane(one: &Deployment, app: &App) -> Markup {
    let title = match one.status.as_str() {
        "PRIMARY" if app.deployments.len() > 1 => "New",
        "PRIMARY" => "Current",
        _ => "Old",
    };
    let own = app
        .tasks
        .iter()
        .filter(|it| it.deployment == one.id && !it.is_over());
    let health = match one.rollout.as_str() {
        "COMPLETED" => Health::Good,
        "FAILED" => Health::Bad,
        _ => Health::Changing,
    };
    html! {
        div.lane data-key=(one.id) {
            div.lane-head {
                b { (title) } " " (text::name(&one.definition)) " "
                (badge(health, &one.rollout.to_lowercase().replace('_', " ")))
            }
            p.facts { (one.running) @if one.status == "PRIMARY" { " of " (one.desired) } " running" @if one.pending > 0 { (DOT) (one.pending) " starting" } @if one.failed > 0 { (DOT) (one.failed) " failed" } (DOT) "since " (time(one.created)) }
            div.chips {
                @for task in own {
                    span class=(format!("chip {}", task.condition().class())) data-key=(task.id) title=(state_of(task)) {
                        code { (short(&task.id)) } span { (state_of(task)) }
                    }
                }
            }
            @if !one.reason.is_empty() { p.faint { (text::line(&one.reason)) } }
        }
    }
}

/// A task's state and that of its target, in one or two words.
pub(super) fn state_of(task: &Task) -> String {
    let status = task.status.to_lowercase();
    let target = task.targets.first().filter(|_| !task.is_over());
    match target.map(|it| it.state.as_str()) {
        Some("healthy") if status == "running" => "healthy".to_owned(),
        Some(target) => format!("{status}, {target}"),
        None => status,
    }
}

fn tasks(app: &App, token: &str) -> Markup {
    let live = app.tasks.iter().filter(|it| !it.is_over());
    let mut over: Vec<&Task> = app.tasks.iter().filter(|it| it.is_over()).collect();
    over.sort_by_key(|it| std::cmp::Reverse(it.stopped));
    html! {
        div.section-head { h2 { "Tasks" } }
        @if app.tasks.is_empty() { (empty("There are no tasks.", None)) } @else {
            div.table-box tabindex="0" role="region" aria-label="Tasks" {
                table {
                    thead { tr { th scope="col" { "Task" } th scope="col" { "State" } th scope="col" { "Revision" } th scope="col" { "Address" } th scope="col" { "Zone" } th scope="col" { "Since" } th scope="col" { span.hidden { "Action" } } } }
                    tbody {
                        @for task in live.chain(over.into_iter().take(STOPPED_SHOWN)) { (row(app, task, token)) }
                    }
                }
            }
        }
    }
}

fn row(app: &App, task: &Task, token: &str) -> Markup {
    html! {
        tr data-key=(task.id) class=[task.is_over().then_some("over")] {
            td { code { (short(&task.id)) } }
            td {
                (badge(task.condition(), &state_of(task)))
                @if let Some(reason) = task.reason.as_ref().filter(|_| task.wanted == "STOPPED" || task.is_over()) { p.reason { (text::line(reason)) } }
                @for target in task.targets.iter().filter(|it| it.state == "unhealthy") {
                    @if let Some(reason) = &target.reason { p.reason { (text::line(reason)) } }
                }
            }
            td { (text::name(&task.definition)) }
            td { (text::name(task.address.as_deref().unwrap_or("–"))) }
            td { (text::name(&task.zone)) }
            td { (time(task.stopped.or(task.started).or(task.created))) }
            td { @if task.wanted == "RUNNING" {
                form method="post" action=(app_path(&app.cluster, &app.name)) {
                    (hidden("token", token)) (hidden("action", "stop-task")) (hidden("task", &task.id))
                    button.small type="submit" aria-label=(format!("Stop task {}", short(&task.id))) data-ask=(format!("Stop task {}?", short(&task.id))) { "Stop" }
                }
            } }
        }
    }
}

type Plot = (&'static str, Unit, Vec<Metric>);

fn metrics(app: &App, system: &System) -> Vec<Plot> {
    let service = vec![
        ("ClusterName", app.cluster.clone()),
        ("ServiceName", app.name.clone()),
    ];
    let own = |title, name| {
        vec![Metric {
            title,
            namespace: "AWS/ECS",
            name,
            dimensions: service.clone(),
            stat: Stat::Average,
        }]
    };
    let mut plots = vec![
        ("CPU", Unit::Percent, own("average", "CPUUtilization")),
        ("Memory", Unit::Percent, own("average", "MemoryUtilization")),
    ];
    if let Some(dimensions) = home::dimensions(app, system) {
        let of = |title, name, stat| Metric {
            title,
            namespace: "AWS/ApplicationELB",
            name,
            dimensions: dimensions.clone(),
            stat,
        };
        plots.push((
            "Requests",
            Unit::Count,
            vec![of("requests", "RequestCount", Stat::Sum)],
        ));
        let latency = vec![
            of("p50", "TargetResponseTime", Stat::P50),
            of("p95", "TargetResponseTime", Stat::P95),
        ];
        plots.push(("Latency", Unit::Seconds, latency));
        let errors = of("5xx", "HTTPCode_Target_5XX_Count", Stat::Sum);
        plots.push(("Server errors", Unit::Count, vec![errors]));
    }
    plots
}

fn plot_grid(view: &AppView, plots: &[(&'static str, Unit, Vec<Line>)], window: Window) -> Markup {
    let is_measured = plots
        .iter()
        .any(|(_, _, lines)| lines.iter().any(|line| !line.points.is_empty()));
    html! {
        div.section-head {
            h2 { "Measurements" }
            nav.zooms aria-label="Period" {
                @for zoom in Zoom::ALL {
                    a href=(format!("{}?zoom={}#plots", app_path(&view.cluster, &view.service), zoom.word())) aria-current=[(zoom == view.zoom).then_some("true")] { (zoom.word()) }
                }
            }
        }
        @if is_measured {
            div.plots { @for (title, unit, lines) in plots { (plot(title, *unit, lines, window)) } }
        } @else { (empty("Nothing has been measured in this time.", None)) }
    }
}

fn filter_form(view: &AppView) -> Markup {
    html! {
        div.section-head {
            h2 #log-title { "Log" }
            form.filter method="get" action=(app_path(&view.cluster, &view.service)) role="search" {
                (hidden("zoom", view.zoom.word()))
                label.hidden for="filter" { "Filter pattern" }
                input type="search" id="filter" name="filter" value=[&view.filter] placeholder="Filter pattern, such as error -timeout";
                button type="submit" { "Filter" }
            }
        }
    }
}

fn log(app: &App, view: &AppView, tail: &Tail) -> Markup {
    html! {
        @if let Some(error) = &tail.error { p.problem { (text::line(error)) } }
        @if app.logs.is_empty() { (empty("Its containers do not write to CloudWatch Logs (log driver awslogs).", None)) }
        @else if tail.lines.is_empty() {
            (empty(if view.filter.is_some() { "No line of the last day matches." } else { "No lines in the last day." }, None))
        } @else {
            (lines("Last lines", tail.lines.iter().map(log_line)))
        }
    }
}

pub(super) fn log_line(line: &read::LogLine) -> Markup {
    let at = jiff::Timestamp::from_millisecond(line.at_ms).unwrap_or_default();
    html! {
        div.log-line data-key=(line.id) {
            span.log-time { (at.strftime("%H:%M:%S")) } " "
            span class=(format!("log-from hue-{}", hue(&line.stream))) title=(text::clean(&line.stream, 200)) { (short(last(&line.stream))) } " "
            (text::line(line.message.trim_end()))
        }
    }
}

/// One of six colours, the same for each stream.
fn hue(stream: &str) -> u32 {
    stream.bytes().fold(0u32, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u32::from(byte))
    }) % 6
}

fn events(app: &App) -> Markup {
    html! {
        div.section-head { h2 { "Events" } }
        @if app.events.is_empty() { (empty("Nothing has happened yet.", None)) } @else {
            ul.rows.card { @for event in app.events.iter().take(EVENTS_SHOWN) {
                li { span { (text::line(&event.message)) } span.faint { (time(event.at)) } }
            } }
        }
    }
}

fn actions(app: &App, token: &str) -> Markup {
    let path = app_path(&app.cluster, &app.name);
    html! {
        div.section-head { h2 { "Actions" } }
        div.card.actions {
            form method="post" action=(path) {
                (hidden("token", token)) (hidden("action", "redeploy"))
                button type="submit" { "Redeploy" } p.faint { "New tasks of the same revision, one after the other." }
            }
            form method="post" action=(path) {
                (hidden("token", token)) (hidden("action", "scale"))
                span.pair { label.hidden for="count" { "Number of tasks" } input type="number" id="count" name="count" min="0" max="5000" value=(app.desired) required; button type="submit" { "Set count" } }
                p.faint { "How many tasks there shall be." }
            }
            form method="post" action=(path) {
                (hidden("token", token)) (hidden("action", "roll-back"))
                button.danger type="submit" data-ask="Go back to the revision before?" { "Roll back" } p.faint { "To the revision before " (text::name(&app.definition)) "." }
            }
        }
    }
}
