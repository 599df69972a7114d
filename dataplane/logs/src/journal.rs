//! The journal's files: `<number>.journal`, each a row of records. What was acknowledged is in them until it is in
//! frames.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::record::{self, Change, Stamp};

/// The file that grows.
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    /// Of whole, durable records.
    bytes: u64,
    /// A write has failed and could not be taken back.
    broken: bool,
}

impl Journal {
    pub fn create(directory: &Path, number: u64) -> io::Result<Self> {
        let journal = Self::reopen(directory, number, 0)?;
        sync_directory(directory)?;
        Ok(journal)
    }

    /// Goes on after the last whole record; what follows it is cut off.
    pub fn reopen(directory: &Path, number: u64, bytes: u64) -> io::Result<Self> {
        let path = path(directory, number);
        let file = File::options()
            .create(true)
            .append(true)
            .truncate(false)
            .open(&path)?;
        file.set_len(bytes)?;
        file.sync_all()?;
        Ok(Self {
            path,
            file,
            bytes,
            broken: false,
        })
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// All of it is durable when it returns, and nothing of it is there after an error.
    pub fn write(&mut self, records: &[u8]) -> io::Result<()> {
        if self.broken {
            return Err(io::Error::other(format!(
                "{} could not be repaired after an error",
                self.path.display()
            )));
        }
        let written = self.file.write_all(records).and_then(|()| self.file.sync_data());
        if written.is_err() {
            let repaired = self.file.set_len(self.bytes).and_then(|()| self.file.sync_all());
            self.broken = repaired.is_err();
        } else {
            self.bytes += records.len() as u64;
        }
        written
    }
}

pub(crate) fn path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number}.journal"))
}

/// Numbers of the files with this ending, ascending.
pub(crate) fn numbers(directory: &Path, ending: &str) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(ending));
        numbers.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// A file's name is durable, not only its content.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Hands over each whole record of a file; returns the length of what they fill, and of the file.
pub(crate) fn replay(
    directory: &Path,
    number: u64,
    mut apply: impl FnMut(Stamp, Change),
) -> io::Result<(u64, u64)> {
    let bytes = fs::read(path(directory, number))?;
    let mut whole = 0;
    while let Some((stamp, change, length)) = record::first(&bytes[whole..]) {
        apply(stamp, change);
        whole += length;
    }
    Ok((whole as u64, bytes.len() as u64))
}
