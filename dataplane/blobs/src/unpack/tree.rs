//! The directory that a layer is unpacked into. Parents are opened by the kernel with this directory as root, so
//! that neither `..` nor a symbolic link planted by an earlier entry leads out of it; the last part of a path
//! is never followed.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Seek as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rustix::fs::{
    AtFlags, CWD, FileType, Gid, Mode, OFlags, ResolveFlags, Timespec, Timestamps, Uid, XattrFlags,
};
use rustix::io::Errno;

/// Read and written at once; as many zeros become a hole.
const COPIED_BYTES: usize = 64 << 10;

/// Owner, mode, time and extended attributes of one entry.
#[derive(Clone, Debug)]
pub(super) struct Attributes {
    mode: Mode,
    owner: Uid,
    group: Gid,
    modified: Timespec,
    xattrs: Vec<(String, Vec<u8>)>,
}

impl Attributes {
    pub fn read<R: Read>(entry: &mut tar::Entry<'_, R>) -> io::Result<Self> {
        let header = entry.header();
        let id = |id: u64| {
            u32::try_from(id)
                .ok()
                .filter(|id| *id != u32::MAX)
                .ok_or_else(|| invalid("its owner is not a user id"))
        };
        // Some writers leave out what is zero.
        let is_blank = |field: &[u8]| field.iter().all(|byte| matches!(byte, 0 | b' '));
        let old = header.as_old();
        let user = if is_blank(&old.uid) { 0 } else { header.uid()? };
        let owner = Uid::from_raw(id(user)?);
        let group = if is_blank(&old.gid) { 0 } else { header.gid()? };
        let group = Gid::from_raw(id(group)?);
        let mode = Mode::from_raw_mode(header.mode()? & 0o7777);
        let mut modified = Timespec {
            tv_sec: i64::try_from(if is_blank(&old.mtime) { 0 } else { header.mtime()? }).unwrap_or_default(),
            tv_nsec: 0,
        };
        let mut xattrs = Vec::new();
        if let Some(extensions) = entry.pax_extensions()? {
            for extension in extensions {
                let extension = extension?;
                let (key, value) = (extension.key_bytes(), extension.value_bytes());
                if key == b"mtime" {
                    modified = parse_time(value).unwrap_or(modified);
                } else if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
                    let name = String::from_utf8_lossy(name).into_owned();
                    // `trusted.` would let an archive steer overlayfs itself.
                    if name == "security.capability" || name.starts_with("user.") {
                        xattrs.push((name, value.to_vec()));
                    }
                }
            }
        }
        Ok(Self {
            mode,
            owner,
            group,
            modified,
            xattrs,
        })
    }

    fn times(&self) -> Timestamps {
        Timestamps {
            last_access: self.modified,
            last_modification: self.modified,
        }
    }
}

