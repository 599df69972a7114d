//! RUN: a command in a container on top of the layers so far; what it changes becomes the next layer.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use async_trait::async_trait;
use base_diagnostic::Problem;
use base_dockerfile::{Command, Instruction, Network, PROXY_ARGUMENTS, Run};
use bytes::Bytes;
use contract::image::{BuildEvent, BuildSink};
use dataplane_runtime::{Bind, RuntimeConfig, Step, StepError, StepOutput, run_step};
use tokio::sync::mpsc;

use crate::builder::{Failure, blocking};
use crate::mount::{Mounted, digest_wishes};
use crate::scratch::ScratchDir;
use crate::stage::Progressing;
use crate::view::{Node, View};

/// Lines of a failed step's output that its report repeats.
const TAIL_LINES_MAX: usize = 20;
/// Longer lines are cut in the report, in bytes.
const TAIL_LINE_BYTES_MAX: usize = 400;
/// Pieces of output between the container and whoever reads it.
const OUTPUT_IN_FLIGHT_MAX: usize = 64;
/// Where RUN finds the bundle of certificate authorities, whatever the image.
const BUNDLE: &str = "/etc/wharf-build-ca.pem";
/// Where images have their own.
const SYSTEM_BUNDLES: [&str; 2] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
];
const BUNDLE_VARIABLES: [&str; 5] = [
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
];
const HOSTNAME: &str = "build";
const HOSTS: &str = "127.0.0.1\tlocalhost build\n::1\tlocalhost ip6-localhost ip6-loopback\n";

/// Names and values.
type Variables = Vec<(String, String)>;

/// Runs the containers of RUN. The runtime is one; tests have others.
#[async_trait]
pub trait Runner: Send + Sync {
    /// Returns the exit code; output goes to `output` as it comes. Dropping the future kills the container.
    async fn run(&self, step: Step, output: mpsc::Sender<StepOutput>) -> Result<i32, StepError>;
}

#[async_trait]
impl Runner for RuntimeConfig {
    async fn run(&self, step: Step, output: mpsc::Sender<StepOutput>) -> Result<i32, StepError> {
        run_step(self, step, output).await
    }
}

impl Progressing<'_> {
    pub(crate) async fn run_command(&mut self, instruction: &Instruction, run: &Run) -> Result<(), Failure> {
        let began = Instant::now();
        let settings = &self.result.configuration.config;
        let arguments = settings.command_line(&run.command);
        let user = (!settings.user.is_empty()).then(|| settings.user.clone());
        let working_directory = self.directory().to_string_lossy().into_owned();
        // ARG is seen by the command, ENV wins.
        let mut environment = self.scope.arguments();
        environment.extend_from_slice(self.scope.environment());
        let wishes = self.wishes(run).await?;
        let offline = self.is_offline(run);
        let mut key = self.key("run/2");
        for part in &arguments {
            key.part(part.as_bytes());
        }
        key.part(b"environment");
        for (name, value) in &environment {
            key.part(name.as_bytes());
            key.part(value.as_bytes());
        }
        key.part(working_directory.as_bytes());
        key.part(user.as_deref().unwrap_or_default().as_bytes());
        key.part(&[u8::from(offline)]);
        key.part(format!("{:?}", self.stage.build.request.hosts).as_bytes());
        key.part(run.script.as_ref().map_or("", |script| &script.body).as_bytes());
        let (key, wishes) = blocking(move || {
            digest_wishes(&mut key, &wishes)?;
            Ok::<_, io::Error>((key.finish(), wishes))
        })
        .await?;
        if self.take_from_cache(instruction, &key) {
            return Ok(());
        }

        let lower = self.lower().await?;
        let (upper, work, files) = (self.scratch()?, self.scratch()?, self.scratch()?);
        environment.extend(self.proxies());
        let (mut binds, variables) = self.mounts(&files, &lower)?;
        environment.extend(variables);
        let mut mounted = self.mount(run, wishes, &files).await?;
        binds.append(&mut mounted.binds);
        environment.append(&mut mounted.variables);
        let step = Step {
            lower,
            upper: upper.path().to_owned(),
            work: work.path().to_owned(),
            arguments,
            environment,
            working_directory,
            user,
            binds,
            memory: std::mem::take(&mut mounted.memory),
            offline,
            hostname: HOSTNAME.to_owned(),
        };
        let (code, tail) = execute(&*self.stage.build.builder.runner, step, self.stage.build.events).await;
        self.sweep_caches(mounted);
        if let Some((message, hint)) = complaint(code, &run.command, &tail) {
            return Err(Failure::Output(
                Problem::new(run.span.clone(), message).hint(hint),
                tail.lines(),
            ));
        }
        self.commit(instruction, key, Some(upper), began).await
    }

    fn is_offline(&self, run: &Run) -> bool {
        match run.network {
            Network::None => true,
            Network::Host => false,
            Network::Default => self.stage.build.request.offline,
        }
    }

    /// Lets go of what was mounted; caches that grew too much are cut in the background.
    fn sweep_caches(&self, mounted: Mounted) {
        let sweep = mounted.has_caches();
        drop(mounted);
        if sweep {
            let mounts = self.stage.build.builder.mounts.clone();
            tokio::task::spawn_blocking(move || {
                if let Err(error) = mounts.sweep() {
                    tracing::warn!(%error, "the caches of build steps cannot be swept");
                }
            });
        }
    }

    /// Proxy settings given from outside reach the command, but neither image nor cache.
    fn proxies(&self) -> Vec<(String, String)> {
        let given = self.stage.build.request.build_args.iter();
        given
            .filter(|(name, _)| PROXY_ARGUMENTS.contains(&name.as_str()) && !self.scope.knows(name))
            .filter_map(|(name, value)| Some((name.clone(), value.clone()?)))
            .collect()
    }

    /// Files that the command sees but the layer does not, and variables that lead to them.
    fn mounts(&self, files: &ScratchDir, lower: &[PathBuf]) -> Result<(Vec<Bind>, Variables), Failure> {
        let bind = |source: PathBuf, target: &str| Bind {
            source,
            target: target.into(),
            readonly: true,
        };
        let mut binds = Vec::new();
        let resolver = Path::new("/etc/resolv.conf");
        if resolver.exists() {
            binds.push(bind(resolver.canonicalize()?, "/etc/resolv.conf"));
        }
        let mut hosts = HOSTS.to_owned();
        for (name, address) in &self.stage.build.request.hosts {
            hosts.push_str(&format!("{address}\t{name}\n"));
        }
        for (name, content) in [("hosts", hosts.as_str()), ("hostname", HOSTNAME)] {
            let path = files.path().join(name);
            fs::write(&path, content)?;
            binds.push(bind(path, &format!("/etc/{name}")));
        }
        let mut variables = Vec::new();
        if let Some(bundle) = &self.stage.build.builder.config.ca_bundle {
            binds.push(bind(bundle.clone(), BUNDLE));
            let view = View::new(lower);
            for system in SYSTEM_BUNDLES {
                if matches!(
                    view.resolve(Path::new(system), true)?.node,
                    Some(Node::Other { .. })
                ) {
                    binds.push(bind(bundle.clone(), system));
                }
            }
            let known = |name: &&str| !self.scope.knows(name);
            let set = BUNDLE_VARIABLES.into_iter().filter(known);
            variables.extend(set.map(|name| (name.to_owned(), BUNDLE.to_owned())));
        }
        Ok((binds, variables))
    }
}

