//! What the instance says about itself: on its console and in a file of its own.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

pub(crate) struct Journal {
    file: PathBuf,
}

impl Journal {
    pub fn new(root: &Path, file: &str) -> Self {
        Self {
            file: root.join(file),
        }
    }

    pub fn say(&self, line: &str) {
        self.write(format!("{line}\n").as_bytes());
    }

    /// Output that nobody reads is no reason to end.
    pub fn write(&self, bytes: &[u8]) {
        let _ = std::io::stdout().write_all(bytes);
        let file = OpenOptions::new().create(true).append(true).open(&self.file);
        if let Ok(mut file) = file {
            let _ = file.write_all(bytes);
        }
    }
}
