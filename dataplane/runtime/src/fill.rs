//! Copies what an image has at a path into a new volume, as Docker does: with owners, modes, times, links and
//! extended attributes.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, lchown, symlink};
use std::path::{Path, PathBuf};

use nix::sys::stat::{Mode, SFlag, UtimensatFlags, mknod, utimensat};
use nix::sys::time::TimeSpec;

/// Overlayfs' own notes are not part of what an image has.
const OVERLAY_NOTES: &[u8] = b"trusted.overlay.";
const ATTRIBUTES_BYTES_MAX: usize = 64 * 1024;

/// Makes `to`, which exists and is empty, the same as the directory `from`. Links are copied, never followed.
///
/// # Errors
/// When something cannot be read or made; what was made stays.
pub(crate) fn fill(from: &Path, to: &Path) -> io::Result<()> {
    let mut copy = Copy {
        linked: HashMap::new(),
    };
    copy.children(from, to)?;
    let metadata = fs::metadata(from)?;
    copy.describe(from, to, &metadata)
}

struct Copy {
    /// Files with several names, and where the first of them was copied to.
    linked: HashMap<(u64, u64), PathBuf>,
}

impl Copy {
    fn children(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        for entry in fs::read_dir(from)? {
            let name = entry?.file_name();
            self.one(&from.join(&name), &to.join(&name))?;
        }
        Ok(())
    }

    fn one(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let metadata = fs::symlink_metadata(from)?;
        let kind = metadata.file_type();
        let inode = (metadata.dev(), metadata.ino());
        if !kind.is_dir() && metadata.nlink() > 1 {
            if let Some(first) = self.linked.get(&inode) {
                return fs::hard_link(first, to);
            }
            self.linked.insert(inode, to.to_owned());
        }
        if kind.is_dir() {
            fs::create_dir(to)?;
            self.children(from, to)?;
        } else if kind.is_file() {
            fs::copy(from, to)?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(from)?, to)?;
        } else {
            let kind = SFlag::from_bits_truncate(metadata.mode() & SFlag::S_IFMT.bits());
            mknod(to, kind, Mode::from_bits_truncate(0o600), metadata.rdev())?;
        }
        self.describe(from, to, &metadata)
    }

    /// Owner before mode, as a change of owner takes the set-user-id bit away; times last.
    fn describe(&self, from: &Path, to: &Path, metadata: &Metadata) -> io::Result<()> {
        lchown(to, Some(metadata.uid()), Some(metadata.gid()))?;
        let link = metadata.file_type().is_symlink();
        if !link {
            fs::set_permissions(to, fs::Permissions::from_mode(metadata.mode() & 0o7777))?;
            copy_attributes(from, to)?;
        }
        let accessed = TimeSpec::new(metadata.atime(), metadata.atime_nsec());
        let modified = TimeSpec::new(metadata.mtime(), metadata.mtime_nsec());
        utimensat(
            nix::fcntl::AT_FDCWD,
            to,
            &accessed,
            &modified,
            UtimensatFlags::NoFollowSymlink,
        )?;
        Ok(())
    }
}

/// A file system that knows no attributes has none to copy, and takes none.
fn copy_attributes(from: &Path, to: &Path) -> io::Result<()> {
    let mut names = vec![0; ATTRIBUTES_BYTES_MAX];
    let Ok(length) = rustix::fs::listxattr(from, &mut names) else {
        return Ok(());
    };
    for name in names[..length].split(|&byte| byte == 0) {
        if name.is_empty() || name.starts_with(OVERLAY_NOTES) {
            continue;
        }
        let mut value = vec![0; ATTRIBUTES_BYTES_MAX];
        let length = rustix::fs::getxattr(from, name, &mut value)?;
        match rustix::fs::setxattr(to, name, &value[..length], rustix::fs::XattrFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::OPNOTSUPP) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
