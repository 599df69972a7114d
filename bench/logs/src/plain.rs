//! A file for each writer, then `zstd -1`, and `grep` in what that has made.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::{Cost, SEARCHES, line};

pub fn measure(directory: &Path, lines: u64, writers: u64) -> Cost {
    fs::create_dir_all(directory).expect("a directory");
    let each = lines / writers;
    let path = |writer| directory.join(format!("{writer}.log"));
    let mut files: Vec<File> = (0..writers)
        .map(|writer| File::create(path(writer)).expect("a file"))
        .collect();
    let mut writing = Duration::ZERO;
    for round in 0..each.div_ceil(line::BATCH) {
        let numbers = round * line::BATCH..((round + 1) * line::BATCH).min(each);
        for (file, writer) in files.iter_mut().zip(0..) {
            let mut text = String::new();
            for number in numbers.clone() {
                text.push_str(&line::text(writer, number, lines));
                text.push('\n');
            }
            let begin = Instant::now();
            file.write_all(text.as_bytes()).expect("written");
            file.sync_data().expect("durable");
            writing += begin.elapsed();
        }
    }
    let begin = Instant::now();
    // As many at once as there are cores.
    run(&format!(
        "ls {0}/*.log | xargs -n 1 -P \"$(nproc)\" zstd -q -1 --rm",
        directory.display()
    ));
    let compressed = writing + begin.elapsed();
    let bytes = fs::read_dir(directory)
        .expect("the directory")
        .flatten()
        .filter_map(|file| file.metadata().ok())
        .map(|file| file.len())
        .sum();
    let search = |search| {
        let begin = Instant::now();
        run(&format!(
            "ls {}/*.zst | xargs -n 1 -P \"$(nproc)\" sh -c 'zstd -dcq \"$0\" | grep -F \"{}\" || true' | grep -q .",
            directory.display(),
            line::term(search)
        ));
        begin.elapsed()
    };
    Cost {
        stored: writing,
        compressed,
        bytes,
        search: (0..SEARCHES).map(search).min().unwrap_or_default(),
    }
}

fn run(script: &str) {
    let ended = Command::new("sh").args(["-c", script]).status();
    assert!(ended.is_ok_and(|ended| ended.success()), "{script}");
}
