//! Insights queries at work: each reads its lines in a task of its own, and can be looked at and stopped meanwhile.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_protocol::ApiError;
use aws_shape::logs::QueryStatus;
use base_clock::Clock;
use base_id::Scope;
use contract::log::{LogError, LogQuery, LogStore, StoredLine};
use tokio::sync::{Semaphore, watch};

use crate::Logs;
use crate::insights::{Event, Query, Run};
use crate::pointer::Pointer;
use crate::reader::Reader;

/// Queries that have not ended, of one account and region.
const UNENDED_MAX: usize = 100;
/// Queries that read at the same time; the others wait.
const READING_MAX: usize = 2;
const READ_FOR: Duration = Duration::from_secs(60 * 60);
/// How long results can be asked for.
const KEEP_MS: i64 = 60 * 60 * 1000;
/// Ended queries whose results are kept; the oldest go first.
const ENDED_MAX: usize = 100;
/// Lines taken before others have a turn.
const TURN_LINES: usize = 500;

/// What was asked for.
pub(crate) struct Order {
    pub(crate) scope: Scope,
    pub(crate) groups: Vec<String>,
    pub(crate) text: String,
    pub(crate) from_ms: i64,
    /// Included.
    pub(crate) to_ms: i64,
    /// For a query that names none itself.
    pub(crate) limit: usize,
    pub(crate) query: Arc<Query>,
    pub(crate) asked_by: String,
}

/// All queries that are remembered.
pub(crate) struct Queries {
    all: Mutex<BTreeMap<String, Arc<Running>>>,
    turns: Arc<Semaphore>,
}

impl Default for Queries {
    fn default() -> Self {
        Self {
            all: Mutex::default(),
            turns: Arc::new(Semaphore::new(READING_MAX)),
        }
    }
}

/// A query, at work or ended.
pub(crate) struct Running {
    pub(crate) order: Order,
    pub(crate) began_ms: i64,
    state: Mutex<State>,
    stopped: watch::Sender<bool>,
}

struct State {
    status: QueryStatus,
    run: Run,
    scanned: u64,
    bytes: u64,
    ended_ms: Option<i64>,
}

/// What a query has come to.
pub(crate) struct Look {
    pub(crate) status: QueryStatus,
    pub(crate) rows: Vec<Vec<(String, String)>>,
    pub(crate) matched: u64,
    pub(crate) scanned: u64,
    pub(crate) bytes: u64,
}

impl Queries {
    /// # Errors
    /// When too many queries are at work.
    pub(crate) fn start(&self, logs: &Logs, order: Order) -> Result<String, ApiError> {
        let now_ms = logs.clock.now().as_millisecond();
        let mut all = locked(&self.all);
        forget(&mut all, now_ms);
        let unended = |it: &&Arc<Running>| it.order.scope == order.scope && it.ended_ms().is_none();
        if all.values().filter(unended).count() >= UNENDED_MAX {
            let message = format!("Account maximum query concurrency limit of {UNENDED_MAX} reached.");
            return Err(ApiError::client("LimitExceededException", message));
        }
        let id = logs.ids.uuid();
        let run = Run::new(Arc::clone(&order.query), order.limit, now_ms);
        let running = Arc::new(Running {
            order,
            began_ms: now_ms,
            state: Mutex::new(State {
                status: QueryStatus::Scheduled,
                run,
                scanned: 0,
                bytes: 0,
                ended_ms: None,
            }),
            stopped: watch::Sender::new(false),
        });
        all.insert(id.clone(), Arc::clone(&running));
        let (clock, lines) = (Arc::clone(&logs.clock), Arc::clone(&logs.lines));
        let turns = Arc::clone(&self.turns);
        tokio::spawn(async move { running.work(&*clock, &*lines, &turns).await });
        Ok(id)
    }

    /// # Errors
    /// When there is no such query, or no more.
    pub(crate) fn find(&self, scope: &Scope, id: &str) -> Result<Arc<Running>, ApiError> {
        let found = locked(&self.all)
            .get(id)
            .filter(|it| it.order.scope == *scope)
            .cloned();
        found.ok_or_else(|| {
            let message = "The specified query doesn't exist.";
            ApiError::client("ResourceNotFoundException", message)
        })
    }

    /// Newest first.
    pub(crate) fn list(&self, scope: &Scope) -> Vec<(String, Arc<Running>)> {
        let all = locked(&self.all);
        let ours = all.iter().filter(|(_, it)| it.order.scope == *scope);
        let mut ours: Vec<_> = ours.map(|(id, it)| (id.clone(), Arc::clone(it))).collect();
        ours.sort_by_key(|(_, it)| std::cmp::Reverse(it.began_ms));
        ours
    }
}

