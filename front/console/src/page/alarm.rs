//! Alarms, those that ring first.

use std::sync::Arc;

use aws_shape::cloudwatch;
use jiff::Timestamp;
use maud::{Markup, html};

use super::{CALM, Page, badge, empty, time};
use crate::picture::Health;
use crate::route::State;
use crate::source::sentence;
use crate::text;

struct Alarm {
    name: String,
    about: String,
    state: String,
    reason: String,
    since: Option<Timestamp>,
}

pub(super) async fn page(state: &Arc<State>) -> Page {
    let source = &state.parts.source;
    let input = cloudwatch::DescribeAlarmsInput::default();
    let part = match source.cloudwatch.describe_alarms(&source.context(), input).await {
        Err(error) => html! { p.problem role="alert" { (text::line(&sentence(&error))) } },
        Ok(answer) => list(alarms(answer)),
    };
    let head = html! { div.head { h1 { "Alarms" } } };
    Page::new("Alarms", CALM, vec![("summary", head), ("alarms", part)])
}

fn alarms(answer: cloudwatch::DescribeAlarmsOutput) -> Vec<Alarm> {
    let metric = answer.metric_alarms.into_iter().flatten().map(|it| Alarm {
        name: it.alarm_name.unwrap_or_default(),
        about: format!(
            "{} {}",
            it.namespace.unwrap_or_default(),
            it.metric_name.unwrap_or_default()
        ),
        state: it.state_value.map(|it| it.to_string()).unwrap_or_default(),
        reason: it.state_reason.unwrap_or_default(),
        since: it.state_updated_timestamp,
    });
    let composite = answer.composite_alarms.into_iter().flatten().map(|it| Alarm {
        name: it.alarm_name.unwrap_or_default(),
        about: it.alarm_rule.unwrap_or_default(),
        state: it.state_value.map(|it| it.to_string()).unwrap_or_default(),
        reason: it.state_reason.unwrap_or_default(),
        since: it.state_updated_timestamp,
    });
    let mut alarms: Vec<Alarm> = metric.chain(composite).collect();
    alarms.sort_by_key(|it| (health(&it.state), it.name.clone()));
    alarms
}

fn health(state: &str) -> Health {
    match state {
        "ALARM" => Health::Bad,
        "OK" => Health::Good,
        _ => Health::Idle,
    }
}

fn list(alarms: Vec<Alarm>) -> Markup {
    if alarms.is_empty() {
        return empty(
            "There are no alarms. One is made like this:",
            Some("aws cloudwatch put-metric-alarm …"),
        );
    }
    html! {
        ul.rows.card { @for alarm in alarms {
            li data-key=(alarm.name) {
                span { b { (text::name(&alarm.name)) } p.facts { (text::name(&alarm.about)) } @if !alarm.reason.is_empty() { p.reason { (text::line(&alarm.reason)) } } }
                span { (badge(health(&alarm.state), &alarm.state.to_lowercase().replace('_', " "))) " " (time(alarm.since)) }
            }
        } }
    }
}
