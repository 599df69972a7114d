//! Reading a run's log while it is written.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::PathBuf;

use super::{Runs, StoreError};
use crate::record::{Line, Run};

/// A place in a run's log; each look goes on where the one before ended.
pub struct Follow {
    runs: Runs,
    id: u64,
    path: PathBuf,
    /// Bytes that were read.
    offset: u64,
}

impl Runs {
    pub fn follow(&self, id: u64) -> Follow {
        Follow {
            runs: self.clone(),
            id,
            path: self.folder(id).join("log.jsonl"),
            offset: 0,
        }
    }
}

impl Runs {
    /// The lines in the last so many bytes of a run's log.
    pub fn tail(&self, id: u64, bytes_max: u64) -> Vec<Line> {
        let path = self.folder(id).join("log.jsonl");
        let offset = std::fs::metadata(&path).map_or(0, |file| file.len().saturating_sub(bytes_max));
        let mut follow = Follow {
            offset,
            ..self.follow(id)
        };
        // What is cut at the beginning is no whole line, and so left out.
        follow.lines()
    }
}

impl Follow {
    /// The lines since the last look, and the record as it was **before** they were read: when it says that the run
    /// is over, there are no more.
    ///
    /// # Errors
    /// When there is no such run.
    pub fn look(&mut self) -> Result<(Run, Vec<Line>), StoreError> {
        let run = self.runs.repaired(self.id)?;
        Ok((run, self.lines()))
    }

    fn lines(&mut self) -> Vec<Line> {
        let Ok(mut file) = File::open(&self.path) else {
            return Vec::new();
        };
        if file.seek(SeekFrom::Start(self.offset)).is_err() {
            return Vec::new();
        }
        let mut reader = BufReader::new(file);
        let mut lines = Vec::new();
        let mut text = String::new();
        loop {
            text.clear();
            match reader.read_line(&mut text) {
                // The last line may still be in the making.
                Ok(read) if read > 0 && text.ends_with('\n') => {
                    self.offset += read as u64;
                    lines.extend(serde_json::from_str::<Line>(&text));
                }
                _ => return lines,
            }
        }
    }
}
