//! Layers as directories, made when they are first needed. A directory is named by the diff id, so that a layer
//! that arrives in two compressions is unpacked once; whoever comes while it is being unpacked waits for that.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use contract::image::BlobError;
use futures::{StreamExt as _, TryStreamExt as _};

use crate::digest::Digest;
use crate::manifest::{ImageError, LayerDescriptor};
use crate::store::{BlobStore, blocking, lock_plain, remove};
use crate::unpack::{self, UnpackError};

/// Layers of one image that are unpacked at the same time.
const UNPACK_PARALLEL: usize = 2;

/// One lock per layer that is or was being unpacked.
#[derive(Default)]
pub(crate) struct Unpacking(Mutex<HashMap<Digest, Arc<Mutex<()>>>>);

impl Unpacking {
    fn of(&self, diff_id: &Digest) -> Arc<Mutex<()>> {
        lock_plain(&self.0).entry(diff_id.clone()).or_default().clone()
    }

    /// Forgets layers that nobody is unpacking now.
    pub fn prune(&self) {
        lock_plain(&self.0).retain(|_, lock| Arc::strong_count(lock) > 1);
    }

    /// Whether it is being unpacked now.
    pub fn is_busy(&self, diff_id: &Digest) -> bool {
        lock_plain(&self.0)
            .get(diff_id)
            .is_some_and(|lock| Arc::strong_count(lock) > 1)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    #[error(transparent)]
    Image(#[from] ImageError),
    #[error("layer {layer}: {source}")]
    Unpack { layer: Digest, source: UnpackError },
    #[error(
        "layer {layer} unpacks to content with digest {actual}, but the image's configuration says {expected}"
    )]
    DiffId {
        layer: Digest,
        expected: Digest,
        actual: Digest,
    },
    #[error("image store: {0}")]
    Io(#[from] io::Error),
}

impl From<BlobError> for LayerError {
    fn from(error: BlobError) -> Self {
        Self::Image(error.into())
    }
}

impl BlobStore {
    /// Directories of an image's layers, bottom first, as overlayfs wants its lower directories (deletions are
    /// character devices 0/0, opaque directories carry `trusted.overlay.opaque`). They must not be changed.
    pub async fn layer_directories(&self, manifest: &str) -> Result<Vec<PathBuf>, LayerError> {
        let (store, manifest) = (self.clone(), manifest.to_owned());
        let layers = blocking(move || {
            let image = store.image(&manifest)?;
            let configuration = store.configuration(&image)?;
            let diff_ids = configuration.rootfs().diff_ids().iter();
            image
                .layers
                .into_iter()
                .zip(diff_ids)
                .map(|(layer, diff_id)| Ok((layer, Digest::parse(diff_id)?)))
                .collect::<Result<Vec<_>, LayerError>>()
        })
        .await?;
        self.directories_of(layers).await
    }

    /// Directories of layers that need not be an image yet, in the same order and form; each with its diff id.
    pub async fn directories_of(
        &self,
        layers: Vec<(LayerDescriptor, Digest)>,
    ) -> Result<Vec<PathBuf>, LayerError> {
        futures::stream::iter(layers)
            .map(|(layer, diff_id)| {
                let store = self.clone();
                blocking(move || store.layer_directory(&layer, &diff_id))
            })
            .buffered(UNPACK_PARALLEL)
            .try_collect()
            .await
    }

    fn layer_directory(&self, layer: &LayerDescriptor, diff_id: &Digest) -> Result<PathBuf, LayerError> {
        let directory = self.layers().join(diff_id.hex());
        let one_at_a_time = self.inner.unpacking.of(diff_id);
        let _guard = lock_plain(&one_at_a_time);
        if directory.is_dir() {
            return Ok(directory);
        }
        let temporary = self.temporary();
        let result = self.unpack_to(layer, diff_id, &temporary).and_then(|()| {
            fs::rename(&temporary, &directory)?;
            Ok(directory)
        });
        if result.is_err() {
            remove(&temporary)?;
        }
        result
    }

    fn unpack_to(&self, layer: &LayerDescriptor, diff_id: &Digest, to: &Path) -> Result<(), LayerError> {
        let Some(_) = self.size_of(&layer.digest)? else {
            return Err(BlobError::NotFound(layer.digest.to_string()).into());
        };
        let file = fs::File::open(self.blob_path(&layer.digest))?;
        let actual = unpack::unpack(file, to).map_err(|source| LayerError::Unpack {
            layer: layer.digest.clone(),
            source,
        })?;
        if actual != *diff_id {
            return Err(LayerError::DiffId {
                layer: layer.digest.clone(),
                expected: diff_id.clone(),
                actual,
            });
        }
        Ok(())
    }

    /// Takes a directory in overlayfs form, which must lie on the store's file system (see `temporary`), as the
    /// unpacked form of a layer whose blob is stored. Blocks: disk.
    pub fn adopt_layer(&self, directory: &Path, diff_id: &Digest) -> Result<PathBuf, LayerError> {
        let target = self.layers().join(diff_id.hex());
        let one_at_a_time = self.inner.unpacking.of(diff_id);
        let _guard = lock_plain(&one_at_a_time);
        if target.is_dir() {
            remove(directory)?;
        } else {
            fs::rename(directory, &target)?;
        }
        Ok(target)
    }
}

/// Unpacked layers are not synced, since their blobs are. After a reboot they may therefore be torn, and are
/// made anew.
pub(crate) fn forget_unsynced(store: &Path) -> io::Result<()> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let mark = store.join("layers/boot");
    let seen = match fs::read_to_string(&mark) {
        Ok(seen) => seen,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    if seen == boot {
        return Ok(());
    }
    for entry in fs::read_dir(store.join("layers"))? {
        remove(&entry?.path())?;
    }
    fs::write(mark, boot)
}

#[cfg(test)]
mod tests;
