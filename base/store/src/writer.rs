//! The one thread that writes: takes what waits, runs it in order, commits once, then answers all.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};

use arc_swap::ArcSwap;
use rusqlite::{Connection, params};
use tokio::sync::oneshot;

use crate::snapshot::{Key, Row, Rows, Snapshot};
use crate::watch::Counters;
use crate::{OpenError, StoreError, Transaction, Watch};

/// Layout of the database file.
const LAYOUT: i64 = 1;
/// Most changes that share one commit.
const GROUP_CHANGES_MAX: usize = 256;
/// Most changes that may wait; who comes later waits for room.
const QUEUE_CHANGES_MAX: usize = 4096;

/// A change: runs in a transaction, and later learns whether that was saved.
struct Job {
    /// Runs the closure; `true` when its writes shall be kept.
    run: Run,
}

type Run = Box<dyn FnOnce(&mut Transaction) -> (bool, Answer) + Send>;

/// Tells the caller, once the commit has succeeded or failed.
type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

pub(crate) struct Writer {
    queue: Mutex<Option<mpsc::SyncSender<Job>>>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
    shared: Arc<Shared>,
}

struct Shared {
    snapshot: ArcSwap<Snapshot>,
    counters: Counters,
}

impl Writer {
    pub(crate) fn start(path: Option<&Path>) -> Result<Self, OpenError> {
        let connection = match path {
            Some(path) => Connection::open(path)?,
            None => Connection::open_in_memory()?,
        };
        prepare(&connection)?;
        let rows = load(&connection)?;
        let shared = Arc::new(Shared {
            snapshot: ArcSwap::from_pointee(Snapshot { rows, commit: 0 }),
            counters: Counters::default(),
        });
        let (queue, jobs) = mpsc::sync_channel(QUEUE_CHANGES_MAX);
        let thread = std::thread::Builder::new()
            .name("store".into())
            .spawn({
                let shared = Arc::clone(&shared);
                move || work(connection, &jobs, &shared)
            })
            .expect("a thread can be started while the process starts");
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            thread: Mutex::new(Some(thread)),
            shared,
        })
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot::clone(&self.shared.snapshot.load())
    }

    pub(crate) fn watch(&self, tables: &[&'static str]) -> Watch {
        self.shared.counters.watch(tables)
    }

    pub(crate) async fn write<R, E>(
        &self,
        change: impl FnOnce(&mut Transaction) -> Result<R, E> + Send + 'static,
    ) -> Result<R, E>
    where
        R: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel::<Result<R, E>>();
        let run = Box::new(move |transaction: &mut Transaction| {
            let result = change(transaction);
            let keep = result.is_ok();
            let tell: Answer = Box::new(move |saved| {
                // Nobody listens when the caller was dropped; the change stands all the same.
                let _ = answer.send(match saved {
                    Ok(()) => result,
                    Err(error) => result.and(Err(error.into())),
                });
            });
            (keep, tell)
        });
        let queue = self.queue.lock().expect("no holder of this lock panics").clone();
        let closed = || E::from(StoreError("it is closed".into()));
        let Some(queue) = queue else { return Err(closed()) };
        if let Err(mpsc::TrySendError::Full(job) | mpsc::TrySendError::Disconnected(job)) =
            queue.try_send(Job { run })
        {
            // A full queue is waited for off the runtime's threads.
            let sent = tokio::task::spawn_blocking(move || queue.send(job)).await;
            if !matches!(sent, Ok(Ok(()))) {
                return Err(closed());
            }
        }
        answered.await.unwrap_or_else(|_| Err(closed()))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.lock().expect("no holder of this lock panics").take();
        if let Some(thread) = self.thread.lock().expect("no holder of this lock panics").take() {
            let _ = thread.join();
        }
    }
}

fn prepare(connection: &Connection) -> Result<(), OpenError> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > LAYOUT {
        return Err(OpenError::Newer { found, known: LAYOUT });
    }
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS row (
             \"table\" TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, json TEXT NOT NULL,
             PRIMARY KEY (\"table\", key)
         ) WITHOUT ROWID;",
    )?;
    connection.pragma_update(None, "user_version", LAYOUT)?;
    Ok(())
}

fn load(connection: &Connection) -> Result<Rows, OpenError> {
    let mut rows = Rows::new();
    let mut statement = connection.prepare("SELECT \"table\", key, version, json FROM row")?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        let (table, key, json): (Arc<str>, Arc<str>, Arc<str>) = (row.get(0)?, row.get(1)?, row.get(3)?);
        rows.insert((table, key), Row::stored(row.get(2)?, json));
    }
    Ok(rows)
}

fn work(mut connection: Connection, jobs: &mpsc::Receiver<Job>, shared: &Shared) {
    while let Ok(first) = jobs.recv() {
        let before = shared.snapshot.load_full();
        let mut rows = before.rows.clone();
        let mut changes: BTreeMap<Key, Option<Row>> = BTreeMap::new();
        let mut answers = Vec::new();
        let mut next = Some(first);
        while let Some(job) = next {
            let mut transaction = Transaction::new(rows.clone());
            let (keep, answer) = (job.run)(&mut transaction);
            if keep {
                rows = transaction.rows;
                changes.append(&mut transaction.changes);
            }
            answers.push(answer);
            next = if answers.len() < GROUP_CHANGES_MAX {
                jobs.try_recv().ok()
            } else {
                None
            };
        }
        let saved = if changes.is_empty() {
            Ok(())
        } else {
            save(&mut connection, &changes)
        };
        match &saved {
            Ok(()) if !changes.is_empty() => {
                shared.snapshot.store(Arc::new(Snapshot {
                    rows,
                    commit: before.commit + 1,
                }));
                let tables: HashSet<Arc<str>> = changes.keys().map(|(table, _)| Arc::clone(table)).collect();
                tables.into_iter().for_each(|table| shared.counters.raise(table));
            }
            Ok(()) => {}
            Err(error) => tracing::error!(%error, "changes were not saved"),
        }
        for answer in answers {
            answer(saved.clone());
        }
    }
}

fn save(connection: &mut Connection, changes: &BTreeMap<Key, Option<Row>>) -> Result<(), StoreError> {
    let write = |connection: &mut Connection| -> rusqlite::Result<()> {
        let transaction = connection.transaction()?;
        {
            let mut put = transaction.prepare_cached(
                "INSERT OR REPLACE INTO row (\"table\", key, version, json) VALUES (?1, ?2, ?3, ?4)",
            )?;
            let mut delete =
                transaction.prepare_cached("DELETE FROM row WHERE \"table\" = ?1 AND key = ?2")?;
            for ((table, key), row) in changes {
                match row {
                    Some(row) => put.execute(params![table, key, row.version, row.json])?,
                    None => delete.execute(params![table, key])?,
                };
            }
        }
        transaction.commit()
    };
    write(connection).map_err(|error| StoreError(error.to_string()))
}
