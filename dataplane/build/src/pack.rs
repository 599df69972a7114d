//! A directory of changes, as overlayfs leaves it, becomes a layer's archive: sorted, so that equal content gives
//! equal bytes; deletions in the form that images have; names and attributes that do not fit a header as PAX records.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, BufWriter, Write};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use crate::view::{is_opaque, is_whiteout};

/// Longest name in a plain header; longer ones, and all that are not ASCII, get a PAX record.
const HEADER_NAME_BYTES: usize = 100;

/// Writes the archive of all that is in `directory`.
pub(crate) fn pack(directory: &Path, out: impl Write) -> io::Result<()> {
    let mut packing = Packing {
        tar: tar::Builder::new(BufWriter::with_capacity(256 << 10, out)),
        links: HashMap::new(),
    };
    packing.children(directory, &[])?;
    packing.tar.into_inner()?.flush()
}

struct Packing<W: Write> {
    tar: tar::Builder<W>,
    /// First path of every file with more than one name.
    links: HashMap<(u64, u64), Vec<u8>>,
}

impl<W: Write> Packing<W> {
    fn children(&mut self, directory: &Path, at: &[u8]) -> io::Result<()> {
        let mut names: Vec<OsString> = fs::read_dir(directory)?
            .map(|entry| Ok(entry?.file_name()))
            .collect::<io::Result<_>>()?;
        names.sort();
        if is_opaque(directory) {
            self.empty(&join(at, b".wh..wh..opq"))?;
        }
        for name in names {
            let path = directory.join(&name);
            let metadata = fs::symlink_metadata(&path)?;
            let name = name.into_vec();
            if is_whiteout(&metadata) {
                self.empty(&join(at, &[b".wh.", name.as_slice()].concat()))?;
                continue;
            }
            if name.starts_with(b".wh.") {
                // In a layer it would delete what lies below, instead of being a file.
                let shown = String::from_utf8_lossy(&join(at, &name)).into_owned();
                return Err(io::Error::other(format!(
                    "`/{shown}`: images cannot hold names that begin with `.wh.`"
                )));
            }
            self.entry(&path, &join(at, &name), &metadata)?;
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, at: &[u8], metadata: &Metadata) -> io::Result<()> {
        let kind = metadata.file_type();
        let mut header = header(metadata);
        if kind.is_dir() {
            header.set_entry_type(tar::EntryType::Directory);
            let xattrs = xattrs(path)?;
            self.append(header, &join(at, b""), None, &xattrs, io::empty())?;
            return self.children(path, at);
        }
        if metadata.nlink() > 1 {
            let inode = (metadata.dev(), metadata.ino());
            if let Some(first) = self.links.get(&inode).cloned() {
                header.set_entry_type(tar::EntryType::Link);
                return self.append(header, at, Some(&first), &[], io::empty());
            }
            self.links.insert(inode, at.to_vec());
        }
        if kind.is_symlink() {
            header.set_entry_type(tar::EntryType::Symlink);
            let target = fs::read_link(path)?.into_os_string().into_vec();
            self.append(header, at, Some(&target), &[], io::empty())
        } else if kind.is_file() {
            header.set_entry_type(tar::EntryType::Regular);
            header.set_size(metadata.len());
            let xattrs = xattrs(path)?;
            // Exactly as many bytes as the header says, even if somebody still writes.
            let content = io::Read::take(File::open(path)?, metadata.len());
            self.append(header, at, None, &xattrs, content)
        } else if kind.is_fifo() {
            header.set_entry_type(tar::EntryType::Fifo);
            self.append(header, at, None, &[], io::empty())
        } else {
            // Sockets mean nothing in an image; device nodes are left out as in unpacking.
            Ok(())
        }
    }

    /// An empty file, whose name says all.
    fn empty(&mut self, at: &[u8]) -> io::Result<()> {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(0o600);
        header.set_size(0);
        self.append(header, at, None, &[], io::empty())
    }

    fn append(
        &mut self,
        mut header: tar::Header,
        at: &[u8],
        link: Option<&[u8]>,
        xattrs: &[(String, Vec<u8>)],
        content: impl io::Read,
    ) -> io::Result<()> {
        let mut records: Vec<(String, Vec<u8>)> = xattrs
            .iter()
            .map(|(name, value)| (format!("SCHILY.xattr.{name}"), value.clone()))
            .collect();
        let old = header.as_old_mut();
        if !put(&mut old.name, at) {
            records.push(("path".to_owned(), at.to_vec()));
        }
        if let Some(link) = link
            && !put(&mut old.linkname, link)
        {
            records.push(("linkpath".to_owned(), link.to_vec()));
        }
        if !records.is_empty() {
            let records = records
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_slice()));
            self.tar.append_pax_extensions(records)?;
        }
        header.set_cksum();
        self.tar.append(&header, content)
    }
}

/// Puts a name into a header's field; `false` if the field cannot hold it, and then holds a shadow of it.
fn put(field: &mut [u8; HEADER_NAME_BYTES], name: &[u8]) -> bool {
    let length = name.len().min(HEADER_NAME_BYTES);
    for (to, from) in field.iter_mut().zip(&name[..length]) {
        *to = if from.is_ascii() { *from } else { b'_' };
    }
    name.len() <= HEADER_NAME_BYTES && name.is_ascii()
}

fn header(metadata: &Metadata) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_mode(metadata.mode() & 0o7777);
    header.set_uid(u64::from(metadata.uid()));
    header.set_gid(u64::from(metadata.gid()));
    header.set_mtime(u64::try_from(metadata.mtime()).unwrap_or_default());
    header.set_size(0);
    header
}

fn join(at: &[u8], name: &[u8]) -> Vec<u8> {
    if at.is_empty() {
        name.to_vec()
    } else {
        [at, b"/", name].concat()
    }
}

/// What images carry: capabilities, and attributes of users. Overlayfs' own stay behind; were there one that moves
/// a directory, the archive would be wrong without it.
fn xattrs(path: &Path) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut list = vec![0_u8; 64 << 10];
    let length = match rustix::fs::llistxattr(path, &mut list) {
        Ok(length) => length,
        Err(rustix::io::Errno::NOTSUP) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut found = Vec::new();
    for name in list[..length]
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
    {
        let name = String::from_utf8_lossy(name).into_owned();
        if name == "trusted.overlay.redirect" {
            let path = PathBuf::from(path);
            return Err(io::Error::other(format!(
                "{} was moved by overlayfs",
                path.display()
            )));
        }
        if name == "security.capability" || name.starts_with("user.") {
            let mut value = vec![0_u8; 64 << 10];
            let length = rustix::fs::lgetxattr(path, name.as_str(), &mut value)?;
            value.truncate(length);
            found.push((name, value));
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests;
