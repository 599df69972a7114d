//! Getting older: seconds become minutes, minutes five of them, those hours; and those are forgotten.

use rusqlite::{Connection, params};

use crate::point;

pub(crate) const SECOND: i64 = 1;
pub(crate) const MINUTE: i64 = 60;
const FIVE_MINUTES: i64 = 300;
const HOUR: i64 = 3600;
const DAY: i64 = 86_400;

/// From, to, and at what age; as CloudWatch keeps them.
const ROLL_UPS: [(i64, i64, i64); 3] = [
    (SECOND, MINUTE, 3 * HOUR),
    (MINUTE, FIVE_MINUTES, 15 * DAY),
    (FIVE_MINUTES, HOUR, 63 * DAY),
];
const KEPT_SECONDS: i64 = 455 * DAY;
/// Rows that are moved in one transaction, so that measuring never waits long.
const ROWS_PER_STEP: i64 = 2_000;

/// Does a part of what is to be done; whether something may be left.
pub(crate) fn step(connection: &mut Connection, now_seconds: i64) -> rusqlite::Result<bool> {
    for (from, to, age) in ROLL_UPS {
        // Only what is whole: a period of the coarser kind is moved at once or not yet.
        let before = now_seconds - age;
        let before = before - before.rem_euclid(to);
        if roll_up(connection, from, to, before)? {
            return Ok(true);
        }
    }
    let transaction = connection.transaction()?;
    transaction.execute(
        "DELETE FROM point WHERE resolution_seconds = ?1 AND at_seconds < ?2",
        params![HOUR, now_seconds - KEPT_SECONDS],
    )?;
    transaction.execute(
        "DELETE FROM series WHERE last_seconds < ?1 AND NOT EXISTS (SELECT 1 FROM point WHERE series = series.id)",
        params![now_seconds - KEPT_SECONDS],
    )?;
    transaction.commit()?;
    Ok(false)
}

fn roll_up(connection: &mut Connection, from: i64, to: i64, before: i64) -> rusqlite::Result<bool> {
    let transaction = connection.transaction()?;
    let rows = {
        let mut statement = transaction.prepare_cached(
            "SELECT count, sum, min, max, buckets, series, at_seconds, unit FROM point
             WHERE resolution_seconds = ?1 AND at_seconds < ?2 ORDER BY at_seconds LIMIT ?3",
        )?;
        let rows = statement.query_map(params![from, before, ROWS_PER_STEP], |row| {
            Ok((point::values(row, 0)?, row.get(5)?, row.get(6)?, row.get(7)?))
        })?;
        rows.collect::<rusqlite::Result<Vec<(_, i64, i64, String)>>>()?
    };
    for (summary, series, at, unit) in &rows {
        point::merge(&transaction, *series, to, *at, unit, summary)?;
        transaction
            .prepare_cached(
                "DELETE FROM point WHERE series = ?1 AND at_seconds = ?2 AND resolution_seconds = ?3 AND unit = ?4",
            )?
            .execute(params![series, at, from, unit])?;
    }
    transaction.commit()?;
    Ok(!rows.is_empty())
}
