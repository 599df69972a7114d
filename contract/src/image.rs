//! Images: where bytes by digest live, and which names lead to them.

use std::net::IpAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::Stream;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An image to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageRef {
    /// As a person wrote it, such as `127.0.0.1:4566/web:7` or `nginx`.
    pub name: String,
    /// Digest of the manifest, `sha256:…`. With it nothing is looked up by name any more: the same bytes run
    /// however the tag moves.
    pub digest: Option<String>,
}

/// Content-addressed blobs (manifests, configurations, layers), shared by builder, registry and runtime.
#[async_trait]
pub trait Blobs: Send + Sync {
    /// Size in bytes, or `None` if it is not here.
    async fn size(&self, digest: &str) -> Result<Option<u64>, BlobError>;
    /// A whole small blob (manifest, configuration); at most `limit_bytes`.
    async fn read(&self, digest: &str, limit_bytes: u64) -> Result<Bytes, BlobError>;
    /// The file that holds it, for streaming; it must not be changed.
    async fn path(&self, digest: &str) -> Result<PathBuf, BlobError>;
    /// Stores a small blob and returns its digest.
    async fn write(&self, bytes: Bytes) -> Result<String, BlobError>;
    /// Begins an upload that arrives in pieces; returns its id, which survives a restart.
    async fn upload_begin(&self) -> Result<String, BlobError>;
    /// Appends; returns the new size in bytes. `offset`, when given, must equal the present size.
    async fn upload_append(&self, id: &str, offset: Option<u64>, bytes: Bytes) -> Result<u64, BlobError>;
    async fn upload_size(&self, id: &str) -> Result<u64, BlobError>;
    /// Ends an upload: the content must hash to `digest`. Durable when it returns.
    async fn upload_finish(&self, id: &str, digest: &str) -> Result<(), BlobError>;
    async fn upload_cancel(&self, id: &str) -> Result<(), BlobError>;
    /// Removes uploads that nobody has touched for `idle`; returns bytes freed.
    async fn expire_uploads(&self, idle: Duration) -> Result<u64, BlobError>;
    /// A repository name that stands for this store itself: who mounts from it is this machine's own engine, as nobody
    /// else can know it. `None` where there is no engine beside the store.
    fn own_source(&self) -> Option<&str> {
        None
    }
    /// Removes all blobs, layers and uploads but those that these manifests lead to; returns bytes freed.
    async fn retain(&self, manifests: &[String]) -> Result<u64, BlobError>;
}

#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    #[error("blob {0} is not here")]
    NotFound(String),
    #[error("upload {0} is not known")]
    UploadUnknown(String),
    #[error("content has digest {actual}, not {expected}")]
    DigestMismatch { expected: String, actual: String },
    #[error("{0} is not a digest that is served here")]
    DigestInvalid(String),
    #[error("{count_max} uploads are open already; finish or cancel some, or wait until they expire")]
    TooManyUploads { count_max: usize },
    #[error("upload stands at {actual} bytes, not at {expected}")]
    OffsetMismatch { expected: u64, actual: u64 },
    #[error("blob {digest} has {size_bytes} bytes, more than {limit_bytes}")]
    TooLarge {
        digest: String,
        size_bytes: u64,
        limit_bytes: u64,
    },
    #[error("image store: {0}")]
    Io(#[from] std::io::Error),
}

