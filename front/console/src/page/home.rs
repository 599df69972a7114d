//! Home: applications, what is wrong first.

use std::sync::Arc;

use maud::{Markup, html};

use super::{CALM, DOT, Page, badge, empty, outside, time, unread};
use crate::picture::{App, Health, System};
use crate::plot::{Window, spark};
use crate::port::Run;
use crate::read::{self, Line, Metric, Stat};
use crate::route::State;
use crate::source::last;
use crate::text;
use crate::view::app_path;

/// What the small plots show, in seconds.
const SPARK_SECONDS: i64 = 15 * 60;
const SPARK_PERIOD: i32 = 60;
const RUNS_SHOWN: usize = 5;

pub(super) async fn page(state: &Arc<State>) -> Page {
    let system = read::system(&state.parts.source).await;
    let mut requests = Vec::new();
    for app in &system.apps {
        let metrics = traffic(app, &system);
        requests.push(
            state
                .metrics
                .lines(&state.parts.source, metrics, SPARK_SECONDS, SPARK_PERIOD)
                .await,
        );
    }
    let runs = state.parts.pipelines.runs(RUNS_SHOWN).await.unwrap_or_default();
    let end = state.parts.source.clock.now();
    let window = Window {
        end,
        seconds: SPARK_SECONDS,
        period: SPARK_PERIOD,
    };
    Page::new(
        "Apps",
        CALM,
        vec![
            ("summary", summary(&system)),
            ("apps", apps(&system, &requests, window)),
            ("around", around(&system, &runs)),
        ],
    )
}

/// Requests, and what the targets failed at.
fn traffic(app: &App, system: &System) -> Vec<Metric> {
    let mut metrics = Vec::new();
    if let Some(dimensions) = dimensions(app, system) {
        for (title, name) in [
            ("requests", "RequestCount"),
            ("errors", "HTTPCode_Target_5XX_Count"),
        ] {
            metrics.push(Metric {
                title,
                namespace: "AWS/ApplicationELB",
                name,
                dimensions: dimensions.clone(),
                stat: Stat::Sum,
            });
        }
    }
    metrics
}

/// Of its first target group behind a load balancer.
pub(super) fn dimensions(app: &App, system: &System) -> Option<Vec<(&'static str, String)>> {
    let group = app
        .groups
        .iter()
        .find_map(|arn| system.groups.iter().find(|it| it.arn == *arn))?;
    let balancer = group.balancers.first()?;
    let (_, balancer) = balancer.split_once(":loadbalancer/")?;
    let (_, name) = group.arn.rsplit_once(':')?;
    Some(vec![
        ("LoadBalancer", balancer.to_owned()),
        ("TargetGroup", name.to_owned()),
    ])
}

fn summary(system: &System) -> Markup {
    let wrong: Vec<_> = system
        .apps
        .iter()
        .filter_map(|app| Some((app, app.problem()?)))
        .collect();
    let of = |health| system.apps.iter().filter(|it| it.condition() == health).count();
    html! {
        div.head {
            h1 { "Apps" }
            p.facts { (system.apps.len()) " in all" (DOT) (of(Health::Good)) " well" (DOT) (of(Health::Changing)) " changing" (DOT) (wrong.len()) " with problems" }
        }
        (unread(&system.unread))
        @for (app, problem) in wrong {
            p.problem role="alert" {
                a href=(app_path(&app.cluster, &app.name)) { (text::name(&app.name)) } " " (text::line(&problem))
            }
        }
    }
}

fn apps(system: &System, requests: &[Option<Vec<Line>>], window: Window) -> Markup {
    if system.apps.is_empty() {
        return empty(
            "No application runs here yet. Take one from its Dockerfile to a URL:",
            Some("wharf up PATH"),
        );
    }
    html! {
        div.cards {
            @for (app, lines) in system.apps.iter().zip(requests) {
                (card(app, lines.as_deref(), window))
            }
        }
    }
}

/// A word for how an application is.
pub(super) fn word(app: &App) -> &'static str {
    match app.condition() {
        Health::Bad => "Problem",
        Health::Changing if app.is_rolling() => "Deploying",
        Health::Changing => "Changing",
        Health::Good => "Healthy",
        Health::Idle => "Stopped",
    }
}

fn card(app: &App, lines: Option<&[Line]>, window: Window) -> Markup {
    let sum = |line: &Line| line.points.iter().fold(0.0, |sum, (_, value)| sum + value);
    html! {
        article.card.app data-key=(format!("{}/{}", app.cluster, app.name)) {
            div.card-head {
                h2 { a href=(app_path(&app.cluster, &app.name)) { (text::name(&app.name)) } }
                (badge(app.condition(), word(app)))
            }
            p.where { @match &app.url { Some(url) => (outside(url)), None => span.faint { "no load balancer" } } }
            dl.facts-list {
                div { dt { "Tasks" } dd { b { (app.running) } " of " (app.desired) @if app.pending > 0 { ", " (app.pending) " starting" } } }
                div { dt { "Revision" } dd { (text::name(&app.definition)) } }
                div { dt { "Image" } dd { (text::name(app.images.first().map_or("–", |it| image(it)))) } }
                div { dt { "Cluster" } dd { (text::name(&app.cluster)) } }
            }
            @match lines {
                Some([requests, errors]) => {
                    (spark("Requests per minute, last 15 minutes", requests, window))
                    p.facts { (format!("{:.0}", sum(requests))) " requests" (DOT) (format!("{:.0}", sum(errors))) " server errors in 15 min" }
                },
                _ => p.facts.faint { "no measurements of requests" },
            }
        }
    }
}

/// Without the registry's host.
pub(super) fn image(name: &str) -> &str {
    name.split_once('/').map_or(
        name,
        |(host, rest)| if host.contains(['.', ':']) { rest } else { name },
    )
}

fn around(system: &System, runs: &[Run]) -> Markup {
    html! {
        div.columns {
            section.card aria-labelledby="balancers-title" {
                h2 #balancers-title { "Load balancers" }
                @if system.balancers.is_empty() { p.faint { "None." } }
                ul.rows { @for one in &system.balancers {
                    li {
                        span { (text::name(&one.name)) " " @if let Some(url) = &one.url { (outside(url)) } }
                        (badge(if one.state == "active" { Health::Good } else { Health::Changing }, &one.state))
                    }
                } }
            }
            section.card aria-labelledby="instances-title" {
                h2 #instances-title { "Instances" }
                @if system.instances.is_empty() { p.faint { "None; tasks run on Fargate." } }
                ul.rows { @for one in &system.instances {
                    li {
                        span { (text::name(if one.name.is_empty() { &one.id } else { &one.name })) " " span.faint { (one.kind) } }
                        (badge(if one.state == "running" { Health::Good } else { Health::Changing }, &one.state))
                    }
                } }
            }
            section.card aria-labelledby="runs-title" {
                h2 #runs-title { "Pipelines" }
                @if runs.is_empty() { p.faint { "No runs yet: " code { "wharf pipeline run" } } }
                ul.rows { @for run in runs {
                    li {
                        span { a href=(format!("/console/pipelines/{}", run.id)) { (text::name(&run.title)) } " " span.faint { (text::name(last(&run.repository))) " " (time(Some(run.created))) } }
                        (super::pipeline::state(&run.state))
                    }
                } }
            }
        }
    }
}
