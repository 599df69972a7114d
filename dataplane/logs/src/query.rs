//! Finding lines again.

use contract::log::{LogQuery, StoredLine};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

pub(crate) fn run(connection: &Connection, query: &LogQuery) -> rusqlite::Result<Vec<StoredLine>> {
    let mut sql = String::from(
        "SELECT l.sequence, s.name, l.at_ms, l.stored_at_ms, l.message FROM line l JOIN stream s ON s.id = l.stream
         WHERE s.scope = ?1 AND s.\"group\" = ?2",
    );
    let mut values: Vec<Value> = vec![query.scope.clone().into(), query.group.clone().into()];
    let mut bind = |value: Value| {
        values.push(value);
        format!("?{}", values.len())
    };
    if !query.streams.is_empty() {
        let names: Vec<String> = query
            .streams
            .iter()
            .map(|name| bind(name.clone().into()))
            .collect();
        sql += &format!(" AND s.name IN ({})", names.join(", "));
    }
    if let Some(prefix) = &query.stream_prefix {
        sql += &format!(
            " AND substr(s.name, 1, {}) = {}",
            prefix.chars().count(),
            bind(prefix.clone().into())
        );
    }
    if let Some(from) = query.from_ms {
        sql += &format!(" AND l.at_ms >= {}", bind(from.into()));
    }
    if let Some(to) = query.to_ms {
        sql += &format!(" AND l.at_ms <= {}", bind(to.into()));
    }
    let (beyond, order) = if query.backwards {
        ("<", "DESC")
    } else {
        (">", "ASC")
    };
    if let Some((at, sequence)) = query.after {
        let (at, sequence) = (bind(at.into()), bind((sequence as i64).into()));
        sql += &format!(" AND (l.at_ms, l.sequence) {beyond} ({at}, {sequence})");
    }
    sql += &format!(
        " ORDER BY l.at_ms {order}, l.sequence {order} LIMIT {}",
        query.limit
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params_from_iter(values), |row| {
        Ok(StoredLine {
            sequence: row.get::<_, i64>(0)? as u64,
            stream: row.get(1)?,
            at_ms: row.get(2)?,
            stored_at_ms: row.get(3)?,
            message: row.get(4)?,
        })
    })?;
    rows.collect()
}
