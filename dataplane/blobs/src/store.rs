//! Bytes by digest. Every blob is written to a temporary file, synced once, and renamed into place, so that a
//! blob is whole or absent whenever the process is killed.

mod retain;
mod upload;

use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use base_id::{IdSource, RandomIds};
use bytes::Bytes;
use contract::image::{BlobError, Blobs};

use crate::digest::{Algorithm, Digest, DigestWriter};
use crate::layer::Unpacking;
use crate::local::Names;
use crate::remote::{Remote, RemoteConfig};

/// One blob may have this many bytes at most.
pub(crate) const BLOB_BYTES_MAX: u64 = 32 << 30;
/// How long opening waits for another process to let go of the store.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// A store on disk; clones share it. At most one process has a directory open.
#[derive(Clone)]
pub struct BlobStore {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    directory: PathBuf,
    pub(crate) ids: RandomIds,
    pub(crate) names: Names,
    pub(crate) unpacking: Unpacking,
    pub(crate) remote: Remote,
    uploads: upload::Uploads,
    opened: Instant,
    /// Stands for the store itself where a repository is named; nobody outside can guess it.
    pub(crate) own: String,
    /// When a blob was last written or asked for, so that a collection does not take what is being assembled.
    fresh: Mutex<HashMap<Digest, Instant>>,
    keepers: Mutex<Vec<Keeper>>,
    _lock: File,
}

/// Says which blobs shall survive a collection besides those of images, such as a builder's cache.
pub(crate) type Keeper = Box<dyn Fn() -> Vec<Digest> + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the image store {0} is in use by another process")]
    InUse(PathBuf),
    #[error("cannot open the image store {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("cannot open the image store: {0}")]
    Names(#[from] crate::local::NamesError),
    #[error("cannot prepare for other registries: {0}")]
    Remote(String),
}

