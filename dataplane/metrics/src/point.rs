//! Rows of values.

use std::collections::BTreeMap;

use contract::metric::{MetricQuery, Period, Summary};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

/// A bucket's number and its count.
const BUCKET_BYTES: usize = 12;

/// Adds values to the row of their moment.
pub(crate) fn merge(
    transaction: &Transaction<'_>,
    series: i64,
    resolution_seconds: i64,
    at_seconds: i64,
    unit: &str,
    summary: &Summary,
) -> rusqlite::Result<()> {
    let at = at_seconds - at_seconds.rem_euclid(resolution_seconds);
    let found = transaction
        .prepare_cached(
            "SELECT count, sum, min, max, buckets FROM point
             WHERE series = ?1 AND at_seconds = ?2 AND resolution_seconds = ?3 AND unit = ?4",
        )?
        .query_row(params![series, at, resolution_seconds, unit], |row| {
            values(row, 0)
        })
        .optional()?;
    let mut all = found.unwrap_or_default();
    all.merge(summary);
    transaction
        .prepare_cached("INSERT OR REPLACE INTO point VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?
        .execute(params![
            series,
            at,
            resolution_seconds,
            unit,
            all.count,
            all.sum,
            all.min,
            all.max,
            packed(&all.buckets)
        ])?;
    Ok(())
}

pub(crate) fn read(connection: &Connection, query: &MetricQuery) -> rusqlite::Result<Vec<Period>> {
    let dimensions = serde_json::to_string(&query.series.dimensions).expect("pairs of text are JSON");
    let mut statement = connection.prepare_cached(
        "SELECT p.count, p.sum, p.min, p.max, p.buckets, p.at_seconds, p.unit
         FROM point p JOIN series s ON s.id = p.series
         WHERE s.scope = ?1 AND s.namespace = ?2 AND s.name = ?3 AND s.dimensions = ?4
         AND p.at_seconds >= ?5 AND p.at_seconds < ?6 AND (?7 IS NULL OR p.unit = ?7) ORDER BY p.at_seconds",
    )?;
    let series = &query.series;
    let mut rows = statement.query(params![
        series.scope,
        series.namespace,
        series.name,
        dimensions,
        query.from_seconds,
        query.to_seconds,
        query.unit
    ])?;
    let mut periods: BTreeMap<(i64, String), Summary> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let at: i64 = row.get(5)?;
        let start = at - at.rem_euclid(query.period_seconds.max(1));
        periods
            .entry((start, row.get(6)?))
            .or_default()
            .merge(&values(row, 0)?);
    }
    let periods = periods
        .into_iter()
        .map(|((start_seconds, unit), summary)| Period {
            start_seconds,
            unit,
            summary,
        });
    Ok(periods.collect())
}

/// The values in a row, from this column on.
pub(crate) fn values(row: &Row<'_>, first: usize) -> rusqlite::Result<Summary> {
    let buckets: Vec<u8> = row.get(first + 4)?;
    Ok(Summary {
        count: row.get(first)?,
        sum: row.get(first + 1)?,
        min: row.get(first + 2)?,
        max: row.get(first + 3)?,
        buckets: unpacked(&buckets),
    })
}

fn packed(buckets: &BTreeMap<i32, f64>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(buckets.len() * BUCKET_BYTES);
    for (bucket, count) in buckets {
        bytes.extend(bucket.to_le_bytes());
        bytes.extend(count.to_le_bytes());
    }
    bytes
}

fn unpacked(bytes: &[u8]) -> BTreeMap<i32, f64> {
    bytes
        .chunks_exact(BUCKET_BYTES)
        .filter_map(|entry| {
            let (bucket, count) = entry.split_first_chunk()?;
            Some((
                i32::from_le_bytes(*bucket),
                f64::from_le_bytes(count.try_into().ok()?),
            ))
        })
        .collect()
}
