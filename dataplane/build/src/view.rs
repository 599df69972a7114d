//! Looks into a stack of layers as overlayfs would show it, without mounting anything. Also used for a plain
//! directory, which is a stack of one.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Component, Path, PathBuf};

/// Symbolic links that a path may go through, as in Linux.
const LINKS_MAX: usize = 40;

#[derive(Clone, Debug)]
pub(crate) struct View {
    /// Top first.
    layers: Vec<PathBuf>,
}

/// What stands at a path.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Directory(Directory),
    /// A file, symbolic link, or something rarer: where it really is.
    Other {
        path: PathBuf,
        metadata: Metadata,
    },
}

/// One directory, merged from several layers.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    /// Top first; the first one's owner and mode count.
    paths: Vec<PathBuf>,
}

impl Directory {
    /// Where it lies, if one layer has all of it.
    pub fn only(&self) -> Option<&Path> {
        match self.paths.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    pub fn metadata(&self) -> io::Result<Metadata> {
        fs::symlink_metadata(&self.paths[0])
    }
}

/// A path without symbolic links, and what is there, if anything.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    /// Relative to the root.
    pub path: PathBuf,
    pub node: Option<Node>,
}

impl View {
    /// `layers` bottom first, in overlayfs form.
    pub fn new(layers: &[PathBuf]) -> Self {
        Self {
            layers: layers.iter().rev().cloned().collect(),
        }
    }

    pub fn root(&self) -> Directory {
        Directory {
            paths: self.layers.clone(),
        }
    }

    /// Follows a path from the root; `..` stops there. Symbolic links are followed, the last part only if `follow`.
    /// Parts that do not exist are kept as they are.
    pub fn resolve(&self, path: &Path, follow: bool) -> io::Result<Resolved> {
        let mut todo = parts(path);
        todo.reverse();
        let mut done: Vec<OsString> = Vec::new();
        let mut links = 0;
        while let Some(part) = todo.pop() {
            if part == ".." {
                done.pop();
                continue;
            }
            done.push(part);
            if todo.is_empty() && !follow {
                break;
            }
            let Some(Node::Other { path: link, metadata }) = self.at(&done)? else {
                continue;
            };
            if !metadata.is_symlink() {
                continue;
            }
            links += 1;
            if links > LINKS_MAX {
                return Err(io::Error::other("too many symbolic links"));
            }
            let target = fs::read_link(link)?;
            done.pop();
            if target.is_absolute() {
                done.clear();
            }
            todo.extend(parts(&target).into_iter().rev());
        }
        let node = self.at(&done)?;
        Ok(Resolved {
            path: done.iter().collect(),
            node,
        })
    }

    /// What stands at a path that has no symbolic links in its parents.
    fn at(&self, path: &[OsString]) -> io::Result<Option<Node>> {
        let mut node = Node::Directory(self.root());
        for part in path {
            let Node::Directory(directory) = node else {
                return Ok(None);
            };
            match child(&directory, part)? {
                Some(found) => node = found,
                None => return Ok(None),
            }
        }
        Ok(Some(node))
    }

    /// A small text file, or nothing if it is not there.
    pub fn read(&self, path: &str, limit_bytes: u64) -> io::Result<Option<String>> {
        match self.resolve(Path::new(path), true)?.node {
            Some(Node::Other { path, metadata }) if metadata.is_file() && metadata.len() <= limit_bytes => {
                Ok(Some(String::from_utf8_lossy(&fs::read(path)?).into_owned()))
            }
            _ => Ok(None),
        }
    }
}

/// What a directory holds, ascending by name.
pub(crate) fn list(directory: &Directory) -> io::Result<BTreeMap<OsString, Node>> {
    let mut names = BTreeMap::new();
    for path in &directory.paths {
        for entry in fs::read_dir(path)? {
            names.insert(entry?.file_name(), ());
        }
        if is_opaque(path) {
            break;
        }
    }
    let mut nodes = BTreeMap::new();
    for name in names.into_keys() {
        if let Some(node) = child(directory, &name)? {
            nodes.insert(name, node);
        }
    }
    Ok(nodes)
}

fn child(directory: &Directory, name: &OsStr) -> io::Result<Option<Node>> {
    let mut paths = Vec::new();
    for parent in &directory.paths {
        let path = parent.join(name);
        match fs::symlink_metadata(&path) {
            Ok(metadata) if is_whiteout(&metadata) => break,
            Ok(metadata) if metadata.is_dir() => paths.push(path),
            Ok(metadata) if paths.is_empty() => return Ok(Some(Node::Other { path, metadata })),
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        if is_opaque(parent) || paths.last().is_some_and(|path| is_opaque(path)) {
            break;
        }
    }
    Ok((!paths.is_empty()).then_some(Node::Directory(Directory { paths })))
}

pub(crate) fn is_whiteout(metadata: &Metadata) -> bool {
    metadata.file_type().is_char_device() && metadata.rdev() == 0
}

pub(crate) fn is_opaque(directory: &Path) -> bool {
    let mut value = [0_u8; 4];
    let length = rustix::fs::lgetxattr(directory, "trusted.overlay.opaque", &mut value);
    length.is_ok_and(|length| &value[..length] == b"y")
}

/// Names and `..`, without the rest.
fn parts(path: &Path) -> Vec<OsString> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            _ => None,
        })
        .collect()
}

/// A path as text for people and for matching; Linux names need not be UTF-8.
pub(crate) fn text(path: &Path) -> String {
    String::from_utf8_lossy(path.as_os_str().as_bytes()).into_owned()
}

#[cfg(test)]
mod tests;
