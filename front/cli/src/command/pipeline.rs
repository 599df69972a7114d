//! `wharf pipeline …`: runs of workflows.

mod follow;
mod receive;
mod setting;
mod show;
mod source;

use client_pipeline::{EventName, Machine, Run, StartError, StoreError, Wish, check_repository};

use crate::arguments::{Approve, EventKind, PipelineCommand, RunId, RunPipeline};
use crate::command::Session;
use crate::exit::{DEPLOYMENT, End, Ended, FAILED, UNREACHABLE, USAGE};

impl From<StoreError> for End {
    fn from(error: StoreError) -> Self {
        let end = Self::new(FAILED, error.to_string());
        match error {
            StoreError::NoRun(_) => {
                Self { code: USAGE, ..end }.hint("wharf pipeline list shows those that there are")
            }
            _ => end,
        }
    }
}

impl From<client_pipeline::GitError> for End {
    fn from(error: client_pipeline::GitError) -> Self {
        Self::new(FAILED, error.to_string())
    }
}

impl From<client_pipeline::NameError> for End {
    fn from(error: client_pipeline::NameError) -> Self {
        Self::new(USAGE, error.to_string())
    }
}

impl From<StartError> for End {
    fn from(error: StartError) -> Self {
        let message = error.to_string();
        match error {
            StartError::Git(_) | StartError::Store(_) => Self::new(FAILED, message),
            _ => Self::new(USAGE, message),
        }
    }
}

impl Session {
    pub(super) fn pipeline(&self, command: PipelineCommand) -> Ended {
        match command {
            PipelineCommand::Run(it) => self.run_pipeline(&it),
            PipelineCommand::List(it) => self.list_runs(&it),
            PipelineCommand::Show(it) => self.show_run(&it),
            PipelineCommand::Logs(it) => self.run_logs(&it),
            PipelineCommand::Rerun(it) => self.rerun(&it),
            PipelineCommand::Cancel(it) => self.cancel_run(&it),
            PipelineCommand::Approve(it) => self.approve(&it),
            PipelineCommand::Remote(it) => self.remote(&it),
            PipelineCommand::Secret(it) => self.values(&it, true),
            PipelineCommand::Variable(it) => self.values(&it, false),
            PipelineCommand::Environment(it) => self.environments(&it),
            PipelineCommand::Receive => self.receive(),
        }
    }

    pub(super) fn machine(&self) -> Ended<Machine> {
        Ok(self.cloud.machine(&self.global.state_dir)?)
    }

    /// The machine, with the local cloud running.
    fn ready_machine(&self) -> Ended<Machine> {
        self.running()?;
        self.machine()
    }

    fn run_pipeline(&self, run: &RunPipeline) -> Ended {
        let machine = self.ready_machine()?;
        let name = match &run.repository {
            Some(name) => name.clone(),
            None => self.repository_name(&machine, &run.path)?,
        };
        check_repository(&name)?;
        let tree = self.runtime.block_on(source::take(&machine, &run.path, &name))?;
        if tree.is_changed {
            let note = "the working tree has changes that are not committed; they are part of this run";
            self.output.say(format!("  {}", self.output.paint("2", note)));
        }
        let wish = Wish {
            repository: name,
            git_ref: tree.git_ref,
            sha: tree.sha,
            actor: self.actor(),
            workflow: run.workflow.clone(),
            event: match run.event {
                EventKind::Push => EventName::Push,
                EventKind::PullRequest => EventName::PullRequest,
                EventKind::WorkflowDispatch => EventName::WorkflowDispatch,
            },
            base_branch: (run.event == EventKind::PullRequest).then(|| run.base.clone()),
            inputs: run.input.clone(),
            strict_platforms: run.strict_platforms,
        };
        let started = self
            .runtime
            .block_on(client_pipeline::dispatch(&machine, &wish))?;
        for (name, reason) in &started.passed {
            self.output.say(format!(
                "  {}",
                self.output.paint("2", &format!("{name} does not run: {reason}"))
            ));
        }
        if started.runs.is_empty() {
            return Err(End::new(FAILED, "no workflow runs for this").hint("--workflow names one"));
        }
        self.begin(&started.runs, &run.actions)?;
        if run.no_wait {
            return self.list_as(&started.runs, run.json);
        }
        let ended = self.follow_all(&machine, &started.runs, true)?;
        if run.json {
            self.output.print_json(&ended)?;
        }
        verdict(&ended, run.json)
    }

