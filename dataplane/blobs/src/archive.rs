//! Images as tar files: what `docker save`, `skopeo` and `podman` write (an OCI image layout, a Docker archive, or
//! both in one) is read, and one that is both is written.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read, Write};

use contract::image::BlobError;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::local::NamesError;
use crate::manifest::{
    Image, ImageError, LayerDescriptor, MANIFEST_BYTES_MAX, MEDIA_TYPE_INDEX, MEDIA_TYPE_LAYER_TAR,
    manifest_bytes,
};
use crate::name::Name;
use crate::store::BlobStore;
use crate::unpack::{Compression, decompress};

/// The files of an archive together may have this many bytes.
pub const ARCHIVE_BYTES_MAX: u64 = 64 << 30;
/// An archive may have this many files.
const ARCHIVE_FILES_MAX: usize = 10_000;

const NAME_IN_FULL: &str = "io.containerd.image.name";
const REF_NAME: &str = "org.opencontainers.image.ref.name";

#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("the archive cannot be read: {0}")]
    Read(#[source] io::Error),
    #[error(
        "the archive is larger than {ARCHIVE_BYTES_MAX} bytes or has more than {ARCHIVE_FILES_MAX} files"
    )]
    TooLarge,
    #[error(
        "the archive holds no image: it has neither index.json (OCI layout) nor manifest.json (docker save)"
    )]
    NoImage,
    #[error("{file} of the archive cannot be read: {reason}")]
    Broken { file: &'static str, reason: String },
    #[error("the archive lacks {0}")]
    Missing(String),
    #[error(transparent)]
    Image(#[from] ImageError),
    #[error(transparent)]
    Names(#[from] NamesError),
    #[error("image store: {0}")]
    Io(#[from] io::Error),
}

impl From<BlobError> for ArchiveError {
    fn from(error: BlobError) -> Self {
        Self::Image(error.into())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    schema_version: u32,
    #[serde(default)]
    media_type: Option<String>,
    manifests: Vec<Descriptor>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: String,
    size: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

impl Descriptor {
    fn new(media_type: &str, digest: &Digest, size: u64) -> Self {
        let (media_type, digest) = (media_type.to_owned(), digest.to_string());
        Self {
            media_type,
            digest,
            size,
            annotations: BTreeMap::new(),
        }
    }
}

/// An entry of Docker's `manifest.json`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DockerEntry {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

/// What the archive held, by path.
#[derive(Default)]
struct Found {
    files: HashMap<String, (Digest, u64)>,
    /// Hard and symbolic links: older `docker save` has them for layers that repeat.
    links: HashMap<String, String>,
}

impl Found {
    fn get(&self, path: &str) -> Result<&(Digest, u64), ArchiveError> {
        let target = self.links.get(path).map_or(path, String::as_str);
        self.files
            .get(target)
            .ok_or_else(|| ArchiveError::Missing(path.to_owned()))
    }
}

impl BlobStore {
    /// Takes in the images of a tar file (gzip and zstd too) and returns their names, or their digests if they
    /// have none. Blocks: disk.
    pub fn load(&self, archive: impl Read + 'static) -> Result<Vec<String>, ArchiveError> {
        let found = self.take_in(archive)?;
        if let Some((digest, _)) = found.files.get("manifest.json") {
            let bytes = self.read_now(digest, MANIFEST_BYTES_MAX)?;
            let entries: Vec<DockerEntry> =
                serde_json::from_slice(&bytes).map_err(|error| ArchiveError::Broken {
                    file: "manifest.json",
                    reason: error.to_string(),
                })?;
            // An archive that is both keeps the digests of its manifests when it is read as OCI layout.
            let names = if found.files.contains_key("index.json") {
                self.load_index(&found)?
            } else {
                Vec::new()
            };
            return if names.is_empty() {
                self.load_docker(&found, &entries)
            } else {
                Ok(names)
            };
        }
        if !found.files.contains_key("index.json") {
            return Err(ArchiveError::NoImage);
        }
        self.load_index(&found)
    }

    fn take_in(&self, archive: impl Read + 'static) -> Result<Found, ArchiveError> {
        let mut archive = tar::Archive::new(decompress(archive).map_err(ArchiveError::Read)?);
        let mut found = Found::default();
        let mut total_bytes = 0_u64;
        for entry in archive.entries().map_err(ArchiveError::Read)? {
            let mut entry = entry.map_err(ArchiveError::Read)?;
            let path = plain(&String::from_utf8_lossy(&entry.path_bytes()));
            total_bytes = total_bytes.saturating_add(entry.size());
            if found.files.len() + found.links.len() >= ARCHIVE_FILES_MAX || total_bytes > ARCHIVE_BYTES_MAX {
                return Err(ArchiveError::TooLarge);
            }
            let kind = entry.header().entry_type();
            if kind.is_file() {
                let mut writer = self.writer()?;
                io::copy(&mut entry, &mut writer).map_err(ArchiveError::Read)?;
                let blob = match path.strip_prefix("blobs/sha256/") {
                    Some(hex) => {
                        let expected = Digest::parse(&format!("sha256:{hex}"))?;
                        let size_bytes = writer.finish_as(&expected)?;
                        (expected, size_bytes)
                    }
                    None => writer.finish()?,
                };
                found.files.insert(path, blob);
            } else if kind.is_symlink() || kind.is_hard_link() {
                let target = entry.link_name_bytes().unwrap_or_default();
                let target = String::from_utf8_lossy(&target);
                let target = if kind.is_symlink() {
                    // Such as `../0123…/layer.tar`, always beside the link's own directory.
                    plain(target.trim_start_matches("../"))
                } else {
                    plain(&target)
                };
                found.links.insert(path, target);
            }
        }
        Ok(found)
    }

    fn load_index(&self, found: &Found) -> Result<Vec<String>, ArchiveError> {
        let (digest, _) = found.get("index.json")?;
        let bytes = self.read_now(digest, MANIFEST_BYTES_MAX)?;
        let index: Index = serde_json::from_slice(&bytes).map_err(|error| ArchiveError::Broken {
            file: "index.json",
            reason: error.to_string(),
        })?;
        let mut names = Vec::new();
        for descriptor in index.manifests {
            let digest = Digest::parse(&descriptor.digest)?;
            // Signatures and the like stand beside images; of an index only this machine's image need be there.
            let Ok(image) = self.image(digest.as_str()) else {
                continue;
            };
            self.check(&image)?;
            names.push(self.name_loaded(&digest, name_in(&descriptor.annotations))?);
        }
        Ok(names)
    }

    fn load_docker(&self, found: &Found, entries: &[DockerEntry]) -> Result<Vec<String>, ArchiveError> {
        let mut names = Vec::new();
        for entry in entries {
            let (config, size_bytes) = found.get(&plain(&entry.config))?;
            let mut layers = Vec::new();
            for path in &entry.layers {
                let (digest, size_bytes) = found.get(&plain(path))?;
                let media_type = self.layer_media_type(digest)?.to_owned();
                layers.push(LayerDescriptor {
                    digest: digest.clone(),
                    media_type,
                    size_bytes: *size_bytes,
                });
            }
            let bytes = manifest_bytes(config, *size_bytes, &layers).map_err(io::Error::from)?;
            let digest = self.put(&bytes)?;
            self.check(&self.image(digest.as_str())?)?;
            let tags = entry.repo_tags.as_deref().unwrap_or_default();
            for tag in tags {
                names.push(self.name_loaded(&digest, Some(tag.clone()))?);
            }
            if tags.is_empty() {
                names.push(digest.into());
            }
        }
        Ok(names)
    }

    fn name_loaded(&self, digest: &Digest, name: Option<String>) -> Result<String, ArchiveError> {
        match name {
            Some(name) => {
                self.tag(&name, digest.as_str())?;
                Ok(Name::parse(&name).map_or(name, |name| name.familiar()))
            }
            None => Ok(digest.to_string()),
        }
    }

    /// All blobs are here and the configuration fits.
    fn check(&self, image: &Image) -> Result<(), ArchiveError> {
        self.configuration(image)?;
        for layer in &image.layers {
            if self.size_of(&layer.digest)?.is_none() {
                return Err(ArchiveError::Missing(format!("layer {}", layer.digest)));
            }
        }
        Ok(())
    }

    fn layer_media_type(&self, digest: &Digest) -> Result<&'static str, ArchiveError> {
        let mut magic = Vec::new();
        File::open(self.blob_path(digest))?
            .take(6)
            .read_to_end(&mut magic)?;
        Ok(match Compression::of(&magic) {
            Compression::Bzip2 | Compression::Xz => {
                return Err(ArchiveError::Broken {
                    file: "a layer",
                    reason: "images have layers in plain tar, gzip or zstd".to_owned(),
                });
            }
            Compression::None => MEDIA_TYPE_LAYER_TAR,
            Compression::Gzip => "application/vnd.oci.image.layer.v1.tar+gzip",
            Compression::Zstd => "application/vnd.oci.image.layer.v1.tar+zstd",
        })
    }

    /// Writes a tar file with these images (names, digests or short ids) as OCI layout and Docker archive in one.
    /// Blocks: disk.
    pub fn save(&self, names: &[String], out: impl Write) -> Result<(), ArchiveError> {
        let mut index = Index {
            schema_version: 2,
            media_type: Some(MEDIA_TYPE_INDEX.to_owned()),
            manifests: Vec::new(),
        };
        let mut docker: Vec<DockerEntry> = Vec::new();
        let mut blobs: BTreeMap<Digest, u64> = BTreeMap::new();
        for name in names {
            let image = self.image(&self.find(name)?)?;
            let size = self.size_of(&image.digest)?.unwrap_or_default();
            let mut descriptor = Descriptor::new(&image.media_type, &image.digest, size);
            let parsed = Name::parse(name).ok().filter(|name| name.digest.is_none());
            let named = parsed.filter(|name| self.find(&name.to_string()).is_ok_and(|_| name.tag.is_some()));
            if let Some(name) = &named {
                descriptor
                    .annotations
                    .insert(NAME_IN_FULL.to_owned(), name.to_string());
                descriptor
                    .annotations
                    .extend(name.tag.clone().map(|tag| (REF_NAME.to_owned(), tag)));
            }
            index.manifests.push(descriptor);
            let path = |digest: &Digest| format!("blobs/sha256/{}", digest.hex());
            docker.push(DockerEntry {
                config: path(&image.config),
                repo_tags: Some(named.iter().map(Name::familiar).collect()),
                layers: image.layers.iter().map(|layer| path(&layer.digest)).collect(),
            });
            blobs.insert(image.digest, size);
            blobs.insert(image.config, image.config_size_bytes);
            blobs.extend(
                image
                    .layers
                    .into_iter()
                    .map(|layer| (layer.digest, layer.size_bytes)),
            );
        }
        let mut tar = tar::Builder::new(out);
        for digest in blobs.keys() {
            let mut file = File::open(self.blob_path(digest))?;
            let size_bytes = file.metadata()?.len();
            append(
                &mut tar,
                &format!("blobs/sha256/{}", digest.hex()),
                size_bytes,
                &mut file,
            )?;
        }
        let layout = br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec();
        let index = serde_json::to_vec(&index).map_err(io::Error::from)?;
        let docker = serde_json::to_vec(&docker).map_err(io::Error::from)?;
        for (path, bytes) in [
            ("index.json", index),
            ("manifest.json", docker),
            ("oci-layout", layout),
        ] {
            append(&mut tar, path, bytes.len() as u64, &mut bytes.as_slice())?;
        }
        tar.into_inner()?.flush()?;
        Ok(())
    }
}

fn append(
    tar: &mut tar::Builder<impl Write>,
    path: &str,
    size_bytes: u64,
    content: &mut impl Read,
) -> io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_size(size_bytes);
    header.set_mode(0o644);
    header.set_entry_type(tar::EntryType::Regular);
    tar.append_data(&mut header, path, content)
}

/// Containerd writes the full name; others the full name, or the tag alone, which names nothing.
fn name_in(annotations: &BTreeMap<String, String>) -> Option<String> {
    let full = annotations.get(NAME_IN_FULL);
    let reference = annotations.get(REF_NAME).filter(|name| name.contains(['/', ':']));
    full.or(reference)
        .filter(|name| Name::parse(name).is_ok_and(|name| name.digest.is_none()))
        .cloned()
}

fn plain(path: &str) -> String {
    path.trim_start_matches("./").trim_start_matches('/').to_owned()
}

#[cfg(test)]
mod tests;
