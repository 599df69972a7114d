//! Pulling: manifest, then what is missing of its blobs, then the name.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use contract::image::{BlobError, Credentials, ImageRef, Progress, ProgressSink};
use futures::{StreamExt as _, TryStreamExt as _};
use oci_client::client::Client;
use oci_client::{Reference, RegistryOperation};

use super::{RemoteError, auth, chain, explain};
use crate::digest::Digest;
use crate::local::NamesError;
use crate::manifest::{
    DOCKER_INDEX, DOCKER_MANIFEST, Document, Image, ImageError, MANIFEST_BYTES_MAX, MEDIA_TYPE_INDEX,
    MEDIA_TYPE_MANIFEST, choose,
};
use crate::name::{Name, NameError};
use crate::store::{BLOB_BYTES_MAX, BlobStore, blocking};

/// Layers of one image that are downloaded at the same time.
const DOWNLOADS_PARALLEL: usize = 3;
/// How often a blob is asked for before the pull is given up.
const ATTEMPTS_MAX: usize = 3;
/// Pieces between network and disk.
const CHUNKS_IN_FLIGHT_MAX: usize = 32;
/// Progress is told after this many bytes.
const PROGRESS_BYTES: u64 = 1 << 20;
const ACCEPTED: &[&str] = &[
    MEDIA_TYPE_MANIFEST,
    MEDIA_TYPE_INDEX,
    DOCKER_MANIFEST,
    DOCKER_INDEX,
];

/// Why an image cannot be had: which one, and each place that was asked with its answer.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    #[error(transparent)]
    Name(#[from] NameError),
    #[error("pull of image {name} failed: {}", reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Registries { name: String, reasons: Vec<RemoteError> },
    #[error("pull of image {name} failed: {source}")]
    Image { name: String, source: ImageError },
    #[error("pull of image {name} failed: {source}")]
    Names { name: String, source: NamesError },
}

impl PullError {
    /// Whether somebody asked for a thing that does not exist, or may not be seen.
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::Registries { reasons, .. } => {
                matches!(
                    reasons.last(),
                    Some(RemoteError::NotFound { .. } | RemoteError::NoCredentials { .. })
                )
            }
            _ => false,
        }
    }
}

/// One attempt, at one place.
enum Failure {
    Remote(RemoteError),
    Image(ImageError),
}

impl From<ImageError> for Failure {
    fn from(error: ImageError) -> Self {
        Self::Image(error)
    }
}

impl From<BlobError> for Failure {
    fn from(error: BlobError) -> Self {
        Self::Image(error.into())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Image(error.into())
    }
}

impl BlobStore {
    /// The manifest's digest for an image to run: its digest if that is here, else a local name, else it is
    /// pulled from its registry (and gets its local name).
    pub async fn resolve(
        &self,
        image: &ImageRef,
        credentials: Option<&Credentials>,
        progress: ProgressSink,
    ) -> Result<String, PullError> {
        let mut name = Name::parse(&image.name)?;
        if let Some(digest) = &image.digest {
            if self.is_complete(digest) {
                return Ok(digest.clone());
            }
            name.digest = Some(digest.clone());
        } else if let Ok(found) = self.find(&image.name)
            && self.is_complete(&found)
        {
            return Ok(found);
        }
        self.pull(&name, credentials, progress).await
    }

    /// Fetches what is missing of an image and gives it its local name; returns the digest of the manifest or
    /// index that the name leads to.
    pub async fn pull(
        &self,
        name: &Name,
        credentials: Option<&Credentials>,
        progress: ProgressSink,
    ) -> Result<String, PullError> {
        let lock = self.inner.remote.pull_lock(name);
        let _one_at_a_time = lock.lock().await;
        let mut reasons = Vec::new();
        let sources = self.inner.remote.sources(name);
        let own = sources.len() - 1;
        for (at, reference) in sources.into_iter().enumerate() {
            // Credentials are for the registry, not for whoever mirrors it.
            let credentials = credentials.filter(|_| at == own);
            match self.pull_from(&reference, credentials, &progress).await {
                Ok(digest) => {
                    if name.tag.is_some() && name.digest.is_none() {
                        let named = self.tag(&name.to_string(), digest.as_str());
                        named.map_err(|source| PullError::Names {
                            name: name.familiar(),
                            source,
                        })?;
                    }
                    return Ok(digest.into());
                }
                Err(Failure::Remote(reason)) => reasons.push(reason.with(credentials)),
                Err(Failure::Image(source)) => {
                    return Err(PullError::Image {
                        name: name.familiar(),
                        source,
                    });
                }
            }
        }
        Err(PullError::Registries {
            name: name.familiar(),
            reasons,
        })
    }

