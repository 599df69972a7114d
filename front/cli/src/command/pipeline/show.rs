//! Looking at runs: the list, one of them, what it printed.

use client_pipeline::{Conclusion, Level, Progress, Run, Status};

use super::follow::{LOOK_EVERY, Printer};
use crate::arguments::{List, PipelineLogs, RunId};
use crate::command::Session;
use crate::exit::Ended;

impl Session {
    pub(super) fn list_runs(&self, list: &List) -> Ended {
        let machine = self.machine()?;
        let mut runs = machine.runs.list(usize::MAX)?;
        if let Some(repository) = &list.repository {
            runs.retain(|run| run.repository == *repository);
        }
        runs.truncate(list.limit);
        self.list_as(&runs, list.json)
    }

    pub(super) fn list_as(&self, runs: &[Run], json: bool) -> Ended {
        if json {
            return Ok(self.output.print_json(&runs)?);
        }
        if runs.is_empty() {
            self.output
                .say("no runs yet: wharf pipeline run, or wharf pipeline remote and git push wharf main");
            return Ok(());
        }
        let rows: Vec<[String; 6]> = runs
            .iter()
            .map(|run| {
                let sha: String = run.event.sha.chars().take(7).collect();
                [
                    run.id.to_string(),
                    word(&run.progress),
                    run.workflow.clone(),
                    format!("{} {}", run.repository, run.ref_name()),
                    format!("{sha} {}", short(&run.title, 40)),
                    took(&run.progress),
                ]
            })
            .collect();
        let head = ["RUN", "STATE", "WORKFLOW", "REPOSITORY", "COMMIT", "TOOK"].map(str::to_owned);
        let width = |column: usize| {
            let cells = std::iter::once(&head).chain(&rows);
            cells
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or_default()
        };
        for row in std::iter::once(&head).chain(&rows) {
            let cells: Vec<String> = (0..row.len())
                .map(|column| format!("{:1$}", row[column], width(column)))
                .collect();
            self.output.print(cells.join("  ").trim_end())?;
        }
        Ok(())
    }

    pub(super) fn show_run(&self, id: &RunId) -> Ended {
        let machine = self.machine()?;
        let run = machine.runs.repaired(self.run_id(&machine, id.run)?)?;
        if id.json {
            return Ok(self.output.print_json(&run)?);
        }
        let out = |text: String| self.output.print(text);
        out(format!("run {}: {}", run.id, word(&run.progress)))?;
        out(format!(
            "  workflow    {} ({})",
            run.workflow,
            run.file.as_deref().unwrap_or("built-in")
        ))?;
        out(format!("  title       {}", run.title))?;
        out(format!(
            "  repository  {} {} {}",
            run.repository,
            run.ref_name(),
            run.event.sha
        ))?;
        out(format!(
            "  event       {} by {}",
            run.event.name.name(),
            run.event.actor
        ))?;
        out(format!(
            "  created     {}",
            run.created.strftime("%Y-%m-%d %H:%M:%S UTC")
        ))?;
        if let Some(old) = run.rerun_of {
            out(format!("  attempt     {} (repeats run {old})", run.attempt))?;
        }
        if let Some(reason) = &run.progress.reason {
            out(format!("  reason      {reason}"))?;
        }
        for url in &run.urls {
            out(format!("  url         {url}"))?;
        }
        for job in &run.jobs {
            out(
                format!("\n{}: {} {}", job.title, word(&job.progress), took(&job.progress))
                    .trim_end()
                    .to_owned(),
            )?;
            if let Some(reason) = &job.progress.reason {
                out(format!("  {reason}"))?;
            }
            for step in &job.steps {
                let state = word(&step.progress);
                let line = format!("  {state:12} {} {}", short(&step.title, 70), took(&step.progress));
                out(line.trim_end().to_owned())?;
            }
            for note in &job.annotations {
                let level = match note.level {
                    Level::Notice => "notice",
                    Level::Warning => "warning",
                    Level::Error => "error",
                };
                let place = match (&note.file, note.line) {
                    (Some(file), Some(line)) => format!(" {file}:{line}"),
                    (Some(file), None) => format!(" {file}"),
                    (None, _) => String::new(),
                };
                out(format!("  {level}{place}: {}", note.message))?;
            }
            if !job.summary.is_empty() {
                out(format!("\n{}", job.summary.trim_end()))?;
            }
        }
        Ok(())
    }

    pub(super) fn run_logs(&self, logs: &PipelineLogs) -> Ended {
        let machine = self.machine()?;
        let id = self.run_id(&machine, logs.run)?;
        let mut follow = machine.runs.follow(id);
        let mut printer = Printer::new(self, None, logs.job.clone(), logs.json);
        loop {
            let (run, lines) = follow.look()?;
            printer.print(&run, &lines)?;
            if run.progress.is_over() || !logs.follow {
                return Ok(());
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

/// A state in one word.
fn word(progress: &Progress) -> String {
    let word = match (progress.status, progress.conclusion) {
        (Status::Completed, Some(conclusion)) => Conclusion::name(conclusion),
        (Status::Completed, None) => "completed",
        (Status::Queued, _) => "queued",
        (Status::Waiting, _) => "waiting",
        (Status::InProgress, _) => "in progress",
    };
    word.replace('_', " ")
}

fn took(progress: &Progress) -> String {
    match (progress.started, progress.ended) {
        (Some(started), Some(ended)) => format!("{:.1} s", ended.duration_since(started).as_secs_f64()),
        _ => String::new(),
    }
}

fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(most - 1).collect();
    cut.push('\u{2026}');
    cut
}
