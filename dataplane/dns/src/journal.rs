//! What is known, on disk: a snapshot, and behind it journals of the lines that came since. Whoever dies between any
//! two writes finds a state again that was true once, and its number, from which the control process goes on.
//!
//! Nothing is flushed to the disk at each line: it must outlive this process; after a crash of the machine the control
//! process repeats what is missing.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};

use crate::line::{self, Gathered, LINE_BYTES_MAX, News};
use crate::table::Table;

/// A journal is not worth a new snapshot before it has this size, nor before it is as large as the snapshot.
const COMPACT_BYTES_MIN: u64 = 4 << 20;
const SNAPSHOT: &str = "snapshot";

/// A snapshot's first line.
#[derive(Serialize, Deserialize)]
struct Opening {
    /// This journal and those after it are not in the snapshot.
    journal: u64,
}

pub(crate) struct Journal {
    directory: PathBuf,
    file: File,
    number: u64,
    bytes: u64,
    snapshot_bytes: u64,
    /// The newest snapshot's journal: snapshots are written one at a time, and no older one after a newer one.
    saved: Arc<Mutex<u64>>,
}

impl Journal {
    /// With what is known from the disk. What cannot be read is left aside: everything from there on comes again.
    pub(crate) fn open(directory: &Path) -> io::Result<(Self, Table)> {
        std::fs::create_dir_all(directory)?;
        let snapshot = directory.join(SNAPSHOT);
        let (mut table, first) = match load(&snapshot) {
            Ok(loaded) => loaded,
            Err(error) if error.kind() == io::ErrorKind::NotFound => (Table::default(), 0),
            Err(error) => {
                tracing::warn!(%error, "the snapshot of names cannot be read and is left aside");
                (Table::default(), 0)
            }
        };
        let mut numbers = numbers(directory)?;
        numbers.retain(|&number| number >= first);
        for &number in &numbers {
            replay(&path(directory, number), &mut table)?;
        }
        // A new one each time: what was torn at the end of the last one stays behind.
        let number = numbers.last().map_or(first, |last| last + 1);
        let journal = Self {
            file: create(directory, number)?,
            directory: directory.to_owned(),
            number,
            bytes: numbers
                .iter()
                .filter_map(|&number| size(&path(directory, number)))
                .sum(),
            snapshot_bytes: size(&snapshot).unwrap_or(0),
            saved: Arc::new(Mutex::new(first)),
        };
        Ok((journal, table))
    }

    /// `line` has its end.
    pub(crate) fn append(&mut self, line: &[u8]) -> io::Result<()> {
        self.file.write_all(line)?;
        self.bytes += line.len() as u64;
        Ok(())
    }

    pub(crate) fn is_long(&self) -> bool {
        self.bytes > self.snapshot_bytes.max(COMPACT_BYTES_MIN)
    }

    /// From here on another journal is written. What is returned saves a snapshot of the table up to here; it takes
    /// its time and belongs on a thread where that does no harm.
    pub(crate) fn compact(
        &mut self,
        table: Table,
    ) -> io::Result<impl FnOnce() -> io::Result<()> + Send + 'static> {
        let number = self.number + 1;
        self.file = create(&self.directory, number)?;
        self.number = number;
        self.bytes = 0;
        let (directory, saved) = (self.directory.clone(), Arc::clone(&self.saved));
        Ok(move || {
            let mut saved = saved.lock().expect("no holder of this lock panics");
            if *saved < number {
                save(&directory, &table, number)?;
                *saved = number;
            }
            Ok(())
        })
    }

    /// How large the snapshot has become.
    pub(crate) fn compacted(&mut self) {
        self.snapshot_bytes = size(&self.directory.join(SNAPSHOT)).unwrap_or(0);
    }
}

fn path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("journal.{number}"))
}

fn create(directory: &Path, number: u64) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path(directory, number))
}

fn size(path: &Path) -> Option<u64> {
    Some(std::fs::metadata(path).ok()?.len())
}

fn numbers(directory: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix("journal."));
        numbers.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Whole or not at all: the file is renamed into its place when it is complete, and only then are old journals removed.
fn save(directory: &Path, table: &Table, journal: u64) -> io::Result<()> {
    let new = directory.join("snapshot.new");
    let mut file = BufWriter::new(File::create(&new)?);
    serde_json::to_writer(&mut file, &Opening { journal })?;
    file.write_all(b"\n")?;
    let mut put = |line: Vec<u8>| file.write_all(&line);
    line::parts(table.changes(), |changes, _| News::Part(changes), &mut put)?;
    let endpoints = table.endpoints.values().map(|endpoint| (**endpoint).clone());
    line::parts(endpoints, |rows, more| News::Endpoints { rows, more }, &mut put)?;
    let networks = table
        .networks
        .iter()
        .map(|(id, names)| (id.clone(), (**names).clone()));
    line::parts(networks, |rows, more| News::Networks { rows, more }, &mut put)?;
    put(line::write(&News::End {
        sequence: table.sequence,
    })?)?;
    file.flush()?;
    file.get_ref().sync_data()?;
    drop(file);
    std::fs::rename(&new, directory.join(SNAPSHOT))?;
    for number in numbers(directory)?.into_iter().filter(|&number| number < journal) {
        std::fs::remove_file(path(directory, number))?;
    }
    Ok(())
}

fn load(path: &Path) -> io::Result<(Table, u64)> {
    let mut lines = Lines::open(path)?;
    let opening = lines.next()?.ok_or_else(|| io::Error::other("it is empty"))?;
    let opening: Opening = serde_json::from_slice(&opening)?;
    let (mut table, mut gathered) = (Table::default(), Gathered::default());
    while let Some(line) = lines.next()? {
        match serde_json::from_slice(&line)? {
            News::Part(changes) => changes.into_iter().for_each(|change| table.apply(change)),
            News::End { sequence } => {
                table.sequence = sequence;
                return Ok((table, opening.journal));
            }
            other => small(&mut table, &mut gathered, other),
        }
    }
    Err(io::Error::other("its end is missing"))
}

/// Up to the first line that is torn or does not follow.
fn replay(path: &Path, table: &mut Table) -> io::Result<()> {
    let (mut lines, mut gathered) = (Lines::open(path)?, Gathered::default());
    while let Some(line) = lines.next()? {
        match serde_json::from_slice(&line) {
            Ok(News::Update(update)) if update.sequence == table.sequence + 1 => table.update(update),
            Ok(News::Update(_)) => return Ok(()),
            Ok(other) => small(table, &mut gathered, other),
            Err(error) => {
                tracing::info!(%error, "a journal of names ends in a torn line");
                return Ok(());
            }
        }
    }
    Ok(())
}

fn small(table: &mut Table, gathered: &mut Gathered, news: News) {
    match news {
        News::Endpoints { rows, more } => {
            if let Some(rows) = gathered.endpoints(rows, more) {
                table.put_endpoints(rows);
            }
        }
        News::Networks { rows, more } => {
            if let Some(rows) = gathered.networks(rows, more) {
                table.put_networks(rows);
            }
        }
        _ => {}
    }
}

struct Lines(BufReader<File>);

impl Lines {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(BufReader::new(File::open(path)?)))
    }

    fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let mut limited = (&mut self.0).take(LINE_BYTES_MAX as u64 + 1);
        let read = limited.read_until(b'\n', &mut line)?;
        Ok((read > 0).then_some(line))
    }
}

#[cfg(test)]
mod tests;
