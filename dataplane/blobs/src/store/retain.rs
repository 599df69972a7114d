//! Collection of what no image needs any more: mark from the manifests, sweep the rest.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use contract::image::BlobError;

use super::{BlobStore, lock_plain, remove};
use crate::digest::{Algorithm, Digest};
use crate::manifest::Document;

/// Blobs that were written or asked for less than this ago stay: an image may be on its way, blob by blob,
/// with its manifest last.
pub(super) const FRESH: Duration = Duration::from_secs(10 * 60);

impl BlobStore {
    /// Lets `keeper` name blobs that a collection must leave, besides those of images.
    pub fn keep(&self, keeper: impl Fn() -> Vec<Digest> + Send + Sync + 'static) {
        lock_plain(&self.inner.keepers).push(Box::new(keeper));
    }

    /// Like `Blobs::retain`, with another age below which blobs and uploads stay. Blocks: disk.
    pub fn retain_now(&self, manifests: &[String], fresh: Duration) -> Result<u64, BlobError> {
        let mut marked = Marked::default();
        for digest in manifests {
            self.mark(&Digest::parse(digest)?, &mut marked);
        }
        for (_, digest) in self.inner.names.all() {
            self.mark(&digest, &mut marked);
        }
        for digest in self.inner.names.unnamed() {
            self.mark(&digest, &mut marked);
        }
        for keeper in lock_plain(&self.inner.keepers).iter() {
            for digest in keeper() {
                marked.layers.insert(digest.clone());
                marked.blobs.insert(digest);
            }
        }
        let recent: Vec<Digest> = {
            let mut times = lock_plain(&self.inner.fresh);
            times.retain(|_, at| at.elapsed() < fresh);
            times.keys().cloned().collect()
        };
        for digest in recent {
            // A fresh manifest keeps what it leads to; a fresh plain layer keeps its directory.
            self.mark(&digest, &mut marked);
            marked.layers.insert(digest);
        }
        let mut freed_bytes = self.sweep_blobs(&marked)?;
        self.sweep_layers(&marked)?;
        freed_bytes += self.sweep_uploads(fresh)?;
        Ok(freed_bytes)
    }

    /// Follows a manifest or index down to its layers; anything else is marked for itself alone.
    fn mark(&self, digest: &Digest, marked: &mut Marked) {
        if !marked.blobs.insert(digest.clone()) {
            return;
        }
        match Document::read(self, digest) {
            Ok(Document::Index(children)) => {
                for child in children {
                    self.mark(&child.digest, marked);
                }
            }
            Ok(Document::Image(image)) => {
                if let Ok(configuration) = self.configuration(&image) {
                    for diff_id in configuration.rootfs().diff_ids() {
                        marked.layers.extend(Digest::parse(diff_id));
                    }
                }
                marked.blobs.insert(image.config);
                marked
                    .blobs
                    .extend(image.layers.into_iter().map(|layer| layer.digest));
            }
            Err(_) => {}
        }
    }

    fn sweep_blobs(&self, marked: &Marked) -> Result<u64, BlobError> {
        let mut freed_bytes = 0;
        for algorithm in Algorithm::ALL {
            for (digest, entry) in named(&self.blobs(algorithm), algorithm)? {
                // Asked again here: it may have been written since the marking began.
                if marked.blobs.contains(&digest) || lock_plain(&self.inner.fresh).contains_key(&digest) {
                    continue;
                }
                freed_bytes += entry.metadata()?.len();
                fs::remove_file(entry.path())?;
            }
        }
        Ok(freed_bytes)
    }

    fn sweep_layers(&self, marked: &Marked) -> Result<(), BlobError> {
        self.inner.unpacking.prune();
        for (diff_id, entry) in named(&self.layers(), Algorithm::Sha256)? {
            if !marked.layers.contains(&diff_id) && !self.inner.unpacking.is_busy(&diff_id) {
                // Out of sight first, so that a kill in between leaves no half layer under its name.
                let grave = self.temporary();
                fs::rename(entry.path(), &grave)?;
                remove(&grave)?;
            }
        }
        Ok(())
    }
}

#[derive(Default)]
struct Marked {
    blobs: HashSet<Digest>,
    /// Diff ids.
    layers: HashSet<Digest>,
}

fn named(directory: &Path, algorithm: Algorithm) -> Result<Vec<(Digest, fs::DirEntry)>, BlobError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let digest = entry
            .file_name()
            .to_str()
            .map(|hex| Digest::parse(&format!("{}:{hex}", algorithm.name())));
        if let Some(Ok(digest)) = digest {
            found.push((digest, entry));
        }
    }
    Ok(found)
}
