//! The images of this machine, as the Docker Engine API wants them: over the blob store, with the builder beside it.

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use base_clock::Clock;
use contract::image::{
    BuildRequest, BuildSink, ByteStream, Credentials, Engine, EngineError, ImageDetail, ImageSummary,
    ProgressSink, Pushed, Removed,
};
use dataplane_blobs::{
    ArchiveError, BlobStore, ImageError, Name, NameError, NamesError, PullError, PushError, RemoteError,
};
use futures::StreamExt as _;
use jiff::Timestamp;
use tokio_util::io::{ReaderStream, StreamReader, SyncIoBridge};

use crate::builder::{BuildConfig, BuildError, Builder, blocking};
use crate::command::Runner;
use crate::image::Configuration;

/// Bytes of an archive that wait for whoever reads it.
const SAVE_BUFFER_BYTES: usize = 1 << 20;

/// Clones share everything.
#[derive(Clone)]
pub struct LocalEngine {
    store: BlobStore,
    builder: Arc<Builder>,
}

impl LocalEngine {
    /// Opens the build cache over a store that is open. Blocks: disk.
    ///
    /// # Errors
    /// When the cache's directory cannot be read or made.
    pub fn open(
        store: BlobStore,
        config: BuildConfig,
        runner: Arc<dyn Runner>,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        let builder = Arc::new(Builder::new(store.clone(), config, runner, clock)?);
        Ok(Self { store, builder })
    }

    async fn with_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&BlobStore) -> Result<T, Failed> + Send + 'static,
    ) -> Result<T, EngineError> {
        let store = self.store.clone();
        blocking(move || work(&store)).await.map_err(|failed| failed.0)
    }
}

#[async_trait]
impl Engine for LocalEngine {
    async fn images(&self) -> Result<Vec<ImageSummary>, EngineError> {
        self.with_store(|store| {
            // One that lost its blobs is no reason to show none.
            Ok(store
                .local_images()
                .into_iter()
                .filter_map(|image| detail(store, &image.digest).ok())
                .map(|detail| detail.summary)
                .collect())
        })
        .await
    }

    async fn inspect(&self, name: &str) -> Result<ImageDetail, EngineError> {
        let name = name.to_owned();
        self.with_store(move |store| Ok(detail(store, &store.find(&name)?)?))
            .await
    }

    async fn tag(&self, source: &str, target: &str) -> Result<(), EngineError> {
        let (source, target) = (source.to_owned(), target.to_owned());
        self.with_store(move |store| Ok(store.tag(&target, &store.find(&source)?)?))
            .await
    }

    async fn remove(&self, name: &str, force: bool) -> Result<Removed, EngineError> {
        let name = name.to_owned();
        self.with_store(move |store| remove(store, &name, force)).await
    }

    async fn login(&self, registry: &str, credentials: &Credentials) -> Result<(), EngineError> {
        self.store
            .login(registry, credentials)
            .await
            .map_err(|error| match error {
                RemoteError::Unauthorized { .. } => EngineError::Unauthorized(error.to_string()),
                error => EngineError::Failed(error.to_string()),
            })
    }

    async fn pull(
        &self,
        name: &str,
        credentials: Option<&Credentials>,
        progress: ProgressSink,
    ) -> Result<String, EngineError> {
        let name = Name::parse(name).map_err(|error| Failed::from(error).0)?;
        self.store
            .pull(&name, credentials, progress)
            .await
            .map_err(|error| Failed::from(error).0)
    }

    async fn push(
        &self,
        name: &str,
        credentials: Option<&Credentials>,
        progress: ProgressSink,
    ) -> Result<Pushed, EngineError> {
        self.store
            .push(name, credentials, progress)
            .await
            .map_err(|error| Failed::from(error).0)
    }

    async fn load(&self, archive: ByteStream) -> Result<Vec<String>, EngineError> {
        let reader = SyncIoBridge::new(StreamReader::new(archive));
        self.with_store(move |store| Ok(store.load(reader)?)).await
    }

    async fn save(&self, names: &[String]) -> Result<ByteStream, EngineError> {
        let names = names.to_vec();
        // Unknown names are an answer, not a stream that breaks off.
        let known = names.clone();
        self.with_store(move |store| {
            for name in &known {
                store.find(name)?;
            }
            Ok(())
        })
        .await?;
        let (ours, theirs) = tokio::io::duplex(SAVE_BUFFER_BYTES);
        let store = self.store.clone();
        let writing = tokio::task::spawn_blocking(move || store.save(&names, SyncIoBridge::new(ours)));
        let end = async move {
            match writing.await {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(Err(io::Error::other(error))),
                Err(error) => Some(Err(io::Error::other(error))),
            }
        };
        let end = futures::stream::once(end).filter_map(std::future::ready);
        Ok(Box::pin(
            ReaderStream::with_capacity(theirs, SAVE_BUFFER_BYTES).chain(end),
        ))
    }

