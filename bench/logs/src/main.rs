//! The log store beside plain files: `bench-logs DIRECTORY LINES WRITERS`. See README.md.

mod line;
mod plain;
mod store;

use std::path::PathBuf;
use std::time::Duration;

/// What one of them costs.
pub struct Cost {
    pub stored: Duration,
    /// Until everything is compressed.
    pub compressed: Duration,
    pub bytes: u64,
    /// The best of several searches for a term that is there once, each with another term.
    pub search: Duration,
}

/// One line in so many has such a term.
pub const SEARCHES: u64 = 5;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().expect("DIRECTORY LINES WRITERS");
    let directory = PathBuf::from(next());
    let lines: u64 = next().parse().expect("a number of lines");
    let writers: u64 = next().parse().expect("a number of writers");
    let text: u64 = (0..1000)
        .map(|n| line::text(0, n * lines / writers / 1000, lines).len() as u64)
        .sum();
    println!(
        "{lines} lines of {} bytes on average, {writers} writers",
        text / 1000
    );
    let files = plain::measure(&directory.join("files"), lines, writers);
    let store = store::measure(&directory.join("store"), lines, writers);
    let row = |what: &str, cost: &Cost| {
        println!(
            "{what:<34} {:>9.0} {:>12.0} {:>11.1} {:>12.0}",
            lines as f64 / cost.stored.as_secs_f64() / 1000.0,
            lines as f64 / cost.compressed.as_secs_f64() / 1000.0,
            cost.bytes as f64 / lines as f64,
            cost.search.as_secs_f64() * 1000.0,
        );
    };
    println!(
        "{:<34} {:>9} {:>12} {:>11} {:>12}",
        "", "k lines/s", "until packed", "bytes/line", "search, ms"
    );
    row("log store", &store);
    row("files, fsync a batch, zstd -1, grep", &files);
    let ratio = |ours: f64, theirs: f64| ours / theirs;
    println!(
        "log store / files: {:.2} × the rate, {:.2} × the rate until packed, {:.2} × the bytes, {:.3} × the time of a search",
        ratio(files.stored.as_secs_f64(), store.stored.as_secs_f64()),
        ratio(files.compressed.as_secs_f64(), store.compressed.as_secs_f64()),
        ratio(store.bytes as f64, files.bytes as f64),
        ratio(store.search.as_secs_f64(), files.search.as_secs_f64()),
    );
}
