//! A change in the making: sees its own writes, and what all earlier transactions wrote.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Table;
use crate::snapshot::{Key, Row, Rows, Snapshot, prefix_of};

pub struct Transaction {
    pub(crate) rows: Rows,
    /// `None` is a deletion.
    pub(crate) changes: BTreeMap<Key, Option<Row>>,
}

impl Transaction {
    pub(crate) fn new(rows: Rows) -> Self {
        Self {
            rows,
            changes: BTreeMap::new(),
        }
    }

    pub fn get<T: DeserializeOwned + Send + Sync + 'static>(
        &self,
        table: Table<T>,
        key: &str,
    ) -> Option<Arc<T>> {
        self.rows.get(&(table.name.into(), key.into()))?.value(table)
    }

    /// All rows as this transaction sees them now.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            rows: self.rows.clone(),
            commit: 0,
        }
    }

    /// The rows whose key begins with `prefix`, by key.
    pub fn prefix<T: DeserializeOwned + Send + Sync + 'static>(
        &self,
        table: Table<T>,
        prefix: &str,
    ) -> Vec<(String, Arc<T>)> {
        prefix_of(&self.rows, table, prefix)
    }

    /// All rows of a table, by key.
    pub fn list<T: DeserializeOwned + Send + Sync + 'static>(
        &self,
        table: Table<T>,
    ) -> Vec<(String, Arc<T>)> {
        self.prefix(table, "")
    }

    /// Writes a row. Writing what is there already changes nothing and wakes nobody.
    pub fn put<T: Serialize + Send + Sync + 'static>(&mut self, table: Table<T>, key: &str, value: T) {
        let row = Row::new(table, value);
        let place: Key = (table.name.into(), key.into());
        if self
            .rows
            .get(&place)
            .is_some_and(|old| old.version == row.version && old.json == row.json)
        {
            return;
        }
        self.rows.insert(place.clone(), row.clone());
        self.changes.insert(place, Some(row));
    }

    pub fn delete<T>(&mut self, table: Table<T>, key: &str) {
        self.remove((table.name.into(), key.into()));
    }

    /// Deletes every row of every table but those named in `keep`.
    pub fn clear(&mut self, keep: &[&str]) {
        let places: Vec<Key> = self
            .rows
            .keys()
            .filter(|(table, _)| !keep.contains(&&**table))
            .cloned()
            .collect();
        places.into_iter().for_each(|place| self.remove(place));
    }

    fn remove(&mut self, place: Key) {
        if self.rows.remove(&place).is_some() {
            self.changes.insert(place, None);
        }
    }
}
