//! Where an action comes from: built in, a folder of this machine, or a repository elsewhere.

mod builtin;
mod remote;

pub(crate) use builtin::{Builtin, CheckoutWish, TOOLS};

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base_workflow::{Action, ActionName, parse_action};

use crate::machine::Machine;

/// An action that is ready to run.
#[derive(Clone)]
pub(crate) enum Found {
    /// Part of this program.
    Builtin(Builtin),
    /// Described by an `action.yml`.
    Described(Arc<Described>),
    /// An image.
    Image(String),
}

pub(crate) struct Described {
    pub(crate) action: Action,
    /// Where its files are.
    pub(crate) folder: PathBuf,
    /// `owner/name` and what follows the `@`; empty for one of the repository itself.
    pub(crate) repository: String,
    pub(crate) git_ref: String,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ActionError {
    #[error("the action {0} was found nowhere{1}")]
    Missing(String, String),
    #[error("{place} has no action.yml, action.yaml or Dockerfile")]
    NoDescription { place: String },
    #[error("{report}")]
    Description { report: String },
}

impl ActionError {
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Missing(..) => "give a folder with actions by --actions DIR or WHARF_ACTIONS_DIR \
                (DIR/owner/name@ref or DIR/owner/name), or let this machine reach their repositories"
                .to_owned(),
            Self::NoDescription { .. } => "`uses` names the folder that contains action.yml".to_owned(),
            Self::Description { .. } => "the action itself must be put right".to_owned(),
        }
    }
}

/// Finds actions for one run, each once.
pub(crate) struct Actions {
    machine: Machine,
    known: tokio::sync::Mutex<std::collections::BTreeMap<String, Found>>,
}

impl Actions {
    pub(crate) fn new(machine: Machine) -> Self {
        Self {
            machine,
            known: tokio::sync::Mutex::default(),
        }
    }

    /// `workspace` is where `./path` begins, for a job that has one already.
    pub(crate) async fn find(&self, name: &ActionName, workspace: &Path) -> Result<Found, ActionError> {
        match name {
            ActionName::Docker { image } => Ok(Found::Image(image.clone())),
            ActionName::Local { path } => {
                let folder = workspace.join(path.trim_start_matches("./"));
                describe(&folder, path, "", "").map(|it| Found::Described(Arc::new(it)))
            }
            ActionName::Repository {
                owner,
                name: repository,
                path,
                git_ref,
            } => {
                let key = name.to_string();
                let mut known = self.known.lock().await;
                if let Some(found) = known.get(&key) {
                    return Ok(found.clone());
                }
                let slug = format!("{owner}/{repository}");
                let found = self.of_repository(&slug, path.as_deref(), git_ref).await?;
                known.insert(key, found.clone());
                Ok(found)
            }
        }
    }

    async fn of_repository(&self, slug: &str, path: Option<&str>, git_ref: &str) -> Result<Found, ActionError> {
        if path.is_none()
            && let Some(builtin) = Builtin::named(slug, &self.machine)
        {
            return Ok(Found::Builtin(builtin));
        }
        let place = self.place(slug, git_ref).await?;
        let folder = path.map_or_else(|| place.clone(), |path| place.join(path));
        let title = format!("{slug}@{git_ref}");
        describe(&folder, &title, slug, git_ref).map(|it| Found::Described(Arc::new(it)))
    }

    /// A folder with the action's files.
    async fn place(&self, slug: &str, git_ref: &str) -> Result<PathBuf, ActionError> {
        for base in &self.machine.action_folders {
            for folder in candidates(base, slug, git_ref) {
                if is_action(&folder) {
                    return Ok(folder);
                }
                if remote::is_repository(&folder)
                    && let Ok(found) = remote::copy(&self.machine, &folder.to_string_lossy(), slug, git_ref).await
                {
                    return Ok(found);
                }
            }
        }
        let address = format!("{}/{slug}", self.machine.action_source.trim_end_matches('/'));
        remote::copy(&self.machine, &address, slug, git_ref)
            .await
            .map_err(|said| ActionError::Missing(format!("{slug}@{git_ref}"), format!(": {said}")))
    }
}

/// Where in a folder of actions one may be.
fn candidates(base: &Path, slug: &str, git_ref: &str) -> Vec<PathBuf> {
    let name = slug.rsplit('/').next().unwrap_or(slug);
    let flat = git_ref.replace('/', "-");
    let mut found = Vec::new();
    for stem in [slug.to_owned(), name.to_owned(), slug.replace('/', "-"), slug.replace('/', "_")] {
        found.push(base.join(format!("{stem}@{flat}")));
        found.push(base.join(&stem).join(&flat));
        found.push(base.join(&stem));
        found.push(base.join(format!("{stem}.git")));
    }
    found
}

fn is_action(folder: &Path) -> bool {
    ["action.yml", "action.yaml", "Dockerfile"]
        .iter()
        .any(|name| folder.join(name).is_file())
}

fn describe(folder: &Path, title: &str, slug: &str, git_ref: &str) -> Result<Described, ActionError> {
    for name in ["action.yml", "action.yaml"] {
        let Ok(text) = std::fs::read_to_string(folder.join(name)) else {
            continue;
        };
        let action = parse_action(&text).map_err(|problems| {
            let file = base_diagnostic::SourceFile {
                name: format!("{title}/{name}"),
                text,
            };
            ActionError::Description {
                report: base_diagnostic::render(&file, &problems, false, 100),
            }
        })?;
        return Ok(Described {
            action,
            folder: folder.to_owned(),
            repository: slug.to_owned(),
            git_ref: git_ref.to_owned(),
        });
    }
    if folder.join("Dockerfile").is_file() {
        let text = "name: Dockerfile\nruns:\n  using: docker\n  image: Dockerfile\n";
        if let Ok(action) = parse_action(text) {
            return Ok(Described {
                action,
                folder: folder.to_owned(),
                repository: slug.to_owned(),
                git_ref: git_ref.to_owned(),
            });
        }
    }
    Err(ActionError::NoDescription {
        place: title.to_owned(),
    })
}
