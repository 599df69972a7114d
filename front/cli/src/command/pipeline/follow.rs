//! Watching runs until they are over.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use client_pipeline::{Conclusion, Line, LineKind, Machine, Run};

use crate::command::Session;
use crate::exit::Ended;

pub(super) const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Which of a run's lines are shown, and how.
pub(super) struct Printer<'a> {
    session: &'a Session,
    /// More than one job: their lines say whose they are.
    titles: BTreeMap<usize, String>,
    /// Several runs: the lines say of which.
    run: Option<String>,
    only: Option<String>,
    json: bool,
}

impl<'a> Printer<'a> {
    pub(super) fn new(session: &'a Session, run: Option<String>, only: Option<String>, json: bool) -> Self {
        Self {
            session,
            titles: BTreeMap::new(),
            run,
            only,
            json,
        }
    }

    pub(super) fn print(&mut self, run: &Run, lines: &[Line]) -> Ended {
        for (index, job) in run.jobs.iter().enumerate() {
            self.titles.insert(index, job.title.clone());
        }
        for line in lines {
            if let Some(only) = &self.only {
                let job = line.job.and_then(|index| run.jobs.get(index));
                if !job.is_some_and(|job| job.id == *only || job.title == *only) {
                    continue;
                }
            }
            if self.json {
                self.session.output.print(serde_json::to_string(line)?)?;
            } else if let Some(text) = self.text(line) {
                self.session.output.print(text)?;
            }
        }
        Ok(())
    }

    fn text(&self, line: &Line) -> Option<String> {
        let paint = |code: &str, text: &str| self.session.output.paint(code, text);
        let body = match line.kind {
            LineKind::Debug => return None,
            LineKind::EndGroup => return None,
            LineKind::Output => format!("    {}", line.text),
            LineKind::Command => paint("36", &format!("  $ {}", line.text)),
            LineKind::Group => paint("1", &format!("    {}", line.text)),
            LineKind::Notice => format!("    {} {}", paint("1;34", "notice:"), line.text),
            LineKind::Warning => format!("    {} {}", paint("1;33", "warning:"), line.text),
            LineKind::Error => format!("    {} {}", paint("1;31", "error:"), line.text),
            LineKind::Begin if line.step.is_some() => paint("1", &format!("\u{25b8} {}", line.text)),
            LineKind::End if line.step.is_some() && line.text.starts_with("success") => return None,
            LineKind::End if line.step.is_some() => paint("31", &format!("  {}", line.text)),
            LineKind::Begin | LineKind::End => paint("1", &line.text),
            LineKind::Run => line.text.clone(),
        };
        let job = line.job.filter(|_| self.titles.len() > 1);
        let title = job.and_then(|index| self.titles.get(&index)).cloned();
        let head: Vec<String> = self.run.iter().cloned().chain(title).collect();
        Some(match head.is_empty() {
            true => body,
            false => format!("{} {body}", paint("2", &format!("{} \u{2502}", head.join(" / ")))),
        })
    }
}

impl Session {
    /// Shows all that happens in runs until they are over. An interrupt cancels them, if that is wished.
    pub(super) fn follow_all(&self, machine: &Machine, runs: &[Run], may_cancel: bool) -> Ended<Vec<Run>> {
        let interrupted = Arc::new(AtomicBool::new(false));
        if may_cancel {
            let flag = Arc::clone(&interrupted);
            self.runtime.spawn(async move {
                while tokio::signal::ctrl_c().await.is_ok() {
                    flag.store(true, Ordering::Relaxed);
                }
            });
        }
        let mut open: Vec<_> = runs
            .iter()
            .map(|run| {
                let name = (runs.len() > 1).then(|| run.workflow.clone());
                (machine.runs.follow(run.id), Printer::new(self, name, None, false))
            })
            .collect();
        for run in runs {
            let at = run.ref_name();
            let sha: String = run.event.sha.chars().take(7).collect();
            self.output.print(
                self.output
                    .paint("1", &format!("run {}: {} ({at} {sha})", run.id, run.workflow)),
            )?;
        }
        let mut ended = Vec::new();
        while !open.is_empty() {
            if interrupted.swap(false, Ordering::Relaxed) {
                for run in runs {
                    machine.runs.cancel(run.id, "interrupted")?;
                }
            }
            let mut still = Vec::new();
            for (mut follow, mut printer) in open {
                let (run, lines) = follow.look()?;
                printer.print(&run, &lines)?;
                if run.progress.is_over() {
                    ended.push(run);
                } else {
                    still.push((follow, printer));
                }
            }
            open = still;
            if !open.is_empty() {
                std::thread::sleep(LOOK_EVERY);
            }
        }
        ended.sort_by_key(|run| run.id);
        for run in &ended {
            self.print_end(run)?;
        }
        Ok(ended)
    }

    fn print_end(&self, run: &Run) -> Ended {
        let took = match (run.progress.started, run.progress.ended) {
            (Some(started), Some(ended)) => {
                format!(" after {:.1} s", ended.duration_since(started).as_secs_f64())
            }
            _ => String::new(),
        };
        let (code, sign) = match run.progress.conclusion {
            Some(Conclusion::Success) => ("1;32", "\u{2713}"),
            Some(Conclusion::Skipped) => ("1", "\u{2013}"),
            _ => ("1;31", "\u{2717}"),
        };
        let word = run
            .progress
            .conclusion
            .map_or("unknown", Conclusion::name)
            .replace('_', " ");
        let why = run
            .progress
            .reason
            .as_ref()
            .map(|why| format!("\n  {why}"))
            .unwrap_or_default();
        let text = format!("{sign} run {}: {word}{took}", run.id);
        self.output
            .print(format!("{}{why}", self.output.paint(code, &text)))?;
        for url in &run.urls {
            self.output.print(format!("  {url}"))?;
        }
        Ok(())
    }
}
