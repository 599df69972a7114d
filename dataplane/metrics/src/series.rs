//! Which series there are.

use contract::metric::{SeenSeries, Series};
use rusqlite::types::Type;
use rusqlite::{Connection, Transaction, params};

/// The series' number; it has a value of this second.
pub(crate) fn touch(
    transaction: &Transaction<'_>,
    series: &Series,
    at_seconds: i64,
) -> rusqlite::Result<i64> {
    let dimensions = serde_json::to_string(&series.dimensions).expect("pairs of text are JSON");
    transaction
        .prepare_cached(
            "INSERT INTO series (scope, namespace, name, dimensions, last_seconds) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET last_seconds = max(last_seconds, ?5) RETURNING id",
        )?
        .query_row(
            params![series.scope, series.namespace, series.name, dimensions, at_seconds],
            |row| row.get(0),
        )
}

pub(crate) fn list(
    connection: &Connection,
    scope: &str,
    namespace: Option<&str>,
    name: Option<&str>,
) -> rusqlite::Result<Vec<SeenSeries>> {
    let mut statement = connection.prepare_cached(
        "SELECT namespace, name, dimensions, last_seconds FROM series
         WHERE scope = ?1 AND (?2 IS NULL OR namespace = ?2) AND (?3 IS NULL OR name = ?3)
         ORDER BY namespace, name, dimensions",
    )?;
    let rows = statement.query_map(params![scope, namespace, name], |row| {
        let dimensions: String = row.get(2)?;
        let dimensions = serde_json::from_str(&dimensions)
            .map_err(|error| rusqlite::Error::FromSqlConversionFailure(2, Type::Text, Box::new(error)))?;
        Ok(SeenSeries {
            series: Series {
                scope: scope.to_owned(),
                namespace: row.get(0)?,
                name: row.get(1)?,
                dimensions,
            },
            last_seconds: row.get(3)?,
        })
    })?;
    rows.collect()
}
