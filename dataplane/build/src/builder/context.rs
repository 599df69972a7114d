//! The build context: received as a tar archive, unpacked beside the blobs, without what `.dockerignore` leaves out.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base_dockerfile::{DOCKERFILE_BYTES_MAX, Ignore};
use contract::image::ByteStream;
use dataplane_blobs::BlobStore;
use tokio_util::io::{StreamReader, SyncIoBridge};

use super::{BuildError, blocking};
use crate::scratch::ScratchDir;
use crate::view::{Node, View, text};

/// Directories inside each other.
const DEPTH_MAX: usize = 256;

pub(crate) struct Context {
    directory: ScratchDir,
    /// Its text.
    pub dockerfile: String,
}

impl Context {
    /// `name` is the Dockerfile's path inside the context.
    pub async fn receive(store: &BlobStore, archive: ByteStream, name: &str) -> Result<Self, BuildError> {
        let directory = ScratchDir::create(store.temporary())?;
        let into = directory.path().to_owned();
        let reader = SyncIoBridge::new(StreamReader::new(archive));
        let name = name.to_owned();
        let dockerfile = blocking(move || {
            dataplane_blobs::extract(reader, &into).map_err(BuildError::Context)?;
            let dockerfile = read_text(&into, &name)?;
            // A Dockerfile may have rules of its own.
            let patterns = match read(&into, &format!("{name}.dockerignore"))? {
                Some(patterns) => Some(patterns),
                None => read(&into, ".dockerignore")?,
            };
            if let Some(patterns) = patterns {
                let ignore = Ignore::parse(&String::from_utf8_lossy(&patterns))?;
                let mut removal = Removal {
                    root: &into,
                    ignore: &ignore,
                };
                removal.directory(Path::new(""), 0)?;
            }
            Ok::<_, BuildError>(dockerfile)
        })
        .await?;
        Ok(Self {
            directory,
            dockerfile,
        })
    }

    pub fn view(&self) -> View {
        View::new(&[self.directory.path().to_owned()])
    }
}

fn read_text(root: &Path, name: &str) -> Result<String, BuildError> {
    let bytes = read(root, name)?.ok_or_else(|| BuildError::NoDockerfile(name.to_owned()))?;
    String::from_utf8(bytes).map_err(|_| BuildError::NotText(name.to_owned()))
}

/// A file of the context, which may be a symbolic link inside it.
fn read(root: &Path, name: &str) -> Result<Option<Vec<u8>>, BuildError> {
    let view = View::new(&[root.to_owned()]);
    match view.resolve(Path::new(name), true)?.node {
        Some(Node::Other { path, metadata }) if metadata.is_file() => {
            if metadata.len() > DOCKERFILE_BYTES_MAX as u64 {
                return Err(BuildError::NotText(name.to_owned()));
            }
            Ok(Some(fs::read(path)?))
        }
        _ => Ok(None),
    }
}

/// Clients leave out what is ignored; not all do.
struct Removal<'a> {
    root: &'a Path,
    ignore: &'a Ignore,
}

impl Removal<'_> {
    fn directory(&mut self, at: &Path, depth: usize) -> io::Result<()> {
        if depth > DEPTH_MAX {
            return Err(io::Error::other(format!(
                "the context is more than {DEPTH_MAX} directories deep"
            )));
        }
        let entries: Vec<fs::DirEntry> = fs::read_dir(self.root.join(at))?.collect::<io::Result<_>>()?;
        for entry in entries {
            let path: PathBuf = at.join(entry.file_name());
            let ignored = self.ignore.is_ignored(&text(&path));
            if !entry.file_type()?.is_dir() {
                if ignored {
                    fs::remove_file(entry.path())?;
                }
            } else if ignored && !self.ignore.may_keep_below() {
                fs::remove_dir_all(entry.path())?;
            } else {
                self.directory(&path, depth + 1)?;
                if ignored && fs::read_dir(entry.path())?.next().is_none() {
                    fs::remove_dir(entry.path())?;
                }
            }
        }
        Ok(())
    }
}