fn forget(all: &mut BTreeMap<String, Arc<Running>>, now_ms: i64) {
    all.retain(|_, it| it.ended_ms().is_none_or(|ended| ended + KEEP_MS > now_ms));
    let mut ended: Vec<_> = all
        .iter()
        .filter_map(|(id, it)| Some((it.ended_ms()?, id.clone())))
        .collect();
    ended.sort();
    for (_, id) in ended.iter().take(ended.len().saturating_sub(ENDED_MAX)) {
        all.remove(id);
    }
}

impl Running {
    pub(crate) fn status(&self) -> QueryStatus {
        locked(&self.state).status.clone()
    }

    fn ended_ms(&self) -> Option<i64> {
        locked(&self.state).ended_ms
    }

    pub(crate) fn look(&self) -> Look {
        let state = locked(&self.state);
        Look {
            status: state.status.clone(),
            rows: state.run.results(self.order.limit),
            matched: state.run.matched,
            scanned: state.scanned,
            bytes: state.bytes,
        }
    }

    /// False when it has ended already.
    pub(crate) fn stop(&self) -> bool {
        if self.ended_ms().is_some() {
            return false;
        }
        !self.stopped.send_replace(true)
    }

    async fn work(&self, clock: &dyn Clock, lines: &dyn LogStore, turns: &Semaphore) {
        let mut stopped = self.stopped.subscribe();
        let reading = async {
            let _turn = turns.acquire().await;
            locked(&self.state).status = QueryStatus::Running;
            self.read(lines).await
        };
        let status = tokio::select! {
            read = reading => match read {
                Ok(()) => QueryStatus::Complete,
                Err(error) => {
                    tracing::warn!(%error, "an Insights query failed");
                    QueryStatus::Failed
                }
            },
            _ = stopped.wait_for(|it| *it) => QueryStatus::Cancelled,
            () = clock.sleep(READ_FOR) => QueryStatus::Timeout,
        };
        let mut state = locked(&self.state);
        state.status = status;
        state.ended_ms = Some(clock.now().as_millisecond());
    }

    /// All groups together, newest line first.
    async fn read(&self, lines: &dyn LogStore) -> Result<(), LogError> {
        let contains = self.order.query.contains();
        let query = |group: &String| LogQuery {
            scope: self.order.scope.key(),
            group: group.clone(),
            from_ms: Some(self.order.from_ms),
            to_ms: Some(self.order.to_ms),
            backwards: true,
            contains: contains.clone(),
            ..Default::default()
        };
        let groups = self.order.groups.iter();
        let mut sources: Vec<Lines<'_>> = groups
            .map(|group| Lines {
                group,
                reader: Reader::new(lines, query(group)),
                next: VecDeque::new(),
            })
            .collect();
        loop {
            for source in &mut sources {
                if source.next.is_empty() {
                    source.next = source.reader.next().await?.into();
                }
            }
            sources.retain(|source| !source.next.is_empty());
            if sources.is_empty() || !self.take(&mut sources) {
                return Ok(());
            }
            tokio::task::yield_now().await;
        }
    }

    /// Takes lines until a group must be read again; false when enough were seen.
    fn take(&self, sources: &mut [Lines<'_>]) -> bool {
        let mut state = locked(&self.state);
        for _ in 0..TURN_LINES {
            let place = |source: &Lines<'_>| source.next.front().map(|line| (line.at_ms, line.sequence));
            let newest = (0..sources.len()).max_by_key(|at| place(&sources[*at]));
            let Some(source) = newest.map(|at| &mut sources[at]) else {
                return true;
            };
            let Some(line) = source.next.pop_front() else {
                return true;
            };
            state.scanned += 1;
            state.bytes += line.message.len() as u64;
            let pointer = Pointer {
                group: source.group.to_owned(),
                at_ms: line.at_ms,
                sequence: line.sequence,
            };
            let account = self.order.scope.account.clone();
            let event = Event::new(account, source.group.to_owned(), line, pointer.text());
            if !state.run.take(event) {
                return false;
            }
            if source.next.is_empty() {
                return true;
            }
        }
        true
    }
}

/// What has been read of one group, and not been taken.
struct Lines<'a> {
    group: &'a str,
    reader: Reader<'a>,
    next: VecDeque<StoredLine>,
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
