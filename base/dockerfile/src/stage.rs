//! The whole file: stages, what they begin from, and which of them a target needs.

use std::ops::Range;

use base_diagnostic::Problem;

use crate::instruction::{Instruction, Kind, Port, Transfer, Word};
use crate::parse::parse_trigger;
use crate::scope::Scope;
use crate::word::parse_ports;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dockerfile {
    /// `\` or a backtick.
    pub escape: char,
    /// ARG before the first FROM.
    pub head: Vec<Instruction>,
    /// At least one.
    pub stages: Vec<Stage>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// The FROM line.
    pub span: Range<usize>,
    /// The FROM line as progress shows it.
    pub text: String,
    pub platform: Option<Word>,
    pub base: Word,
    /// `AS name`, in lower case.
    pub name: Option<String>,
    pub instructions: Vec<Instruction>,
}

/// What a stage begins from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    Scratch,
    /// An earlier one, by number.
    Stage(usize),
    Image(String),
}

/// Where COPY takes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Context,
    Stage(usize),
    Image(String),
}

impl Dockerfile {
    /// The variables of FROM lines, with values from outside.
    pub fn global_scope(&self, build_args: &[(String, Option<String>)]) -> Result<Scope, Problem> {
        let mut scope = Scope::global(self.escape, build_args);
        for instruction in &self.head {
            scope.apply(&instruction.kind)?;
        }
        Ok(scope)
    }

    /// The stage to build: by name or number, or the last one.
    pub fn target(&self, target: Option<&str>) -> Option<usize> {
        match target {
            Some(target) => self.stage(target, self.stages.len()),
            None => self.stages.len().checked_sub(1),
        }
    }

    /// A stage before number `before`, by name or number. Of two with the same name the later one counts.
    fn stage(&self, name: &str, before: usize) -> Option<usize> {
        let lower = name.to_lowercase();
        let named = self.stages[..before]
            .iter()
            .rposition(|stage| stage.name.as_ref() == Some(&lower));
        named.or_else(|| name.parse().ok().filter(|number| *number < before))
    }

    /// What stage `number` begins from.
    pub fn base(&self, number: usize, global: &Scope) -> Result<Base, Problem> {
        let word = &self.stages[number].base;
        let name = global.expand(word)?;
        if name.is_empty() {
            let message = format!("`{}` is empty, so that FROM has no image", word.text);
            let hint = "give the variable a default: `ARG NAME=value` before this line";
            return Err(Problem::new(word.span.clone(), message).hint(hint));
        }
        // A number is an image's name here; only COPY --from counts stages.
        let lower = name.to_lowercase();
        if let Some(stage) = self.stages[..number]
            .iter()
            .rposition(|stage| stage.name.as_ref() == Some(&lower))
        {
            return Ok(Base::Stage(stage));
        }
        Ok(if name == "scratch" {
            Base::Scratch
        } else {
            Base::Image(name)
        })
    }

    /// Where a COPY in stage `number` takes from.
    pub fn origin(&self, number: usize, transfer: &Transfer, scope: &Scope) -> Result<Origin, Problem> {
        self.origin_of(number, transfer.from.as_ref(), scope)
    }

    /// The same for what a COPY or a mount of RUN names, if it names anything.
    pub fn origin_of(&self, number: usize, from: Option<&Word>, scope: &Scope) -> Result<Origin, Problem> {
        let Some(from) = from else {
            return Ok(Origin::Context);
        };
        let name = scope.expand(from)?;
        Ok(match self.stage(&name, number) {
            Some(stage) => Origin::Stage(stage),
            None => Origin::Image(name),
        })
    }

    /// The stages that a target needs, itself last, in the order of the file.
    pub fn needed(&self, target: usize, global: &Scope) -> Result<Vec<usize>, Problem> {
        let mut needed = vec![false; target + 1];
        needed[target] = true;
        for number in (0..=target).rev() {
            if !needed[number] {
                continue;
            }
            if let Base::Stage(stage) = self.base(number, global)? {
                needed[stage] = true;
            }
            for instruction in &self.stages[number].instructions {
                for from in self.sources_of(&instruction.kind) {
                    if let Origin::Stage(stage) = self.origin_of(number, Some(&from), global)? {
                        needed[stage] = true;
                    }
                }
            }
        }
        Ok((0..=target).filter(|number| needed[*number]).collect())
    }

    /// Every `from` of an instruction, also of one that waits in an ONBUILD.
    fn sources_of(&self, kind: &Kind) -> Vec<Word> {
        match kind {
            Kind::Copy(transfer) | Kind::Add(transfer) => transfer.from.iter().cloned().collect(),
            Kind::Run(run) => run.mounts.iter().filter_map(|mount| mount.from.clone()).collect(),
            Kind::Onbuild(onbuild) => match parse_trigger(&onbuild.text, self.escape) {
                Ok(instruction) => self.sources_of(&instruction.kind),
                Err(_) => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// The ports that the file itself exposes in its last stage and those below it, in the order of the file; what
    /// a base image exposes is not known here, and a port made of unknown variables is left out.
    pub fn exposed_ports(&self, build_args: &[(String, Option<String>)]) -> Vec<Port> {
        let Ok(global) = self.global_scope(build_args) else {
            return Vec::new();
        };
        let mut chain = Vec::new();
        let mut next = self.target(None);
        while let Some(number) = next {
            chain.push(number);
            next = match self.base(number, &global) {
                Ok(Base::Stage(stage)) => Some(stage),
                _ => None,
            };
        }
        let mut ports: Vec<Port> = Vec::new();
        let mut environment = Vec::new();
        for number in chain.into_iter().rev() {
            let mut scope = global.stage(environment);
            for instruction in &self.stages[number].instructions {
                if let Kind::Expose(words) = &instruction.kind {
                    let expanded = words.iter().filter_map(|word| scope.expand(word).ok());
                    let texts: Vec<String> = expanded
                        .flat_map(|text| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
                        .collect();
                    for port in texts.iter().filter_map(|text| parse_ports(text).ok()).flatten() {
                        if !ports.contains(&port) {
                            ports.push(port);
                        }
                    }
                }
                // What fails here is reported by whoever builds.
                let _ = scope.apply(&instruction.kind);
            }
            environment = scope.environment().to_vec();
        }
        ports
    }
}
