//! Pushing: blobs that the registry lacks, then the manifest.

use std::fs::File;

use contract::image::{Credentials, Progress, ProgressSink, Pushed};
use futures::TryStreamExt as _;
use http::HeaderValue;
use oci_client::client::Client;
use oci_client::{Reference, RegistryOperation};

use super::{RemoteError, auth, explain, is_on_this_machine};
use crate::digest::Digest;
use crate::local::NamesError;
use crate::manifest::{Image, ImageError, MANIFEST_BYTES_MAX, MEDIA_TYPE_LAYER_TAR, manifest_bytes};
use crate::name::{Name, NameError};
use crate::store::{BlobStore, blocking};

/// Fast, and a third of the size.
const ZSTD_LEVEL: i32 = 3;
const MEDIA_TYPE_LAYER_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
/// Pieces in which a blob is read, in bytes.
const CHUNK_BYTES: usize = 256 << 10;

#[derive(Debug, thiserror::Error)]
pub enum PushError {
    #[error(transparent)]
    Name(#[from] NameError),
    #[error("An image does not exist locally with the tag: {0}")]
    Unknown(String),
    #[error("push of image {name} failed: {source}")]
    Remote { name: String, source: RemoteError },
    #[error("push of image {name} failed: {source}")]
    Image { name: String, source: ImageError },
}

impl BlobStore {
    /// Sends a local image to the registry of its name. What the registry has already is not sent.
    pub async fn push(
        &self,
        name: &str,
        credentials: Option<&Credentials>,
        progress: ProgressSink,
    ) -> Result<Pushed, PushError> {
        let name = Name::parse(name)?;
        let shown = name.familiar();
        let found = self.find(&name.to_string()).map_err(|error| match error {
            NamesError::Name(error) => PushError::Name(error),
            _ => PushError::Unknown(shown.clone()),
        })?;
        let failed = |source| PushError::Image {
            name: shown.clone(),
            source,
        };
        let image = self.image(&found).map_err(failed)?;
        let image = if is_on_this_machine(name.reference().resolve_registry()) {
            image
        } else {
            let store = self.clone();
            blocking(move || store.compressed(image)).await.map_err(failed)?
        };
        let manifest = self
            .read_now(&image.digest, MANIFEST_BYTES_MAX)
            .map_err(|error| failed(error.into()))?;

        let reference = name.reference();
        let registry = reference.resolve_registry();
        let refused = |error| PushError::Remote {
            name: shown.clone(),
            source: explain(registry, &error).with(credentials),
        };
        let client = self
            .inner
            .remote
            .client(self.inner.remote.is_plain_http(registry))
            .map_err(refused)?;
        let auth = auth(credentials);
        client
            .auth(&reference, &auth, RegistryOperation::Push)
            .await
            .map_err(refused)?;

        let mut sent: Vec<&Digest> = Vec::new();
        for (digest, size_bytes) in image
            .layers
            .iter()
            .map(|layer| (&layer.digest, layer.size_bytes))
            .chain([(&image.config, image.config_size_bytes)])
        {
            // Of the configuration nobody is told: people see layers.
            let quiet: ProgressSink = std::sync::Arc::new(|_| {});
            let progress = if *digest == image.config {
                &quiet
            } else {
                &progress
            };
            if sent.contains(&digest) {
                continue;
            }
            sent.push(digest);
            self.push_blob(&client, &reference, digest, size_bytes, progress)
                .await
                .map_err(&refused)?;
        }
        let size_bytes = manifest.len() as u64;
        let media_type = HeaderValue::from_str(&image.media_type)
            .map_err(|error| failed(ImageError::NotAManifest(image.digest.clone(), error.to_string())))?;
        client
            .push_manifest_raw(&reference, manifest, media_type)
            .await
            .map_err(refused)?;
        Ok(Pushed {
            tag: name.tag.unwrap_or_default(),
            digest: image.digest.into(),
            size_bytes,
        })
    }

    /// The same image with its plain layers compressed, for the way to another machine. Equal layers compress to
    /// equal bytes, so that a registry is not sent them twice. Blocks: disk.
    fn compressed(&self, image: Image) -> Result<Image, ImageError> {
        if image
            .layers
            .iter()
            .all(|layer| layer.media_type != MEDIA_TYPE_LAYER_TAR)
        {
            return Ok(image);
        }
        let mut layers = image.layers;
        for layer in &mut layers {
            if layer.media_type == MEDIA_TYPE_LAYER_TAR {
                let mut writer = self.writer()?;
                zstd::stream::copy_encode(
                    File::open(self.blob_path(&layer.digest))?,
                    &mut writer,
                    ZSTD_LEVEL,
                )?;
                (layer.digest, layer.size_bytes) = writer.finish()?;
                layer.media_type = MEDIA_TYPE_LAYER_ZSTD.to_owned();
            }
        }
        let bytes =
            manifest_bytes(&image.config, image.config_size_bytes, &layers).map_err(std::io::Error::from)?;
        let digest = self.put(&bytes)?;
        self.image(digest.as_str())
    }

    async fn push_blob(
        &self,
        client: &Client,
        reference: &Reference,
        digest: &Digest,
        size_bytes: u64,
        progress: &ProgressSink,
    ) -> Result<(), oci_client::errors::OciDistributionError> {
        let tell = |status: &str| {
            progress(Progress {
                id: Some(digest.hex()[..12].to_owned()),
                status: status.to_owned(),
                ..Progress::default()
            });
        };
        tell("Preparing");
        if client.blob_exists(reference, digest.as_str()).await? {
            tell("Layer already exists");
            return Ok(());
        }
        // A registry over this very store has the bytes; one that knows nothing of it just does not mount them.
        if is_on_this_machine(reference.resolve_registry()) {
            let (registry, own) = (reference.registry().to_owned(), self.inner.own.clone());
            let own = Reference::with_digest(registry, own, digest.to_string());
            if client.mount_blob(reference, &own, digest.as_str()).await.is_ok() {
                tell("Layer already exists");
                return Ok(());
            }
        }
        tell("Pushing");
        let file = tokio::fs::File::open(self.blob_path(digest)).await?;
        let stream = tokio_util::io::ReaderStream::with_capacity(file, CHUNK_BYTES)
            .map_err(oci_client::errors::OciDistributionError::IoError);
        client
            .push_blob_stream(reference, stream, digest.as_str(), Some(size_bytes))
            .await?;
        tell("Pushed");
        Ok(())
    }
}

#[cfg(test)]
mod tests;
