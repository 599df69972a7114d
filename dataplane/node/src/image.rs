//! Where images come from: a port, so that tests need neither registry nor archives.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use contract::image::{Credentials, ImageRef, ProgressSink};
use dataplane_blobs::BlobStore;
use dataplane_runtime::process::ImageDefaults;

/// An image that can run at once.
#[derive(Clone, Debug, Default)]
pub struct PreparedImage {
    /// Of the manifest; a host has none.
    pub digest: Option<String>,
    /// Bottom first.
    pub layers: Vec<PathBuf>,
    pub defaults: ImageDefaults,
    pub working_directory: Option<String>,
    pub user: Option<String>,
    pub stop_signal: Option<String>,
}

#[async_trait]
pub trait ImageSource: Send + Sync {
    /// Fetches and unpacks what is missing.
    ///
    /// # Errors
    /// A sentence that says why the image cannot be had.
    async fn prepare(&self, image: &ImageRef) -> Result<PreparedImage, String>;
}

/// Who asks a registry, by the name of the image.
pub type CredentialsFor = Arc<dyn Fn(&str) -> Option<Credentials> + Send + Sync>;

/// The shared blob store as a source.
pub(crate) struct StoredImages {
    pub store: BlobStore,
    pub credentials: CredentialsFor,
}

#[async_trait]
impl ImageSource for StoredImages {
    async fn prepare(&self, image: &ImageRef) -> Result<PreparedImage, String> {
        let credentials = (self.credentials)(&image.name);
        let quiet: ProgressSink = Arc::new(|_| {});
        let digest = self
            .store
            .resolve(image, credentials.as_ref(), quiet)
            .await
            .map_err(|error| error.to_string())?;
        let layers = self
            .store
            .layer_directories(&digest)
            .await
            .map_err(|error| error.to_string())?;
        let (store, of) = (self.store.clone(), digest.clone());
        let configuration = tokio::task::spawn_blocking(move || store.image_config(&of))
            .await
            .map_err(|error| error.to_string())?
            .map_err(|error| error.to_string())?;
        let config = configuration.config().clone().unwrap_or_default();
        Ok(PreparedImage {
            digest: Some(digest),
            layers,
            defaults: ImageDefaults {
                entry_point: config.entrypoint().clone().unwrap_or_default(),
                command: config.cmd().clone().unwrap_or_default(),
                environment: config.env().clone().unwrap_or_default(),
            },
            working_directory: config
                .working_dir()
                .clone()
                .filter(|directory| !directory.is_empty()),
            user: config.user().clone().filter(|user| !user.is_empty()),
            stop_signal: config.stop_signal().clone(),
        })
    }
}

#[cfg(test)]
mod tests;
