//! The metric store: values by series and time, rolled up as they age.
//!
//! One SQLite file of its own. A value is in one row at a time: by the second while it is young (if it was measured that
//! finely), then by the minute, by five minutes and by the hour. Readers add up whatever rows a period has.

mod age;
mod point;
mod schema;
mod series;

use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use contract::metric::{Datum, MetricError, MetricQuery, MetricStore, Period, SeenSeries};
use rusqlite::{Connection, OptionalExtension as _, Transaction};

/// The metric store in one file; cheap to clone.
#[derive(Clone)]
pub struct MetricFile {
    /// Writing and reading have a connection each, so that plotting does not hold up measuring.
    writer: Arc<Mutex<Connection>>,
    reader: Arc<Mutex<Connection>>,
}

impl MetricFile {
    /// Opens or creates the file.
    ///
    /// # Errors
    /// When it cannot be opened or is not a metric store.
    pub fn open(path: &Path) -> Result<Self, MetricError> {
        let writer = schema::open(path).map_err(sentence)?;
        let reader = schema::open(path).map_err(sentence)?;
        Ok(Self {
            writer: Arc::new(Mutex::new(writer)),
            reader: Arc::new(Mutex::new(reader)),
        })
    }
}

async fn on<R: Send + 'static>(
    connection: &Arc<Mutex<Connection>>,
    work: impl FnOnce(&mut Connection) -> rusqlite::Result<R> + Send + 'static,
) -> Result<R, MetricError> {
    let connection = Arc::clone(connection);
    tokio::task::spawn_blocking(move || work(&mut connection.lock().expect("no holder of this lock panics")))
        .await
        .map_err(sentence)?
        .map_err(sentence)
}

fn sentence(error: impl std::fmt::Display) -> MetricError {
    MetricError(error.to_string())
}

fn save(transaction: &Transaction<'_>, data: &[Datum]) -> rusqlite::Result<()> {
    for datum in data {
        let series = series::touch(transaction, &datum.series, datum.at_seconds)?;
        let resolution = if datum.is_high_resolution {
            age::SECOND
        } else {
            age::MINUTE
        };
        point::merge(
            transaction,
            series,
            resolution,
            datum.at_seconds,
            &datum.unit,
            &datum.summary,
        )?;
    }
    Ok(())
}

#[async_trait]
impl MetricStore for MetricFile {
    async fn put(&self, data: Vec<Datum>) -> Result<(), MetricError> {
        on(&self.writer, move |connection| {
            let transaction = connection.transaction()?;
            save(&transaction, &data)?;
            transaction.commit()
        })
        .await
    }

    async fn put_marked(&self, data: Vec<Datum>, name: &str, mark: String) -> Result<(), MetricError> {
        let name = name.to_owned();
        on(&self.writer, move |connection| {
            let transaction = connection.transaction()?;
            save(&transaction, &data)?;
            transaction
                .prepare_cached("INSERT OR REPLACE INTO mark (name, text) VALUES (?1, ?2)")?
                .execute([name, mark])?;
            transaction.commit()
        })
        .await
    }

    async fn mark(&self, name: &str) -> Result<Option<String>, MetricError> {
        let name = name.to_owned();
        on(&self.writer, move |connection| {
            connection
                .query_row("SELECT text FROM mark WHERE name = ?1", [name], |row| row.get(0))
                .optional()
        })
        .await
    }

    async fn read(&self, query: MetricQuery) -> Result<Vec<Period>, MetricError> {
        on(&self.reader, move |connection| point::read(connection, &query)).await
    }

    async fn list(
        &self,
        scope: &str,
        namespace: Option<&str>,
        name: Option<&str>,
    ) -> Result<Vec<SeenSeries>, MetricError> {
        let (scope, namespace, name) = (
            scope.to_owned(),
            namespace.map(str::to_owned),
            name.map(str::to_owned),
        );
        on(&self.reader, move |connection| {
            series::list(connection, &scope, namespace.as_deref(), name.as_deref())
        })
        .await
    }

    async fn tidy(&self, now_seconds: i64) -> Result<(), MetricError> {
        loop {
            let moved = on(&self.writer, move |connection| age::step(connection, now_seconds)).await?;
            if !moved {
                return Ok(());
            }
        }
    }

    async fn clear(&self) -> Result<(), MetricError> {
        on(&self.writer, |connection| {
            connection.execute_batch("DELETE FROM point; DELETE FROM series; DELETE FROM mark;")
        })
        .await
    }
}

#[cfg(test)]
mod tests;
