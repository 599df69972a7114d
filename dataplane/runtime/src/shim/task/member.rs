//! One container of a task over its life: waiting, running, draining, stopped.

use std::path::Path;
use std::rc::Rc;
use std::str::FromStr as _;
use std::time::Duration;

use contract::task::{ContainerPhase, Health};
use jiff::Timestamp;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::os::fd::OwnedFd;
use tokio::sync::mpsc;

use super::Event;
use super::launch::{self, Launched, Place};
use crate::cgroup::Cgroup;
use crate::container::Library;
use crate::shim::health::Tracker;
use crate::shim::output;
use crate::shim::plan::View;
use crate::spec::{ContainerSpec, TaskSpec};
use crate::status::ContainerStatus;
use crate::user::User;

/// How long output may still come after a container's end, before it is given up.
const DRAIN_MAX: Duration = Duration::from_secs(2);
const KILLED: i32 = 128 + libc::SIGKILL;
const OUT_OF_MEMORY: &str = "OutOfMemoryError: container killed due to memory usage";

pub(super) enum State {
    Waiting,
    Running(Running),
    /// Its process has ended, its output not yet.
    Draining,
    Stopped,
}

pub(super) struct Running {
    pid: i32,
    asked_to_stop: bool,
    health: Option<Tracker>,
    /// The process of the health check that runs now.
    check: Option<i32>,
    user: User,
    /// Closed with the container.
    _stdin: Option<OwnedFd>,
}