async fn execute(runner: &dyn Runner, step: Step, events: &BuildSink) -> (Result<i32, StepError>, Tail) {
    let (sender, mut receiver) = mpsc::channel(OUTPUT_IN_FLIGHT_MAX);
    let mut tail = Tail::default();
    let reading = async {
        while let Some(output) = receiver.recv().await {
            let (StepOutput::Stdout(bytes) | StepOutput::Stderr(bytes)) = output;
            tail.push(&bytes);
            events(BuildEvent::Output(Bytes::from(bytes)));
        }
    };
    let (code, ()) = tokio::join!(runner.run(step, sender), reading);
    (code, tail)
}

/// What is wrong, and what may help; nothing after a good end.
fn complaint(code: Result<i32, StepError>, command: &Command, tail: &Tail) -> Option<(String, String)> {
    match code {
        Ok(0) => None,
        Ok(code) => Some((
            format!("the command failed with exit code {code}"),
            hint(code, &tail.lines()),
        )),
        Err(StepError::Start(why)) => {
            let hint = match command {
                Command::Shell(_) => {
                    "this form needs a shell in the image; `FROM scratch` has none. \
                     The form RUN [\"program\", \"argument\"] does without"
                }
                Command::Exec(_) => "the program must be in the image, by its full path or in PATH",
            };
            Some((
                format!("the command could not be started: {why}"),
                hint.to_owned(),
            ))
        }
        Err(error) => Some((
            error.to_string(),
            "the log of the local cloud may say more".to_owned(),
        )),
    }
}

/// The last lines of an output.
#[derive(Debug, Default)]
struct Tail {
    lines: VecDeque<Vec<u8>>,
    /// The line that has not ended yet.
    open: Vec<u8>,
}

impl Tail {
    fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if *byte == b'\n' {
                self.lines.push_back(std::mem::take(&mut self.open));
                if self.lines.len() > TAIL_LINES_MAX {
                    self.lines.pop_front();
                }
            } else if *byte == b'\r' {
                // Progress bars write over their own line.
                if self.open.len() < TAIL_LINE_BYTES_MAX {
                    self.open.push(b'\r');
                }
            } else if self.open.len() < TAIL_LINE_BYTES_MAX {
                self.open.push(*byte);
            }
        }
    }

    fn lines(&self) -> Vec<String> {
        let open = (!self.open.is_empty()).then_some(&self.open);
        let text = |line: &Vec<u8>| {
            let text = String::from_utf8_lossy(line).trim_end_matches('\r').to_owned();
            let shown = text.rsplit('\r').next().unwrap_or_default();
            shown.chars().filter(|c| *c == '\t' || !c.is_control()).collect()
        };
        self.lines.iter().chain(open).map(text).collect()
    }
}

/// What may help, by what is known of such failures.
fn hint(code: i32, lines: &[String]) -> String {
    let says = |parts: &[&str]| {
        lines
            .iter()
            .any(|line| parts.iter().any(|part| line.contains(part)))
    };
    if says(&[
        "CERTIFICATE_VERIFY_FAILED",
        "certificate verify failed",
        "unable to get local issuer",
        "self-signed certificate",
    ]) {
        "this network seems to re-sign TLS: give the builder the bundle of its certificate authority"
            .to_owned()
    } else if says(&[
        "Could not resolve",
        "Temporary failure in name resolution",
        "Name or service not known",
        "Temporary failure resolving",
    ]) {
        "the step could not look up a name: check this machine's network and its /etc/resolv.conf".to_owned()
    } else if says(&["No space left on device"]) {
        "the disk of the state directory is full".to_owned()
    } else {
        match code {
            126 => "the program was found but may not be executed: check its mode".to_owned(),
            127 => {
                "the program is not in the image: install it in an earlier step, or check its name".to_owned()
            }
            137 => "it was killed, which is mostly a lack of memory".to_owned(),
            _ => "the step's output says why".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
