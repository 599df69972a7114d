//! Local names, as `docker images` shows them: which tag leads to which manifest. One small file, written
//! whole and renamed into place.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::name::{Name, NameError};
use crate::store::{BlobStore, lock_plain};

/// There may be this many local names.
const NAMES_MAX: usize = 10_000;
/// A short id has at least this many digits.
const ID_DIGITS_MIN: usize = 4;

#[derive(Debug, thiserror::Error)]
pub enum NamesError {
    #[error(transparent)]
    Name(#[from] NameError),
    #[error("No such image: {0}")]
    Unknown(String),
    #[error("{0} is not a name that can be given: it has a digest")]
    HasDigest(String),
    #[error("there are {NAMES_MAX} local image names already; remove some")]
    TooMany,
    #[error(
        "the list of local names {path} cannot be read: {reason}; remove the file to start without names"
    )]
    Broken { path: PathBuf, reason: String },
    #[error("image store: {0}")]
    Io(#[from] io::Error),
}

/// Names that lead to one manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalImage {
    /// Of a manifest or index.
    pub digest: String,
    /// Familiar form, ascending; none if its last name went to another image.
    pub names: Vec<String>,
}

pub(crate) struct Names {
    path: PathBuf,
    file: Mutex<NamesFile>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct NamesFile {
    version: u32,
    /// Full name to manifest digest.
    names: BTreeMap<String, String>,
    /// Manifests whose last name went to another image: still there, until they are removed.
    #[serde(default)]
    unnamed: BTreeSet<String>,
}

impl Names {
    pub fn open(path: PathBuf) -> Result<Self, NamesError> {
        let file = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| NamesError::Broken {
                path: path.clone(),
                reason: error.to_string(),
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => NamesFile::default(),
            Err(error) => return Err(error.into()),
        };
        Ok(Self {
            path,
            file: Mutex::new(file),
        })
    }

    pub fn all(&self) -> Vec<(String, Digest)> {
        let file = lock_plain(&self.file);
        let pairs = file.names.iter();
        pairs
            .filter_map(|(name, digest)| Some((name.clone(), Digest::parse(digest).ok()?)))
            .collect()
    }

    /// Of images that have no name any more.
    pub fn unnamed(&self) -> Vec<Digest> {
        let file = lock_plain(&self.file);
        let digests = file.unnamed.iter();
        digests.filter_map(|digest| Digest::parse(digest).ok()).collect()
    }

    fn change<T>(
        &self,
        change: impl FnOnce(&mut NamesFile) -> Result<T, NamesError>,
    ) -> Result<T, NamesError> {
        let mut file = lock_plain(&self.file);
        let mut changed = file.clone();
        let result = change(&mut changed)?;
        changed.version = 1;
        let temporary = self.path.with_extension("json.new");
        let mut out = fs::File::create(&temporary)?;
        out.write_all(&serde_json::to_vec_pretty(&changed).map_err(io::Error::from)?)?;
        out.sync_data()?;
        fs::rename(&temporary, &self.path)?;
        *file = changed;
        Ok(result)
    }
}

impl BlobStore {
    /// All images that have a name or have lost it to another one, ascending by their first name.
    pub fn local_images(&self) -> Vec<LocalImage> {
        let mut by_digest: BTreeMap<Digest, Vec<String>> = BTreeMap::new();
        for (name, digest) in self.inner.names.all() {
            by_digest.entry(digest).or_default().push(familiar(&name));
        }
        for digest in self.inner.names.unnamed() {
            by_digest.entry(digest).or_default();
        }
        let mut images: Vec<LocalImage> = by_digest
            .into_iter()
            .map(|(digest, names)| LocalImage {
                digest: digest.into(),
                names,
            })
            .collect();
        images.sort_by(|a, b| a.names.cmp(&b.names));
        images
    }

    /// Gives a manifest a name; one that the name led to before loses it. Blocks: disk.
    pub fn tag(&self, name: &str, manifest: &str) -> Result<(), NamesError> {
        let name = Name::parse(name)?;
        if name.digest.is_some() {
            return Err(NamesError::HasDigest(name.familiar()));
        }
        let digest = Digest::parse(manifest).map_err(|_| NamesError::Unknown(manifest.to_owned()))?;
        self.inner.names.change(|file| {
            if file.names.len() >= NAMES_MAX {
                return Err(NamesError::TooMany);
            }
            let digest = String::from(digest);
            file.unnamed.remove(&digest);
            let before = file.names.insert(name.to_string(), digest);
            if let Some(before) = before
                && !file.names.values().any(|other| *other == before)
            {
                // As long as there is room: nobody needs them, and the oldest cannot be told from the others.
                if file.unnamed.len() >= NAMES_MAX {
                    file.unnamed.pop_first();
                }
                file.unnamed.insert(before);
            }
            Ok(())
        })
    }

    /// Takes a name away; returns the manifest it led to. Blocks: disk.
    pub fn untag(&self, name: &str) -> Result<String, NamesError> {
        let name = Name::parse(name)?;
        self.inner.names.change(|file| {
            file.names
                .remove(&name.to_string())
                .ok_or_else(|| NamesError::Unknown(name.familiar()))
        })
    }

    /// Lets go of an image that has no name any more. Blocks: disk.
    pub fn forget(&self, manifest: &str) -> Result<(), NamesError> {
        self.inner.names.change(|file| {
            file.unnamed.remove(manifest);
            Ok(())
        })
    }

    /// The manifest that a name, a digest or the beginning of one means here, without asking any registry.
    pub fn find(&self, name_or_id: &str) -> Result<String, NamesError> {
        let unknown = || NamesError::Unknown(name_or_id.chars().take(200).collect());
        if let Some(digest) = self.find_by_id(name_or_id) {
            return Ok(digest);
        }
        let name = Name::parse(name_or_id)?;
        if let Some(digest) = &name.digest {
            let here = Digest::parse(digest).is_ok_and(|digest| self.image(digest.as_str()).is_ok());
            return if here { Ok(digest.clone()) } else { Err(unknown()) };
        }
        let full = name.to_string();
        let found = self.inner.names.all().into_iter().find(|(name, _)| *name == full);
        found.map(|(_, digest)| digest.into()).ok_or_else(unknown)
    }

    /// By manifest or configuration digest, in full or (of named images) shortened.
    fn find_by_id(&self, id: &str) -> Option<String> {
        if let Ok(digest) = Digest::parse(id)
            && self.image(digest.as_str()).is_ok()
        {
            return Some(digest.into());
        }
        let digits = id.strip_prefix("sha256:").unwrap_or(id);
        let hex = digits
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !hex || digits.len() < ID_DIGITS_MIN || digits.len() > 64 {
            return None;
        }
        if let Ok(digest) = Digest::parse(&format!("sha256:{digits}"))
            && self.image(digest.as_str()).is_ok()
        {
            return Some(digest.into());
        }
        let mut named: Vec<Digest> = self
            .inner
            .names
            .all()
            .into_iter()
            .map(|(_, digest)| digest)
            .chain(self.inner.names.unnamed())
            .collect();
        named.sort();
        named.dedup();
        let matches = |digest: &Digest| {
            digest.hex().starts_with(digits)
                || self
                    .image(digest.as_str())
                    .is_ok_and(|image| image.config.hex().starts_with(digits))
        };
        let mut found = named.into_iter().filter(matches);
        match (found.next(), found.next()) {
            (Some(only), None) => Some(only.into()),
            _ => None,
        }
    }
}

fn familiar(full: &str) -> String {
    Name::parse(full).map_or_else(|_| full.to_owned(), |name| name.familiar())
}

#[cfg(test)]
mod tests;