/// The names of a registry: repositories with tags that lead to manifests. Served by the registry service.
#[async_trait]
pub trait Catalog: Send + Sync {
    /// Who is asking, from the password of a registry login; `None` if it is wrong or has expired.
    async fn authenticate(&self, user: &str, password: &str) -> Option<Tenant>;
    /// Repositories by name, ascending, after `after`, at most `limit`.
    async fn repositories(&self, tenant: &Tenant, after: Option<&str>, limit: usize) -> Vec<String>;
    /// Digest and media type of a tag or digest.
    async fn resolve(
        &self,
        tenant: &Tenant,
        repository: &str,
        reference: &str,
    ) -> Result<CatalogEntry, CatalogError>;
    /// Records a pushed manifest, whose blobs are all here, under its digest and, if given, a tag.
    async fn put(&self, tenant: &Tenant, repository: &str, manifest: PutManifest)
    -> Result<(), CatalogError>;
    /// Removes a tag (`reference` is a tag) or a manifest with all its tags (`reference` is a digest).
    async fn delete(&self, tenant: &Tenant, repository: &str, reference: &str) -> Result<(), CatalogError>;
    /// Tags, ascending, after `after`, at most `limit`.
    async fn tags(
        &self,
        tenant: &Tenant,
        repository: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, CatalogError>;
    /// The manifests that have this one as their OCI `subject`, by digest ascending; that one need not be here.
    async fn referrers(
        &self,
        tenant: &Tenant,
        repository: &str,
        subject: &str,
    ) -> Result<Vec<CatalogEntry>, CatalogError>;
    /// Notes that an image was pulled.
    async fn pulled(&self, tenant: &Tenant, repository: &str, digest: &str);
    /// Whether the repository has this blob: pushed to it, mounted into it, and not deleted since. That the bytes are on
    /// this machine does not mean that.
    async fn has_blob(&self, tenant: &Tenant, repository: &str, digest: &str) -> bool;
    async fn add_blob(&self, tenant: &Tenant, repository: &str, digest: &str) -> Result<(), CatalogError>;
    /// Takes a blob out of the repository; whether it was there.
    async fn remove_blob(
        &self,
        tenant: &Tenant,
        repository: &str,
        digest: &str,
    ) -> Result<bool, CatalogError>;
    /// Whether pushes to this repository are possible at all (it exists).
    async fn repository_exists(&self, tenant: &Tenant, repository: &str) -> bool;
}

/// Whose part of the registry: names of different tenants do not meet.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tenant {
    pub account: String,
    pub region: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogEntry {
    pub digest: String,
    pub media_type: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutManifest {
    pub digest: String,
    pub media_type: String,
    /// That lead to it from now on.
    pub tags: Vec<String>,
    /// Of configuration and layers.
    pub blobs: Vec<String>,
    /// Of the manifests that an index leads to.
    pub children: Vec<String>,
    /// Manifest, configuration and layers together.
    pub size_bytes: u64,
    pub config_media_type: Option<String>,
    /// Digest of the manifest that this one refers to (OCI `subject`).
    pub subject: Option<String>,
    pub at: Timestamp,
}

#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    #[error("The repository with name '{0}' does not exist in the registry")]
    RepositoryUnknown(String),
    #[error("Requested image not found: {0}")]
    ManifestUnknown(String),
    #[error(
        "The image tag '{tag}' already exists in the '{repository}' repository and cannot be overwritten because the repository is immutable."
    )]
    TagImmutable { tag: String, repository: String },
    #[error("{0}")]
    Invalid(String),
    #[error("registry: {0}")]
    Failed(String),
}

/// Who asks a registry for something.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub user: String,
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// A step of moving an image, in the words that Docker uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The layer, by the first digits of its digest.
    pub id: Option<String>,
    /// Such as `Downloading`.
    pub status: String,
    pub current_bytes: Option<u64>,
    pub total_bytes: Option<u64>,
}

/// Told of every step; must not block.
pub type ProgressSink = Arc<dyn Fn(Progress) + Send + Sync>;
/// Told of every event of a build; must not block.
pub type BuildSink = Arc<dyn Fn(BuildEvent) + Send + Sync>;
/// Bytes that come as they are asked for.
pub type ByteStream = Pin<Box<dyn Stream<Item = std::io::Result<Bytes>> + Send>>;

