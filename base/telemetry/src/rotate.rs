//! A log file that does not grow without end: when it is full it becomes `<name>.1`, and a new one begins.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Size at which a file is put aside; with the one put aside before, at most twice this is on disk.
pub(crate) const FILE_BYTES_MAX: u64 = 16 << 20;

pub(crate) struct RotatingFile {
    path: PathBuf,
    limit_bytes: u64,
    open: Mutex<Open>,
}

struct Open {
    file: File,
    bytes: u64,
}

impl RotatingFile {
    pub(crate) fn open(path: &Path, limit_bytes: u64) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            limit_bytes,
            open: Mutex::new(Open::at(path)?),
        })
    }
}

impl Open {
    fn at(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { file, bytes })
    }
}

impl Write for &RotatingFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut open = self.open.lock().expect("no holder of this lock panics");
        if open.bytes > 0 && open.bytes + line.len() as u64 > self.limit_bytes {
            let mut aside = self.path.clone().into_os_string();
            aside.push(".1");
            std::fs::rename(&self.path, aside)?;
            *open = Open::at(&self.path)?;
        }
        let written = open.file.write(line)?;
        open.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.open
            .lock()
            .expect("no holder of this lock panics")
            .file
            .flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_is_put_aside_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control.log");
        let log = RotatingFile::open(&path, 10).unwrap();
        for line in ["one\n", "two\n", "three\n", "four\n"] {
            (&log).write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "four\n");
        assert_eq!(
            std::fs::read_to_string(folder.path().join("control.log.1")).unwrap(),
            "three\n"
        );
    }
}
