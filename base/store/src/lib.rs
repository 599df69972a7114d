//! The control plane's memory: typed rows in tables, transactional and durable.
//!
//! SQLite in WAL mode with `synchronous=FULL`; one writer thread that commits everything waiting in one go
//! (group commit). All rows are also held in memory as a persistent map, so a snapshot costs a pointer and never
//! waits for a writer.

mod error;
mod snapshot;
mod table;
mod transaction;
mod watch;
mod writer;

pub use error::{OpenError, StoreError};
pub use snapshot::Snapshot;
pub use table::Table;
pub use transaction::Transaction;
pub use watch::Watch;

use std::path::Path;
use std::sync::Arc;

/// Handle to the store; cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<writer::Writer>,
}

impl Store {
    /// Opens or creates the database file.
    ///
    /// # Errors
    /// When the file cannot be opened, or was written by a newer version of this program.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Ok(Self {
            inner: Arc::new(writer::Writer::start(Some(path))?),
        })
    }

    /// A store without a file, for tests.
    pub fn in_memory() -> Self {
        let writer = writer::Writer::start(None).expect("an in-memory database opens");
        Self {
            inner: Arc::new(writer),
        }
    }

    /// All rows as of the last commit.
    pub fn snapshot(&self) -> Snapshot {
        self.inner.snapshot()
    }

    /// Runs `change` alone and, when it returns `Ok`, saves everything it put and deleted, durably, before this
    /// returns. With `Err` nothing is changed.
    ///
    /// # Errors
    /// The closure's own error, or `StoreError` converted into it when saving failed.
    pub async fn write<R, E>(
        &self,
        change: impl FnOnce(&mut Transaction) -> Result<R, E> + Send + 'static,
    ) -> Result<R, E>
    where
        R: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.inner.write(change).await
    }

    /// Tells when any row of one of these tables has changed since the last look.
    pub fn watch(&self, tables: &[&'static str]) -> Watch {
        self.inner.watch(tables)
    }
}

#[cfg(test)]
mod tests;
