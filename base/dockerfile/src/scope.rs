//! Which variables mean what at a point of a stage: ENV over ARG, ARG only after it is declared, values given from
//! outside over defaults.

use base_diagnostic::Problem;

use crate::instruction::{Argument, Document, Kind, Word};
use crate::word::{ExpandError, expand, expand_document};

/// Known without a declaration in FROM lines, and in stages that declare them.
pub const PLATFORM_ARGUMENTS: [(&str, &str); 8] = [
    ("BUILDPLATFORM", "linux/amd64"),
    ("BUILDOS", "linux"),
    ("BUILDARCH", "amd64"),
    ("BUILDVARIANT", ""),
    ("TARGETPLATFORM", "linux/amd64"),
    ("TARGETOS", "linux"),
    ("TARGETARCH", "amd64"),
    ("TARGETVARIANT", ""),
];

/// Given to RUN without a declaration, and without a trace in the image or the cache.
pub const PROXY_ARGUMENTS: [&str; 10] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "FTP_PROXY",
    "ftp_proxy",
    "NO_PROXY",
    "no_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// The variables at one point. Made for the lines before the first FROM, then anew for every stage.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    escape: char,
    /// What the person gave from outside.
    build_args: Vec<(String, Option<String>)>,
    /// Values of the arguments declared before the first FROM.
    global: Vec<(String, Option<String>)>,
    /// Declared so far, in order; `None` has no value.
    arguments: Vec<(String, Option<String>)>,
    environment: Vec<(String, String)>,
    in_stage: bool,
}

impl Scope {
    /// For the lines before the first FROM, and for FROM itself.
    pub(crate) fn global(escape: char, build_args: &[(String, Option<String>)]) -> Self {
        let platform = PLATFORM_ARGUMENTS
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned())));
        Self {
            escape,
            build_args: build_args.to_vec(),
            arguments: platform.collect(),
            ..Self::default()
        }
    }

    /// For a stage whose base image has this environment.
    pub fn stage(&self, environment: Vec<(String, String)>) -> Self {
        Self {
            escape: self.escape,
            build_args: self.build_args.clone(),
            global: self.arguments.clone(),
            arguments: Vec::new(),
            environment,
            in_stage: true,
        }
    }

    /// ENV so far, the base image's included, in order of first appearance.
    pub fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// Arguments that have a value here and that ENV does not hide.
    pub fn arguments(&self) -> Vec<(String, String)> {
        let hidden = |name: &str| self.environment.iter().any(|(known, _)| known == name);
        let set = self.arguments.iter().filter(|(name, _)| !hidden(name));
        set.filter_map(|(name, value)| Some((name.clone(), value.clone()?)))
            .collect()
    }

    pub fn get(&self, name: &str) -> Option<String> {
        if let Some((_, value)) = self.environment.iter().find(|(known, _)| known == name) {
            return Some(value.clone());
        }
        self.arguments.iter().find(|(known, _)| known == name)?.1.clone()
    }

    /// Whether the name has been declared or set at all.
    pub fn knows(&self, name: &str) -> bool {
        self.environment.iter().any(|(known, _)| known == name)
            || self.arguments.iter().any(|(known, _)| known == name)
    }

    /// The word with everything replaced.
    pub fn expand(&self, word: &Word) -> Result<String, Problem> {
        self.expand_text(&word.text).map_err(|error| problem(word, error))
    }

    pub fn expand_text(&self, text: &str) -> Result<String, ExpandError> {
        expand(text, self.escape, &|name| self.get(name))
    }

    /// What a file that is written in the Dockerfile holds.
    pub fn expand_body(&self, document: &Document) -> Result<String, Problem> {
        if !document.expands {
            return Ok(document.body.clone());
        }
        let expanded = expand_document(&document.body, &|name| self.get(name));
        expanded.map_err(|error| {
            let word = Word {
                text: document.name.clone(),
                span: document.span.clone(),
            };
            problem(&word, error)
        })
    }

    /// Takes in what an instruction does to variables: ARG and ENV; nothing else does.
    pub fn apply(&mut self, kind: &Kind) -> Result<(), Problem> {
        match kind {
            Kind::Arg(arguments) => arguments.iter().try_for_each(|argument| self.declare(argument)),
            Kind::Env(pairs) => {
                // All of one instruction see what was before it.
                let before = self.clone();
                for pair in pairs {
                    let (name, value) = (before.expand(&pair.name)?, before.expand(&pair.value)?);
                    set(&mut self.environment, name, value);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn declare(&mut self, argument: &Argument) -> Result<(), Problem> {
        let name = self.expand(&argument.name)?;
        let given = self.build_args.iter().rfind(|(known, _)| *known == name);
        let value = match (given, &argument.default) {
            (Some((_, Some(value))), _) => Some(value.clone()),
            (_, Some(default)) => Some(self.expand(default)?),
            (_, None) if self.in_stage => self
                .global
                .iter()
                .find(|(known, _)| *known == name)
                .and_then(|(_, value)| value.clone()),
            // `ARG X` alone does not forget what a platform argument is.
            (_, None) => self.get(&name),
        };
        set(&mut self.arguments, name, value);
        Ok(())
    }
}

fn set<T>(variables: &mut Vec<(String, T)>, name: String, value: T) {
    match variables.iter_mut().find(|(known, _)| *known == name) {
        Some((_, old)) => *old = value,
        None => variables.push((name, value)),
    }
}

pub(crate) fn problem(word: &Word, error: ExpandError) -> Problem {
    let problem = Problem::new(word.span.clone(), error.message);
    match error.hint {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

#[cfg(test)]
mod tests;
