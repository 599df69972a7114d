//! Uploads that arrive in pieces. The bytes are on disk from the start; the running hash is kept in memory and
//! made again from the file after a restart.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base_id::IdSource as _;
use contract::image::BlobError;
use sha2::{Digest as _, Sha256};

use super::{BLOB_BYTES_MAX, BlobStore, lock_plain, remove};
use crate::digest::{Algorithm, Digest};

/// Uploads that may be open at the same time.
const UPLOADS_MAX: usize = 1_000;

/// Open uploads by id.
#[derive(Default)]
pub(super) struct Uploads(Mutex<HashMap<String, Arc<Mutex<Upload>>>>);

struct Upload {
    file: File,
    hasher: Sha256,
    size_bytes: u64,
    used: Instant,
    /// Set once it was finished or cancelled, for those who still hold it.
    gone: bool,
}

impl BlobStore {
    pub(super) fn begin(&self) -> Result<String, BlobError> {
        if fs::read_dir(self.uploads())?.count() >= UPLOADS_MAX {
            return Err(BlobError::TooManyUploads {
                count_max: UPLOADS_MAX,
            });
        }
        let id = self.inner.ids.hex(32);
        let file = File::options()
            .append(true)
            .read(true)
            .create_new(true)
            .open(self.uploads().join(&id))?;
        let upload = Upload {
            file,
            hasher: Sha256::new(),
            size_bytes: 0,
            used: Instant::now(),
            gone: false,
        };
        lock_plain(&self.inner.uploads.0).insert(id.clone(), Arc::new(Mutex::new(upload)));
        Ok(id)
    }

    /// Appends and returns the new size; with no bytes it tells the present one.
    pub(super) fn append(&self, id: &str, offset: Option<u64>, bytes: &[u8]) -> Result<u64, BlobError> {
        let upload = self.upload(id)?;
        let mut upload = lock_plain(&upload);
        if upload.gone {
            return Err(BlobError::UploadUnknown(id.to_owned()));
        }
        if let Some(expected) = offset
            && expected != upload.size_bytes
        {
            return Err(BlobError::OffsetMismatch {
                expected,
                actual: upload.size_bytes,
            });
        }
        let size_bytes = upload.size_bytes + bytes.len() as u64;
        if size_bytes > BLOB_BYTES_MAX {
            return Err(BlobError::TooLarge {
                digest: format!("of upload {id}"),
                size_bytes,
                limit_bytes: BLOB_BYTES_MAX,
            });
        }
        if let Err(error) = upload.file.write_all(bytes) {
            // Some of it may be in the file: forget the hash, so that the next one counts anew.
            upload.gone = true;
            lock_plain(&self.inner.uploads.0).remove(id);
            return Err(error.into());
        }
        upload.hasher.update(bytes);
        upload.size_bytes = size_bytes;
        upload.used = Instant::now();
        Ok(size_bytes)
    }

    pub(super) fn finish(&self, id: &str, expected: &Digest) -> Result<(), BlobError> {
        let upload = self.upload(id)?;
        let mut upload = lock_plain(&upload);
        if upload.gone {
            return Err(BlobError::UploadUnknown(id.to_owned()));
        }
        let actual = match expected.algorithm() {
            Algorithm::Sha256 => Digest::from_hasher(upload.hasher.clone()),
            // Rare enough to read the file once more.
            Algorithm::Sha512 => expected.same_kind_of(File::open(self.uploads().join(id))?)?,
        };
        if actual != *expected {
            return Err(BlobError::DigestMismatch {
                expected: expected.to_string(),
                actual: actual.into(),
            });
        }
        let path = self.uploads().join(id);
        if self.size_of(expected)?.is_some() {
            self.touch(expected);
            remove(&path)?;
        } else {
            upload.file.sync_data()?;
            self.place(&path, expected)?;
        }
        upload.gone = true;
        lock_plain(&self.inner.uploads.0).remove(id);
        Ok(())
    }

    pub(super) fn cancel(&self, id: &str) -> Result<(), BlobError> {
        let upload = self.upload(id)?;
        lock_plain(&upload).gone = true;
        lock_plain(&self.inner.uploads.0).remove(id);
        Ok(remove(&self.uploads().join(id))?)
    }

    /// Removes uploads that nobody has touched for `idle`; returns bytes freed.
    pub(super) fn sweep_uploads(&self, idle: Duration) -> Result<u64, BlobError> {
        let mut freed_bytes = 0;
        for entry in fs::read_dir(self.uploads())? {
            let entry = entry?;
            let Some(id) = entry.file_name().to_str().map(str::to_owned) else {
                continue;
            };
            let open = lock_plain(&self.inner.uploads.0).get(&id).cloned();
            // One from before the last start counts from that start.
            let used = open.map_or(self.inner.opened, |upload| lock_plain(&upload).used);
            if used.elapsed() >= idle {
                freed_bytes += entry.metadata()?.len();
                self.cancel(&id)?;
            }
        }
        Ok(freed_bytes)
    }

    fn upload(&self, id: &str) -> Result<Arc<Mutex<Upload>>, BlobError> {
        let unknown = || BlobError::UploadUnknown(id.chars().take(64).collect());
        if id.len() != 32 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(unknown());
        }
        let mut uploads = lock_plain(&self.inner.uploads.0);
        if let Some(upload) = uploads.get(id) {
            return Ok(upload.clone());
        }
        let opened = File::options()
            .append(true)
            .read(true)
            .open(self.uploads().join(id));
        let mut file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(unknown()),
            Err(error) => return Err(error.into()),
        };
        let (hasher, size_bytes) = hash(&mut file)?;
        let upload = Arc::new(Mutex::new(Upload {
            file,
            hasher,
            size_bytes,
            used: Instant::now(),
            gone: false,
        }));
        uploads.insert(id.to_owned(), upload.clone());
        Ok(upload)
    }
}

fn hash(file: &mut File) -> io::Result<(Sha256, u64)> {
    let mut hasher = Sha256::new();
    let mut size_bytes = 0;
    let mut buffer = vec![0; 256 << 10];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((hasher, size_bytes));
        }
        hasher.update(&buffer[..read]);
        size_bytes += read as u64;
    }
}
