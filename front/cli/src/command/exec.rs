//! `wharf exec`, and the part of AWS's session-manager-plugin that `aws ecs execute-command` needs.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use client_deploy::{ExecEnd, ExecOptions, ExecSession, Printed, Typed, join};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::arguments::Exec;
use crate::command::Session;
use crate::exit::{End, Ended, FAILED, USAGE};
use crate::place::app_name;
use crate::terminal::{RawMode, read_in_background, size};

/// What is typed and not yet taken in, in pieces.
const TYPED_MAX: usize = 16;
/// After a signal: for the other end to hear of it.
const LEAVE_WITHIN: Duration = Duration::from_secs(3);
/// Of AWS's plugin whose arguments these are: newer ones than 1.2.497 get the token by the environment.
const PLUGIN_VERSION: &str = "1.2.707.0";
/// What AWS's command line asks the plugin to do; it knows nothing else either.
const START_SESSION: &str = "StartSession";

impl Session {
    pub(super) fn exec(&self, exec: &Exec) -> Ended {
        let name = app_name(&exec.name)?;
        let deployer = self.deployer(&exec.place, Arc::new(|_| ()))?;
        let options = ExecOptions {
            command: exec.command.clone(),
            container: exec.container.clone(),
            task: exec.task.clone(),
        };
        let session = self.runtime.block_on(deployer.start_exec(&name, &options))?;
        match self.runtime.block_on(self.converse(&session))? {
            ExecEnd::Exited(0) | ExecEnd::Unknown | ExecEnd::Left => Ok(()),
            ExecEnd::Exited(code) => Err(End::new(u8::try_from(code).unwrap_or(FAILED), "")),
        }
    }

    /// What AWS's command line starts as `session-manager-plugin`.
    pub(super) fn plugin(&self, arguments: &[String]) -> Ended {
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        match words[..] {
            // The command line sees whether there is a plugin by starting it.
            [] => {
                self.output.say("this is wharf as session-manager-plugin: aws ecs execute-command starts sessions with it");
                Ok(())
            }
            ["--version"] => Ok(self.output.print(PLUGIN_VERSION)?),
            // Like AWS's own it ends with 0 however the program ended: the command line takes all else for a failure
            // of the plugin, and prints how it was started, token and all.
            [session, _region, START_SESSION, ..] => {
                let session = self.promised(session)?;
                self.runtime.block_on(self.converse(&session)).map(drop)
            }
            _ => Err(
                End::new(USAGE, "a session-manager-plugin is started by AWS's command line")
                    .hint("wharf exec NAME opens a session in an application's container"),
            ),
        }
    }

    /// The session itself, or the name of the variable that holds it.
    fn promised(&self, text: &str) -> Ended<ExecSession> {
        let text = match text.trim_start().starts_with('{') {
            true => text,
            false => self
                .variable(text)
                .ok_or_else(|| End::new(USAGE, format!("there is no session in the variable `{text}`")))?,
        };
        serde_json::from_str(text)
            .map_err(|error| End::new(USAGE, format!("the session cannot be read: {error}")))
    }

    /// Between the person's terminal, or a pipe, and the session; to its end, or to a signal.
    async fn converse(&self, session: &ExecSession) -> Ended<ExecEnd> {
        let ca_bundle = self.variable("AWS_CA_BUNDLE").map(PathBuf::from);
        let mut signals = Signals::listen()?;
        let (typed, input) = mpsc::channel(TYPED_MAX);
        let mut print = |printed: Printed<'_>| match printed {
            Printed::Stdout(bytes) => self.output.print_raw(bytes).is_ok(),
            Printed::Stderr(bytes) => self.output.say_raw(bytes).is_ok(),
        };
        let input = ReceiverStream::new(input);
        let mut joined = std::pin::pin!(join(session, ca_bundle.as_deref(), input, &mut print));
        let terminal = RawMode::begin(io::stdin());
        if terminal.is_some() {
            tokio::spawn(tell_sizes(signal(SignalKind::window_change())?, typed.clone()));
        }
        // A terminal ends by going away; a pipe has an end that the program shall see.
        let last = if terminal.is_some() {
            Typed::Leave
        } else {
            Typed::End
        };
        read_in_background(io::stdin(), typed.clone(), last);
        tokio::select! {
            end = &mut joined => Ok(end?),
            number = signals.next() => {
                let leaving = async { tokio::join!(typed.send(Typed::Leave), &mut joined) };
                // Whether it heard of it or not: we were told to end.
                let _ = tokio::time::timeout(LEAVE_WITHIN, leaving).await;
                Err(End::new(128 + number, ""))
            }
        }
    }
}

/// The terminal's size, now and after every change.
async fn tell_sizes(mut changes: Signal, typed: mpsc::Sender<Typed>) {
    loop {
        if let Some(size) = size(io::stdin())
            && typed.send(Typed::Resize(size)).await.is_err()
        {
            return;
        }
        changes.recv().await;
    }
}

/// The signals that tell a program to end. A terminal in raw mode sends none for Ctrl-C: that is typed.
struct Signals {
    hangup: Signal,
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// The number of the next one.
    async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.hangup.recv() => 1,
            _ = self.interrupt.recv() => 2,
            _ = self.terminate.recv() => 15,
        }
    }
}
