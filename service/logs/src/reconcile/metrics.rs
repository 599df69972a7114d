//! Metric filters: follows the lines of each group that has some, and publishes what they match.
//!
//! A filter's cursor is saved after what it counted was published. So no line is left out; the lines of one batch
//! count twice when the process dies between the two.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_protocol::{ApiError, Context};
use aws_shape::cloudwatch::{self, Dimension, MetricDatum, PutMetricDataInput};
use base_clock::Clock;
use base_reconcile::{Outcome, Reconciler};
use base_store::Store;
use contract::log::{LogStore, StoredLine};
use jiff::Timestamp;

use crate::model::{MetricCursor, MetricFilter};
use crate::pattern::Pattern;
use crate::table::{METRIC_CURSORS, METRIC_FILTERS};

/// Lines of a group looked at before the cursors are saved.
const BATCH_LINES: usize = 5_000;
const MINUTE_MS: i64 = 60_000;
/// How long after the end of a minute its lines have come.
const LATE: Duration = Duration::from_secs(2);
/// Limits of PutMetricData.
const DATUM_VALUES_MAX: usize = 150;
const CALL_DATA_MAX: usize = 1_000;

pub struct MetricFilters {
    store: Store,
    clock: Arc<dyn Clock>,
    lines: Arc<dyn LogStore>,
    metrics: Arc<dyn cloudwatch::Api>,
}

impl MetricFilters {
    /// What wakes it, beside lines.
    pub const READS: &[&str] = &[METRIC_FILTERS.name];

    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        lines: Arc<dyn LogStore>,
        metrics: Arc<dyn cloudwatch::Api>,
    ) -> Self {
        Self {
            store,
            clock,
            lines,
            metrics,
        }
    }
}

#[async_trait]
impl Reconciler for MetricFilters {
    fn name(&self) -> &'static str {
        "logs metric filters"
    }

    async fn activate(&self) -> Result<Outcome, String> {
        let snapshot = self.store.snapshot();
        let mut groups: BTreeMap<(String, String), Vec<Counting>> = BTreeMap::new();
        for (key, filter) in snapshot.list(METRIC_FILTERS) {
            let cursor = snapshot.get(METRIC_CURSORS, &key).unwrap_or_default();
            let Ok(pattern) = Pattern::parse(&filter.pattern) else {
                continue;
            };
            let group = (filter.scope.key(), filter.group.clone());
            groups.entry(group).or_default().push(Counting {
                key,
                filter,
                pattern,
                cursor: MetricCursor::clone(&cursor),
                values: HashMap::new(),
            });
        }
        let (mut more, mut due, mut failure) = (false, None::<i64>, None);
        for ((scope, group), filters) in groups {
            match self.count(&scope, &group, filters).await {
                Ok(state) => {
                    more |= state.more;
                    due = due.into_iter().chain(state.due_ms).min();
                }
                // One group's trouble is not the others'.
                Err(error) => failure = Some(error),
            }
        }
        match (failure, due) {
            (Some(failure), _) => Err(failure),
            (None, _) if more => Ok(Outcome::Again),
            (None, Some(due)) => Ok(Outcome::Until(timestamp(due) + LATE)),
            (None, None) => Ok(Outcome::Settled),
        }
    }
}

/// Whether there is more to count, and when a minute ends that may get a default value.
struct State {
    more: bool,
    due_ms: Option<i64>,
}

impl MetricFilters {
    async fn count(&self, scope: &str, group: &str, mut filters: Vec<Counting>) -> Result<State, String> {
        let before: Vec<MetricCursor> = filters.iter().map(|it| it.cursor.clone()).collect();
        let after = filters.iter().map(|it| it.cursor.after).min().unwrap_or_default();
        let lines = self.lines.arrived(scope, group, after, BATCH_LINES).await;
        let lines = lines.map_err(|error| error.to_string())?;
        let now_ms = self.clock.now().as_millisecond();
        let mut due_ms = None;
        for (counting, before) in filters.iter_mut().zip(&before) {
            let mut defaults = Vec::new();
            for line in lines.iter().filter(|line| line.sequence > before.after) {
                counting.take(line, &mut defaults);
            }
            let late = i64::try_from(LATE.as_millis()).unwrap_or(i64::MAX);
            if let Some(idle) = counting.cursor.idle_minute_ms {
                if idle + MINUTE_MS + late <= now_ms {
                    defaults.push(idle);
                    counting.cursor.idle_minute_ms = None;
                } else {
                    due_ms = due_ms.into_iter().chain([idle + MINUTE_MS]).min();
                }
            }
            self.publish(counting, defaults).await?;
            if counting.cursor != *before {
                self.save(counting).await?;
            }
        }
        Ok(State {
            more: lines.len() == BATCH_LINES,
            due_ms,
        })
    }

    async fn save(&self, counting: &Counting) -> Result<(), String> {
        let (key, cursor) = (counting.key.clone(), counting.cursor.clone());
        let saved = self.store.write(move |tx| {
            // A filter that was deleted meanwhile leaves nothing behind.
            if tx.get(METRIC_FILTERS, &key).is_some() {
                tx.put(METRIC_CURSORS, &key, cursor);
            }
            Ok::<_, ApiError>(())
        });
        saved.await.map_err(|error| error.to_string())
    }