    /// Whether the image can run without asking anybody.
    fn is_complete(&self, manifest: &str) -> bool {
        let here = |digest: &Digest| self.size_of(digest).is_ok_and(|size| size.is_some());
        self.image(manifest)
            .is_ok_and(|image| here(&image.config) && image.layers.iter().all(|layer| here(&layer.digest)))
    }

    async fn pull_from(
        &self,
        reference: &Reference,
        credentials: Option<&Credentials>,
        progress: &ProgressSink,
    ) -> Result<Digest, Failure> {
        let registry = reference.resolve_registry();
        let failed = |error| Failure::Remote(explain(registry, &error));
        let client = self
            .inner
            .remote
            .client(self.inner.remote.is_plain_http(registry))
            .map_err(failed)?;
        let auth = auth(credentials);
        client
            .auth(reference, &auth, RegistryOperation::Pull)
            .await
            .map_err(failed)?;

        let (digest, bytes) = manifest(&client, reference).await?;
        let mut documents = vec![bytes.clone()];
        let image = match Document::parse(&digest, &bytes)? {
            Document::Image(image) => image,
            Document::Index(children) => {
                let child = choose(&digest, &children)?;
                let one = reference.clone_with_digest(child.digest.to_string());
                let (digest, bytes) = manifest(&client, &one).await?;
                documents.push(bytes.clone());
                match Document::parse(&digest, &bytes)? {
                    Document::Image(image) => image,
                    Document::Index(_) => {
                        let reason = "an index inside an index".to_owned();
                        return Err(ImageError::NotAManifest(digest, reason).into());
                    }
                }
            }
        };
        self.pull_blobs(&client, reference, &image, progress).await?;
        let store = self.clone();
        blocking(move || {
            // What is referred to comes first.
            for bytes in documents.iter().rev() {
                store.put(bytes)?;
            }
            Ok::<_, std::io::Error>(())
        })
        .await?;
        Ok(digest)
    }

    async fn pull_blobs(
        &self,
        client: &Client,
        reference: &Reference,
        image: &Image,
        progress: &ProgressSink,
    ) -> Result<(), Failure> {
        let mut wanted: Vec<(Digest, u64)> = vec![(image.config.clone(), image.config_size_bytes)];
        for layer in &image.layers {
            // Empty layers repeat.
            if !wanted.iter().any(|(digest, _)| *digest == layer.digest) {
                wanted.push((layer.digest.clone(), layer.size_bytes));
            }
        }
        // Of the configuration nobody is told: people see layers.
        let quiet: ProgressSink = Arc::new(|_| {});
        futures::stream::iter(wanted)
            .map(|(digest, size_bytes)| {
                let quiet = &quiet;
                async move {
                    let progress = if digest == image.config { quiet } else { progress };
                    self.pull_blob(client, reference, &digest, size_bytes, progress)
                        .await
                }
            })
            .buffer_unordered(DOWNLOADS_PARALLEL)
            .try_collect::<()>()
            .await
    }

    async fn pull_blob(
        &self,
        client: &Client,
        reference: &Reference,
        digest: &Digest,
        size_bytes: u64,
        progress: &ProgressSink,
    ) -> Result<(), Failure> {
        if self.size_of(digest)?.is_some() {
            self.touch(digest);
            tell(progress, digest, "Already exists", None);
            return Ok(());
        }
        if size_bytes > BLOB_BYTES_MAX {
            let digest = digest.to_string();
            return Err(BlobError::TooLarge {
                digest,
                size_bytes,
                limit_bytes: BLOB_BYTES_MAX,
            }
            .into());
        }
        let mut attempt = 1;
        loop {
            match self
                .download(client, reference, digest, size_bytes, progress)
                .await
            {
                Err(Failure::Remote(RemoteError::Unreachable { .. })) if attempt < ATTEMPTS_MAX => {
                    attempt += 1
                }
                Ok(()) => {
                    tell(progress, digest, "Pull complete", None);
                    return Ok(());
                }
                other => return other,
            }
        }
    }

