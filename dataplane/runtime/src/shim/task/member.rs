//! One container of a task over its life: waiting, running, draining, stopped; perhaps running again.

mod further;

use std::path::Path;
use std::rc::Rc;
use std::str::FromStr as _;
use std::time::Duration;

use contract::task::{ContainerPhase, Health, Sharing};
use jiff::Timestamp;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::os::fd::OwnedFd;
use tokio::sync::mpsc;

use super::Event;
use super::launch::{self, Launched, Place};
use super::shared::Shared;
use crate::cgroup::Cgroup;
use crate::container::{Library, StartError};
use crate::executor::Manner;
use crate::shim::health::Tracker;
use crate::shim::output::{self, Record};
use crate::shim::plan::{self, View};
use crate::spec::{ContainerSpec, TaskSpec};
use crate::status::ContainerStatus;

/// How long output may still come after a container's end, before it is given up.
const DRAIN_MAX: Duration = Duration::from_secs(2);
const KILLED: i32 = 128 + libc::SIGKILL;
const OUT_OF_MEMORY: &str = "OutOfMemoryError: container killed due to memory usage";

pub(super) enum State {
    Waiting,
    Running(Running),
    /// Its process has ended, its output not yet.
    Draining(Ended),
    /// It has ended and is to be started again at once.
    Due(Ended),
    Stopped,
}

pub(super) struct Running {
    pid: i32,
    asked_to_stop: bool,
    health: Option<Tracker>,
    /// The process of the health check that runs now.
    check: Option<i32>,
    /// What further processes are like.
    process: Value,
    manner: Manner,
    /// Standard input that is kept open, or the terminal; closed with the container.
    input: Option<OwnedFd>,
}

/// How a run has ended.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    code: i32,
    at: Timestamp,
    reason: Option<String>,
    /// It is to be started again.
    again: bool,
}

pub(super) struct Member {
    index: usize,
    task: Rc<TaskSpec>,
    place: Place,
    events: mpsc::UnboundedSender<Event>,
    pub state: State,
    pub status: ContainerStatus,
    pub late: bool,
    /// Kept over restarts, so that there is one.
    record: Option<Record>,
    /// Nobody can write to its output any more.
    output_ended: bool,
}

impl Member {
    pub fn new(
        index: usize,
        task: Rc<TaskSpec>,
        directory: &Path,
        events: mpsc::UnboundedSender<Event>,
    ) -> Self {
        let spec = &task.containers[index];
        let status = ContainerStatus {
            name: spec.name.clone(),
            runtime_id: spec.runtime_id.clone(),
            image_digest: spec.image_digest.clone(),
            phase: ContainerPhase::Pending,
            exit_code: None,
            reason: None,
            health: Health::Unknown,
            started_at: None,
            stopped_at: None,
            restarts: 0,
            notes: Vec::new(),
        };
        let place = Place::new(directory, &spec.name);
        Self {
            index,
            task,
            place,
            events,
            state: State::Waiting,
            status,
            late: false,
            record: None,
            output_ended: false,
        }
    }

    pub fn spec(&self) -> &ContainerSpec {
        &self.task.containers[self.index]
    }

    pub fn view(&self) -> View {
        View {
            phase: match self.state {
                State::Waiting | State::Due(_) => ContainerPhase::Pending,
                State::Running(_) => ContainerPhase::Running,
                State::Draining(ref ended) if ended.again => ContainerPhase::Pending,
                State::Draining(_) | State::Stopped => ContainerPhase::Stopped,
            },
            started: self.status.started_at.is_some(),
            exit_code: self.status.exit_code,
            health: self.status.health,
            late: self.late,
        }
    }

