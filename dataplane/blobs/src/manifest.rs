//! Manifests, indexes and configurations: read with limits, and reduced to what is needed here.

use contract::image::BlobError;
use oci_spec::image::{Arch, ImageConfiguration, ImageIndex, ImageManifest, Os};
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::store::BlobStore;

/// A manifest or index may have this many bytes, as registries agree on.
pub(crate) const MANIFEST_BYTES_MAX: u64 = 4 << 20;
/// An image's configuration may have this many bytes.
pub(crate) const CONFIG_BYTES_MAX: u64 = 8 << 20;
/// An image may have this many layers; overlayfs stacks up to 500.
pub(crate) const LAYERS_MAX: usize = 400;
/// An index may lead through this many further indexes.
const INDEX_DEPTH_MAX: usize = 4;

pub const MEDIA_TYPE_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const MEDIA_TYPE_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub const MEDIA_TYPE_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub const MEDIA_TYPE_LAYER_TAR: &str = "application/vnd.oci.image.layer.v1.tar";
pub(crate) const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub(crate) const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// An image for this machine, as its manifest says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Of the manifest itself.
    pub digest: Digest,
    pub media_type: String,
    pub config: Digest,
    pub config_size_bytes: u64,
    /// Bottom first.
    pub layers: Vec<LayerDescriptor>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerDescriptor {
    pub digest: Digest,
    pub media_type: String,
    pub size_bytes: u64,
}

impl Image {
    /// Configuration and layers as they are stored, in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.layers.iter().map(|layer| layer.size_bytes).sum::<u64>() + self.config_size_bytes
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    #[error(transparent)]
    Blob(#[from] BlobError),
    #[error("{0} is not an image manifest or index: {1}")]
    NotAManifest(Digest, String),
    #[error("image {0} has no variant for linux/amd64; it has {1}")]
    NoPlatform(Digest, String),
    #[error("the configuration of image {0} cannot be read: {1}")]
    Configuration(Digest, String),
    #[error("image {0} has {1} layers, more than {LAYERS_MAX}")]
    TooManyLayers(Digest, usize),
    #[error("image {0} has {1} layers, but its configuration names {2}")]
    LayerCount(Digest, usize, usize),
}

impl From<std::io::Error> for ImageError {
    fn from(error: std::io::Error) -> Self {
        Self::Blob(error.into())
    }
}

/// A child of an index.
#[derive(Clone, Debug)]
pub(crate) struct Child {
    pub digest: Digest,
    pub platform: Option<String>,
}

/// What a manifest digest leads to.
pub(crate) enum Document {
    Index(Vec<Child>),
    Image(Image),
}

/// The members by which index and manifest are told apart: `mediaType` may be absent.
#[derive(Deserialize)]
struct Kind {
    manifests: Option<serde::de::IgnoredAny>,
    layers: Option<serde::de::IgnoredAny>,
}

impl Document {
    pub fn read(store: &BlobStore, digest: &Digest) -> Result<Self, ImageError> {
        Self::parse(digest, &store.read_now(digest, MANIFEST_BYTES_MAX)?)
    }

