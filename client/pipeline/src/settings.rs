//! What a person has set for a repository: secrets, variables, environments. Files for their owner only.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::store::{Runs, StoreError, private_folder, replace};

/// A secret or variable that is longer is refused, as on GitHub.
pub const VALUE_BYTES_MAX: usize = 48 << 10;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    #[serde(default)]
    pub secrets: BTreeMap<String, String>,
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    #[serde(default)]
    pub environments: BTreeMap<String, EnvironmentSettings>,
}

/// Of an environment that jobs name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentSettings {
    /// Its jobs wait until somebody lets them go on.
    #[serde(default)]
    pub approval: bool,
    #[serde(default)]
    pub secrets: BTreeMap<String, String>,
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
}

#[derive(Debug, thiserror::Error)]
pub enum NameError {
    #[error("`{0}` is not the name of a repository: it is written owner/name")]
    Repository(String),
    #[error(
        "`{0}` is not a name for a secret or variable: letters, digits and _, not beginning with a digit or GITHUB_"
    )]
    Value(String),
}

/// `owner/name`, of which folders are made.
///
/// # Errors
/// When it is something else.
pub fn check_repository(name: &str) -> Result<(), NameError> {
    match base_id::is_repository_name(name) {
        true => Ok(()),
        false => Err(NameError::Repository(name.to_owned())),
    }
}

/// The name of a secret or variable, in capitals.
///
/// # Errors
/// When GitHub would refuse it.
pub fn check_value_name(name: &str) -> Result<String, NameError> {
    let upper = name.to_ascii_uppercase();
    let is_good = upper.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && upper.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && !upper.starts_with("GITHUB_");
    is_good.then_some(upper).ok_or_else(|| NameError::Value(name.to_owned()))
}

impl Runs {
    fn settings_path(&self, repository: &str) -> PathBuf {
        self.home().join("settings").join(format!("{repository}.json"))
    }

    /// What was set for a repository whose name was checked.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn settings(&self, repository: &str) -> Result<Settings, StoreError> {
        let path = self.settings_path(repository);
        match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| StoreError::Record(path, error)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Settings::default()),
            Err(error) => Err(crate::store::failed(&path, "read")(error)),
        }
    }

    /// # Errors
    /// When the disk refuses.
    pub fn save_settings(&self, repository: &str, settings: &Settings) -> Result<(), StoreError> {
        let path = self.settings_path(repository);
        private_folder(path.parent().unwrap_or(self.home()))?;
        let text =
            serde_json::to_vec_pretty(settings).map_err(|error| StoreError::Record(path.clone(), error))?;
        replace(&path, &text)
    }
}
