//! Pages: what is around them, and what all of them say in the same way.

mod alarm;
mod app;
mod home;
mod log;
mod map;
mod pipeline;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::form::encode;
use crate::picture::Health;
use crate::route::State;
use crate::text;
use crate::view::{ROOT, View};

/// A page, in parts that may change one by one.
pub(crate) struct Page {
    pub(crate) title: String,
    /// The id of each part, and what is in it.
    pub(crate) parts: Vec<(&'static str, Markup)>,
    /// How often an open page looks although nothing woke it.
    pub(crate) every: Duration,
    pub(crate) is_missing: bool,
}

/// For what has a signal of its own.
const CALM: Duration = Duration::from_secs(10);
/// For lines that are written while somebody looks.
const LIVELY: Duration = Duration::from_secs(1);

impl Page {
    /// `token` is for the forms on it.
    pub(crate) async fn make(state: &Arc<State>, view: &View, token: &str) -> Self {
        match view {
            View::Home => home::page(state).await,
            View::App(view) => app::page(state, view, token).await,
            View::Map { node } => map::page(state, node.as_deref()).await,
            View::Runs => pipeline::runs(state).await,
            View::Run(id) => pipeline::run(state, *id).await,
            View::Groups => log::groups(state).await,
            View::Group { group, filter } => log::group(state, group, filter.as_deref()).await,
            View::Alarms => alarm::page(state).await,
        }
    }

    fn new(title: impl Into<String>, every: Duration, parts: Vec<(&'static str, Markup)>) -> Self {
        Self {
            title: title.into(),
            parts,
            every,
            is_missing: false,
        }
    }

    /// Of something that is not there, or not any more.
    fn missing(title: &str, sentence: &str) -> Self {
        let part = html! { h1 { (text::name(title)) } (empty(sentence, None)) };
        Self {
            is_missing: true,
            ..Self::new(title, CALM, vec![("content", part)])
        }
    }
}

/// Light, dark, or what the machine says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    Machine,
    Light,
    Dark,
}

impl Theme {
    pub(crate) const COOKIE: &str = "wharf-console-theme";

    pub(crate) fn of(word: Option<&str>) -> Self {
        match word {
            Some("light") => Self::Light,
            Some("dark") => Self::Dark,
            _ => Self::Machine,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// What the switch leads to.
    fn next(self) -> (Self, &'static str) {
        match self {
            Self::Machine => (Self::Dark, "Theme: auto"),
            Self::Dark => (Self::Light, "Theme: dark"),
            Self::Light => (Self::Machine, "Theme: light"),
        }
    }

    pub(crate) fn set_cookie(self) -> String {
        format!(
            "{}={}; Path=/console; HttpOnly; SameSite=Strict; Max-Age=31536000",
            Self::COOKIE,
            self.word()
        )
    }
}

/// What is around a page.
pub(crate) struct Frame {
    pub(crate) token: String,
    pub(crate) theme: Theme,
    pub(crate) may_leave: bool,
}

impl Frame {
    pub(crate) fn around(&self, view: &View, page: Page) -> Markup {
        let address = view.address();
        let live = format!("{ROOT}/live?page={}", encode(&address));
        let inner = html! {
            (self.header(Some(view), &address))
            main id="main" tabindex="-1" data-live=[(!page.is_missing).then_some(live)] {
                @for (id, part) in page.parts { section id=(id) { (part) } }
            }
            footer {
                span { "Wharf console" }
                span.keys { kbd { "h" } " home " kbd { "m" } " map " kbd { "p" } " pipelines " kbd { "l" } " logs " kbd { "/" } " filter" }
            }
        };
        document(&page.title, self.theme, &inner)
    }

    pub(crate) fn missing(&self) -> Markup {
        let inner = html! {
            (self.header(None, ROOT))
            main id="main" tabindex="-1" { h1 { "Not found" } (empty("There is no such page.", None)) }
        };
        document("Not found", self.theme, &inner)
    }

    fn header(&self, view: Option<&View>, address: &str) -> Markup {
        let (next, title) = self.theme.next();
        let place = |it: &View| match it {
            View::Home | View::App(_) => 0,
            View::Map { .. } => 1,
            View::Runs | View::Run(_) => 2,
            View::Groups | View::Group { .. } => 3,
            View::Alarms => 4,
        };
        let here = view.map(place);
        let links = [
            ("Apps", ROOT),
            ("Map", "/console/map"),
            ("Pipelines", "/console/pipelines"),
            ("Logs", "/console/logs"),
            ("Alarms", "/console/alarms"),
        ];
        html! {
            a.skip href="#main" { "Skip to content" }
            header {
                a.brand href=(ROOT) { img src="/console/asset/icon.svg" alt="" width="26" height="26"; span { "Wharf" } }
                nav aria-label="Console" {
                    @for (index, (title, path)) in links.into_iter().enumerate() {
                        a href=(path) aria-current=[(here == Some(index)).then_some("page")] { (title) }
                    }
                }
                div.tools {
                    span.link role="status" { span.link-live { "Live" } span.link-lost { "Reconnecting…" } }
                    form method="post" action="/console/theme" {
                        (hidden("token", &self.token)) (hidden("theme", next.word())) (hidden("back", address))
                        button.quiet type="submit" { (title) }
                    }
                    @if self.may_leave {
                        form method="post" action="/console/logout" { (hidden("token", &self.token)) button.quiet type="submit" { "Log out" } }
                    }
                }
            }
        }
    }
}

fn document(title: &str, theme: Theme, inner: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" data-theme=(theme.word()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (text::clean(title, text::NAME_MAX_CHARS)) " · Wharf" }
                link rel="icon" href="/console/asset/icon.svg";
                link rel="stylesheet" href="/console/asset/style.css";
                script src="/console/asset/script.js" defer {}
            }
            body { (inner) }
        }
    }
}

