//! All files of a root, to compare.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// What belongs to the machine a container runs on, whoever builds.
const NOT_COMPARED: [&str; 7] = [
    "/proc",
    "/sys",
    "/dev",
    "/run",
    "/etc/hosts",
    "/etc/hostname",
    "/etc/resolv.conf",
];

#[derive(Debug, Default)]
pub struct Tree(BTreeMap<PathBuf, Entry>);

#[derive(Debug)]
pub struct Entry {
    pub kind: &'static str,
    pub mode: u32,
    pub user: u32,
    pub group: u32,
    pub link: Option<String>,
    pub inode: u64,
    pub modified: i64,
    hash: String,
    content: Option<Vec<u8>>,
}

impl Entry {
    /// Of a small file.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(self.content.as_deref()?).ok()
    }
}

impl Tree {
    pub fn read(root: &Path) -> io::Result<Self> {
        let mut tree = Self::default();
        tree.directory(root, Path::new("/"))?;
        Ok(tree)
    }

    pub fn get(&self, path: &Path) -> Option<&Entry> {
        self.0.get(path)
    }

    fn directory(&mut self, from: &Path, at: &Path) -> io::Result<()> {
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let (path, at) = (entry.path(), at.join(entry.file_name()));
            let metadata = fs::symlink_metadata(&path)?;
            let kind = metadata.file_type();
            let content = kind.is_file().then(|| fs::read(&path)).transpose()?;
            let hash = content
                .as_ref()
                .map(|content| hex::encode(Sha256::digest(content)));
            self.0.insert(
                at.clone(),
                Entry {
                    kind: match () {
                        () if kind.is_dir() => "directory",
                        () if kind.is_file() => "file",
                        () if kind.is_symlink() => "link",
                        () if kind.is_fifo() => "fifo",
                        () => "other",
                    },
                    mode: metadata.mode() & 0o7777,
                    user: metadata.uid(),
                    group: metadata.gid(),
                    link: match kind.is_symlink() {
                        true => Some(fs::read_link(&path)?.to_string_lossy().into_owned()),
                        false => None,
                    },
                    inode: metadata.ino(),
                    modified: metadata.mtime(),
                    hash: hash.unwrap_or_default(),
                    content: content.filter(|content| content.len() < 65_536),
                },
            );
            if kind.is_dir() {
                self.directory(&path, &at)?;
            }
        }
        Ok(())
    }

    /// What one has and the other has not, or has otherwise; times do not count.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let paths: std::collections::BTreeSet<&PathBuf> = self.0.keys().chain(other.0.keys()).collect();
        for path in paths {
            if NOT_COMPARED.iter().any(|left_out| path.starts_with(left_out)) {
                continue;
            }
            let [ours, theirs] = [self, other].map(|tree| tree.0.get(path).map(Entry::brief));
            if ours != theirs {
                found.push(format!(
                    "{}: {} and {}",
                    path.display(),
                    ours.unwrap_or_default(),
                    theirs.unwrap_or_default()
                ));
            }
        }
        found
    }
}

impl Entry {
    fn brief(&self) -> String {
        // Links have no mode of their own.
        let mode = if self.kind == "link" { 0 } else { self.mode };
        format!(
            "{} {mode:o} {}:{} {} {}",
            self.kind,
            self.user,
            self.group,
            self.link.as_deref().unwrap_or_default(),
            &self.hash
        )
    }
}
