//! Further processes in a running container: those that people ask for, and those that check its health.

use std::os::fd::OwnedFd;

use jiff::Timestamp;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use super::{Member, State};
use crate::container::{Library, StartError, Started, Stdio};
use crate::executor::Manner;
use crate::in_root::InRoot;
use crate::oci;
use crate::shim::exec;
use crate::shim::task::Event;
use crate::user;

impl Member {
    /// Starts a further process; its number and this side of its streams.
    pub fn exec(
        &self,
        request: &exec::Request,
        library: &Library,
    ) -> Result<(i32, Vec<OwnedFd>), exec::Answer> {
        let State::Running(running) = &self.state else {
            return Err(exec::Answer::NotRunning);
        };
        let window = request.window();
        let process = oci::further(
            &running.process,
            &request.arguments,
            &request.environment,
            window.is_some(),
        );
        let process = self.adapted(process, request)?;
        let manner = Manner {
            window,
            ..running.manner.clone()
        };
        let (stdio, ends) = match window {
            Some(_) => (Stdio::Terminal, Vec::new()),
            None => exec::streams().map_err(|error| exec::Answer::Failed(error.to_string()))?,
        };
        let id = &self.spec().runtime_id;
        let started = library
            .exec(id, &self.place.bundle, &process, manner, stdio)
            .map_err(|error| match error {
                StartError::Program(sentence) => exec::Answer::Program(sentence),
                other => exec::Answer::Failed(other.to_string()),
            })?;
        Ok((started.pid, started.terminal.into_iter().chain(ends).collect()))
    }

    /// As another user and in another directory, where that is asked for.
    fn adapted(&self, mut process: Value, request: &exec::Request) -> Result<Value, exec::Answer> {
        if let Some(directory) = &request.working_directory {
            process["cwd"] = json!(directory);
        }
        if let (Some(wanted), Some(overlay)) = (&request.user, &self.place.overlay) {
            let failed = |error: String| exec::Answer::Program(error);
            let root = InRoot::open(&overlay.root).map_err(|error| failed(error.to_string()))?;
            let user = user::resolve(&root, Some(wanted)).map_err(|error| failed(error.to_string()))?;
            process["user"] = oci::user(&user);
        }
        Ok(process)
    }

    /// Hands over this side of the container's standard input, or its terminal. Taken alone, its end is the end of
    /// the container's input.
    pub fn input(&mut self, alone: bool) -> Result<OwnedFd, exec::Answer> {
        let terminal = self.spec().pseudo_terminal;
        let State::Running(running) = &mut self.state else {
            return Err(exec::Answer::NotRunning);
        };
        let closed = || exec::Answer::Failed("its standard input is not open".to_owned());
        if alone && !terminal {
            return running.input.take().ok_or_else(closed);
        }
        let input = running.input.as_ref().ok_or_else(closed)?;
        input
            .try_clone()
            .map_err(|error| exec::Answer::Failed(error.to_string()))
    }

    pub fn check_health(&mut self, run: u32, library: &Library) {
        if run != self.status.restarts {
            return;
        }
        let id = self.spec().runtime_id.clone();
        let State::Running(running) = &mut self.state else {
            return;
        };
        let Some(health) = &running.health else { return };
        let Some(arguments) = health.arguments() else {
            return;
        };
        let timeout = health.check().timeout_seconds.max(1);
        let process = oci::further(&running.process, &arguments, &[], false);
        let manner = running.manner.clone();
        let started =
            null_streams().and_then(|stdio| library.exec(&id, &self.place.bundle, &process, manner, stdio));
        match started {
            Ok(Started { pid, .. }) => {
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
        self.after(interval.into(), Event::CheckDue(self.index, self.status.restarts));
    }
}

fn null_streams() -> Result<Stdio, StartError> {
    let null = || std::fs::File::options().read(true).write(true).open("/dev/null");
    Ok(Stdio::Streams {
        stdin: null()?.into(),
        stdout: null()?.into(),
        stderr: null()?.into(),
    })
}
