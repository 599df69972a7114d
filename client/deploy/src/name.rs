//! An application's name: what everything that is made for it is called.

use std::fmt;
use std::path::Path;

/// So that load balancers and target groups, which may have 32 characters, can carry it.
pub const NAME_CHARS_MAX: usize = 24;
/// Repositories need two.
const NAME_CHARS_MIN: usize = 2;

/// Lower-case letters, digits and single hyphens; begins with a letter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct AppName(String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{given}` cannot be an application's name: it has {NAME_CHARS_MIN} to {NAME_CHARS_MAX} lower-case letters, digits and single hyphens, and begins with a letter"
)]
pub struct NameError {
    pub given: String,
    /// A name that would do.
    pub instead: AppName,
}

impl AppName {
    /// # Errors
    /// When the name could not be that of a repository, a load balancer and a service alike.
    pub fn parse(given: &str) -> Result<Self, NameError> {
        let made = Self::made_of(given);
        if made.0 == given {
            Ok(made)
        } else {
            Err(NameError {
                given: given.to_owned(),
                instead: made,
            })
        }
    }

    /// The folder's name, made legal.
    pub fn of_folder(folder: &Path) -> Self {
        let whole = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        Self::made_of(&whole.file_name().unwrap_or_default().to_string_lossy())
    }

    fn made_of(text: &str) -> Self {
        let mut name = String::new();
        for c in text.chars().map(|c| c.to_ascii_lowercase()) {
            if c.is_ascii_alphanumeric() {
                name.push(c);
            } else if !name.is_empty() && !name.ends_with('-') {
                name.push('-');
            }
        }
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) || name.starts_with("internal-") {
            name.insert_str(0, "app-");
        }
        name.truncate(NAME_CHARS_MAX);
        let name = name.trim_end_matches('-');
        if name.len() < NAME_CHARS_MIN {
            return Self("app".to_owned());
        }
        Self(name.to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AppName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
