//! Subscription filters: follows the lines of each group that has some, and sends on what they match.
//!
//! Each filter has a cursor, which is saved when the target has taken everything up to it. So each line is delivered
//! at least once, and a stream's lines come in their order. A target that refuses is tried again, after longer and
//! longer pauses, for 24 hours; then what it refuses is given up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_protocol::ApiError;
use base_clock::Clock;
use base_reconcile::{Outcome, Reconciler};
use base_store::Store;
use contract::log::{LogStore, StoredLine};
use futures::future::join_all;
use jiff::Timestamp;

use crate::DAY_MS;
use crate::delivery::{Deliver, data_message};
use crate::model::{SubscriptionCursor, SubscriptionFilter};
use crate::pattern::Pattern;
use crate::table::{SUBSCRIPTION_CURSORS, SUBSCRIPTION_FILTERS};

/// Lines of a group looked at before the cursor is saved.
const BATCH_LINES: usize = 1_000;
/// Text in one message; a longer line is one alone.
const MESSAGE_BYTES: usize = 1 << 20;
const RETRY_FOR_MS: i64 = DAY_MS;
const RETRY_FIRST: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(300);

pub struct Subscriptions {
    store: Store,
    clock: Arc<dyn Clock>,
    lines: Arc<dyn LogStore>,
    delivery: Arc<dyn Deliver>,
}

impl Subscriptions {
    /// What wakes it, beside lines.
    pub const READS: &[&str] = &[SUBSCRIPTION_FILTERS.name];

    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        lines: Arc<dyn LogStore>,
        delivery: Arc<dyn Deliver>,
    ) -> Self {
        Self {
            store,
            clock,
            lines,
            delivery,
        }
    }
}

#[async_trait]
impl Reconciler for Subscriptions {
    fn name(&self) -> &'static str {
        "logs subscription filters"
    }

    async fn activate(&self) -> Result<Outcome, String> {
        let snapshot = self.store.snapshot();
        let filters = snapshot.list(SUBSCRIPTION_FILTERS);
        // Each target answers in its own time.
        let turns = filters.into_iter().map(|(key, filter)| {
            let cursor = snapshot.get(SUBSCRIPTION_CURSORS, &key).unwrap_or_default();
            self.turn(key, filter, cursor)
        });
        let mut outcome = Outcome::Settled;
        for turn in join_all(turns).await {
            outcome = match (outcome, turn?) {
                (Outcome::Again, _) | (_, Outcome::Again) => Outcome::Again,
                (Outcome::Until(one), Outcome::Until(other)) => Outcome::Until(one.min(other)),
                (Outcome::Settled, other) | (other, Outcome::Settled) => other,
            };
        }
        Ok(outcome)
    }
}

impl Subscriptions {
    async fn turn(
        &self,
        key: String,
        filter: Arc<SubscriptionFilter>,
        cursor: Arc<SubscriptionCursor>,
    ) -> Result<Outcome, String> {
        let now = self.clock.now();
        if let Some(next) = cursor.next_try_ms.filter(|next| *next > now.as_millisecond()) {
            return Ok(Outcome::Until(at(next)));
        }
        let lines = self
            .lines
            .arrived(&filter.scope.key(), &filter.group, cursor.after, BATCH_LINES)
            .await
            .map_err(|error| error.to_string())?;
        let Some(last) = lines.last() else {
            return Ok(Outcome::Settled);
        };
        let done = SubscriptionCursor {
            after: last.sequence,
            ..Default::default()
        };
        let outcome = if lines.len() == BATCH_LINES {
            Outcome::Again
        } else {
            Outcome::Settled
        };
        match self.send(&filter, &lines).await {
            Ok(()) => {
                self.save(key, done).await?;
                Ok(outcome)
            }
            Err(cause) => {
                let since = cursor.failing_since_ms.unwrap_or(now.as_millisecond());
                if now.as_millisecond() - since >= RETRY_FOR_MS {
                    tracing::warn!(
                        filter = filter.name,
                        cause,
                        "lines were not taken for 24 hours and are given up"
                    );
                    self.save(key, done).await?;
                    return Ok(outcome);
                }
                let pause = RETRY_FIRST
                    .saturating_mul(1 << cursor.failures.min(16))
                    .min(RETRY_MAX);
                tracing::warn!(
                    filter = filter.name,
                    cause,
                    ?pause,
                    "lines were not taken and will be sent again"
                );
                let next = now + pause;
                let failing = SubscriptionCursor {
                    after: cursor.after,
                    failing_since_ms: Some(since),
                    failures: cursor.failures + 1,
                    next_try_ms: Some(next.as_millisecond()),
                };
                self.save(key, failing).await?;
                Ok(Outcome::Until(next))
            }
        }
    }

    /// All lines that match, stream by stream.
    async fn send(&self, filter: &SubscriptionFilter, lines: &[StoredLine]) -> Result<(), String> {
        let pattern = Pattern::parse(&filter.pattern).map_err(|error| error.to_string())?;
        let mut streams: BTreeMap<&str, Vec<&StoredLine>> = BTreeMap::new();
        for line in lines.iter().filter(|line| pattern.matches(&line.message)) {
            streams.entry(&line.stream).or_default().push(line);
        }
        for (stream, lines) in streams {
            for part in parts(&lines) {
                let message = data_message(filter, stream, part).map_err(|error| error.to_string())?;
                self.delivery.deliver(&filter.destination, message).await?;
            }
        }
        Ok(())
    }

    async fn save(&self, key: String, cursor: SubscriptionCursor) -> Result<(), String> {
        let saved = self.store.write(move |tx| {
            // A filter that was deleted meanwhile leaves nothing behind.
            if tx.get(SUBSCRIPTION_FILTERS, &key).is_some() {
                tx.put(SUBSCRIPTION_CURSORS, &key, cursor);
            }
            Ok::<_, ApiError>(())
        });
        saved.await.map_err(|error| error.to_string())
    }
}

/// Runs of lines that fit into one message each.
fn parts<'a>(lines: &'a [&'a StoredLine]) -> impl Iterator<Item = &'a [&'a StoredLine]> {
    let mut rest = lines;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |line: &&&StoredLine| {
            bytes += line.message.len();
            bytes <= MESSAGE_BYTES
        };
        let count = rest.iter().take_while(fits).count().max(1).min(rest.len());
        let (part, after) = rest.split_at(count);
        rest = after;
        (!part.is_empty()).then_some(part)
    })
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
}
