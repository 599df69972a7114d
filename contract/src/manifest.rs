//! What a manifest or index refers to: read once, for all who take manifests in.

use serde::Deserialize;

/// As registries agree on.
pub const MANIFEST_BYTES_MAX: usize = 4 << 20;
/// Blobs and manifests that one manifest may refer to.
pub const REFERENCES_MAX: usize = 5_000;

pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// Of a draft of OCI 1.1; some artifacts still have it.
pub const OCI_ARTIFACT: &str = "application/vnd.oci.artifact.manifest.v1+json";

/// A manifest or index that was checked to hang together in itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    pub media_type: String,
    pub artifact_type: Option<String>,
    pub config_media_type: Option<String>,
    /// Configuration and layers.
    pub blobs: Vec<Reference>,
    /// Manifests of an index.
    pub manifests: Vec<Reference>,
    /// Digest of the manifest that this one is about.
    pub subject: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    pub digest: String,
    pub size_bytes: u64,
    /// It may lie elsewhere: layers that must not be passed on.
    pub is_foreign: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    schema_version: Option<u32>,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    blobs: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Descriptor>>,
    subject: Option<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    #[serde(default)]
    media_type: Option<String>,
    digest: String,
    size: u64,
    #[serde(default)]
    urls: Option<Vec<String>>,
}

impl Descriptor {
    fn reference(self) -> Reference {
        let kind = self.media_type.unwrap_or_default();
        Reference {
            digest: self.digest,
            size_bytes: self.size,
            is_foreign: self.urls.is_some_and(|urls| !urls.is_empty())
                || kind.contains(".nondistributable.")
                || kind.contains(".rootfs.foreign."),
        }
    }
}

impl Manifest {
    /// Reads a manifest that was sent as `declared`.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn parse(bytes: &[u8], declared: Option<&str>) -> Result<Self, String> {
        let raw: Raw =
            serde_json::from_slice(bytes).map_err(|error| format!("the manifest cannot be read: {error}"))?;
        let media_type = media_type(&raw, declared)?;
        let is_index = matches!(media_type.as_str(), OCI_INDEX | DOCKER_INDEX);
        let is_artifact = media_type == OCI_ARTIFACT;
        match raw.schema_version {
            Some(2) => {}
            None if is_artifact => {}
            Some(other) => return Err(format!("schema version {other} is not served, only 2")),
            None => return Err("the manifest has no schemaVersion".to_owned()),
        }
        let shape = if is_index {
            (raw.config.is_some() || raw.layers.is_some())
                .then_some("an index has neither config nor layers")
                .or(raw
                    .manifests
                    .is_none()
                    .then_some("the index has no list of manifests"))
        } else if is_artifact {
            raw.config
                .is_some()
                .then_some("an artifact manifest has no config")
        } else {
            raw.manifests
                .is_some()
                .then_some("an image manifest has no list of manifests")
                .or(raw.config.is_none().then_some("the manifest has no config"))
        };
        if let Some(wrong) = shape {
            return Err(wrong.to_owned());
        }
        let config_media_type = raw.config.as_ref().and_then(|config| config.media_type.clone());
        let blobs: Vec<Reference> = (raw.config.into_iter())
            .chain(raw.layers.into_iter().flatten())
            .chain(raw.blobs.into_iter().flatten())
            .map(Descriptor::reference)
            .collect();
        let manifests: Vec<Reference> = raw
            .manifests
            .into_iter()
            .flatten()
            .map(Descriptor::reference)
            .collect();
        if blobs.len() + manifests.len() > REFERENCES_MAX {
            return Err(format!("a manifest refers to at most {REFERENCES_MAX} blobs"));
        }
        Ok(Self {
            media_type,
            artifact_type: raw.artifact_type.filter(|kind| !kind.is_empty()),
            config_media_type,
            blobs,
            manifests,
            subject: raw.subject.map(|subject| subject.digest),
        })
    }
}

/// As it was declared, else as it says itself, else (the member is optional in OCI) by what it has.
fn media_type(raw: &Raw, declared: Option<&str>) -> Result<String, String> {
    let inside = raw.media_type.as_deref().filter(|kind| !kind.is_empty());
    let declared = declared.filter(|kind| !matches!(*kind, "" | "application/json"));
    let kind = match (declared, inside) {
        (Some(declared), Some(inside)) if declared != inside => {
            return Err(format!(
                "the Content-Type is {declared}, but the manifest says {inside}"
            ));
        }
        (Some(kind), _) | (None, Some(kind)) => kind,
        (None, None) if raw.manifests.is_some() => OCI_INDEX,
        (None, None) if raw.config.is_some() => OCI_MANIFEST,
        (None, None) => return Err("the manifest has no media type".to_owned()),
    };
    let known = [
        OCI_MANIFEST,
        OCI_INDEX,
        DOCKER_MANIFEST,
        DOCKER_INDEX,
        OCI_ARTIFACT,
    ];
    if known.contains(&kind) {
        Ok(kind.to_owned())
    } else {
        let shown: String = kind.chars().take(200).collect();
        Err(format!("{shown} is not the media type of a manifest"))
    }
}

#[cfg(test)]
mod tests;
