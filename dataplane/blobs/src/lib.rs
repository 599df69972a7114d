//! Images on this machine: content-addressed blobs, unpacked layers, local names, and the way to other
//! registries. One store is shared by builder, registry and runtime, so that nothing is moved between them.
//!
//! Where to read on: `store` keeps bytes by digest, `layer` turns layers into directories (with `unpack`),
//! `name` and `local` know what images are called, `remote` pulls and pushes, `archive` loads and saves tar files.
//!
//! On disk, under the store's directory:
//!
//! ```text
//! lock               held by the one process that has the store open
//! blobs/sha256/HEX   content, never changed (blobs/sha512 likewise)
//! layers/HEX         unpacked layers by diff id, in overlayfs form
//! uploads/ID         uploads that are not finished
//! temporary/         what a crash may leave behind; emptied when the store is opened
//! names.json         local names
//! ```

mod archive;
mod digest;
mod layer;
mod local;
mod manifest;
mod name;
mod remote;
mod store;
#[cfg(test)]
mod testing;
mod unpack;

pub use archive::{ARCHIVE_BYTES_MAX, ArchiveError};
pub use digest::{Digest, DigestWriter};
pub use layer::LayerError;
pub use local::{LocalImage, NamesError};
pub use manifest::{
    Image, ImageError, LayerDescriptor, MEDIA_TYPE_CONFIG, MEDIA_TYPE_INDEX, MEDIA_TYPE_LAYER_TAR,
    MEDIA_TYPE_MANIFEST, manifest_bytes,
};
pub use name::{Name, NameError};
pub use remote::{Mirror, PullError, PushError, RemoteConfig, RemoteError};
pub use store::{BlobStore, OpenError};
pub use unpack::{
    UNPACKED_BYTES_MAX, UNPACKED_ENTRIES_MAX, UnpackError, extract, head, is_tar, unpack as unpack_layer,
};
