//! A table: a name, a type of row, and how rows of older versions become rows of this one.

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Rows of one type under string keys. Tables are constants of the crate that owns them:
///
/// ```
/// # use base_store::Table;
/// const CLUSTERS: Table<String> = Table::new("ecs/cluster", 1);
/// ```
pub struct Table<T> {
    pub name: &'static str,
    /// Written with each row; raise it when the stored form changes in a way serde cannot read.
    pub version: u32,
    pub(crate) migrate: fn(u32, serde_json::Value) -> Result<T, String>,
    row: PhantomData<fn() -> T>,
}

impl<T> Clone for Table<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Table<T> {}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Table<T> {
    pub const fn new(name: &'static str, version: u32) -> Self {
        Self {
            name,
            version,
            migrate: refuse,
            row: PhantomData,
        }
    }

    /// How to read a row that was written as an older version.
    #[must_use]
    pub const fn migrate(mut self, migrate: fn(u32, serde_json::Value) -> Result<T, String>) -> Self {
        self.migrate = migrate;
        self
    }
}

fn refuse<T>(version: u32, _: serde_json::Value) -> Result<T, String> {
    Err(format!("there is no way from version {version}"))
}
