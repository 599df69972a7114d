//! Log groups, and the last lines of one.

use std::sync::Arc;

use maud::html;

use super::{CALM, LIVELY, Page, app, empty, hidden, lines};
use crate::picture::LogPlace;
use crate::read;
use crate::route::State;
use crate::text;
use crate::view::View;

pub(super) async fn groups(state: &Arc<State>) -> Page {
    let part = match read::groups(&state.parts.source).await {
        Err(error) => html! { p.problem role="alert" { (text::line(&error)) } },
        Ok(groups) if groups.is_empty() => empty(
            "There are no log groups yet. Applications make theirs:",
            Some("wharf up PATH"),
        ),
        Ok(groups) => html! {
            ul.rows.card { @for group in &groups {
                @let name = group.log_group_name.clone().unwrap_or_default();
                li data-key=(name) {
                    span { a href=(View::Group { group: name.clone(), filter: None }.address()) { (text::name(&name)) } }
                    span.faint {
                        @match group.retention_in_days { Some(days) => { "kept for " (days) " days" }, None => { "kept for ever" } }
                    }
                }
            } }
        },
    };
    let head = html! { div.head { h1 { "Logs" } } };
    Page::new("Logs", CALM, vec![("summary", head), ("groups", part)])
}

pub(super) async fn group(state: &Arc<State>, group: &str, filter: Option<&str>) -> Page {
    let place = LogPlace {
        group: group.to_owned(),
        prefix: None,
    };
    let tail = read::tail(&state.parts.source, &[place], filter).await;
    let head = html! {
        div.head { p.facts { a href="/console/logs" { "Logs" } } h1 { (text::name(group)) } }
        form.filter method="get" action="/console/logs" role="search" {
            (hidden("group", group))
            label.hidden for="filter" { "Filter pattern" }
            input type="search" id="filter" name="filter" value=[filter] placeholder="Filter pattern, such as error -timeout";
            button type="submit" { "Filter" }
        }
    };
    let part = html! {
        @if let Some(error) = &tail.error { p.problem role="alert" { (text::line(error)) } }
        @else if tail.lines.is_empty() { (empty("No lines of the last day.", None)) }
        @else { (lines("Last lines", tail.lines.iter().map(app::log_line))) }
    };
    Page::new(group, LIVELY, vec![("summary", head), ("log", part)])
}
