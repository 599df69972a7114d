//! What the sources of a COPY name, and a hash over all of it.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use base_dockerfile::{Ignore, clean_source, matches_source};
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
    /// Last part of the path as written or matched: the file's name in the destination. With `parents` also the
    /// folders before it.
    pub name: PathBuf,
    pub node: Node,
    /// Folders come with their names, not only with what they hold.
    pub parents: bool,
    /// It came from the network.
    pub fetched: bool,
}

impl Picked {
    pub fn new(name: impl Into<PathBuf>, node: Node) -> Self {
        Self {
            name: name.into(),
            node,
            parents: false,
            fetched: false,
        }
    }

    /// Everything below a directory, as one source.
    pub fn whole(directory: &Path) -> io::Result<Option<Self>> {
        let view = View::new(&[directory.to_owned()]);
        let node = view.resolve(Path::new(""), true)?.node;
        Ok(node.map(|node| Self::new("", node)))
    }
}

/// What the words of one COPY lead to.
#[derive(Debug)]
pub(crate) enum Selection {
    Picked(Vec<Picked>),
    /// This source leads to nothing.
    Missing(usize),
}

/// How sources are meant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// `--parents`
    pub parents: bool,
    /// `--exclude`
    pub excludes: Ignore,
}

/// Finds `sources` (variables replaced) below the root of `view`. A link that is named itself is followed.
pub(crate) fn select(view: &View, sources: &[String], wanted: &Wanted) -> io::Result<Selection> {
    let mut picked = Vec::new();
    for (number, source) in sources.iter().enumerate() {
        let mut search = Search {
            view,
            wanted,
            // `a/./b`: the folders up to the point stay behind.
            skipped: match source.split_once("/./") {
                Some((before, _)) if wanted.parents => clean_source(before).split('/').count(),
                _ => 0,
            },
            pattern: clean_source(source),
            found: 0,
            picked: &mut picked,
        };
        search.run()?;
        if search.found == 0 {
            return Ok(Selection::Missing(number));
        }
    }
    Ok(Selection::Picked(picked))
}

/// For one source.
struct Search<'a> {
    view: &'a View,
    wanted: &'a Wanted,
    /// First parts of a path that `--parents` leaves out.
    skipped: usize,
    pattern: String,
    /// Also those that are left out.
    found: usize,
    picked: &'a mut Vec<Picked>,
}

impl Search<'_> {
    fn run(&mut self) -> io::Result<()> {
        if !self.pattern.contains(['*', '?', '[', '\\']) {
            let path = PathBuf::from(&self.pattern);
            return match self.view.resolve(&path, true)?.node {
                Some(node) => self.take(&path, node, false),
                None => Ok(()),
            };
        }
        if self.wanted.parents && self.pattern.contains("**") {
            let deep = Ignore::of(std::slice::from_ref(&self.pattern)).map_err(io::Error::other)?;
            return self.anywhere(&self.view.root(), Path::new(""), &deep, 0);
        }
        let depth = self.pattern.split('/').count();
        self.matching(&self.view.root(), Path::new(""), depth)
    }

    /// A pattern has as many parts (`depth`) as what it matches.
    fn matching(&mut self, directory: &Directory, at: &Path, depth: usize) -> io::Result<()> {
        for (name, node) in list(directory)? {
            let path = at.join(&name);
            if depth > 1 {
                if let Node::Directory(directory) = &node {
                    self.matching(directory, &path, depth - 1)?;
                }
            } else if matches_source(&self.pattern, &text(&path)) {
                self.take(&path, node, true)?;
            }
        }
        Ok(())
    }

    /// A pattern with `**` matches at any depth.
    fn anywhere(
        &mut self,
        directory: &Directory,
        at: &Path,
        pattern: &Ignore,
        depth: usize,
    ) -> io::Result<()> {
        if depth > DEPTH_MAX {
            return Err(io::Error::other(format!(
                "more than {DEPTH_MAX} directories deep"
            )));
        }
        for (name, node) in list(directory)? {
            let path = at.join(&name);
            if pattern.is_ignored(&text(&path)) {
                self.take(&path, node, true)?;
            } else if let Node::Directory(directory) = &node {
                self.anywhere(directory, &path, pattern, depth + 1)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, path: &Path, node: Node, matched: bool) -> io::Result<()> {
        self.found += 1;
        if self.picked.len() >= FILES_MAX {
            return Err(io::Error::other(format!("more than {FILES_MAX} files match")));
        }
        let node = if matched {
            self.view.resolve(path, true)?.node.unwrap_or(node)
        } else {
            node
        };
        let name = path.file_name().unwrap_or_default();
        // What is named itself can be left out too; a folder that is named is what the patterns are held against.
        if (matched || !matches!(node, Node::Directory(_)))
            && self.wanted.excludes.is_ignored(&text(Path::new(name)))
        {
            return Ok(());
        }
        let mut picked = Picked::new(name, node);
        if self.wanted.parents {
            picked.name = path.iter().skip(self.skipped).collect();
            picked.parents = true;
        }
        self.picked.push(picked);
        Ok(())
    }
}

/// Adds all that decides what a COPY of these makes: names, kinds, modes, content; not times.
pub(crate) fn digest(
    key: &mut KeyBuilder,
    picked: &[Picked],
    ownership: Ownership,
    excludes: &Ignore,
) -> io::Result<()> {
    let mut hashing = Hashing {
        key,
        ownership,
        excludes,
        files: 0,
    };
    for one in picked {
        hashing.key.part(b"source");
        hashing.key.part(&[u8::from(one.parents)]);
        hashing.node(one.name.as_os_str().as_bytes(), &one.node, Path::new(""))?;
    }
    Ok(())
}

struct Hashing<'a> {
    key: &'a mut KeyBuilder,
    ownership: Ownership,
    excludes: &'a Ignore,
    files: usize,
}

impl Hashing<'_> {
    /// `inside` is the path below the source.
    fn node(&mut self, name: &[u8], node: &Node, inside: &Path) -> io::Result<()> {
        self.files += 1;
        if self.files > FILES_MAX || inside.components().count() > DEPTH_MAX {
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
                    let inside = inside.join(&name);
                    match (self.excludes.is_ignored(&text(&inside)), &node) {
                        // Something below it may come all the same.
                        (true, Node::Directory(_)) if self.excludes.may_keep_below() => {}
                        (true, _) => continue,
                        (false, _) => {}
                    }
                    self.node(name.as_bytes(), &node, &inside)?;
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