    async fn build(
        &self,
        request: BuildRequest,
        context: ByteStream,
        events: BuildSink,
    ) -> Result<String, EngineError> {
        self.builder
            .build(&request, context, &events)
            .await
            .map_err(|error| match error {
                BuildError::Dockerfile(_)
                | BuildError::NoDockerfile(_)
                | BuildError::NotText(_)
                | BuildError::Ignore(_)
                | BuildError::NoTarget(_)
                | BuildError::Name(_)
                | BuildError::Context(_) => EngineError::Invalid(error.to_string()),
                error => EngineError::Failed(error.to_string()),
            })
    }
}

fn detail(store: &BlobStore, digest: &str) -> Result<ImageDetail, ImageError> {
    let image = store.image(digest)?;
    let config = store.image_config_bytes(digest)?;
    let configuration: Configuration = serde_json::from_slice(&config)
        .map_err(|error| ImageError::Configuration(image.digest.clone(), error.to_string()))?;
    let names = store
        .local_images()
        .into_iter()
        .find(|local| local.digest == digest);
    Ok(ImageDetail {
        summary: ImageSummary {
            digest: digest.to_owned(),
            names: names.map(|local| local.names).unwrap_or_default(),
            size_bytes: image.size_bytes(),
            created: configuration
                .created
                .and_then(|created| created.parse::<Timestamp>().ok()),
            labels: configuration.config.labels.into_iter().collect(),
        },
        layer_sizes_bytes: image.layers.iter().map(|layer| layer.size_bytes).collect(),
        config_digest: image.config.into(),
        config,
    })
}

fn remove(store: &BlobStore, name: &str, force: bool) -> Result<Removed, Failed> {
    let digest = store.find(name)?;
    let names = store
        .local_images()
        .into_iter()
        .find(|image| image.digest == digest);
    let names = names.map(|image| image.names).unwrap_or_default();
    let by_name = Name::parse(name)
        .ok()
        .map(|name| name.familiar())
        .filter(|name| names.contains(name));
    let untagged = match by_name {
        Some(name) => vec![name],
        None if names.len() > 1 && !force => {
            let message = format!(
                "conflict: unable to delete {name} (must be forced) - image is referenced in multiple repositories: {}",
                names.join(", ")
            );
            return Err(Failed(EngineError::Conflict(message)));
        }
        None => names.clone(),
    };
    for name in &untagged {
        store.untag(name)?;
    }
    let deleted = if untagged.len() == names.len() {
        store.forget(&digest)?;
        vec![digest]
    } else {
        Vec::new()
    };
    Ok(Removed { untagged, deleted })
}

/// What went wrong, already in the words of the port.
struct Failed(EngineError);

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self(EngineError::Failed(error.to_string()))
    }
}

impl From<ImageError> for Failed {
    fn from(error: ImageError) -> Self {
        Self(EngineError::Failed(error.to_string()))
    }
}

impl From<NameError> for Failed {
    fn from(error: NameError) -> Self {
        Self(EngineError::Invalid(error.to_string()))
    }
}

impl From<NamesError> for Failed {
    fn from(error: NamesError) -> Self {
        let message = error.to_string();
        Self(match error {
            NamesError::Unknown(_) => EngineError::NotFound(message),
            NamesError::Name(_) | NamesError::HasDigest(_) => EngineError::Invalid(message),
            NamesError::TooMany => EngineError::Conflict(message),
            NamesError::Broken { .. } | NamesError::Io(_) => EngineError::Failed(message),
        })
    }
}

impl From<PullError> for Failed {
    fn from(error: PullError) -> Self {
        let message = error.to_string();
        Self(match error {
            PullError::Name(_) => EngineError::Invalid(message),
            error if error.is_not_found() => EngineError::NotFound(message),
            _ => EngineError::Failed(message),
        })
    }
}

impl From<PushError> for Failed {
    fn from(error: PushError) -> Self {
        let message = error.to_string();
        Self(match error {
            PushError::Name(_) => EngineError::Invalid(message),
            PushError::Unknown(_) => EngineError::NotFound(message),
            PushError::Remote {
                source: RemoteError::Unauthorized { .. } | RemoteError::NoCredentials { .. },
                ..
            } => EngineError::Unauthorized(message),
            _ => EngineError::Failed(message),
        })
    }
}

impl From<ArchiveError> for Failed {
    fn from(error: ArchiveError) -> Self {
        let message = error.to_string();
        Self(match error {
            ArchiveError::Io(_) => EngineError::Failed(message),
            _ => EngineError::Invalid(message),
        })
    }
}