    async fn publish(&self, counting: &mut Counting, defaults: Vec<i64>) -> Result<(), String> {
        let metric = &counting.filter.metric;
        let mut data = Vec::new();
        if let Some(default) = metric.default_value {
            data.extend(defaults.into_iter().map(|minute| MetricDatum {
                value: Some(default),
                ..counting.datum(minute, &[])
            }));
        }
        for ((minute, dimensions), values) in std::mem::take(&mut counting.values) {
            let values: Vec<(f64, f64)> = values
                .into_iter()
                .map(|(bits, n)| (f64::from_bits(bits), n))
                .collect();
            data.extend(values.chunks(DATUM_VALUES_MAX).map(|values| MetricDatum {
                values: Some(values.iter().map(|(value, _)| *value).collect()),
                counts: Some(values.iter().map(|(_, count)| *count).collect()),
                ..counting.datum(minute, &dimensions)
            }));
        }
        let context = Context {
            scope: counting.filter.scope.clone(),
            request_id: "logs-metric-filter".to_owned(),
            principal_arn: "logs.amazonaws.com".to_owned(),
            access_key: String::new(),
        };
        let mut calls: Vec<Vec<MetricDatum>> = data.chunks(CALL_DATA_MAX).map(<[_]>::to_vec).collect();
        while let Some(data) = calls.pop() {
            let input = PutMetricDataInput {
                namespace: metric.namespace.clone(),
                metric_data: Some(data.clone()),
                ..Default::default()
            };
            match self.metrics.put_metric_data(&context, input).await {
                Ok(()) => {}
                Err(error) if error.is_internal() => return Err(error.to_string()),
                // What is refused once is refused for ever: a line of three weeks ago, a value that is too large. Those
                // that came with it are sent without it.
                Err(error) => match halves(data) {
                    Some(halves) => calls.extend(halves),
                    None => {
                        tracing::warn!(filter = counting.filter.name, %error, "a value of a metric filter was refused");
                    }
                },
            }
        }
        Ok(())
    }
}

/// A call in two; `None` for one that has a single value.
fn halves(mut data: Vec<MetricDatum>) -> Option<[Vec<MetricDatum>; 2]> {
    if data.len() > 1 {
        let rest = data.split_off(data.len() / 2);
        return Some([data, rest]);
    }
    let mut first = data.pop()?;
    let values = first.values.as_mut().filter(|it| it.len() > 1)?;
    let middle = values.len() / 2;
    let rest = MetricDatum {
        values: Some(values.split_off(middle)),
        counts: first.counts.as_mut().map(|it| it.split_off(middle)),
        ..first.clone()
    };
    Some([vec![first], vec![rest]])
}

/// Minute, and names and values of dimensions.
type Place = (i64, Vec<(String, String)>);

/// One filter while it counts.
struct Counting {
    key: String,
    filter: Arc<MetricFilter>,
    pattern: Pattern,
    cursor: MetricCursor,
    /// Each value, by its bits, and how often it came.
    values: HashMap<Place, HashMap<u64, f64>>,
}

impl Counting {
    /// Counts a line; minutes that ended without a match go to `defaults`.
    fn take(&mut self, line: &StoredLine, defaults: &mut Vec<i64>) {
        self.cursor.after = line.sequence;
        let minute = line.stored_at_ms.div_euclid(MINUTE_MS) * MINUTE_MS;
        if let Some(idle) = self.cursor.idle_minute_ms.filter(|idle| *idle < minute) {
            defaults.push(idle);
            self.cursor.idle_minute_ms = None;
        }
        match self.value(line) {
            Some((place, value)) => {
                *self
                    .values
                    .entry(place)
                    .or_default()
                    .entry(value.to_bits())
                    .or_default() += 1.0;
                if self.filter.metric.default_value.is_some() {
                    self.cursor.matched_minute_ms = Some(minute);
                    self.cursor.idle_minute_ms = None;
                }
            }
            None if self.filter.metric.default_value.is_some()
                && self.cursor.matched_minute_ms != Some(minute) =>
            {
                self.cursor.idle_minute_ms = Some(minute);
            }
            None => {}
        }
    }

    /// What the line publishes, and where; nothing when a value is no number.
    fn value(&self, line: &StoredLine) -> Option<(Place, f64)> {
        let matched = self.pattern.read(&line.message)?;
        let metric = &self.filter.metric;
        let text = match metric.value.strip_prefix('$') {
            Some(_) => matched.value(&metric.value)?,
            None => metric.value.clone(),
        };
        let value: f64 = text.parse().ok().filter(|it: &f64| it.is_finite())?;
        let dimensions = metric
            .dimensions
            .iter()
            .map(|(name, source)| Some((name.clone(), matched.value(source)?)))
            .collect::<Option<Vec<_>>>()?;
        let minute = line.at_ms.div_euclid(MINUTE_MS) * MINUTE_MS;
        Some(((minute, dimensions), value))
    }

    fn datum(&self, minute: i64, dimensions: &[(String, String)]) -> MetricDatum {
        let dimension = |(name, value): &(String, String)| Dimension {
            name: name.clone(),
            value: value.clone(),
        };
        MetricDatum {
            metric_name: self.filter.metric.name.clone(),
            dimensions: (!dimensions.is_empty()).then(|| dimensions.iter().map(dimension).collect()),
            timestamp: Some(timestamp(minute)),
            unit: self.filter.metric.unit.as_deref().map(Into::into),
            ..Default::default()
        }
    }
}

fn timestamp(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
}
