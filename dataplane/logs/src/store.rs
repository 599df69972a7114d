//! What the writer, the sealer and readers share.

use std::collections::{HashMap, VecDeque};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use contract::log::LogError;
use nix::fcntl::{FallocateFlags, fallocate};
use tokio::sync::watch;

use crate::cache::Cache;
use crate::expiry::Expired;
use crate::index::{Extent, GroupKey, Index, Readers};
use crate::journal;
use crate::record::{Change, Stamp};
use crate::table::Table;

const INDEX_FILE: &str = "index.db";
const LOCK_FILE: &str = "lock";
pub(crate) const FRAMES_ENDING: &str = ".frames";
/// Whoever had the store open before may still be putting something away.
const LOCK_WAIT: Duration = Duration::from_secs(10);
const LOCK_LOOK: Duration = Duration::from_millis(20);
/// Space is given back in blocks of this size.
const BLOCK_BYTES: u64 = 4096;

pub(crate) fn sentence(error: impl std::fmt::Display) -> LogError {
    LogError(error.to_string())
}

/// What is in memory. Whoever holds it for writing does so for the time of one commit at most.
pub(crate) struct State {
    /// Full tables that wait to be made into frames, oldest first.
    pub waiting: VecDeque<Arc<Table>>,
    pub active: Arc<Table>,
    /// Files of frames up to this number count; later ones have their lines in tables still.
    pub sealed: u64,
    pub expired: HashMap<GroupKey, Expired>,
    /// The last sequence that was given to a line.
    pub newest: u64,
}

impl State {
    pub fn tables(&self) -> impl DoubleEndedIterator<Item = &Arc<Table>> {
        self.waiting.iter().chain([&self.active])
    }

    pub fn apply(&mut self, stamp: Stamp, change: Change) {
        self.newest = self.newest.max(stamp.after + change.lines());
        match change {
            Change::Append {
                stream,
                lines,
                position,
            } => Arc::make_mut(&mut self.active).add(stream, lines, position, stamp),
            Change::ForgetSpool(spool) => {
                Arc::make_mut(&mut self.active).positions.insert(spool, None);
            }
            Change::Expire {
                scope,
                group,
                before_ms,
            } => {
                let expired = self.expired.entry((scope, group)).or_default();
                expired.add(before_ms, stamp.after);
            }
            removal => {
                for table in self.waiting.iter_mut().chain([&mut self.active]) {
                    Arc::make_mut(table).remove(&removal);
                }
                match removal {
                    Change::RemoveGroup { scope, group } => {
                        self.expired.remove(&(scope, group));
                    }
                    Change::Clear => self.expired.clear(),
                    _ => {}
                }
            }
        }
    }

    /// Goes on with an empty table; the full one waits.
    pub fn rotate(&mut self, number: u64) {
        let full = std::mem::replace(&mut self.active, Arc::new(Table::new(number)));
        self.waiting.push_back(full);
    }
}

pub(crate) struct Shared {
    pub directory: PathBuf,
    pub state: RwLock<State>,
    index: Mutex<Index>,
    pub readers: Readers,
    pub cache: Cache,
    /// Held by whoever makes or removes frames.
    sealing: Mutex<()>,
    pub newest: watch::Sender<u64>,
    /// How many full tables wait.
    pub waiting: watch::Sender<usize>,
    /// Nobody else has this directory open.
    _lock: File,
}

/// What was found at the start: where the journal goes on.
pub(crate) struct Opened {
    pub shared: Arc<Shared>,
    pub journal_number: u64,
    pub journal_bytes: u64,
}

impl Shared {
    pub fn open(directory: &Path) -> Result<Opened, LogError> {
        let said = |error: io::Error| LogError(format!("{}: {error}", directory.display()));
        fs::create_dir_all(directory).map_err(said)?;
        let lock = lock(&directory.join(LOCK_FILE)).map_err(said)?;
        let index_path = directory.join(INDEX_FILE);
        let mut index = Index::open(&index_path).map_err(sentence)?;
        let (sealed, newest) = index.sealed().map_err(sentence)?;
        let mut state = State {
            waiting: VecDeque::new(),
            active: Arc::new(Table::new(sealed + 1)),
            sealed,
            expired: index.expired().map_err(sentence)?,
            newest,
        };
        remove_unfinished(directory, &index, sealed)?;
        let (journal_number, journal_bytes) = replay(directory, &mut state, &mut index)?;
        let shared = Arc::new(Self {
            directory: directory.to_owned(),
            newest: watch::Sender::new(state.newest),
            waiting: watch::Sender::new(state.waiting.len()),
            state: RwLock::new(state),
            index: Mutex::new(index),
            readers: Readers::new(&index_path),
            cache: Cache::default(),
            sealing: Mutex::new(()),
            _lock: lock,
        });
        Ok(Opened {
            shared,
            journal_number,
            journal_bytes,
        })
    }

