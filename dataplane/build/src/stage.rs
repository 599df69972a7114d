//! One stage: its instructions in order, each with its effect on the image, asking the cache before any work.

mod copy;
mod layer;
mod order;
mod trigger;

use std::path::{Path, PathBuf};

use base_diagnostic::Problem;
use base_dockerfile::{Instruction, Kind, Scope, Word, parse_ports};
use dataplane_blobs::LayerDescriptor;
use jiff::Timestamp;

use crate::builder::{Build, Failure};
use crate::image::{Configuration, Empty, History};
pub(crate) use layer::{at, normal};

/// What a stage comes to.
#[derive(Clone, Debug)]
pub(crate) struct StageResult {
    pub configuration: Configuration,
    /// Bottom first, one for each diff id of the configuration.
    pub layers: Vec<LayerDescriptor>,
    /// CMD stands in this Dockerfile, so that an ENTRYPOINT after it leaves it alone.
    pub cmd_is_own: bool,
}

impl StageResult {
    pub fn scratch() -> Self {
        Self {
            configuration: Configuration::scratch(),
            layers: Vec::new(),
            cmd_is_own: false,
        }
    }
}

/// Runs the instructions of one stage.
pub(crate) struct Stage<'a> {
    pub build: &'a Build<'a>,
    number: usize,
    step: usize,
    steps: usize,
}

/// A stage under way.
pub(crate) struct Progressing<'a> {
    pub stage: Stage<'a>,
    pub scope: Scope,
    pub result: StageResult,
}

impl<'a> Stage<'a> {
    pub fn new(build: &'a Build<'a>, number: usize) -> Self {
        let instructions = &build.dockerfile.stages[number].instructions;
        let steps = 1 + count(instructions);
        Self {
            build,
            number,
            step: 1,
            steps,
        }
    }

    pub fn announce_base(&self) {
        self.build.tell(format!(
            "{} {}",
            self.label(),
            self.build.dockerfile.stages[self.number].text
        ));
    }

    pub fn number(&self) -> usize {
        self.number
    }

    /// `[2/5]`, and with more than one stage `[build 2/5]`.
    pub fn label(&self) -> String {
        let stages = &self.build.dockerfile.stages;
        if stages.len() == 1 {
            return format!("[{}/{}]", self.step, self.steps);
        }
        let name = stages[self.number]
            .name
            .clone()
            .unwrap_or_else(|| format!("stage-{}", self.number));
        format!("[{name} {}/{}]", self.step, self.steps)
    }

    pub async fn run(self, base: StageResult) -> Result<StageResult, Failure> {
        let scope = self.build.global.stage(base.configuration.config.environment());
        let dockerfile = self.build.dockerfile;
        let number = self.number;
        let mut progressing = Progressing {
            stage: self,
            scope,
            result: base,
        };
        progressing.triggers().await?;
        for instruction in &dockerfile.stages[number].instructions {
            progressing.instruction(instruction).await?;
        }
        Ok(progressing.result)
    }
}

/// Instructions that progress shows.
fn count(instructions: &[Instruction]) -> usize {
    instructions.iter().filter(|one| makes_layer(&one.kind)).count()
}

fn makes_layer(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Run(_) | Kind::Copy(_) | Kind::Add(_) | Kind::Workdir(_)
    )
}

impl Progressing<'_> {
    async fn instruction(&mut self, instruction: &Instruction) -> Result<(), Failure> {
        self.scope.apply(&instruction.kind).map_err(Failure::Problem)?;
        if makes_layer(&instruction.kind) {
            self.stage.step += 1;
            self.stage
                .build
                .tell(format!("{} {}", self.stage.label(), instruction.text));
        }
        match &instruction.kind {
            Kind::Run(run) => return self.run_command(instruction, run).await,
            Kind::Copy(transfer) => return self.transfer(instruction, transfer, false).await,
            Kind::Add(transfer) => return self.transfer(instruction, transfer, true).await,
            Kind::Workdir(word) => return self.working_directory(instruction, word).await,
            _ => self.metadata(&instruction.kind)?,
        }
        self.record(instruction, None);
        Ok(())
    }

    /// Instructions that change the configuration only.
    fn metadata(&mut self, kind: &Kind) -> Result<(), Failure> {
        let scope = &self.scope;
        let expand = |word: &Word| scope.expand(word).map_err(Failure::Problem);
        let settings = &mut self.result.configuration.config;
        match kind {
            Kind::Env(_) => settings.set_environment(scope.environment()),
            Kind::Label(pairs) => {
                for pair in pairs {
                    settings.labels.insert(expand(&pair.name)?, expand(&pair.value)?);
                }
            }
            Kind::User(word) => {
                let user = expand(word)?;
                if user.is_empty() {
                    let problem = Problem::new(word.span.clone(), format!("`{}` is empty", word.text));
                    return Err(Failure::Problem(problem.hint("give the variable a value")));
                }
                settings.user = user;
            }
            Kind::StopSignal(word) => settings.stop_signal = expand(word)?,
            Kind::Maintainer(word) => self.result.configuration.author = Some(expand(word)?),
            Kind::Expose(words) => {
                for word in words {
                    for text in expand(word)?.split_whitespace() {
                        let ports = parse_ports(text).map_err(|error| {
                            let problem = Problem::new(word.span.clone(), error.message);
                            Failure::Problem(Problem {
                                hint: error.hint,
                                ..problem
                            })
                        })?;
                        let named = ports
                            .iter()
                            .map(|port| format!("{}/{}", port.number, port.protocol.as_str()));
                        settings.exposed_ports.extend(named.map(|port| (port, Empty {})));
                    }
                }
            }
            Kind::Volume(words) => {
                for word in words {
                    settings.volumes.insert(expand(word)?, Empty {});
                }
            }
            Kind::Cmd(command) => {
                settings.cmd = Some(settings.command_line(command));
                self.result.cmd_is_own = true;
            }
            Kind::Entrypoint(command) => {
                settings.entrypoint = Some(settings.command_line(command));
                if !self.result.cmd_is_own {
                    // The base's CMD was meant for the base's entry point.
                    settings.cmd = None;
                }
            }
            Kind::Shell(words) => settings.shell = Some(words.clone()),
            Kind::Healthcheck(check) => settings.set_health(check),
            Kind::Onbuild(onbuild) => settings.on_build.push(onbuild.text.clone()),
            Kind::Arg(_) | Kind::Run(_) | Kind::Copy(_) | Kind::Add(_) | Kind::Workdir(_) => {}
        }
        Ok(())
    }

    /// Adds to the history. Without an own time, what a step made is as old as what it was made on: the same
    /// Dockerfile then gives the same image, byte for byte, as long as the cache has its layers.
    pub fn record(&mut self, instruction: &Instruction, made: Option<Timestamp>) {
        let configuration = &mut self.result.configuration;
        if let Some(made) = made {
            configuration.created = Some(made.to_string());
        }
        configuration.history.push(History {
            created: configuration.created.clone(),
            created_by: Some(instruction.text.clone()),
            comment: Some("wharf".to_owned()),
            author: None,
            empty_layer: made.is_none(),
        });
    }

    /// WORKDIR so far, absolute.
    pub fn directory(&self) -> PathBuf {
        Path::new("/").join(&self.result.configuration.config.working_dir)
    }
}