pub(crate) fn login(token: &str, wrong: Option<&str>) -> Markup {
    let inner = html! {
        main.narrow id="main" {
            h1 { "Wharf console" }
            form.card method="post" action="/console/login" {
                (hidden("token", token))
                label for="password" { "Password" }
                input type="password" id="password" name="password" autocomplete="current-password" required autofocus;
                @if let Some(wrong) = wrong { p.problem role="alert" { (wrong) } }
                button.main type="submit" { "Log in" }
            }
        }
    };
    document("Log in", Theme::Machine, &inner)
}

/// What was wanted could not be done.
pub(crate) fn failed(sentence: &str, back: &str) -> Markup {
    let inner = html! {
        main.narrow id="main" {
            h1 { "That did not work" }
            p.problem role="alert" { (text::line(sentence)) }
            p { a href=(back) { "Back" } }
        }
    };
    document("Failed", Theme::Machine, &inner)
}

fn hidden(name: &str, value: &str) -> Markup {
    html! { input type="hidden" name=(name) value=(value); }
}

/// Nothing is here yet: says what to do.
fn empty(sentence: &str, command: Option<&str>) -> Markup {
    html! {
        div.empty { p { (text::line(sentence)) } @if let Some(command) = command { pre { code { (command) } } } }
    }
}

/// How something is, in a word and a colour.
fn badge(health: Health, word: &str) -> Markup {
    html! { span class=(format!("badge {}", health.class())) { (text::clean(word, 24)) } }
}

/// When; the script makes an age of it.
fn time(at: Option<Timestamp>) -> Markup {
    match at {
        Some(at) => html! {
            time datetime=(at.to_string()) title=(at.strftime("%Y-%m-%d %H:%M:%S UTC")) data-at=(at.as_millisecond()) {
                (at.strftime("%H:%M:%S"))
            }
        },
        None => html! { "–" },
    }
}

/// Things that could not be read.
fn unread(problems: &[String]) -> Markup {
    html! { @for problem in problems { p.problem role="alert" { "Not read: " (text::line(problem)) } } }
}

/// A person may go there with a click, if it is a web address.
fn outside(url: &str) -> Markup {
    let is_web = url.starts_with("http://") || url.starts_with("https://");
    let shown = url.trim_start_matches("http://").trim_end_matches('/');
    html! {
        @if is_web { a.url href=(url) rel="noreferrer noopener" target="_blank" { (text::name(shown)) } }
        @else { (text::name(url)) }
    }
}

/// Lines of a log. Each has a key, so that an open page adds the new ones only.
fn lines(label: &str, lines: impl Iterator<Item = Markup>) -> Markup {
    html! {
        div.log role="log" aria-label=(label) tabindex="0" {
            @for line in lines { (line) }
        }
    }
}

/// Between parts of a sentence.
const DOT: PreEscaped<&str> = PreEscaped("<span class=\"dot\" aria-hidden=\"true\"> · </span>");
