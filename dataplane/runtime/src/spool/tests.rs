use super::*;
use std::io::Write as _;

use crate::spec::{Full, SpoolSpec};

fn directory(name: &str) -> PathBuf {
    let directory = std::env::temp_dir().join(format!("wharf-spool-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap();
    directory
}

#[test]
fn lines_come_back_and_half_a_line_waits() {
    let directory = directory("half");
    let mut writer = SpoolWriter::create(&directory, "web", &SpoolSpec::default()).unwrap();
    writer.line(5, Stream::Stdout, b"one two").unwrap();
    writer.line(6, Stream::Stderr, b"").unwrap();
    writer.line(7, Stream::Stdout, b"\xff!").unwrap();
    writer.flush().unwrap();
    let path = segment_path(&directory, "web", 1);
    File::options()
        .append(true)
        .open(&path)
        .unwrap()
        .write_all(b"8 o unfini")
        .unwrap();

    let chunk = read_segment(&path, 0, 10).unwrap();
    let texts: Vec<_> = chunk
        .lines
        .iter()
        .map(|line| (line.at_ms, line.stream, line.message.as_str()))
        .collect();
    assert_eq!(
        texts,
        [
            (5, Stream::Stdout, "one two"),
            (6, Stream::Stderr, ""),
            (7, Stream::Stdout, "\u{fffd}!")
        ]
    );
    assert!(
        read_segment(&path, chunk.next_offset, 10)
            .unwrap()
            .lines
            .is_empty()
    );
    File::options()
        .append(true)
        .open(&path)
        .unwrap()
        .write_all(b"shed\n")
        .unwrap();
    assert_eq!(
        read_segment(&path, chunk.next_offset, 10).unwrap().lines[0].message,
        "unfinished"
    );
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn long_lines_are_split_and_segments_follow_each_other() {
    let directory = directory("long");
    let mut writer = SpoolWriter::create(&directory, "web", &SpoolSpec::default()).unwrap();
    let line = vec![b'x'; LINE_BYTES_MAX + 1];
    for _ in 0..SEGMENT_BYTES_MAX as usize / LINE_BYTES_MAX + 1 {
        writer.line(1, Stream::Stdout, &line).unwrap();
        writer.flush().unwrap();
    }
    assert_eq!(
        segments(&directory, "web").into_iter().collect::<Vec<_>>(),
        [1, 2]
    );
    let chunk = read_segment(&segment_path(&directory, "web", 1), 0, 1).unwrap();
    assert_eq!(chunk.lines[0].message.len(), LINE_BYTES_MAX);
    assert!(segments(&directory, "we").is_empty());
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_writer_never_continues_an_old_segment() {
    let directory = directory("again");
    SpoolWriter::create(&directory, "web", &SpoolSpec::default()).unwrap();
    SpoolWriter::create(&directory, "web", &SpoolSpec::default()).unwrap();
    assert_eq!(segments(&directory, "web").len(), 2);
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn the_tail_goes_back_over_segments_as_far_as_is_allowed() {
    let directory = directory("tail");
    for (number, lines) in [(1, 0..5), (2, 5..8)] {
        let text: String = lines.map(|line| format!("{line} o line {line}\n")).collect();
        fs::write(segment_path(&directory, "app", number), text).unwrap();
    }
    let messages = |lines, bytes| -> Vec<String> {
        let found = tail(&directory, "app", lines, bytes);
        found.into_iter().map(|line| line.message).collect()
    };
    assert_eq!(messages(4, 1000), ["line 4", "line 5", "line 6", "line 7"]);
    assert_eq!(messages(100, 1000).len(), 8);
    assert_eq!(messages(100, 13), ["line 6", "line 7"]);
    assert_eq!(messages(100, 3), ["e 7"], "the only line loses its beginning");
    assert!(messages(0, 10).is_empty() && tail(&directory, "other", 5, 5).is_empty());
    // Only the end of a large segment is read, and what is not finished is not there.
    let mut text = format!("9 e {}\n", "x".repeat(LINE_BYTES_MAX)).repeat(3);
    text.push_str("9 e last\n9 e unfinished");
    fs::write(segment_path(&directory, "app", 3), text).unwrap();
    assert_eq!(messages(1, 1000), ["last"]);
    assert_eq!(messages(5, 1000), ["last"], "a line that does not fit ends it");
    fs::remove_dir_all(directory).unwrap();
}

fn messages(directory: &Path) -> Vec<String> {
    let read = |number| read_segment(&segment_path(directory, "web", number), 0, usize::MAX / 2).unwrap();
    let chunks = segments(directory, "web").into_iter().map(read);
    chunks
        .flat_map(|chunk| chunk.lines)
        .map(|line| line.message)
        .collect()
}

#[test]
fn lines_of_one_event_come_back_together_and_in_one_segment() {
    let directory = directory("events");
    let spec = SpoolSpec {
        full: Full::DropNewest { bytes_max: 64 << 10 },
        event_start: Some("^START".to_owned()),
    };
    let mut writer = SpoolWriter::create(&directory, "web", &spec).unwrap();
    for number in 0..40 {
        for text in [format!("START {number}"), "x".repeat(1000), "end".to_owned()] {
            writer.line(number, Stream::Stdout, text.as_bytes()).unwrap();
        }
    }
    writer.flush().unwrap();
    assert!(segments(&directory, "web").len() > 3);
    let found = messages(&directory);
    assert_eq!(found.len(), 40);
    assert_eq!(found[7], format!("START 7\n{}\nend", "x".repeat(1000)));
    // After a second of silence, and beyond what one event may have, another begins.
    writer.line(1040, Stream::Stdout, b"late").unwrap();
    writer.flush().unwrap();
    assert_eq!(messages(&directory).last().unwrap(), "late");
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn an_event_is_ended_when_it_gets_too_long() {
    let directory = directory("longest");
    let spec = SpoolSpec {
        full: Full::Hold,
        event_start: Some("^START".to_owned()),
    };
    let mut writer = SpoolWriter::create(&directory, "web", &spec).unwrap();
    let half = vec![b'x'; LINE_BYTES_MAX / 2];
    for _ in 0..4 {
        writer.line(1, Stream::Stderr, &half).unwrap();
    }
    writer.flush().unwrap();
    let lengths: Vec<usize> = messages(&directory).iter().map(String::len).collect();
    assert_eq!(lengths.len(), 4, "two and a line end are more than fits");
    writer
        .line(1, Stream::Stderr, &"ä".repeat(LINE_BYTES_MAX).into_bytes())
        .unwrap();
    writer.flush().unwrap();
    let found = messages(&directory);
    assert!(
        found
            .iter()
            .all(|text| text.len() <= LINE_BYTES_MAX && !text.contains('\u{fffd}'))
    );
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_full_spool_holds_or_drops_until_something_was_taken_in() {
    let directory = directory("full");
    let spec = SpoolSpec {
        full: Full::DropNewest { bytes_max: 10_000 },
        event_start: None,
    };
    let mut writer = SpoolWriter::create(&directory, "web", &spec).unwrap();
    for number in 0..300 {
        let text = format!("{number:03} {}", "x".repeat(90));
        writer.line(1, Stream::Stdout, text.as_bytes()).unwrap();
        writer.flush().unwrap();
    }
    let kept = messages(&directory);
    assert!((80..110).contains(&kept.len()), "{}", kept.len());
    assert!(kept[0].starts_with("000"), "the oldest are kept");
    assert_eq!(writer.dropped().unwrap(), 0, "not told before there is room");
    let last = *segments(&directory, "web").last().unwrap();
    for number in segments(&directory, "web") {
        if number < last {
            fs::remove_file(segment_path(&directory, "web", number)).unwrap();
        }
    }
    writer.line(1, Stream::Stdout, b"again").unwrap();
    writer.flush().unwrap();
    assert_eq!(messages(&directory).last().unwrap(), "again");
    assert_eq!(writer.dropped().unwrap(), 300 - kept.len() as u64);
    assert_eq!(writer.dropped().unwrap(), 0);
    assert!(!writer.holds().unwrap());
    fs::remove_dir_all(directory).unwrap();
}