    pub fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().expect("nothing panics while it holds the lock")
    }

    pub fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state
            .write()
            .expect("nothing panics while it holds the lock")
    }

    pub fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().expect("nothing panics while it holds the lock")
    }

    pub fn sealing(&self) -> MutexGuard<'_, ()> {
        // Whoever panicked has committed nothing.
        self.sealing
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Gives the space of removed frames back: of a whole file, or of the blocks in it that nobody needs any more.
    pub fn release(&self, mut freed: Vec<Extent>) {
        freed.sort_unstable();
        for extents in freed.chunk_by(|one, next| one.file == next.file) {
            let path = frames_path(&self.directory, extents[0].file);
            let released = match self.index().is_in_use(extents[0].file) {
                Ok(false) => fs::remove_file(&path),
                Ok(true) => punch(&path, extents),
                Err(error) => Err(io::Error::other(error)),
            };
            if let Err(error) = released {
                tracing::warn!(path = %path.display(), %error, "space of removed log lines is not given back");
            }
        }
    }
}

pub(crate) fn frames_path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number}{FRAMES_ENDING}"))
}

fn lock(path: &Path) -> io::Result<File> {
    let file = File::options()
        .create(true)
        .append(true)
        .truncate(false)
        .open(path)?;
    let begin = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if begin.elapsed() > LOCK_WAIT => {
                return Err(io::Error::other("another process has this log store open"));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_LOOK),
        }
    }
}

/// What a crash left of work that is done again, or was done and not tidied up.
fn remove_unfinished(directory: &Path, index: &Index, sealed: u64) -> Result<(), LogError> {
    for number in journal::numbers(directory, FRAMES_ENDING).map_err(sentence)? {
        if number > sealed || !index.is_in_use(number).map_err(sentence)? {
            fs::remove_file(frames_path(directory, number)).map_err(sentence)?;
        }
    }
    for number in journal::numbers(directory, ".journal").map_err(sentence)? {
        if number <= sealed {
            fs::remove_file(journal::path(directory, number)).map_err(sentence)?;
        }
    }
    Ok(())
}

/// Takes in what the journal has and the frames have not. Returns the last file's number and its whole length.
fn replay(directory: &Path, state: &mut State, index: &mut Index) -> Result<(u64, u64), LogError> {
    let mut last = (state.active.number, 0);
    for (place, number) in journal::numbers(directory, ".journal")
        .map_err(sentence)?
        .into_iter()
        .enumerate()
    {
        if place > 0 {
            state.rotate(number);
        } else {
            state.active = Arc::new(Table::new(number));
        }
        let mut removals = Vec::new();
        let (whole, all) = journal::replay(directory, number, |stamp, change| {
            removals.extend(change.removal());
            state.apply(stamp, change);
        })
        .map_err(sentence)?;
        if whole < all {
            tracing::warn!(
                number,
                bytes = all - whole,
                "the end of a file of the log journal is damaged or not finished, and left out"
            );
        }
        // All frames are older than what is in the journal; they may have been removed already.
        for removal in removals {
            remove(index, &state.expired, &removal).map_err(sentence)?;
        }
        last = (number, whole);
    }
    Ok(last)
}

/// Takes out of the index what a change removes. Returns what need not be kept any more, and how many lines that was
/// if they have expired.
pub(crate) fn remove(
    index: &mut Index,
    expired: &HashMap<GroupKey, Expired>,
    change: &Change,
) -> rusqlite::Result<(Vec<Extent>, u64)> {
    let freed = match change {
        Change::RemoveStream(id) => index.remove(&id.scope, &id.group, Some(&id.stream))?,
        Change::RemoveGroup { scope, group } => index.remove(scope, group, None)?,
        Change::Expire {
            scope,
            group,
            before_ms,
        } => {
            let none = Expired::default();
            let expired = expired.get(&(scope.clone(), group.clone())).unwrap_or(&none);
            return index.expire(scope, group, *before_ms, expired);
        }
        Change::Clear => {
            index.clear()?;
            Vec::new()
        }
        Change::Append { .. } | Change::ForgetSpool(_) => Vec::new(),
    };
    Ok((freed, 0))
}

/// Neighbours are given back together, so that small frames free the blocks that they share.
fn punch(path: &Path, extents: &[Extent]) -> io::Result<()> {
    let file = File::options().write(true).open(path)?;
    let neighbours = |one: &Extent, next: &Extent| one.offset + one.bytes == next.offset;
    for run in extents.chunk_by(neighbours) {
        let begin = run[0].offset.next_multiple_of(BLOCK_BYTES);
        let end = run.last().map_or(0, |last| last.offset + last.bytes) / BLOCK_BYTES * BLOCK_BYTES;
        if begin < end {
            let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
            fallocate(&file, flags, begin as i64, (end - begin) as i64)?;
        }
    }
    Ok(())
}
