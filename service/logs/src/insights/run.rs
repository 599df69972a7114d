//! A query at work: lines in, newest first; results out at any time.
//!
//! What comes before the first `stats`, `sort`, `dedup` or `limit` is done line by line; from there on a bounded
//! number of rows is kept.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::aggregate::State;
use super::expression::{Expression, Scope};
use super::value::Value;
use super::{Event, LIMIT_MAX, Query, Stage, Stats};

/// Text of the lines that a query keeps. A query over longer ones ends early with what it has.
const KEPT_BYTES_MAX: usize = 256 << 20;
/// Groups of `stats`; lines of further ones are left out.
const GROUPS_MAX: usize = 100_000;

pub(crate) struct Run {
    query: Arc<Query>,
    /// Stages before this are done line by line.
    head: usize,
    rows: Vec<Row>,
    kept_bytes: usize,
    /// Rows worth keeping.
    keep: usize,
    groups: Groups,
    /// What a leading `dedup` has seen.
    seen: HashSet<Vec<String>>,
    now_ms: i64,
    pub(crate) matched: u64,
}

/// A line with what was computed, or what `stats` made.
#[derive(Clone, Debug, Default)]
struct Row {
    event: Option<Arc<Event>>,
    computed: Vec<(String, Value)>,
    now_ms: i64,
}

impl Scope for Row {
    fn field(&self, name: &str) -> Value {
        if let Some((_, value)) = self.computed.iter().rev().find(|(it, _)| it == name) {
            return value.clone();
        }
        self.event.as_ref().map_or(Value::Null, |event| event.field(name))
    }

    fn now(&self) -> i64 {
        self.now_ms
    }
}

/// What `stats` has gathered, in the order in which groups came.
#[derive(Clone, Debug, Default)]
struct Groups {
    order: Vec<(Vec<Value>, Vec<State>)>,
    places: HashMap<Vec<String>, usize>,
}

impl Run {
    /// `limit` is for a query that names none.
    pub(crate) fn new(query: Arc<Query>, limit: usize, now_ms: i64) -> Self {
        let gathers = |stage: &Stage| {
            matches!(
                stage,
                Stage::Stats(_) | Stage::Sort(_) | Stage::Dedup(_) | Stage::Limit(_)
            )
        };
        let head = query
            .stages
            .iter()
            .position(gathers)
            .unwrap_or(query.stages.len());
        let tail = &query.stages[head..];
        // What is sorted or made different may lose rows later only by a limit that comes at once.
        let keep = match tail {
            [] => limit,
            [Stage::Limit(limit), ..] | [Stage::Sort(_), Stage::Limit(limit), ..] => *limit,
            [Stage::Dedup(_), Stage::Limit(limit), ..] => *limit,
            [Stage::Sort(_)] | [Stage::Dedup(_)] => limit,
            _ => LIMIT_MAX,
        };
        Self {
            head,
            rows: Vec::new(),
            kept_bytes: 0,
            keep: keep.min(LIMIT_MAX),
            groups: Groups::default(),
            seen: HashSet::new(),
            now_ms,
            matched: 0,
            query,
        }
    }

    /// Takes a line; false when no further one can change the results.
    pub(crate) fn take(&mut self, event: Event) -> bool {
        let query = Arc::clone(&self.query);
        let mut row = Row {
            event: Some(Arc::new(event)),
            computed: Vec::new(),
            now_ms: self.now_ms,
        };
        if !apply(&query.stages[..self.head], &mut row) {
            return true;
        }
        self.matched += 1;
        match query.stages.get(self.head) {
            Some(Stage::Stats(stats)) => {
                self.groups.take(stats, &row);
                true
            }
            Some(Stage::Sort(keys)) => {
                self.kept_bytes += row.bytes();
                self.rows.push(row);
                if self.rows.len() >= self.keep.saturating_mul(2).max(1_000)
                    || self.kept_bytes > KEPT_BYTES_MAX
                {
                    sort(&mut self.rows, keys);
                    self.rows.truncate(self.keep);
                    self.kept_bytes = self.rows.iter().map(Row::bytes).sum();
                    while self.kept_bytes > KEPT_BYTES_MAX / 2 {
                        self.kept_bytes -= self.rows.pop().map_or(self.kept_bytes, |row| row.bytes());
                    }
                }
                true
            }
            Some(Stage::Dedup(fields)) if !is_new(&mut self.seen, fields, &row) => true,
            _ => {
                self.kept_bytes += row.bytes();
                self.rows.push(row);
                self.rows.len() < self.keep && self.kept_bytes <= KEPT_BYTES_MAX
            }
        }
    }

    /// Rows of names and values. What is not there is left out.
    pub(crate) fn results(&self, limit: usize) -> Vec<Vec<(String, String)>> {
        let mut stages = self.query.stages[self.head..].iter();
        let mut rows = match self.query.stages.get(self.head) {
            Some(Stage::Stats(stats)) => {
                stages.next();
                self.groups.rows(stats, self.now_ms)
            }
            _ => self.rows.clone(),
        };
        for stage in stages {
            match stage {
                Stage::Stats(stats) => {
                    let mut groups = Groups::default();
                    rows.iter().for_each(|row| groups.take(stats, row));
                    rows = groups.rows(stats, self.now_ms);
                }
                Stage::Sort(keys) => sort(&mut rows, keys),
                Stage::Dedup(fields) => {
                    let mut seen = HashSet::new();
                    rows.retain(|row| is_new(&mut seen, fields, row));
                }
                Stage::Limit(limit) => rows.truncate(*limit),
                one => rows.retain_mut(|row| apply(std::slice::from_ref(one), row)),
            }
        }
        rows.truncate(self.query.limit().unwrap_or(limit));
        rows.iter().map(|row| self.shown(row)).collect()
    }

