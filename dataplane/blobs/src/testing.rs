//! Small images and hostile archives for this crate's tests.

use crate::digest::Digest;
use crate::store::BlobStore;

/// A tar archive, entry by entry.
pub(crate) struct Tar(pub tar::Builder<Vec<u8>>);

impl Tar {
    pub fn new() -> Self {
        Self(tar::Builder::new(Vec::new()))
    }

    pub fn header(kind: tar::EntryType, mode: u32, size: u64) -> tar::Header {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(1_000_000_000);
        header
    }

    /// Writes the path as it is, without the library's own care for `..`.
    pub fn raw(mut self, path: &str, kind: tar::EntryType, link: &str, content: &[u8]) -> Self {
        let mut header = Self::header(kind, 0o755, content.len() as u64);
        let old = header.as_old_mut();
        old.name[..path.len()].copy_from_slice(path.as_bytes());
        old.linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        self.0.append(&header, content).unwrap();
        self
    }

    pub fn file(self, path: &str, content: &str) -> Self {
        self.raw(path, tar::EntryType::Regular, "", content.as_bytes())
    }

    pub fn directory(self, path: &str) -> Self {
        self.raw(path, tar::EntryType::Directory, "", b"")
    }

    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.raw(path, tar::EntryType::Symlink, target, b"")
    }

    pub fn hard_link(self, path: &str, target: &str) -> Self {
        self.raw(path, tar::EntryType::Link, target, b"")
    }

    pub fn bytes(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }
}

/// An image with one layer that holds these files; returns its manifest's digest.
pub(crate) fn image(store: &BlobStore, files: &[(&str, &str)]) -> String {
    let archive = files
        .iter()
        .fold(Tar::new(), |tar, (path, content)| tar.file(path, content))
        .bytes();
    let diff_id = Digest::of(&archive);
    image_of(store, &archive, &diff_id)
}

/// An image with this layer, whose configuration claims this diff id.
pub(crate) fn image_of(store: &BlobStore, layer: &[u8], diff_id: &Digest) -> String {
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","config":{{"Env":["A=b"]}},"rootfs":{{"type":"layers","diff_ids":["{diff_id}"]}}}}"#
    );
    let layer_digest = store.put(layer).unwrap();
    let config_digest = store.put(config.as_bytes()).unwrap();
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"{}","config":{{"mediaType":"{}","digest":"{config_digest}","size":{}}},"layers":[{{"mediaType":"{}","digest":"{layer_digest}","size":{}}}]}}"#,
        crate::MEDIA_TYPE_MANIFEST,
        crate::MEDIA_TYPE_CONFIG,
        config.len(),
        crate::MEDIA_TYPE_LAYER_TAR,
        layer.len()
    );
    store.put(manifest.as_bytes()).unwrap().into()
}