/// Seconds with up to nine decimals.
fn parse_time(text: &[u8]) -> Option<Timespec> {
    let text = std::str::from_utf8(text).ok()?;
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let (seconds, nanos): (i64, i64) = (seconds.parse().ok()?, digits.parse().ok()?);
    if text.starts_with('-') {
        // Before 1970; the kernel counts nanoseconds upwards.
        return Some(Timespec {
            tv_sec: seconds,
            tv_nsec: 0,
        });
    }
    Some(Timespec {
        tv_sec: seconds,
        tv_nsec: nanos as _,
    })
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

pub(super) struct Tree {
    root: OwnedFd,
    /// Archives list a directory's files together: the last parent is nearly always the next one too.
    last_parent: RefCell<Option<(Vec<u8>, Rc<OwnedFd>)>>,
}

impl Tree {
    pub fn open(path: &Path) -> io::Result<Self> {
        let root = rustix::fs::openat(CWD, path, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self {
            root,
            last_parent: RefCell::new(None),
        })
    }

    pub fn directory(&self, parent: &[u8], name: &[u8], attributes: &Attributes) -> io::Result<()> {
        if name.is_empty() {
            rustix::fs::fchown(&self.root, Some(attributes.owner), Some(attributes.group))?;
            return Ok(rustix::fs::fchmod(&self.root, attributes.mode)?);
        }
        let at = self.parent(parent)?;
        let name_os = OsStr::from_bytes(name);
        match rustix::fs::mkdirat(&*at, name_os, Mode::RWXU) {
            Err(Errno::EXIST) => {
                let found = rustix::fs::statat(&*at, name_os, AtFlags::SYMLINK_NOFOLLOW)?;
                if FileType::from_raw_mode(found.st_mode) != FileType::Directory {
                    self.clear(&at, name)?;
                    rustix::fs::mkdirat(&*at, name_os, Mode::RWXU)?;
                }
            }
            other => other?,
        }
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = rustix::fs::openat(&*at, name_os, flags, Mode::empty())?;
        rustix::fs::fchown(&directory, Some(attributes.owner), Some(attributes.group))?;
        rustix::fs::fchmod(&directory, attributes.mode)?;
        set_xattrs(&directory, attributes)
    }

    pub fn set_directory_times(&self, parent: &[u8], name: &[u8], attributes: &Attributes) -> io::Result<()> {
        if name.is_empty() {
            return Ok(rustix::fs::futimens(&self.root, &attributes.times())?);
        }
        let at = match self.parent_if_there(parent) {
            Err(error) if is_gone(&error) => return Ok(()),
            other => other?,
        };
        let name = OsStr::from_bytes(name);
        match rustix::fs::utimensat(&*at, name, &attributes.times(), AtFlags::SYMLINK_NOFOLLOW) {
            // A later entry of the archive replaced it.
            Err(Errno::NOENT) => Ok(()),
            other => Ok(other?),
        }
    }

    /// Returns how many bytes were written.
    pub fn file(
        &self,
        parent: &[u8],
        name: &[u8],
        content: &mut impl Read,
        attributes: &Attributes,
    ) -> io::Result<u64> {
        let at = self.parent(parent)?;
        self.clear(&at, name)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&*at, OsStr::from_bytes(name), flags, Mode::RUSR | Mode::WUSR)?;
        let mut file = File::from(file);
        let copied = copy_sparse(content, &mut file)?;
        rustix::fs::fchown(&file, Some(attributes.owner), Some(attributes.group))?;
        // After the owner, since changing that clears set-user-id bits and capabilities.
        rustix::fs::fchmod(&file, attributes.mode)?;
        set_xattrs(&file, attributes)?;
        rustix::fs::futimens(&file, &attributes.times())?;
        Ok(copied)
    }

    pub fn symlink(
        &self,
        parent: &[u8],
        name: &[u8],
        target: &[u8],
        attributes: &Attributes,
    ) -> io::Result<()> {
        if target.is_empty() {
            return Err(invalid("the symbolic link has no target"));
        }
        let at = self.parent(parent)?;
        self.clear(&at, name)?;
        rustix::fs::symlinkat(OsStr::from_bytes(target), &*at, OsStr::from_bytes(name))?;
        self.own(&at, name, attributes)
    }

    pub fn fifo(&self, parent: &[u8], name: &[u8], attributes: &Attributes) -> io::Result<()> {
        let at = self.parent(parent)?;
        self.clear(&at, name)?;
        let name_os = OsStr::from_bytes(name);
        rustix::fs::mknodat(&*at, name_os, FileType::Fifo, attributes.mode, 0)?;
        rustix::fs::chmodat(&*at, name_os, attributes.mode, AtFlags::empty())?;
        self.own(&at, name, attributes)
    }

    fn own(&self, at: &OwnedFd, name: &[u8], attributes: &Attributes) -> io::Result<()> {
        let (name, nofollow) = (OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW);
        rustix::fs::chownat(at, name, Some(attributes.owner), Some(attributes.group), nofollow)?;
        Ok(rustix::fs::utimensat(at, name, &attributes.times(), nofollow)?)
    }

    /// `target` is split into parent and name.
    pub fn hard_link(&self, parent: &[u8], name: &[u8], target: (&[u8], &[u8])) -> io::Result<()> {
        let target_at = self.parent_if_there(target.0)?;
        let target_name = OsStr::from_bytes(target.1);
        let at = self.parent(parent)?;
        let found = rustix::fs::statat(&*target_at, target_name, AtFlags::SYMLINK_NOFOLLOW)?;
        if is_whiteout(&found) {
            return Err(invalid("the hard link leads to a deleted file"));
        }
        if let Ok(old) = rustix::fs::statat(&*at, OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW)
            && (old.st_dev, old.st_ino) == (found.st_dev, found.st_ino)
        {
            // A link to itself, or one that is there already.
            return Ok(());
        }
        self.clear(&at, name)?;
        Ok(rustix::fs::linkat(
            &*target_at,
            target_name,
            &*at,
            OsStr::from_bytes(name),
            AtFlags::empty(),
        )?)
    }

    /// Hides a name of the layers below. What this very layer has under the name stays.
    pub fn whiteout(&self, parent: &[u8], name: &[u8]) -> io::Result<()> {
        let at = self.parent(parent)?;
        let name = OsStr::from_bytes(name);
        match rustix::fs::mknodat(&*at, name, FileType::CharacterDevice, Mode::empty(), 0) {
            Err(Errno::EXIST) => Ok(()),
            other => Ok(other?),
        }
    }

    /// Hides everything that the layers below have in this directory.
    pub fn opaque(&self, directory: &[u8]) -> io::Result<()> {
        let at = self.parent(directory)?;
        Ok(rustix::fs::fsetxattr(
            &*at,
            "trusted.overlay.opaque",
            b"y",
            XattrFlags::empty(),
        )?)
    }

    /// Opens a directory below the root, making what is missing.
    fn parent(&self, path: &[u8]) -> io::Result<Rc<OwnedFd>> {
        if let Some((last, fd)) = &*self.last_parent.borrow()
            && last == path
        {
            return Ok(fd.clone());
        }
        let fd = match self.open_directory(path) {
            Ok(fd) => fd,
            Err(Errno::NOENT | Errno::NOTDIR) => self.make_directories(path)?,
            Err(error) => return Err(open_error(error)),
        };
        let fd = Rc::new(fd);
        *self.last_parent.borrow_mut() = Some((path.to_vec(), fd.clone()));
        Ok(fd)
    }

    fn parent_if_there(&self, path: &[u8]) -> io::Result<Rc<OwnedFd>> {
        self.open_directory(path).map(Rc::new).map_err(open_error)
    }

    fn open_directory(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        let path = if path.is_empty() { b"." } else { path };
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        loop {
            match rustix::fs::openat2(&self.root, OsStr::from_bytes(path), flags, Mode::empty(), resolve) {
                // The kernel could not be sure while something was renamed elsewhere; it asks to try again.
                Err(Errno::AGAIN | Errno::INTR) => {}
                other => return other,
            }
        }
    }

    /// Archives may leave out parents; Docker makes them with mode 0755, owned by root. A file in the way is
    /// replaced, a dangling symbolic link too.
    fn make_directories(&self, path: &[u8]) -> io::Result<OwnedFd> {
        let mut so_far: Vec<u8> = Vec::with_capacity(path.len());
        let mut at = self.open_directory(b"").map_err(open_error)?;
        for part in path.split(|byte| *byte == b'/') {
            if !so_far.is_empty() {
                so_far.push(b'/');
            }
            so_far.extend_from_slice(part);
            at = match self.open_directory(&so_far) {
                Ok(found) => found,
                Err(Errno::NOENT | Errno::NOTDIR) => {
                    self.clear(&at, part)?;
                    rustix::fs::mkdirat(&at, OsStr::from_bytes(part), Mode::from_raw_mode(0o755))?;
                    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                    let made = rustix::fs::openat(&at, OsStr::from_bytes(part), flags, Mode::empty())?;
                    rustix::fs::fchmod(&made, Mode::from_raw_mode(0o755))?;
                    made
                }
                Err(error) => return Err(open_error(error)),
            };
        }
        Ok(at)
    }

    /// Removes what is in the way: in an archive the later entry wins.
    fn clear(&self, at: &OwnedFd, name: &[u8]) -> io::Result<()> {
        let name = OsStr::from_bytes(name);
        match rustix::fs::unlinkat(at, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(Errno::ISDIR | Errno::PERM) => {
                *self.last_parent.borrow_mut() = None;
                let path = PathBuf::from(format!("/proc/self/fd/{}", at.as_raw_fd())).join(name);
                fs::remove_dir_all(path)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Leaves holes where there is nothing but zeros, so that an archive of them fills no disk.
fn copy_sparse(content: &mut impl Read, file: &mut File) -> io::Result<u64> {
    let mut buffer = vec![0; COPIED_BYTES];
    let zeros = buffer.clone();
    let mut copied = 0;
    loop {
        let mut filled = 0;
        while filled < buffer.len() {
            match content.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if filled == 0 {
            break;
        }
        if filled == buffer.len() && buffer == zeros {
            file.seek(io::SeekFrom::Current(filled as i64))?;
        } else {
            file.write_all(&buffer[..filled])?;
        }
        copied += filled as u64;
    }
    file.set_len(copied)?;
    Ok(copied)
}

fn set_xattrs(file: &impl std::os::fd::AsFd, attributes: &Attributes) -> io::Result<()> {
    for (name, value) in &attributes.xattrs {
        match rustix::fs::fsetxattr(file, name.as_str(), value, XattrFlags::empty()) {
            // Not every file system keeps attributes of users.
            Err(Errno::NOTSUP) if name.starts_with("user.") => {}
            other => other?,
        }
    }
    Ok(())
}

fn is_whiteout(found: &rustix::fs::Stat) -> bool {
    FileType::from_raw_mode(found.st_mode) == FileType::CharacterDevice && found.st_rdev == 0
}

fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn open_error(error: Errno) -> io::Error {
    match error {
        Errno::NOSYS => io::Error::other("this kernel lacks openat2 (Linux 5.6 or later is needed)"),
        other => other.into(),
    }
}