    pub fn parse(digest: &Digest, bytes: &[u8]) -> Result<Self, ImageError> {
        let wrong =
            |error: &dyn std::fmt::Display| ImageError::NotAManifest(digest.clone(), error.to_string());
        let kind: Kind = serde_json::from_slice(bytes).map_err(|error| wrong(&error))?;
        if kind.manifests.is_some() && kind.layers.is_none() {
            let index: ImageIndex = serde_json::from_slice(bytes).map_err(|error| wrong(&error))?;
            let children = index.manifests().iter().map(child).collect::<Result<_, _>>()?;
            return Ok(Self::Index(children));
        }
        let manifest: ImageManifest = serde_json::from_slice(bytes).map_err(|error| wrong(&error))?;
        if manifest.layers().len() > LAYERS_MAX {
            return Err(ImageError::TooManyLayers(digest.clone(), manifest.layers().len()));
        }
        let layers = manifest.layers().iter().map(layer).collect::<Result<_, _>>()?;
        Ok(Self::Image(Image {
            digest: digest.clone(),
            media_type: manifest
                .media_type()
                .as_ref()
                .map_or_else(|| MEDIA_TYPE_MANIFEST.to_owned(), ToString::to_string),
            config: Digest::parse(manifest.config().digest().as_ref())?,
            config_size_bytes: manifest.config().size(),
            layers,
        }))
    }
}

fn child(descriptor: &oci_spec::image::Descriptor) -> Result<Child, BlobError> {
    let platform = descriptor.platform().as_ref();
    Ok(Child {
        digest: Digest::parse(descriptor.digest().as_ref())?,
        platform: platform.map(|platform| format!("{}/{}", platform.os(), platform.architecture())),
    })
}

fn layer(descriptor: &oci_spec::image::Descriptor) -> Result<LayerDescriptor, BlobError> {
    Ok(LayerDescriptor {
        digest: Digest::parse(descriptor.digest().as_ref())?,
        media_type: descriptor.media_type().to_string(),
        size_bytes: descriptor.size(),
    })
}

/// The child for this machine: linux/amd64, or the only one if it does not say.
pub(crate) fn choose<'a>(index: &Digest, children: &'a [Child]) -> Result<&'a Child, ImageError> {
    if let Some(child) = children
        .iter()
        .find(|child| child.platform.as_deref() == Some("linux/amd64"))
    {
        return Ok(child);
    }
    match children {
        [only] if only.platform.is_none() => Ok(only),
        _ => {
            let found: Vec<&str> = children
                .iter()
                .map(|child| child.platform.as_deref().unwrap_or("one unnamed"))
                .collect();
            Err(ImageError::NoPlatform(index.clone(), found.join(", ")))
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenManifest {
    schema_version: u32,
    media_type: &'static str,
    config: WrittenDescriptor,
    layers: Vec<WrittenDescriptor>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenDescriptor {
    media_type: String,
    digest: String,
    size: u64,
}

/// The OCI manifest of an image with this configuration and these layers, bottom first.
pub fn manifest_bytes(
    config: &Digest,
    config_size_bytes: u64,
    layers: &[LayerDescriptor],
) -> serde_json::Result<Vec<u8>> {
    let written = |media_type: &str, digest: &Digest, size: u64| WrittenDescriptor {
        media_type: oci_media_type(media_type).to_owned(),
        digest: digest.to_string(),
        size,
    };
    serde_json::to_vec(&WrittenManifest {
        schema_version: 2,
        media_type: MEDIA_TYPE_MANIFEST,
        config: written(MEDIA_TYPE_CONFIG, config, config_size_bytes),
        layers: layers
            .iter()
            .map(|layer| written(&layer.media_type, &layer.digest, layer.size_bytes))
            .collect(),
    })
}

/// Layers of a Docker manifest are the same bytes under another name.
fn oci_media_type(media_type: &str) -> &str {
    match media_type {
        "application/vnd.docker.image.rootfs.diff.tar.gzip" => "application/vnd.oci.image.layer.v1.tar+gzip",
        "application/vnd.docker.image.rootfs.diff.tar" => MEDIA_TYPE_LAYER_TAR,
        other => other,
    }
}

impl BlobStore {
    /// The image for linux/amd64 behind a manifest or index. Blocks: disk.
    pub fn image(&self, manifest: &str) -> Result<Image, ImageError> {
        let mut digest = Digest::parse(manifest)?;
        for _ in 0..INDEX_DEPTH_MAX {
            match Document::read(self, &digest)? {
                Document::Image(image) => return Ok(image),
                Document::Index(children) => digest = choose(&digest, &children)?.digest.clone(),
            }
        }
        Err(ImageError::NotAManifest(
            digest,
            format!("more than {INDEX_DEPTH_MAX} indexes lead to it"),
        ))
    }

    /// The configuration of the image for linux/amd64 behind a manifest or index. Blocks: disk.
    pub fn image_config(&self, manifest: &str) -> Result<ImageConfiguration, ImageError> {
        self.configuration(&self.image(manifest)?)
    }

    /// The configuration as it is stored: members that OCI does not define (`Healthcheck`, `Shell`) included.
    pub fn image_config_bytes(&self, manifest: &str) -> Result<bytes::Bytes, ImageError> {
        Ok(self.read_now(&self.image(manifest)?.config, CONFIG_BYTES_MAX)?)
    }

    /// Checked: as many diff ids as layers, and made for this machine.
    pub(crate) fn configuration(&self, image: &Image) -> Result<ImageConfiguration, ImageError> {
        let bytes = self.read_now(&image.config, CONFIG_BYTES_MAX)?;
        let configuration: ImageConfiguration = serde_json::from_slice(&bytes)
            .map_err(|error| ImageError::Configuration(image.digest.clone(), error.to_string()))?;
        if (configuration.os(), configuration.architecture()) != (&Os::Linux, &Arch::Amd64) {
            let found = format!("{}/{}", configuration.os(), configuration.architecture());
            return Err(ImageError::NoPlatform(image.digest.clone(), found));
        }
        let named = configuration.rootfs().diff_ids().len();
        if named != image.layers.len() {
            return Err(ImageError::LayerCount(
                image.digest.clone(),
                image.layers.len(),
                named,
            ));
        }
        Ok(configuration)
    }
}