pub(super) struct Member {
    index: usize,
    task: Rc<TaskSpec>,
    place: Place,
    events: mpsc::UnboundedSender<Event>,
    pub state: State,
    pub status: ContainerStatus,
    pub late: bool,
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
            output_ended: false,
        }
    }

    pub fn spec(&self) -> &ContainerSpec {
        &self.task.containers[self.index]
    }

    pub fn view(&self) -> View {
        View {
            phase: match self.state {
                State::Waiting => ContainerPhase::Pending,
                State::Running(_) => ContainerPhase::Running,
                State::Draining | State::Stopped => ContainerPhase::Stopped,
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

    /// Starts the container; afterwards it runs, or has stopped without ever running.
    pub fn start(
        &mut self,
        directory: &Path,
        task: &TaskSpec,
        library: &Library,
        group: &Cgroup,
        cgroup: &str,
    ) -> Result<(), String> {
        let spec = &task.containers[self.index];
        let (launched, notes) = match launch::launch(directory, task, spec, &mut self.place, library, cgroup)
        {
            Ok(launched) => launched,
            Err(error) => {
                self.finish(library, group);
                return Err(error.to_string());
            }
        };
        self.status.notes = notes;
        self.status.started_at = Some(Timestamp::now());
        self.status.phase = ContainerPhase::Running;
        let Launched {
            pid,
            sources,
            spool,
            stdin,
            user,
        } = launched;
        self.follow_output(sources, spool, spec.pseudo_terminal);
        if let Some(seconds) = spec.start_timeout_seconds {
            self.after(seconds.into(), Event::StartTimeout(self.index));
        }
        let health = spec
            .health_check
            .clone()
            .map(Tracker::new)
            .filter(|health| health.arguments().is_some());
        if let Some(health) = &health {
            self.after(
                health.check().interval_seconds.max(1).into(),
                Event::CheckDue(self.index),
            );
        }
        self.state = State::Running(Running {
            pid,
            asked_to_stop: false,
            health,
            check: None,
            user,
            _stdin: stdin,
        });
        Ok(())
    }

    fn follow_output(
        &self,
        sources: Vec<(OwnedFd, crate::spool::Stream)>,
        spool: output::SharedSpool,
        terminal: bool,
    ) {
        let mut readers = tokio::task::JoinSet::new();
        for (source, stream) in sources {
            readers.spawn_local(output::spool(source, stream, terminal, Rc::clone(&spool)));
        }
        let (events, index) = (self.events.clone(), self.index);
        tokio::task::spawn_local(async move {
            while readers.join_next().await.is_some() {}
            let _ = events.send(Event::OutputEnded(index));
        });
    }

    /// Told to stop before it could start.
    pub fn never_start(&mut self) {
        self.state = State::Stopped;
        self.status.phase = ContainerPhase::Stopped;
        self.status.stopped_at = Some(Timestamp::now());
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

    /// SIGKILL for the first process; the kernel then kills the rest of its process namespace.
    pub fn kill(&mut self) {
        if let State::Running(running) = &self.state {
            let _ = kill(Pid::from_raw(running.pid), Signal::SIGKILL);
        }
    }

    /// Some child of the shim has ended; whether it was this container's first process.
    pub fn ended(&mut self, pid: i32, code: i32, group: &Cgroup) -> bool {
        let State::Running(running) = &self.state else {
            return false;
        };
        if running.pid != pid {
            return false;
        }
        self.status.exit_code = Some(code);
        self.status.stopped_at = Some(Timestamp::now());
        if code == KILLED && group.child(&self.spec().name).oom_kills() > 0 {
            self.status.reason = Some(OUT_OF_MEMORY.to_owned());
        }
        self.state = State::Draining;
        if self.output_ended {
            let _ = self.events.send(Event::OutputEnded(self.index));
            return true;
        }
        let (events, index) = (self.events.clone(), self.index);
        tokio::task::spawn_local(async move {
            tokio::time::sleep(DRAIN_MAX).await;
            let _ = events.send(Event::OutputEnded(index));
        });
        true
    }

    /// Its output has ended, which a program may let happen long before it ends itself.
    pub fn output_ended(&mut self, library: &Library, group: &Cgroup) {
        self.output_ended = true;
        self.finish(library, group);
    }

    /// Gives back what the container held, once: not before its process has ended.
    fn finish(&mut self, library: &Library, group: &Cgroup) {
        match self.state {
            State::Running(_) | State::Stopped => return,
            State::Waiting | State::Draining => {}
        }
        group.child(&self.spec().name).kill_and_remove();
        library.forget(&self.spec().runtime_id);
        self.place.release();
        self.state = State::Stopped;
        self.status.phase = ContainerPhase::Stopped;
        self.status.stopped_at.get_or_insert_with(Timestamp::now);
    }

    pub fn check_health(&mut self, library: &Library) {
        let id = self.spec().runtime_id.clone();
        let task = Rc::clone(&self.task);
        let spec = &task.containers[self.index];
        let State::Running(running) = &mut self.state else {
            return;
        };
        let Some(health) = &running.health else { return };
        let Some(arguments) = health.arguments() else {
            return;
        };
        let timeout = health.check().timeout_seconds.max(1);
        let process = launch::check_process(spec, &running.user, &arguments);
        match library.exec(&id, &self.place.bundle, &process) {
            Ok(pid) => {
                running.check = Some(pid);
                self.after(timeout.into(), Event::CheckTimeout(self.index, pid));
            }
            Err(_) => self.record_check(false),
        }
    }

    /// Some child of the shim has ended; if it was the health check, its result counts.
    pub fn check_ended(&mut self, pid: i32, code: i32) {
        let State::Running(running) = &mut self.state else {
            return;
        };
        if running.check == Some(pid) {
            self.record_check(code == 0);
        }
    }

    /// A check that takes too long has failed; its process is killed when it is still the same one.
    pub fn abandon_check(&mut self, pid: i32) {
        let State::Running(running) = &mut self.state else {
            return;
        };
        if running.check == Some(pid) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            self.record_check(false);
        }
    }

    fn record_check(&mut self, passed: bool) {
        let started = self.status.started_at.unwrap_or_else(Timestamp::now);
        let State::Running(running) = &mut self.state else {
            return;
        };
        let Some(health) = &mut running.health else { return };
        let seconds = Timestamp::now().as_second() - started.as_second();
        health.record(passed, u64::try_from(seconds).unwrap_or(0));
        running.check = None;
        self.status.health = health.health;
        let interval = health.check().interval_seconds.max(1);
        self.after(interval.into(), Event::CheckDue(self.index));
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
