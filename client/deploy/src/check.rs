//! All that is wrong in an application's files, found before anything is done.

mod json;
mod meaning;
mod pick;
mod schema;
mod size;
mod syntax;

use std::path::Path;

use aws_protocol::Shaped as _;
use aws_shape::ecs;
use base_diagnostic::{Problem, SourceFile};
use base_dockerfile::{Dockerfile, check_sources};

use crate::definition::Definition;
use crate::folder::{Folder, FolderError};
use crate::name::AppName;

/// Where it is to run: some things AWS can and a local cloud cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Local,
    Aws,
}

/// An application whose files are in order.
#[derive(Clone, Debug)]
pub struct App {
    pub name: AppName,
    pub(crate) folder: Folder,
    pub(crate) definition: Definition,
    /// What was read or derived, in sentences.
    pub notes: Vec<String>,
}

impl App {
    /// The container whose image is built from the folder.
    pub fn container(&self) -> &str {
        self.definition.built()
    }
}

/// A file with what is wrong in it.
pub type Faults = (SourceFile, Vec<Problem>);

#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Not empty, and neither are its problems.
    #[error("{}", count(.0))]
    Files(Vec<Faults>),
}

fn count(faults: &[Faults]) -> String {
    let problems: usize = faults.iter().map(|(_, problems)| problems.len()).sum();
    let files: Vec<&str> = faults.iter().map(|(file, _)| file.name.as_str()).collect();
    let noun = if problems == 1 { "problem" } else { "problems" };
    format!("{problems} {noun} in {}", files.join(" and "))
}

/// Reads an application's folder and checks all its files, as far as that goes without asking anybody.
///
/// # Errors
/// All problems of all files at once.
pub fn check(folder: &Path, name: AppName, target: Target) -> Result<App, CheckError> {
    let folder = Folder::read(folder)?;
    let mut faults: Vec<Faults> = Vec::new();
    let mut note = |file: &SourceFile, mut problems: Vec<Problem>| {
        problems.sort_by_key(|problem| problem.span.start);
        if !problems.is_empty() {
            faults.push((file.clone(), problems));
        }
    };
    let (dockerfile, mut problems) = base_dockerfile::parse_leniently(&folder.dockerfile.text);
    let readable = problems.is_empty();
    problems.extend(check_sources(
        &dockerfile,
        None,
        &[],
        &folder.entries,
        &folder.ignored,
    ));
    note(&folder.dockerfile, problems);
    if let Err((file, problem)) = &folder.ignore {
        note(file, vec![problem.clone()]);
    }
    let mut notes = Vec::new();
    let written = folder.definition.as_ref().map(|file| {
        notes.push(format!("{} says how it runs", file.name));
        let (problems, definition) = check_definition(file, target);
        note(file, problems);
        definition
    });
    let definition = match written {
        Some(definition) => definition,
        None => readable.then(|| derive(&name, &dockerfile, &mut notes)),
    };
    match definition {
        Some(definition) if faults.is_empty() => Ok(App {
            name,
            folder,
            definition,
            notes,
        }),
        _ => Err(CheckError::Files(faults)),
    }
}

/// Checks a task definition's text alone.
fn check_definition(file: &SourceFile, target: Target) -> (Vec<Problem>, Option<Definition>) {
    let (mut problems, tree) = syntax::parse(&file.text);
    let Some(tree) = tree else { return (problems, None) };
    let root = json::Node::root(&tree);
    let value = schema::check(root, &mut problems);
    let picked = meaning::check(root, target, &mut problems);
    if !problems.is_empty() {
        return (problems, None);
    }
    let request = ecs::RegisterTaskDefinitionRequest::read(value);
    match (request, picked) {
        (Ok(request), Some(picked)) => (problems, Some(Definition::written(request, picked))),
        (Err(mismatch), _) => {
            problems.push(Problem::new(0..1, mismatch.to_string()));
            (problems, None)
        }
        // Without a problem there is always a container to send requests to.
        (Ok(_), None) => (problems, None),
    }
}

fn derive(name: &AppName, dockerfile: &Dockerfile, notes: &mut Vec<String>) -> Definition {
    const PORT_DEFAULT: u16 = 8080;
    let exposed = dockerfile.exposed_ports(&[]);
    let tcp = exposed
        .iter()
        .find(|port| port.protocol == base_dockerfile::Protocol::Tcp);
    let port = match tcp {
        Some(port) => port.number,
        None => {
            notes.push(format!(
                "the Dockerfile has no EXPOSE, so requests go to port {PORT_DEFAULT}; write EXPOSE with the port that the application listens on"
            ));
            PORT_DEFAULT
        }
    };
    notes.push(format!(
        "no task-definition.json: Fargate with 256 CPU units and 512 MiB, requests to port {port}"
    ));
    Definition::derived(name, port)
}

#[cfg(test)]
mod tests;
