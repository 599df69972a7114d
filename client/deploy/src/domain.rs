//! The name under which an application is found, other than its load balancer's own.

use std::fmt;
use std::str::FromStr;

/// Of a name in DNS, without its last dot.
const DOMAIN_CHARS_MAX: usize = 253;
/// Of what stands between two dots.
const LABEL_CHARS_MAX: usize = 63;
/// Names of the machine itself (RFC 6761), which no zone can lead anywhere.
const OWN_NAMES: &str = "localhost";

/// Lower-case letters, digits, hyphens and at least one dot; not below `localhost`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct DomainName(String);

/// What keeps a text from being a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DomainError {
    #[error("a domain has at most {DOMAIN_CHARS_MAX} characters")]
    TooLong,
    #[error("a domain has at least one dot, as app.example.com has")]
    NoDot,
    #[error("names below {OWN_NAMES} mean this machine alone; choose another, such as app.example.test")]
    Localhost,
    #[error("each part of a domain has 1 to {LABEL_CHARS_MAX} letters, digits and hyphens between its dots")]
    Length,
    #[error("a domain has letters, digits, hyphens and dots only")]
    Character,
    #[error("no part of a domain begins or ends with a hyphen")]
    Hyphen,
    #[error("the last part of a domain is no number: that would be an address")]
    Address,
}

impl DomainName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The domain itself and all above it, the longest first.
    pub(crate) fn with_parents(&self) -> impl Iterator<Item = &str> {
        let parents = self.0.match_indices('.').map(|(at, _)| &self.0[at + 1..]);
        std::iter::once(self.as_str()).chain(parents)
    }
}

impl FromStr for DomainName {
    type Err = DomainError;

    /// Takes capitals and a last dot too, and forgets both: names are the same with and without.
    fn from_str(text: &str) -> Result<Self, DomainError> {
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        if name.len() > DOMAIN_CHARS_MAX {
            return Err(DomainError::TooLong);
        }
        for label in name.split('.') {
            if label.is_empty() || label.len() > LABEL_CHARS_MAX {
                return Err(DomainError::Length);
            }
            if !label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
                return Err(DomainError::Character);
            }
            if label.starts_with('-') || label.ends_with('-') {
                return Err(DomainError::Hyphen);
            }
        }
        let Some((_, last)) = name.rsplit_once('.') else {
            return Err(DomainError::NoDot);
        };
        if last == OWN_NAMES {
            return Err(DomainError::Localhost);
        }
        if last.chars().all(|c| c.is_ascii_digit()) {
            return Err(DomainError::Address);
        }
        Ok(Self(name))
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether two names in DNS are the same, with or without the last dot.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    let plain = |name: &str| name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    plain(one) == plain(other)
}

#[cfg(test)]
mod tests;
