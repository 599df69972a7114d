//! All rows at one moment.

use std::any::Any;
use std::ops::Bound;
use std::sync::{Arc, OnceLock};

use imbl::OrdMap;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Table;

/// Table and key.
pub(crate) type Key = (Arc<str>, Arc<str>);
pub(crate) type Rows = OrdMap<Key, Row>;

/// One row: as text, and as a value once somebody has asked for it.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) version: u32,
    pub(crate) json: Arc<str>,
    value: Arc<OnceLock<Arc<dyn Any + Send + Sync>>>,
}

impl Row {
    pub(crate) fn stored(version: u32, json: Arc<str>) -> Self {
        Self {
            version,
            json,
            value: Arc::default(),
        }
    }

    pub(crate) fn new<T: Serialize + Send + Sync + 'static>(table: Table<T>, value: T) -> Self {
        let json = serde_json::to_string(&value).expect("rows are plain data and always serialise");
        let cell: OnceLock<Arc<dyn Any + Send + Sync>> = OnceLock::new();
        let _ = cell.set(Arc::new(value));
        Self {
            version: table.version,
            json: json.into(),
            value: Arc::new(cell),
        }
    }

    pub(crate) fn value<T: DeserializeOwned + Send + Sync + 'static>(
        &self,
        table: Table<T>,
    ) -> Option<Arc<T>> {
        if let Some(value) = self.value.get() {
            return Arc::clone(value).downcast::<T>().ok();
        }
        let decoded = if self.version == table.version {
            serde_json::from_str::<T>(&self.json).map_err(|error| error.to_string())
        } else {
            serde_json::from_str(&self.json)
                .map_err(|error| error.to_string())
                .and_then(|old| (table.migrate)(self.version, old))
        };
        match decoded {
            Ok(value) => {
                let value = Arc::new(value);
                let _ = self.value.set(value.clone());
                Some(value)
            }
            Err(error) => {
                tracing::error!(table = table.name, version = self.version, %error, "a stored row cannot be read");
                None
            }
        }
    }
}

/// All rows as they were at one commit; does not change any more.
#[derive(Clone)]
pub struct Snapshot {
    pub(crate) rows: Rows,
    pub(crate) commit: u64,
}

impl Snapshot {
    /// Number of commits so far; two snapshots with the same number are equal.
    pub fn commit(&self) -> u64 {
        self.commit
    }

    pub fn get<T: DeserializeOwned + Send + Sync + 'static>(
        &self,
        table: Table<T>,
        key: &str,
    ) -> Option<Arc<T>> {
        self.rows.get(&(table.name.into(), key.into()))?.value(table)
    }

    /// All rows of a table, by key.
    pub fn list<T: DeserializeOwned + Send + Sync + 'static>(
        &self,
        table: Table<T>,
    ) -> Vec<(String, Arc<T>)> {
        self.prefix(table, "")
    }

    /// The rows whose key begins with `prefix`, by key.
    pub fn prefix<T: DeserializeOwned + Send + Sync + 'static>(
        &self,
        table: Table<T>,
        prefix: &str,
    ) -> Vec<(String, Arc<T>)> {
        prefix_of(&self.rows, table, prefix)
    }

    /// At most so many of the rows whose key begins with `prefix`, from the key `start` on. Costs what it returns.
    pub fn page<T: DeserializeOwned + Send + Sync + 'static>(
        &self,
        table: Table<T>,
        prefix: &str,
        start: &str,
        limit: usize,
    ) -> Vec<(String, Arc<T>)> {
        let start: (Arc<str>, Arc<str>) = (table.name.into(), start.max(prefix).into());
        self.rows
            .range((Bound::Included(start), Bound::Unbounded))
            .take_while(|((name, key), _)| &**name == table.name && key.starts_with(prefix))
            .filter_map(|((_, key), row)| Some((key.to_string(), row.value(table)?)))
            .take(limit)
            .collect()
    }
}

pub(crate) fn prefix_of<T: DeserializeOwned + Send + Sync + 'static>(
    rows: &Rows,
    table: Table<T>,
    prefix: &str,
) -> Vec<(String, Arc<T>)> {
    let start: (Arc<str>, Arc<str>) = (table.name.into(), prefix.into());
    rows.range((Bound::Included(start), Bound::Unbounded))
        .take_while(|((name, key), _)| &**name == table.name && key.starts_with(prefix))
        .filter_map(|((_, key), row)| Some((key.to_string(), row.value(table)?)))
        .collect()
}