    /// One download: the network on this task, hashing and the disk on a thread of its own.
    async fn download(
        &self,
        client: &Client,
        reference: &Reference,
        digest: &Digest,
        size_bytes: u64,
        progress: &ProgressSink,
    ) -> Result<(), Failure> {
        let registry = reference.resolve_registry();
        tell(progress, digest, "Downloading", Some((0, size_bytes)));
        let answer = client.pull_blob_stream(reference, digest.as_str()).await;
        let mut stream = answer
            .map_err(|error| Failure::Remote(explain(registry, &error)))?
            .stream;
        let (sender, mut receiver) = tokio::sync::mpsc::channel::<bytes::Bytes>(CHUNKS_IN_FLIGHT_MAX);
        let (store, expected) = (self.clone(), digest.clone());
        let done = Arc::new(AtomicU64::new(0));
        let writing = tokio::task::spawn_blocking(move || {
            let mut writer = store.writer()?;
            while let Some(bytes) = receiver.blocking_recv() {
                writer.write_all(&bytes)?;
            }
            writer.finish_as(&expected).map(|_| ())
        });
        let mut told_bytes = 0;
        while let Some(bytes) = stream.next().await {
            let bytes = bytes.map_err(|error| {
                let (registry, reason) = (registry.to_owned(), chain(&error));
                Failure::Remote(RemoteError::Unreachable { registry, reason })
            })?;
            let so_far = done.fetch_add(bytes.len() as u64, Ordering::Relaxed) + bytes.len() as u64;
            if so_far > size_bytes {
                let (registry, reason) = (
                    registry.to_owned(),
                    format!("more than {size_bytes} bytes for {digest}"),
                );
                return Err(Failure::Remote(RemoteError::Answer { registry, reason }));
            }
            if so_far - told_bytes >= PROGRESS_BYTES {
                told_bytes = so_far;
                tell(progress, digest, "Downloading", Some((so_far, size_bytes)));
            }
            if sender.send(bytes).await.is_err() {
                // The disk failed; the thread says how.
                break;
            }
        }
        drop(sender);
        match writing.await {
            Ok(result) => Ok(result?),
            Err(failed) => Err(std::io::Error::other(failed).into()),
        }
    }
}

async fn manifest(client: &Client, reference: &Reference) -> Result<(Digest, bytes::Bytes), Failure> {
    let registry = reference.resolve_registry();
    // The client knows the credentials from `auth`; what is passed here is not looked at again.
    let anonymous = oci_client::secrets::RegistryAuth::Anonymous;
    let pulled = client.pull_manifest_raw(reference, &anonymous, ACCEPTED).await;
    let (bytes, _) = pulled.map_err(|error| Failure::Remote(explain(registry, &error)))?;
    let digest = Digest::of(&bytes);
    if bytes.len() as u64 > MANIFEST_BYTES_MAX {
        let (digest, size_bytes) = (digest.to_string(), bytes.len() as u64);
        return Err(BlobError::TooLarge {
            digest,
            size_bytes,
            limit_bytes: MANIFEST_BYTES_MAX,
        }
        .into());
    }
    match reference.digest() {
        Some(expected) if expected != digest.as_str() => Err(BlobError::DigestMismatch {
            expected: expected.to_owned(),
            actual: digest.into(),
        }
        .into()),
        _ => Ok((digest, bytes)),
    }
}

fn tell(progress: &ProgressSink, digest: &Digest, status: &str, bytes: Option<(u64, u64)>) {
    progress(Progress {
        id: Some(digest.hex()[..12].to_owned()),
        status: status.to_owned(),
        current_bytes: bytes.map(|(current, _)| current),
        total_bytes: bytes.map(|(_, total)| total),
    });
}
