//! Lays files into a directory of changes, as if it were written through an overlay mount: a parent that exists below
//! keeps its owner and mode, symbolic links of the image are followed within it.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Gid, Mode, Timespec, Timestamps, Uid, XattrFlags};

use base_dockerfile::Ignore;

use super::Ownership;
use super::mode::Change;
use super::source::{DEPTH_MAX, Picked};
use crate::user::Owner;
use crate::view::{Directory, Node, View, list, text};

const ROOT: Owner = Owner { user: 0, group: 0 };
const DIRECTORY_MODE: u32 = 0o755;

/// Where the picked go.
#[derive(Clone, Debug)]
pub(crate) struct Placement {
    /// Absolute.
    pub destination: PathBuf,
    /// Written with `/` at its end, or for more than one source: a file goes into it, not in its place.
    pub is_directory: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules<'a> {
    pub ownership: Ownership,
    /// For files and directories alike.
    pub mode: Option<&'a Change>,
    /// What stays behind, below each source.
    pub excludes: Option<&'a Ignore>,
    /// Files share their content with the source, and must therefore not be changed.
    pub linked: bool,
}

impl Rules<'_> {
    pub fn new(ownership: Ownership) -> Self {
        Self {
            ownership,
            mode: None,
            excludes: None,
            linked: false,
        }
    }

    fn mode(&self, metadata: &Metadata) -> u32 {
        let mode = metadata.mode();
        self.mode
            .map_or(mode, |change| change.apply(mode, metadata.is_dir()))
    }
}

/// Copies `picked` into `upper`, on top of the layers `lower` (bottom first). Errors name the path in the image.
pub(crate) fn place(
    lower: &[PathBuf],
    upper: &Path,
    picked: &[Picked],
    placement: &Placement,
    rules: Rules<'_>,
) -> io::Result<()> {
    let mut layers = lower.to_vec();
    layers.push(upper.to_owned());
    let mut placing = Placing {
        view: View::new(&layers),
        upper: upper.to_owned(),
        rules,
        times: Vec::new(),
    };
    for one in picked {
        let named = if one.parents {
            placement.destination.join(&one.name)
        } else {
            placement.destination.clone()
        };
        let destination = placing.view.resolve(&named, true)?;
        match &one.node {
            Node::Directory(directory) => {
                if matches!(destination.node, Some(Node::Other { .. })) {
                    return Err(wrong(
                        &destination.path,
                        "is no directory, but a directory is copied to it",
                    ));
                }
                placing.directories(&destination.path, Some(&directory.metadata()?))?;
                placing.content(directory, &destination.path, Path::new(""))?;
            }
            Node::Other { path, metadata } => {
                let into = (placement.is_directory && !one.parents)
                    || matches!(destination.node, Some(Node::Directory(_)));
                if into && matches!(destination.node, Some(Node::Other { .. })) {
                    return Err(wrong(&destination.path, "is no directory"));
                }
                let to = if into {
                    destination.path.join(one.name.file_name().unwrap_or_default())
                } else {
                    destination.path
                };
                placing.file(path, metadata, &to)?;
            }
        }
    }
    placing.finish()
}

struct Placing<'a> {
    /// With `upper` on top, so that it shows what was placed already.
    view: View,
    upper: PathBuf,
    rules: Rules<'a>,
    /// Directories that were made here, parents first: every file made inside changes their time.
    times: Vec<(PathBuf, Timespec)>,
}

