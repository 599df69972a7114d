//! The build context as a tar archive, made while it is sent.

use std::io::{self, Write};
use std::path::Path;

use bytes::Bytes;
use futures::Stream;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::folder::Folder;

/// How much is sent at once, in bytes, and how much of that may wait.
const CHUNK_BYTES: usize = 256 * 1024;
const CHUNKS_WAITING_MAX: usize = 8;
/// Always sent, whatever `.dockerignore` says: the builder needs them.
const ALWAYS: [&str; 3] = ["Dockerfile", ".dockerignore", "Dockerfile.dockerignore"];

/// The folder's entries, without what `.dockerignore` leaves out.
pub(crate) fn stream(folder: &Folder) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let (sender, receiver) = mpsc::channel(CHUNKS_WAITING_MAX);
    let (root, mut names) = (folder.root.clone(), folder.entries.clone());
    for name in ALWAYS {
        if !names.iter().any(|known| known == name) && root.join(name).is_file() {
            names.push(name.to_owned());
        }
    }
    tokio::task::spawn_blocking(move || {
        let mut chunks = Chunks {
            sender,
            pending: Vec::with_capacity(CHUNK_BYTES),
        };
        let written = write(&root, &names, &mut chunks).and_then(|()| chunks.send());
        if let Err(error) = written {
            // Whoever reads is told; when nobody reads any more there is nobody to tell.
            let _ = chunks.sender.blocking_send(Err(error));
        }
    });
    ReceiverStream::new(receiver)
}

fn write(root: &Path, names: &[String], out: &mut Chunks) -> io::Result<()> {
    let mut archive = tar::Builder::new(out);
    archive.follow_symlinks(false);
    for name in names {
        let path = root.join(name);
        append(&mut archive, &path, name)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    }
    archive.finish()
}

fn append(archive: &mut tar::Builder<&mut Chunks>, path: &Path, name: &str) -> io::Result<()> {
    let found = std::fs::symlink_metadata(path)?;
    let kind = found.file_type();
    if !(kind.is_file() || kind.is_dir() || kind.is_symlink()) {
        // Sockets and the like cannot be in an image.
        return Ok(());
    }
    let mut header = tar::Header::new_gnu();
    header.set_metadata_in_mode(&found, tar::HeaderMode::Complete);
    // Who owns them on this machine means nothing in an image.
    header.set_uid(0);
    header.set_gid(0);
    if kind.is_symlink() {
        header.set_size(0);
        return archive.append_link(&mut header, name, std::fs::read_link(path)?);
    }
    if kind.is_dir() {
        header.set_size(0);
        return archive.append_data(&mut header, format!("{name}/"), io::empty());
    }
    let file = std::fs::File::open(path)?;
    header.set_size(found.len());
    let length = found.len();
    let mut counted = Counted {
        inner: io::Read::take(file, length),
        left: length,
    };
    archive.append_data(&mut header, name, &mut counted)
}

/// A file that is shorter than it was a moment ago would shift everything behind it.
struct Counted<R> {
    inner: R,
    left: u64,
}

impl<R: io::Read> io::Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if read == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::Error::other("the file changed while it was read"));
        }
        self.left -= read as u64;
        Ok(read)
    }
}

struct Chunks {
    sender: mpsc::Sender<io::Result<Bytes>>,
    pending: Vec<u8>,
}

impl Chunks {
    fn send(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::replace(&mut self.pending, Vec::with_capacity(CHUNK_BYTES));
        self.sender
            .blocking_send(Ok(chunk.into()))
            .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= CHUNK_BYTES {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