    /// Starts the runners of runs that can run.
    pub(super) fn begin(&self, runs: &[Run], actions: &[std::path::PathBuf]) -> Ended {
        for run in runs.iter().filter(|run| !run.progress.is_over()) {
            self.cloud.start_runner(&self.global.state_dir, run.id, actions)?;
        }
        Ok(())
    }

    /// Who does this, for the records.
    fn actor(&self) -> String {
        let named = self.variable("SUDO_USER").or_else(|| self.variable("USER"));
        named.unwrap_or("root").to_owned()
    }

    fn rerun(&self, id: &RunId) -> Ended {
        let machine = self.ready_machine()?;
        let run = client_pipeline::rerun(&machine, self.run_id(&machine, id.run)?)?;
        self.begin(std::slice::from_ref(&run), &[])?;
        self.list_as(&[run], id.json)
    }

    fn cancel_run(&self, id: &RunId) -> Ended {
        let machine = self.machine()?;
        let id_of = self.run_id(&machine, id.run)?;
        let run = machine
            .runs
            .cancel(id_of, &format!("cancelled by {}", self.actor()))?;
        if run.progress.is_over() {
            return Err(End::new(FAILED, format!("run {id_of} is over already")));
        }
        let mut follow = machine.runs.follow(id_of);
        let run = loop {
            let (run, _) = follow.look()?;
            if run.progress.is_over() {
                break run;
            }
            std::thread::sleep(follow::LOOK_EVERY);
        };
        self.list_as(&[run], id.json)
    }

    fn approve(&self, approve: &Approve) -> Ended {
        let machine = self.machine()?;
        let run = machine.runs.repaired(approve.run)?;
        let waits = |job: &&client_pipeline::JobRun| job.progress.status == client_pipeline::Status::Waiting;
        let mut names: Vec<String> = run
            .jobs
            .iter()
            .filter(waits)
            .filter_map(|job| job.environment.clone())
            .collect();
        names.dedup();
        if let Some(named) = &approve.environment {
            names.retain(|name| name.eq_ignore_ascii_case(named));
        }
        if names.is_empty() {
            return Err(End::new(FAILED, format!("run {} waits for no approval", run.id)));
        }
        for name in names {
            machine.runs.approve(run.id, &name)?;
            self.output
                .print(format!("run {} may go on with {name}", run.id))?;
        }
        Ok(())
    }

    /// A run's number, or the newest run's.
    fn run_id(&self, machine: &Machine, given: Option<u64>) -> Ended<u64> {
        match given {
            Some(id) => Ok(id),
            None => {
                let newest = machine.runs.list(1)?.into_iter().next();
                let none = || {
                    End::new(FAILED, "there are no runs yet")
                        .hint("wharf pipeline run, or git push wharf main")
                };
                newest.map(|run| run.id).ok_or_else(none)
            }
        }
    }
}

/// How a command ends that has waited for runs.
fn verdict(runs: &[Run], is_quiet: bool) -> Ended {
    let failed: Vec<&Run> = runs
        .iter()
        .filter(|run| {
            let conclusion = run.progress.conclusion;
            !matches!(
                conclusion,
                Some(client_pipeline::Conclusion::Success | client_pipeline::Conclusion::Skipped)
            )
        })
        .collect();
    let Some(first) = failed.first() else {
        return Ok(());
    };
    if is_quiet {
        return Err(End::new(DEPLOYMENT, ""));
    }
    let reason = first
        .progress
        .reason
        .clone()
        .unwrap_or_else(|| "it did not succeed".to_owned());
    Err(
        End::new(DEPLOYMENT, format!("{}: {reason}", first.workflow)).hint(format!(
            "wharf pipeline show {}; wharf pipeline rerun {}",
            first.id, first.id
        )),
    )
}

/// Nobody runs what is asked for.
fn unreachable(message: String) -> End {
    End::new(UNREACHABLE, message)
}