impl Placing<'_> {
    /// `inside` is the path below the source.
    fn content(&mut self, from: &Directory, to: &Path, inside: &Path) -> io::Result<()> {
        if inside.components().count() > DEPTH_MAX {
            return Err(wrong(to, "is too deep"));
        }
        for (name, node) in list(from)? {
            let inside = inside.join(&name);
            let path = to.join(name);
            if let Some(excludes) = self.rules.excludes
                && excludes.is_ignored(&text(&inside))
            {
                if let Node::Directory(directory) = &node
                    && excludes.may_keep_below()
                {
                    self.content(directory, &path, &inside)?;
                }
                continue;
            }
            match node {
                Node::Directory(directory) => {
                    let found = self.view.resolve(&path, true)?;
                    if matches!(found.node, Some(Node::Other { .. })) {
                        return Err(wrong(
                            &found.path,
                            "is no directory, but a directory is copied to it",
                        ));
                    }
                    self.copied_directory(&directory, &found.path)?;
                    self.content(&directory, &found.path, &inside)?;
                }
                Node::Other { path: from, metadata } => self.file(&from, &metadata, &path)?,
            }
        }
        Ok(())
    }

    /// A directory below the destination: new ones look like their source, old ones stay as they are.
    fn copied_directory(&mut self, from: &Directory, to: &Path) -> io::Result<()> {
        let is_new = self.view.resolve(to, true)?.node.is_none();
        let metadata = from.metadata()?;
        self.directories(to, Some(&metadata))?;
        if is_new {
            let path = self.upper.join(to);
            self.own(&path, self.owner(&metadata))?;
            self.set_mode(&path, self.rules.mode(&metadata))?;
        }
        Ok(())
    }

    /// Makes a directory and its parents in `upper`; `like` gives the time of new ones.
    fn directories(&mut self, path: &Path, like: Option<&Metadata>) -> io::Result<()> {
        let mut so_far = PathBuf::new();
        for part in path.components() {
            so_far.push(part);
            let in_upper = self.upper.join(&so_far);
            if in_upper.is_dir() {
                continue;
            }
            let below = self.view.resolve(&so_far, false)?.node;
            // A deletion mark in the way: the new directory must not show what was deleted.
            fs::create_dir(&in_upper)?;
            match below {
                Some(Node::Directory(directory)) => {
                    let metadata = directory.metadata()?;
                    self.own(
                        &in_upper,
                        Owner {
                            user: metadata.uid(),
                            group: metadata.gid(),
                        },
                    )?;
                    self.set_mode(&in_upper, metadata.mode())?;
                    self.times.push((in_upper, time(&metadata)));
                }
                Some(Node::Other { .. }) => return Err(wrong(&so_far, "is no directory")),
                None => {
                    let owner = match self.rules.ownership {
                        Ownership::Fixed(owner) => owner,
                        Ownership::Keep => ROOT,
                    };
                    self.own(&in_upper, owner)?;
                    self.set_mode(&in_upper, DIRECTORY_MODE)?;
                    self.times.extend(like.map(|metadata| (in_upper, time(metadata))));
                }
            }
        }
        Ok(())
    }

    fn file(&mut self, from: &Path, metadata: &Metadata, to: &Path) -> io::Result<()> {
        let parent = to.parent().unwrap_or(Path::new(""));
        // The parent may have been named through symbolic links of the image.
        let parent = self.view.resolve(parent, true)?.path;
        self.directories(&parent, Some(metadata))?;
        let to = parent.join(to.file_name().ok_or_else(|| wrong(to, "is a directory"))?);
        if matches!(self.view.resolve(&to, false)?.node, Some(Node::Directory(_))) {
            return Err(wrong(&to, "is a directory, but a file is copied to it"));
        }
        let path = self.upper.join(&to);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        if metadata.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(from)?, &path)?;
            self.own(&path, self.owner(metadata))?;
        } else if metadata.is_file() && self.rules.linked {
            return fs::hard_link(from, &path);
        } else if metadata.is_file() {
            fs::copy(from, &path)?;
            self.own(&path, self.owner(metadata))?;
            self.set_mode(&path, self.rules.mode(metadata))?;
            if self.rules.ownership == Ownership::Keep {
                copy_capability(from, &path)?;
            }
        } else {
            // Sockets, pipes and devices are nothing to copy.
            return Ok(());
        }
        set_time(&path, time(metadata))
    }

    fn owner(&self, metadata: &Metadata) -> Owner {
        match self.rules.ownership {
            Ownership::Fixed(owner) => owner,
            Ownership::Keep => Owner {
                user: metadata.uid(),
                group: metadata.gid(),
            },
        }
    }

    fn own(&self, path: &Path, owner: Owner) -> io::Result<()> {
        let (user, group) = (Uid::from_raw(owner.user), Gid::from_raw(owner.group));
        Ok(rustix::fs::chownat(
            CWD,
            path,
            Some(user),
            Some(group),
            AtFlags::SYMLINK_NOFOLLOW,
        )?)
    }

    fn set_mode(&self, path: &Path, mode: u32) -> io::Result<()> {
        Ok(rustix::fs::chmod(path, Mode::from_raw_mode(mode & 0o7777))?)
    }

    fn finish(self) -> io::Result<()> {
        self.times
            .iter()
            .rev()
            .try_for_each(|(path, time)| set_time(path, *time))
    }
}

fn time(metadata: &Metadata) -> Timespec {
    Timespec {
        tv_sec: metadata.mtime(),
        tv_nsec: metadata.mtime_nsec(),
    }
}

fn set_time(path: &Path, time: Timespec) -> io::Result<()> {
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    Ok(rustix::fs::utimensat(
        CWD,
        path,
        &times,
        AtFlags::SYMLINK_NOFOLLOW,
    )?)
}

fn copy_capability(from: &Path, to: &Path) -> io::Result<()> {
    let mut value = [0_u8; 256];
    match rustix::fs::lgetxattr(from, "security.capability", &mut value) {
        Ok(length) => Ok(rustix::fs::lsetxattr(
            to,
            "security.capability",
            &value[..length],
            XattrFlags::empty(),
        )?),
        Err(rustix::io::Errno::NODATA | rustix::io::Errno::NOTSUP) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn wrong(path: &Path, why: &str) -> io::Error {
    io::Error::other(format!("/{} {why}", text(path)))
}

#[cfg(test)]
mod tests;
