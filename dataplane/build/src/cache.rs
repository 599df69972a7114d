//! What a step made of the same things before. Keys are made of content only (the layers below, the command, the
//! files), so that an entry is valid for ever and for every Dockerfile. On disk one small file per key.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use dataplane_blobs::{BlobStore, Digest};
use jiff::Timestamp;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A folder beside the entries that is not the cache's own.
pub(crate) const MOUNTS: &str = "mounts";
/// Entries that are kept; the ones that were used longest ago go first.
const ENTRIES_MAX: usize = 2_000;
/// All cached layers together have this many bytes at most.
const LAYERS_BYTES_MAX: u64 = 20 << 30;

/// A layer that a step made, plain tar: its digest is its diff id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CachedLayer {
    pub digest: String,
    pub size_bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// `None` if the step changed nothing (WORKDIR of a directory that exists).
    pub layer: Option<CachedLayer>,
    pub created: Timestamp,
}

#[derive(Clone)]
pub(crate) struct Cache {
    directory: PathBuf,
    store: BlobStore,
    entries: Arc<Mutex<Entries>>,
}

#[derive(Default)]
struct Entries {
    by_key: HashMap<Key, (Entry, u64)>,
    /// Rises with every use.
    clock: u64,
}

impl Cache {
    /// Reads what is there and keeps its layers from collection. Blocks: disk.
    pub fn open(directory: PathBuf, store: BlobStore) -> io::Result<Self> {
        fs::create_dir_all(&directory)?;
        let mut entries = Entries::default();
        let mut files = Vec::new();
        for file in fs::read_dir(&directory)? {
            let file = file?;
            if file.file_name() == MOUNTS {
                continue;
            }
            files.push((file.metadata()?.modified()?, file.path()));
        }
        files.sort();
        for (_, path) in files {
            let key = path
                .file_name()
                .and_then(|name| name.to_str())
                .and_then(Key::parse);
            let entry = fs::read(&path)
                .ok()
                .and_then(|bytes| serde_json::from_slice::<Entry>(&bytes).ok());
            match (key, entry) {
                (Some(key), Some(entry)) => entries.use_now(key, entry),
                // Half-written, or from another version: it would never be found again.
                _ => fs::remove_file(&path)?,
            }
        }
        let entries = Arc::new(Mutex::new(entries));
        let kept = entries.clone();
        store.keep(move || {
            let entries = kept.lock().unwrap_or_else(PoisonError::into_inner);
            let layers = entries
                .by_key
                .values()
                .filter_map(|(entry, _)| entry.layer.as_ref());
            layers
                .filter_map(|layer| Digest::parse(&layer.digest).ok())
                .collect()
        });
        Ok(Self {
            directory,
            store,
            entries,
        })
    }

    /// An entry whose layer is still here. Blocks: disk.
    pub fn get(&self, key: &Key) -> Option<Entry> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let (entry, _) = entries.by_key.get(key)?.clone();
        let here = entry.layer.as_ref().is_none_or(|layer| {
            let digest = Digest::parse(&layer.digest).ok();
            digest.is_some_and(|digest| self.store.size_of(&digest).is_ok_and(|size| size.is_some()))
        });
        if !here {
            entries.by_key.remove(key);
            return None;
        }
        entries.use_now(key.clone(), entry.clone());
        drop(entries);
        // The order of use survives a restart; if this fails, only that is lost.
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_NOW,
        };
        let times = Timestamps {
            last_access: now,
            last_modification: now,
        };
        let _ = rustix::fs::utimensat(CWD, self.path(key), &times, AtFlags::empty());
        Some(entry)
    }

    /// Blocks: disk.
    pub fn put(&self, key: &Key, entry: Entry) -> io::Result<()> {
        let temporary = self.directory.join(format!("{}.new", key.0));
        fs::write(&temporary, serde_json::to_vec(&entry).map_err(io::Error::from)?)?;
        fs::rename(temporary, self.path(key))?;
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.use_now(key.clone(), entry);
        for key in entries.evict() {
            match fs::remove_file(self.path(&key)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.directory.join(&key.0)
    }
}

impl Entries {
    fn use_now(&mut self, key: Key, entry: Entry) {
        self.clock += 1;
        self.by_key.insert(key, (entry, self.clock));
    }

    /// Takes out the entries that are too many, oldest use first.
    fn evict(&mut self) -> Vec<Key> {
        let size = |entry: &Entry| entry.layer.as_ref().map_or(0, |layer| layer.size_bytes);
        let mut bytes: u64 = self.by_key.values().map(|(entry, _)| size(entry)).sum();
        if self.by_key.len() <= ENTRIES_MAX && bytes <= LAYERS_BYTES_MAX {
            return Vec::new();
        }
        let mut by_use: Vec<(u64, Key)> = self
            .by_key
            .iter()
            .map(|(key, (_, used))| (*used, key.clone()))
            .collect();
        by_use.sort();
        let mut gone = Vec::new();
        for (_, key) in by_use {
            if self.by_key.len() <= ENTRIES_MAX && bytes <= LAYERS_BYTES_MAX {
                break;
            }
            if let Some((entry, _)) = self.by_key.remove(&key) {
                bytes -= size(&entry);
                gone.push(key);
            }
        }
        gone
    }
}

/// A hash over everything that a step's outcome depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key(String);

impl Key {
    fn parse(text: &str) -> Option<Self> {
        (text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| Self(text.to_owned()))
    }
}

/// Collects the parts of a key, each with its length, so that parts cannot run into each other.
pub(crate) struct KeyBuilder(Sha256);

impl KeyBuilder {
    /// `kind` names the instruction and the version of what its key holds.
    pub fn new(kind: &str, layers: &[String]) -> Self {
        let mut key = Self(Sha256::new());
        key.part(kind.as_bytes());
        key.part(&(layers.len() as u64).to_le_bytes());
        for layer in layers {
            key.part(layer.as_bytes());
        }
        key
    }

    pub fn part(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    pub fn finish(self) -> Key {
        Key(hex::encode(self.0.finalize()))
    }
}

#[cfg(test)]
mod tests;
