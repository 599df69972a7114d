//! Progress: what has been done, each with its time, and beneath it, on a terminal, what is going on now.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use client_deploy::{Event, Outcome, Sink, Step};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::Output;

/// Of a step that fails, so many lines of its output are shown again.
const LINES_KEPT: usize = 200;
const TITLE_COLUMNS: usize = 16;
const TICK: Duration = Duration::from_millis(100);

/// Shows events; cheap to clone.
#[derive(Clone)]
pub(crate) struct Progress {
    output: Output,
    shared: Arc<Mutex<Shown>>,
}

struct Shown {
    lines: MultiProgress,
    running: BTreeMap<&'static str, Running>,
    /// What was last said of each step, so that plain output does not repeat itself.
    said: BTreeMap<&'static str, String>,
}

struct Running {
    bar: ProgressBar,
    output: Vec<String>,
}

impl Progress {
    pub fn new(output: Output) -> Self {
        let target = if output.live {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        Self {
            output,
            shared: Arc::new(Mutex::new(Shown {
                lines: MultiProgress::with_draw_target(target),
                running: BTreeMap::new(),
                said: BTreeMap::new(),
            })),
        }
    }

    pub fn sink(&self) -> Sink {
        let progress = self.clone();
        Arc::new(move |event| progress.show(event))
    }

    fn show(&self, event: Event) {
        match event {
            Event::Started(step) => self.started(step.title()),
            Event::Detail(step, text) => self.detail(step, &text),
            Event::Waiting(step, text) => self.waiting(step.title(), &text),
            Event::Finished {
                step,
                outcome,
                summary,
                took,
            } => self.finished(step.title(), outcome, &summary, took),
            Event::Failed(step) => self.failed(step.title()),
        }
    }

    pub fn started(&self, title: &'static str) {
        self.with(|shown| {
            let bar = shown.lines.add(ProgressBar::new_spinner());
            if let Ok(style) = ProgressStyle::with_template("  {spinner} {prefix} {wide_msg}") {
                bar.set_style(style.tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "));
            }
            bar.set_prefix(format!("{title:TITLE_COLUMNS$}"));
            bar.enable_steady_tick(TICK);
            let running = Running {
                bar,
                output: Vec::new(),
            };
            shown.running.insert(title, running);
        });
    }

    fn detail(&self, step: Step, text: &str) {
        let title = step.title();
        self.with(|shown| {
            if let Some(running) = shown.running.get_mut(title) {
                running.bar.set_message(text.to_owned());
                running.output.push(text.to_owned());
                if running.output.len() > LINES_KEPT {
                    running.output.remove(0);
                }
            }
        });
        if !self.output.live {
            self.output.say(format!("    {title}: {text}"));
        }
    }

    pub fn waiting(&self, title: &'static str, text: &str) {
        let is_new = self.with(|shown| {
            if let Some(running) = shown.running.get(title) {
                running.bar.set_message(text.to_owned());
            }
            shown.said.insert(title, text.to_owned()).as_deref() != Some(text)
        });
        if is_new && !self.output.live {
            self.output.say(format!("    {title}: {text}"));
        }
    }

    pub fn finished(&self, title: &'static str, outcome: Outcome, summary: &str, took: Duration) {
        let (sign, code, word) = match outcome {
            Outcome::Made => ("✓", "32", ""),
            Outcome::Changed => ("✓", "32", "changed: "),
            Outcome::Unchanged => ("✓", "2", ""),
            Outcome::Removed => ("✓", "32", "removed: "),
            Outcome::Skipped => ("-", "33", ""),
        };
        let sign = self.output.paint(code, sign);
        let time = self.output.paint("2", &seconds(took));
        self.line(
            title,
            &format!("  {sign} {title:TITLE_COLUMNS$} {word}{summary}  {time}"),
        );
    }

    pub fn failed(&self, title: &'static str) {
        let output = self.with(|shown| {
            let running = shown.running.get(title);
            running.map(|running| running.output.clone()).unwrap_or_default()
        });
        let sign = self.output.paint("31", "✗");
        self.line(title, &format!("  {sign} {title}"));
        if self.output.live {
            // It went by too fast to be read.
            for line in output {
                self.output.say(self.output.paint("2", &format!("    {line}")));
            }
        }
        self.clear();
    }

    /// A line that stays, above what is going on.
    fn line(&self, title: &'static str, text: &str) {
        let live = self.output.live;
        self.with(|shown| {
            if let Some(running) = shown.running.remove(title) {
                running.bar.finish_and_clear();
                shown.lines.remove(&running.bar);
            }
            if live {
                // A terminal that is gone shows nothing.
                let _ = shown.lines.println(text);
            }
        });
        if !live {
            self.output.say(text);
        }
    }

    /// Takes away what is still going on: a step failed, and the others with it.
    pub fn clear(&self) {
        self.with(|shown| {
            for (_, running) in std::mem::take(&mut shown.running) {
                running.bar.finish_and_clear();
            }
            let _ = shown.lines.clear();
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut Shown) -> T) -> T {
        work(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// As people say it: `0.3 s`, `2 min 5 s`.
pub(crate) fn seconds(took: Duration) -> String {
    let whole = took.as_secs();
    if whole >= 60 {
        format!("{} min {} s", whole / 60, whole % 60)
    } else {
        format!("{:.1} s", took.as_secs_f64())
    }
}
