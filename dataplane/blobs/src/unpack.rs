//! A layer's archive becomes a directory that overlayfs can stack. The archive is hostile: every path is looked
//! up inside the directory by the kernel (`openat2` with `RESOLVE_IN_ROOT`), every size has a limit.

mod reader;
mod tree;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use crate::digest::Digest;
use reader::{Budget, LayerReader};
pub(crate) use reader::{Compression, decompress};
use tree::{Attributes, Tree};

/// All files of a layer together may have this many bytes.
pub const UNPACKED_BYTES_MAX: u64 = 32 << 30;
/// A layer may have this many files and directories.
pub const UNPACKED_ENTRIES_MAX: u64 = 2_000_000;
/// What describes one entry (headers, long names, extended attributes) may have this many bytes.
const ENTRY_HEADER_BYTES_MAX: u64 = 4 << 20;
/// What Linux itself allows.
const PATH_BYTES_MAX: usize = 4096;

const WHITEOUT_PREFIX: &[u8] = b".wh.";
const WHITEOUT_OPAQUE: &[u8] = b".wh..wh..opq";
const WHITEOUT_META_PREFIX: &[u8] = b".wh..wh.";

#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    #[error("it unpacks to more than {UNPACKED_BYTES_MAX} bytes")]
    TooManyBytes,
    #[error("it has more than {UNPACKED_ENTRIES_MAX} entries")]
    TooManyEntries,
    #[error("the path `{0}` leads out of the image")]
    Outside(String),
    #[error("the path `{0}` is longer than {PATH_BYTES_MAX} bytes")]
    PathTooLong(String),
    #[error("`{path}`: {source}")]
    Entry { path: String, source: io::Error },
    #[error("its archive cannot be read: {0}")]
    Archive(#[source] io::Error),
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Unpacks a layer's archive (plain, gzip or zstd, found by its first bytes) into a new directory and returns the
/// digest of the uncompressed archive, the diff id.
pub fn unpack(archive: impl Read + 'static, to: &Path) -> Result<Digest, UnpackError> {
    fs::create_dir(to)?;
    run(archive, to, Whiteouts::Overlay)
}

/// Unpacks an archive that is no layer, such as a build context, into a directory that exists: the same care, but
/// names that would be whiteouts are names. Blocks: disk.
pub fn extract(archive: impl Read + 'static, into: &Path) -> Result<(), UnpackError> {
    run(archive, into, Whiteouts::Plain).map(|_| ())
}

fn run(archive: impl Read + 'static, to: &Path, whiteouts: Whiteouts) -> Result<Digest, UnpackError> {
    let tree = Tree::open(to)?;
    let budget = Budget::default();
    budget.limit(u64::MAX);
    let mut source = LayerReader::new(archive, budget.clone()).map_err(UnpackError::Archive)?;
    let mut unpacking = Unpacking {
        tree,
        whiteouts,
        bytes: 0,
        entries: 0,
        directories: BTreeMap::new(),
    };
    {
        let mut archive = tar::Archive::new(&mut source);
        let mut entries = archive.entries().map_err(UnpackError::Archive)?;
        loop {
            budget.limit(ENTRY_HEADER_BYTES_MAX);
            let Some(entry) = entries.next() else { break };
            let mut entry = entry.map_err(UnpackError::Archive)?;
            budget.limit(u64::MAX);
            unpacking.entry(&mut entry)?;
            // The rest of what was skipped; the next header then begins within the budget.
            io::copy(&mut entry, &mut io::sink()).map_err(UnpackError::Archive)?;
        }
    }
    budget.limit(UNPACKED_BYTES_MAX);
    io::copy(&mut source, &mut io::sink()).map_err(UnpackError::Archive)?;
    unpacking.finish()?;
    Ok(source.digest())
}

/// The first bytes of a plain or compressed file's content, at most `limit_bytes`. Blocks: disk.
pub fn head(file: impl Read + 'static, limit_bytes: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    decompress(file)?.take(limit_bytes).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether 512 bytes are the first header of a tar archive: by the checksum in it, as the oldest form has nothing else.
pub fn is_tar(head: &[u8]) -> bool {
    let Some(head) = head.get(..512) else { return false };
    let header = tar::Header::from_byte_slice(head);
    // The checksum is of the header with spaces in its own place.
    let sum: u32 = head[..148]
        .iter()
        .chain(&head[156..])
        .map(|byte| u32::from(*byte))
        .sum();
    head.iter().any(|byte| *byte != 0)
        && header
            .cksum()
            .is_ok_and(|found| found == sum + 8 * u32::from(b' '))
}

/// What names that begin with `.wh.` mean.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whiteouts {
    /// Deletions, in the form of overlayfs.
    Overlay,
    /// Nothing.
    Plain,
}

struct Unpacking {
    tree: Tree,
    whiteouts: Whiteouts,
    bytes: u64,
    entries: u64,
    /// Directories' times are set last, since every file made inside changes them.
    directories: BTreeMap<Vec<u8>, Attributes>,
}

impl Unpacking {
    fn entry<R: Read>(&mut self, entry: &mut tar::Entry<'_, R>) -> Result<(), UnpackError> {
        self.entries += 1;
        if self.entries > UNPACKED_ENTRIES_MAX {
            return Err(UnpackError::TooManyEntries);
        }
        let path = clean(&entry.path_bytes())?;
        let shown = String::from_utf8_lossy(&path).into_owned();
        self.place(entry, &path).map_err(|error| match error {
            UnpackError::Io(source) => UnpackError::Entry { path: shown, source },
            other => other,
        })
    }

    fn place<R: Read>(&mut self, entry: &mut tar::Entry<'_, R>, path: &[u8]) -> Result<(), UnpackError> {
        let (parent, name) = split(path);
        if self.whiteouts == Whiteouts::Overlay && name.starts_with(WHITEOUT_PREFIX) {
            return self.whiteout(path);
        }
        let attributes = Attributes::read(entry)?;
        let kind = entry.header().entry_type();
        if kind.is_dir() {
            self.tree.directory(parent, name, &attributes)?;
            self.directories.insert(path.to_vec(), attributes);
        } else if name.is_empty() {
            return Err(UnpackError::Outside("/".to_owned()));
        } else if kind.is_symlink() {
            let target = entry.link_name_bytes().unwrap_or_default();
            self.tree.symlink(parent, name, &target, &attributes)?;
        } else if kind.is_hard_link() {
            let target = clean(&entry.link_name_bytes().unwrap_or_default())?;
            self.tree.hard_link(parent, name, split(&target))?;
        } else if kind.is_fifo() {
            self.tree.fifo(parent, name, &attributes)?;
        } else if kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse() {
            let left = UNPACKED_BYTES_MAX - self.bytes;
            // Before anything is written: a sparse file says in a few bytes that it has petabytes.
            if entry.size() > left {
                return Err(UnpackError::TooManyBytes);
            }
            let copied =
                self.tree
                    .file(parent, name, &mut entry.take(left.saturating_add(1)), &attributes)?;
            if copied > left {
                return Err(UnpackError::TooManyBytes);
            }
            self.bytes += copied;
        }
        // Device nodes are left out: a container gets its own /dev, and a node in an image would lead to this
        // machine's disks wherever devices are not filtered. Other kinds carry no content.
        Ok(())
    }

    fn whiteout(&self, path: &[u8]) -> Result<(), UnpackError> {
        let (parent, name) = split(path);
        if name == WHITEOUT_OPAQUE {
            return Ok(self.tree.opaque(parent)?);
        }
        if name.starts_with(WHITEOUT_META_PREFIX) {
            // Notes of an older union file system, without meaning here.
            return Ok(());
        }
        let hidden = &name[WHITEOUT_PREFIX.len()..];
        if hidden.is_empty() || hidden == b"." || hidden == b".." {
            return Err(UnpackError::Outside(String::from_utf8_lossy(path).into_owned()));
        }
        Ok(self.tree.whiteout(parent, hidden)?)
    }

    fn finish(self) -> io::Result<()> {
        // Children before parents, though setting a child's times does not change its parent's.
        for (path, attributes) in self.directories.iter().rev() {
            let (parent, name) = split(path);
            self.tree.set_directory_times(parent, name, attributes)?;
        }
        Ok(())
    }
}

/// The path without leading `/`, `.` and inner `..`; one that climbs above the root is refused.
fn clean(path: &[u8]) -> Result<Vec<u8>, UnpackError> {
    let shown = || String::from_utf8_lossy(&path[..path.len().min(200)]).into_owned();
    if path.len() > PATH_BYTES_MAX {
        return Err(UnpackError::PathTooLong(shown()));
    }
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                if parts.pop().is_none() {
                    return Err(UnpackError::Outside(shown()));
                }
            }
            part => parts.push(part),
        }
    }
    Ok(parts.join(&b'/'))
}

/// Parent and last part; both empty for the root.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (&[], path),
    }
}

#[cfg(test)]
mod tests;
