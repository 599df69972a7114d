//! What the sources of a COPY name, and a hash over all of it.

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use base_dockerfile::{clean_source, matches_source};
use sha2::{Digest as _, Sha256};

use super::Ownership;
use crate::cache::KeyBuilder;
use crate::view::{Directory, Node, View, list, text};

/// Files that one COPY may take.
const FILES_MAX: usize = 1_000_000;
/// Directories inside each other.
pub(super) const DEPTH_MAX: usize = 256;

/// A file or directory that a source names.
#[derive(Clone, Debug)]
pub(crate) struct Picked {
    /// Last part of the path as written or matched: the file's name in the destination.
    pub name: OsString,
    pub node: Node,
}

/// What the words of one COPY lead to.
#[derive(Debug)]
pub(crate) enum Selection {
    Picked(Vec<Picked>),
    /// This source leads to nothing.
    Missing(usize),
}

/// Finds `sources` (variables replaced) below the root of `view`. A link that is named itself is followed.
pub(crate) fn select(view: &View, sources: &[String]) -> io::Result<Selection> {
    let mut picked = Vec::new();
    for (number, source) in sources.iter().enumerate() {
        let before = picked.len();
        let source = clean_source(source);
        if source.contains(['*', '?', '[', '\\']) {
            let mut walk = Walk {
                view,
                pattern: &source,
                depth: source.split('/').count(),
                picked: &mut picked,
            };
            walk.directory(&view.root(), Path::new(""), 1)?;
        } else {
            let path = PathBuf::from(&source);
            if let Some(node) = view.resolve(&path, true)?.node {
                picked.push(Picked {
                    name: path.file_name().unwrap_or_default().to_owned(),
                    node,
                });
            }
        }
        if picked.len() == before {
            return Ok(Selection::Missing(number));
        }
    }
    Ok(Selection::Picked(picked))
}

struct Walk<'a> {
    view: &'a View,
    pattern: &'a str,
    /// A pattern has as many parts as what it matches.
    depth: usize,
    picked: &'a mut Vec<Picked>,
}

impl Walk<'_> {
    fn directory(&mut self, directory: &Directory, at: &Path, depth: usize) -> io::Result<()> {
        for (name, node) in list(directory)? {
            let path = at.join(&name);
            if depth < self.depth {
                if let Node::Directory(directory) = &node {
                    self.directory(directory, &path, depth + 1)?;
                }
            } else if matches_source(self.pattern, &text(&path)) {
                if self.picked.len() >= FILES_MAX {
                    return Err(io::Error::other(format!("more than {FILES_MAX} files match")));
                }
                let node = self.view.resolve(&path, true)?.node.unwrap_or(node);
                self.picked.push(Picked { name, node });
            }
        }
        Ok(())
    }
}

/// Adds all that decides what a COPY of these makes: names, kinds, modes, content; not times.
pub(crate) fn digest(key: &mut KeyBuilder, picked: &[Picked], ownership: Ownership) -> io::Result<()> {
    let mut hashing = Hashing {
        key,
        ownership,
        files: 0,
    };
    for one in picked {
        hashing.key.part(b"source");
        hashing.node(one.name.as_bytes(), &one.node, 0)?;
    }
    Ok(())
}

struct Hashing<'a> {
    key: &'a mut KeyBuilder,
    ownership: Ownership,
    files: usize,
}

impl Hashing<'_> {
    fn node(&mut self, name: &[u8], node: &Node, depth: usize) -> io::Result<()> {
        self.files += 1;
        if self.files > FILES_MAX || depth > DEPTH_MAX {
            return Err(io::Error::other(format!(
                "more than {FILES_MAX} files, or {DEPTH_MAX} directories deep"
            )));
        }
        self.key.part(name);
        match node {
            Node::Directory(directory) => {
                self.key.part(b"directory");
                self.attributes(&directory.metadata()?);
                for (name, node) in list(directory)? {
                    self.node(name.as_bytes(), &node, depth + 1)?;
                }
                self.key.part(b"end");
            }
            Node::Other { path, metadata } if metadata.is_symlink() => {
                self.key.part(b"link");
                self.key.part(fs::read_link(path)?.as_os_str().as_bytes());
            }
            Node::Other { path, metadata } if metadata.is_file() => {
                self.key.part(b"file");
                self.attributes(metadata);
                self.key.part(&hash(path)?);
            }
            Node::Other { .. } => self.key.part(b"other"),
        }
        Ok(())
    }

    fn attributes(&mut self, metadata: &Metadata) {
        self.key.part(&(metadata.mode() & 0o7777).to_le_bytes());
        if self.ownership == Ownership::Keep {
            self.key.part(&metadata.uid().to_le_bytes());
            self.key.part(&metadata.gid().to_le_bytes());
        }
    }
}

fn hash(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 128 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finalize().to_vec()),
            read => hasher.update(&buffer[..read]),
        }
    }
}

#[cfg(test)]
mod tests;
