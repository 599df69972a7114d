//! The log of a run as it is written: every line masked, whoever wrote it.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use base_clock::Clock;

use crate::mask::Masker;
use crate::record::{Line, LineKind};
use crate::store::{StoreError, failed};

/// A run that prints more is not recorded further.
const LOG_BYTES_MAX: usize = 256 << 20;

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Journal {
    file: Arc<Mutex<Open>>,
    pub(crate) masker: Masker,
    pub(crate) clock: Arc<dyn Clock>,
}

struct Open {
    file: File,
    written: usize,
}

/// Where a line belongs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) job: Option<usize>,
    pub(crate) step: Option<usize>,
}

impl Journal {
    pub(crate) fn open(path: &Path, masker: Masker, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)
            .map_err(failed(path, "opened"))?;
        Ok(Self {
            file: Arc::new(Mutex::new(Open { file, written: 0 })),
            masker,
            clock,
        })
    }

    pub(crate) fn write(&self, place: Place, kind: LineKind, text: &str) {
        let line = Line {
            at: self.clock.now(),
            job: place.job,
            step: place.step,
            kind,
            text: self.masker.hide(text),
        };
        let Ok(mut bytes) = serde_json::to_vec(&line) else {
            return;
        };
        bytes.push(b'\n');
        let mut open = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let was = open.written;
        open.written += bytes.len();
        let is_talk = matches!(kind, LineKind::Output | LineKind::Debug);
        if is_talk && open.written > LOG_BYTES_MAX {
            if was <= LOG_BYTES_MAX {
                drop(open);
                let mib = LOG_BYTES_MAX >> 20;
                self.write(
                    place,
                    LineKind::Warning,
                    &format!("the log has reached {mib} MiB; further output is not kept"),
                );
            }
            return;
        }
        // A full disk must not end what is being deployed.
        if let Err(error) = open.file.write_all(&bytes) {
            tracing::warn!(%error, "a line of a run's log was lost");
        }
    }
}
