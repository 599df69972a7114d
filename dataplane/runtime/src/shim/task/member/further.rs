//! Further processes in a running container: those that people ask for, and those that check its health.

use std::os::fd::OwnedFd;

use jiff::Timestamp;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Member, State};
use crate::container::{Library, StartError, Started, Stdio};
use crate::executor::Manner;
use crate::oci;
use crate::shim::exec;
use crate::shim::task::Event;

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