/// What the Docker Engine API needs: the images of this machine, and building more of them. Dropping a future
/// ends what it was doing.
#[async_trait]
pub trait Engine: Send + Sync {
    async fn images(&self) -> Result<Vec<ImageSummary>, EngineError>;
    /// By name, by digest, or by the beginning of a digest.
    async fn inspect(&self, name: &str) -> Result<ImageDetail, EngineError>;
    async fn tag(&self, source: &str, target: &str) -> Result<(), EngineError>;
    /// Takes a name away, or all names if it is given by digest (more than one only with `force`), and the image itself
    /// if it has none.
    async fn remove(&self, name: &str, force: bool) -> Result<Removed, EngineError>;
    /// Asks that registry whether the credentials are right.
    async fn login(&self, registry: &str, credentials: &Credentials) -> Result<(), EngineError>;
    /// Returns the digest of the manifest.
    async fn pull(
        &self,
        name: &str,
        credentials: Option<&Credentials>,
        progress: ProgressSink,
    ) -> Result<String, EngineError>;
    async fn push(
        &self,
        name: &str,
        credentials: Option<&Credentials>,
        progress: ProgressSink,
    ) -> Result<Pushed, EngineError>;
    /// Takes in a tar file with images; returns their names.
    async fn load(&self, archive: ByteStream) -> Result<Vec<String>, EngineError>;
    /// A tar file with these images.
    async fn save(&self, names: &[String]) -> Result<ByteStream, EngineError>;
    /// Builds the tar file `context` into an image; returns the digest of its manifest.
    async fn build(
        &self,
        request: BuildRequest,
        context: ByteStream,
        events: BuildSink,
    ) -> Result<String, EngineError>;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSummary {
    /// Digest of the manifest.
    pub digest: String,
    /// None for an image whose name has gone to another one.
    pub names: Vec<String>,
    pub size_bytes: u64,
    pub created: Option<Timestamp>,
    pub labels: Vec<(String, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageDetail {
    pub summary: ImageSummary,
    pub config_digest: String,
    /// In bytes as they are stored, bottom first.
    pub layer_sizes_bytes: Vec<u64>,
    /// The image's configuration, JSON as it is stored.
    pub config: Bytes,
}

/// What a removal did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    pub untagged: Vec<String>,
    /// Digests that no name leads to any more.
    pub deleted: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    pub tag: String,
    pub digest: String,
    /// Of the manifest, in bytes.
    pub size_bytes: u64,
}

#[derive(Clone, Debug, Default)]
pub struct BuildRequest {
    /// Names for the image.
    pub tags: Vec<String>,
    /// Path of the Dockerfile inside the context.
    pub dockerfile: String,
    pub build_args: Vec<(String, Option<String>)>,
    pub labels: Vec<(String, String)>,
    /// Stage to build; the last one if absent.
    pub target: Option<String>,
    pub no_cache: bool,
    /// Asks the registry for base images even if there is a local one.
    pub pull: bool,
    /// By registry host.
    pub credentials: Vec<(String, Credentials)>,
    /// What `RUN --mount=type=secret` finds by its id.
    pub secrets: Vec<BuildSecret>,
    /// Steps have no network unless they ask for one.
    pub offline: bool,
    /// Names and addresses that steps find in `/etc/hosts`.
    pub hosts: Vec<(String, IpAddr)>,
}

/// It is in no image, no cache and no log.
#[derive(Clone, PartialEq, Eq)]
pub struct BuildSecret {
    pub id: String,
    pub value: Bytes,
}

impl std::fmt::Debug for BuildSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BuildSecret")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildEvent {
    /// A line for the person who waits, without its end.
    Line(String),
    /// A base image is being fetched.
    Pull(Progress),
    /// What a RUN printed, as it came.
    Output(Bytes),
}

/// What went wrong, as a sentence for the person who asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    Invalid(String),
    #[error("{0}")]
    Unauthorized(String),
    #[error("{0}")]
    Conflict(String),
    #[error("{0}")]
    Failed(String),
}