impl BlobStore {
    /// Opens or makes a store, with the default ways to other registries. Blocks: disk.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, OpenError> {
        Self::open_with(directory, RemoteConfig::default())
    }

    /// Opens or makes a store and removes what a crash has left half-made.
    pub fn open_with(directory: impl Into<PathBuf>, remote: RemoteConfig) -> Result<Self, OpenError> {
        let directory = directory.into();
        let failed = |source| OpenError::Io {
            path: directory.clone(),
            source,
        };
        fs::create_dir_all(&directory).map_err(failed)?;
        let lock = lock(&directory)?;
        for part in ["blobs/sha256", "blobs/sha512", "layers", "uploads", "temporary"] {
            fs::create_dir_all(directory.join(part)).map_err(failed)?;
        }
        empty(&directory.join("temporary")).map_err(failed)?;
        crate::layer::forget_unsynced(&directory).map_err(failed)?;
        let names = Names::open(directory.join("names.json"))?;
        let remote = Remote::new(remote).map_err(OpenError::Remote)?;
        Ok(Self {
            inner: Arc::new(Inner {
                directory,
                ids: RandomIds,
                names,
                unpacking: Unpacking::default(),
                remote,
                uploads: upload::Uploads::default(),
                opened: Instant::now(),
                own: format!("wharf-store/{}{}", RandomIds.hex(32), RandomIds.hex(32)),
                fresh: Mutex::default(),
                keepers: Mutex::default(),
                _lock: lock,
            }),
        })
    }

    /// Where a file goes that a crash may leave behind: same file system as the store, emptied at opening.
    pub fn temporary(&self) -> PathBuf {
        self.inner
            .directory
            .join("temporary")
            .join(self.inner.ids.hex(32))
    }

    /// Begins a blob whose digest is not known yet. Blocks: disk.
    pub fn writer(&self) -> io::Result<BlobWriter> {
        let path = self.temporary();
        let file = File::create_new(&path)?;
        Ok(BlobWriter {
            store: self.clone(),
            path,
            writer: Some(DigestWriter::new(file)),
        })
    }

    pub(crate) fn layers(&self) -> PathBuf {
        self.inner.directory.join("layers")
    }

    fn uploads(&self) -> PathBuf {
        self.inner.directory.join("uploads")
    }

    pub(crate) fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.blobs(digest.algorithm()).join(digest.hex())
    }

    fn blobs(&self, algorithm: Algorithm) -> PathBuf {
        self.inner.directory.join("blobs").join(algorithm.name())
    }

    /// In bytes, or `None` if it is not here. Blocks: disk.
    pub fn size_of(&self, digest: &Digest) -> io::Result<Option<u64>> {
        match fs::metadata(self.blob_path(digest)) {
            Ok(found) => Ok(Some(found.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn read_now(&self, digest: &Digest, limit_bytes: u64) -> Result<Bytes, BlobError> {
        let size_bytes = self
            .size_of(digest)?
            .ok_or_else(|| BlobError::NotFound(digest.to_string()))?;
        if size_bytes > limit_bytes {
            return Err(BlobError::TooLarge {
                digest: digest.to_string(),
                size_bytes,
                limit_bytes,
            });
        }
        Ok(Bytes::from(fs::read(self.blob_path(digest))?))
    }

    /// Stores a small blob. Blocks: disk. The directory is synced too: a manifest is written last, and with it every rename
    /// of the blobs before it becomes durable.
    pub fn put(&self, bytes: &[u8]) -> io::Result<Digest> {
        let digest = Digest::of(bytes);
        if self.size_of(&digest)?.is_some() {
            self.touch(&digest);
            return Ok(digest);
        }
        let mut writer = self.writer()?;
        writer.write_all(bytes)?;
        let (digest, _) = writer.finish()?;
        File::open(self.blobs(Algorithm::Sha256))?.sync_all()?;
        Ok(digest)
    }

    /// Puts a synced file in place as the blob of that digest.
    fn place(&self, path: &Path, digest: &Digest) -> io::Result<()> {
        self.touch(digest);
        fs::rename(path, self.blob_path(digest))
    }

    /// Keeps a blob from the next collections for a while.
    pub fn touch(&self, digest: &Digest) {
        lock_plain(&self.inner.fresh).insert(digest.clone(), Instant::now());
    }
}

/// A blob in the making; removed when dropped unfinished.
pub struct BlobWriter {
    store: BlobStore,
    path: PathBuf,
    writer: Option<DigestWriter<File>>,
}

impl BlobWriter {
    /// Makes the blob durable and visible; returns its digest and size in bytes.
    pub fn finish(mut self) -> io::Result<(Digest, u64)> {
        let writer = self
            .writer
            .take()
            .expect("only finish takes the writer, and finish takes self");
        let (file, digest, size_bytes) = writer.finish();
        self.commit(&file, &digest)?;
        Ok((digest, size_bytes))
    }

    /// Like `finish`, for content whose digest was promised.
    pub fn finish_as(mut self, expected: &Digest) -> Result<u64, BlobError> {
        let writer = self
            .writer
            .take()
            .expect("only finish takes the writer, and finish takes self");
        let (file, actual, size_bytes) = writer.finish();
        let actual = match expected.algorithm() {
            Algorithm::Sha256 => actual,
            Algorithm::Sha512 => expected.same_kind_of(File::open(&self.path)?)?,
        };
        if actual != *expected {
            return Err(BlobError::DigestMismatch {
                expected: expected.to_string(),
                actual: actual.into(),
            });
        }
        self.commit(&file, &actual)?;
        Ok(size_bytes)
    }

    fn commit(&self, file: &File, digest: &Digest) -> io::Result<()> {
        if self.store.size_of(digest)?.is_some() {
            self.store.touch(digest);
            return Ok(());
        }
        file.sync_data()?;
        self.store.place(&self.path, digest)
    }
}

impl Write for BlobWriter {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let writer = self
            .writer
            .as_mut()
            .expect("finish takes self, so nothing is written after it");
        writer.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for BlobWriter {
    fn drop(&mut self) {
        // Gone already when the blob was put in place.
        let _ = fs::remove_file(&self.path);
    }
}

#[async_trait]
impl Blobs for BlobStore {
    async fn size(&self, digest: &str) -> Result<Option<u64>, BlobError> {
        let digest = Digest::parse(digest)?;
        let size = self.size_of(&digest)?;
        if size.is_some() {
            // Whoever learns that it need not be sent relies on finding it here later.
            self.touch(&digest);
        }
        Ok(size)
    }

    async fn read(&self, digest: &str, limit_bytes: u64) -> Result<Bytes, BlobError> {
        let digest = Digest::parse(digest)?;
        let store = self.clone();
        blocking(move || store.read_now(&digest, limit_bytes)).await
    }

    async fn path(&self, digest: &str) -> Result<PathBuf, BlobError> {
        let digest = Digest::parse(digest)?;
        match self.size_of(&digest)? {
            Some(_) => Ok(self.blob_path(&digest)),
            None => Err(BlobError::NotFound(digest.into())),
        }
    }

    async fn write(&self, bytes: Bytes) -> Result<String, BlobError> {
        let store = self.clone();
        blocking(move || Ok(store.put(&bytes)?.into())).await
    }

    async fn upload_begin(&self) -> Result<String, BlobError> {
        let store = self.clone();
        blocking(move || store.begin()).await
    }

    async fn upload_append(&self, id: &str, offset: Option<u64>, bytes: Bytes) -> Result<u64, BlobError> {
        let (store, id) = (self.clone(), id.to_owned());
        blocking(move || store.append(&id, offset, &bytes)).await
    }

    async fn upload_size(&self, id: &str) -> Result<u64, BlobError> {
        let (store, id) = (self.clone(), id.to_owned());
        blocking(move || store.append(&id, None, &[])).await
    }

    async fn upload_finish(&self, id: &str, digest: &str) -> Result<(), BlobError> {
        let digest = Digest::parse(digest)?;
        let (store, id) = (self.clone(), id.to_owned());
        blocking(move || store.finish(&id, &digest)).await
    }

    async fn upload_cancel(&self, id: &str) -> Result<(), BlobError> {
        let (store, id) = (self.clone(), id.to_owned());
        blocking(move || store.cancel(&id)).await
    }

    async fn expire_uploads(&self, idle: Duration) -> Result<u64, BlobError> {
        let store = self.clone();
        blocking(move || store.sweep_uploads(idle)).await
    }

    fn own_source(&self) -> Option<&str> {
        Some(&self.inner.own)
    }

    async fn retain(&self, manifests: &[String]) -> Result<u64, BlobError> {
        let (store, manifests) = (self.clone(), manifests.to_vec());
        blocking(move || store.retain_now(&manifests, retain::FRESH)).await
    }
}

/// Runs disk work off the async threads.
pub(crate) async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<io::Error> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(failed) => Err(E::from(io::Error::other(failed))),
    }
}

/// A poisoned lock means a panic elsewhere; the maps behind ours are whole at every step, so they stay usable.
pub(crate) fn lock_plain<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A killed predecessor lets go at once, but a child that it was just starting may hold on for a moment.
fn lock(directory: &Path) -> Result<File, OpenError> {
    let path = directory.join("lock");
    let failed = |source| OpenError::Io {
        path: path.clone(),
        source,
    };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(failed)?;
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if began.elapsed() < LOCK_WAIT => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse(directory.to_owned())),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
    }
}

fn empty(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        remove(&entry?.path())?;
    }
    Ok(())
}

/// Removes a file or a whole directory; what is absent is as wished.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    let result = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests;