    fn shown(&self, row: &Row) -> Vec<(String, String)> {
        let pointer = self.query.is_of_lines.then_some("@ptr");
        let names = self.query.columns.iter().map(String::as_str);
        let names = names.filter(|name| *name != "@ptr").chain(pointer);
        names
            .map(|name| (name, row.field(name)))
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.to_owned(), value.text()))
            .collect()
    }
}

/// Stages that look at one row alone; false when it is left out.
fn apply(stages: &[Stage], row: &mut Row) -> bool {
    for stage in stages {
        match stage {
            Stage::Compute(fields) => {
                for (name, expression) in fields {
                    let value = expression.value(row);
                    row.computed.push((name.clone(), value));
                }
            }
            Stage::Filter(filter) => {
                if !filter.value(row).is_true() {
                    return false;
                }
            }
            Stage::Parse(extract) => {
                let fields = extract.fields(row);
                row.computed.extend(fields);
            }
            Stage::Stats(_) | Stage::Sort(_) | Stage::Dedup(_) | Stage::Limit(_) => {}
        }
    }
    true
}

fn sort(rows: &mut [Row], keys: &[(Expression, bool)]) {
    rows.sort_by_cached_key(|row| {
        let keys = keys.iter().map(|(key, falling)| (Key(key.value(row)), *falling));
        Keys(keys.collect())
    });
}

struct Key(Value);

/// Keys that order themselves, each rising or falling.
struct Keys(Vec<(Key, bool)>);

impl Ord for Keys {
    fn cmp(&self, other: &Self) -> Ordering {
        for ((one, falling), (other, _)) in self.0.iter().zip(&other.0) {
            let order = one.0.order(&other.0);
            let order = if *falling { order.reverse() } else { order };
            if order.is_ne() {
                return order;
            }
        }
        Ordering::Equal
    }
}

impl PartialOrd for Keys {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Keys {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Keys {}

/// What lacks one of the fields is never the same as anything.
fn is_new(seen: &mut HashSet<Vec<String>>, fields: &[Expression], row: &Row) -> bool {
    let values: Vec<Value> = fields.iter().map(|field| field.value(row)).collect();
    values.iter().any(Value::is_null) || seen.insert(values.iter().map(Value::text).collect())
}

impl Row {
    fn bytes(&self) -> usize {
        self.event.as_ref().map_or(0, |event| event.line.message.len())
    }
}

impl Groups {
    fn take(&mut self, stats: &Stats, row: &Row) {
        let by: Vec<Value> = stats.by.iter().map(|(_, it)| it.value(row)).collect();
        // What is not there is not the same as an empty text.
        let key = by
            .iter()
            .map(|it| format!("{}{}", u8::from(it.is_null()), it.text()))
            .collect();
        let place = match self.places.get(&key) {
            Some(place) => *place,
            None if self.order.len() >= GROUPS_MAX => return,
            None => {
                let states = stats.aggregates.iter().map(|it| it.begin()).collect();
                self.order.push((by, states));
                self.places.insert(key, self.order.len() - 1);
                self.order.len() - 1
            }
        };
        let states = &mut self.order[place].1;
        for (aggregate, state) in stats.aggregates.iter().zip(states) {
            aggregate.take(state, row);
        }
    }

    fn rows(&self, stats: &Stats, now_ms: i64) -> Vec<Row> {
        let whole;
        let groups = if self.order.is_empty() && stats.by.is_empty() {
            // Of nothing there is still a count.
            whole = vec![(Vec::new(), stats.aggregates.iter().map(|it| it.begin()).collect())];
            &whole
        } else {
            &self.order
        };
        let row = |(by, states): &(Vec<Value>, Vec<State>)| {
            let mut group = Group {
                row: Row {
                    now_ms,
                    ..Default::default()
                },
                aggregates: stats
                    .aggregates
                    .iter()
                    .zip(states)
                    .map(|(it, state)| it.end(state))
                    .collect(),
            };
            for ((name, _), value) in stats.by.iter().zip(by) {
                group.row.computed.push((name.clone(), value.clone()));
            }
            for (name, expression) in &stats.columns {
                let value = expression.value(&group);
                group.row.computed.push((name.clone(), value));
            }
            group.row
        };
        groups.iter().map(row).collect()
    }
}

/// A row of `stats` while its columns are computed.
struct Group {
    row: Row,
    aggregates: Vec<Value>,
}

impl Scope for Group {
    fn field(&self, name: &str) -> Value {
        self.row.field(name)
    }

    fn aggregate(&self, at: usize) -> Value {
        self.aggregates.get(at).cloned().unwrap_or_default()
    }

    fn now(&self) -> i64 {
        self.row.now_ms
    }
}