    /// Sends an event after a time.
    fn after(&self, seconds: u64, event: Event) {
        let events = self.events.clone();
        tokio::task::spawn_local(async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            let _ = events.send(event);
        });
    }

    /// Starts the container, perhaps again; afterwards it runs, or has stopped.
    pub fn start(
        &mut self,
        shared: &Shared,
        task: &TaskSpec,
        library: &Library,
        group: &Cgroup,
    ) -> Result<(), String> {
        let spec = &task.containers[self.index];
        let again = matches!(self.state, State::Due(_));
        let (launched, record) = match self.launch(shared, task, library) {
            Ok(both) => both,
            Err(error) => {
                self.finish(library, group);
                self.never_start();
                return Err(error.to_string());
            }
        };
        if again {
            self.status.restarts += 1;
        } else if let Some(seconds) = spec.start_timeout_seconds {
            self.after(seconds.into(), Event::StartTimeout(self.index));
        }
        self.status.notes = launched.notes.clone();
        self.status.started_at = Some(Timestamp::now());
        self.status.stopped_at = None;
        self.status.phase = ContainerPhase::Running;
        self.status.health = Health::Unknown;
        self.output_ended = false;
        self.run(spec, launched, &record);
        Ok(())
    }

    fn launch(
        &mut self,
        shared: &Shared,
        task: &TaskSpec,
        library: &Library,
    ) -> Result<(Launched, Record), StartError> {
        let spec = &task.containers[self.index];
        let record = match &self.record {
            Some(record) => record.clone(),
            None => {
                let record = Record::create(&shared.directory, spec)?;
                self.record.insert(record).clone()
            }
        };
        let launched = launch::launch(shared, task, spec, &mut self.place, library)?;
        Ok((launched, record))
    }

    fn run(&mut self, spec: &ContainerSpec, launched: Launched, record: &Record) {
        self.follow_output(launched.sources, record, spec.pseudo_terminal);
        let health = spec
            .health_check
            .clone()
            .map(Tracker::new)
            .filter(|health| health.arguments().is_some());
        if let Some(health) = &health {
            self.after(
                health.check().interval_seconds.max(1).into(),
                Event::CheckDue(self.index, self.status.restarts),
            );
        }
        self.state = State::Running(Running {
            pid: launched.pid,
            asked_to_stop: false,
            health,
            check: None,
            process: launched.process,
            manner: launched.manner,
            input: launched.input,
        });
    }

    fn follow_output(&self, sources: Vec<(OwnedFd, crate::spool::Stream)>, record: &Record, terminal: bool) {
        let mut readers = tokio::task::JoinSet::new();
        for (source, stream) in sources {
            readers.spawn_local(output::record(source, stream, terminal, record.clone()));
        }
        let (events, ended) = (self.events.clone(), self.output_end());
        tokio::task::spawn_local(async move {
            while readers.join_next().await.is_some() {}
            let _ = events.send(ended);
        });
    }

    /// Tells this run's end of output from those of other runs.
    fn output_end(&self) -> Event {
        Event::OutputEnded(self.index, self.status.restarts)
    }

    /// Told to stop before it could start, or start again.
    pub fn leave(&mut self) {
        self.place.release();
        self.never_start();
    }

    fn never_start(&mut self) {
        if let State::Due(ended) = &self.state {
            let ended = ended.clone();
            self.record_end(&ended);
        }
        self.state = State::Stopped;
        self.status.phase = ContainerPhase::Stopped;
        self.status.stopped_at.get_or_insert_with(Timestamp::now);
    }

    pub fn ask_to_stop(&mut self) {
        let signal = self
            .spec()
            .stop_signal
            .as_deref()
            .and_then(parse_signal)
            .unwrap_or(Signal::SIGTERM);
        let State::Running(running) = &mut self.state else {
            return;
        };
        if running.asked_to_stop {
            return;
        }
        running.asked_to_stop = true;
        let _ = kill(Pid::from_raw(running.pid), signal);
        self.after(
            self.spec().stop_timeout_seconds.into(),
            Event::StopTimeout(self.index),
        );
    }

    /// A signal for the first process, or the one that asks the container to stop; nothing else is to follow from it.
    pub fn signal(&self, name: Option<&str>) {
        let name = name.or(self.spec().stop_signal.as_deref());
        let signal = name.map_or(Some(Signal::SIGTERM), parse_signal);
        if let (State::Running(running), Some(signal)) = (&self.state, signal) {
            let _ = kill(Pid::from_raw(running.pid), signal);
        }
    }

    /// SIGKILL for the first process; where that is the first of its process namespace, the kernel then kills the
    /// rest.
    pub fn kill(&mut self, group: &Cgroup) {
        if let State::Running(running) = &self.state {
            let _ = kill(Pid::from_raw(running.pid), Signal::SIGKILL);
            self.kill_others(group);
        }
    }

    fn kill_others(&self, group: &Cgroup) {
        if self.task.processes != Sharing::Container {
            group.child(&self.spec().name).signal(Signal::SIGKILL);
        }
    }

    /// Some child of the shim has ended; whether it was this container's first process, and is not started again.
    pub fn ended(&mut self, pid: i32, code: i32, group: &Cgroup, task_stops: bool) -> bool {
        let State::Running(running) = &self.state else {
            return false;
        };
        if running.pid != pid {
            return false;
        }
        let at = Timestamp::now();
        let started = self.status.started_at.unwrap_or(at);
        let ran_seconds = u64::try_from(at.duration_since(started).as_secs()).unwrap_or(0);
        let again = plan::may_restart(self.spec().restart.as_ref(), code, ran_seconds, task_stops);
        let out_of_memory = code == KILLED && group.child(&self.spec().name).oom_kills() > 0;
        let ended = Ended {
            code,
            at,
            reason: out_of_memory.then(|| OUT_OF_MEMORY.to_owned()),
            again,
        };
        if !again {
            self.record_end(&ended);
        }
        self.kill_others(group);
        self.state = State::Draining(ended);
        let (events, end) = (self.events.clone(), self.output_end());
        let wait = if self.output_ended {
            Duration::ZERO
        } else {
            DRAIN_MAX
        };
        tokio::task::spawn_local(async move {
            tokio::time::sleep(wait).await;
            let _ = events.send(end);
        });
        !again
    }

    fn record_end(&mut self, ended: &Ended) {
        self.status.exit_code = Some(ended.code);
        self.status.stopped_at = Some(ended.at);
        if ended.reason.is_some() {
            self.status.reason = ended.reason.clone();
        }
    }

    /// Its output has ended, which a program may let happen long before it ends itself.
    pub fn output_ended(&mut self, run: u32, library: &Library, group: &Cgroup) {
        if run == self.status.restarts {
            self.output_ended = true;
            self.finish(library, group);
        }
    }

    /// Gives back what the container held, once: not before its process has ended.
    fn finish(&mut self, library: &Library, group: &Cgroup) {
        let ended = match &self.state {
            State::Running(_) | State::Stopped => return,
            State::Waiting | State::Due(_) => None,
            State::Draining(ended) => Some(ended.clone()),
        };
        group.child(&self.spec().name).kill_and_remove();
        library.forget(&self.spec().runtime_id);
        match ended {
            Some(ended) if ended.again => {
                // What it has written stays, as in Docker.
                self.status.phase = ContainerPhase::Pending;
                self.state = State::Due(ended);
            }
            ended => {
                self.place.release();
                if ended.is_some() {
                    self.never_start();
                }
            }
        }
    }
}

/// `SIGTERM`, `TERM` or `15`.
fn parse_signal(text: &str) -> Option<Signal> {
    if let Ok(number) = text.parse::<i32>() {
        return Signal::try_from(number).ok();
    }
    let name = text.to_uppercase();
    let name = if name.starts_with("SIG") {
        name
    } else {
        format!("SIG{name}")
    };
    Signal::from_str(&name).ok()
}
