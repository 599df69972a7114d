//! What images are called: `python` means `docker.io/library/python:latest`, as everywhere.

use std::fmt;

use oci_client::Reference;

/// A name with registry, repository, and a tag or a digest (or both).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    /// Such as `docker.io`, `127.0.0.1:4566`.
    pub registry: String,
    pub repository: String,
    pub tag: Option<String>,
    pub digest: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not an image name: {reason}")]
pub struct NameError {
    pub name: String,
    pub reason: String,
}

/// Names longer than this are not read.
const NAME_BYTES_MAX: usize = 512;

impl Name {
    /// Without tag and digest the tag is `latest`.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let wrong = |reason: String| NameError {
            name: text.chars().take(200).collect(),
            reason,
        };
        if text.len() > NAME_BYTES_MAX {
            return Err(wrong(format!("it is longer than {NAME_BYTES_MAX} bytes")));
        }
        let reference: Reference = text
            .parse()
            .map_err(|error: oci_client::ParseError| wrong(error.to_string()))?;
        let tag = reference.tag().map(str::to_owned);
        let digest = reference.digest().map(str::to_owned);
        Ok(Self {
            registry: reference.registry().to_owned(),
            repository: reference.repository().to_owned(),
            tag: if tag.is_none() && digest.is_none() {
                Some("latest".to_owned())
            } else {
                tag
            },
            digest,
        })
    }

    /// As Docker shows it: without `docker.io/library/`.
    pub fn familiar(&self) -> String {
        let mut text = match self.registry.as_str() {
            "docker.io" => self
                .repository
                .strip_prefix("library/")
                .unwrap_or(&self.repository)
                .to_owned(),
            registry => format!("{registry}/{}", self.repository),
        };
        self.add_suffix(&mut text);
        text
    }

    fn add_suffix(&self, text: &mut String) {
        if let Some(tag) = &self.tag {
            text.push(':');
            text.push_str(tag);
        }
        if let Some(digest) = &self.digest {
            text.push('@');
            text.push_str(digest);
        }
    }

    pub(crate) fn reference(&self) -> Reference {
        let (registry, repository) = (self.registry.clone(), self.repository.clone());
        match (&self.tag, &self.digest) {
            // With a digest the tag says nothing more.
            (_, Some(digest)) => Reference::with_digest(registry, repository, digest.clone()),
            (tag, None) => Reference::with_tag(
                registry,
                repository,
                tag.clone().unwrap_or_else(|| "latest".to_owned()),
            ),
        }
    }
}

impl fmt::Display for Name {
    /// In full: `docker.io/library/python:3.12`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("{}/{}", self.registry, self.repository);
        self.add_suffix(&mut text);
        f.write_str(&text)
    }
}

#[cfg(test)]
mod tests;
