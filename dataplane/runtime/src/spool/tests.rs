use super::*;

fn directory(name: &str) -> PathBuf {
    let directory = std::env::temp_dir().join(format!("wharf-spool-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap();
    directory
}

#[test]
fn lines_come_back_and_half_a_line_waits() {
    let directory = directory("half");
    let mut writer = SpoolWriter::create(&directory, "web").unwrap();
    writer.line(5, Stream::Stdout, b"one two");
    writer.line(6, Stream::Stderr, b"");
    writer.line(7, Stream::Stdout, b"\xff!");
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
    let mut writer = SpoolWriter::create(&directory, "web").unwrap();
    let line = vec![b'x'; LINE_BYTES_MAX + 1];
    for _ in 0..SEGMENT_BYTES_MAX as usize / LINE_BYTES_MAX + 1 {
        writer.line(1, Stream::Stdout, &line);
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
    SpoolWriter::create(&directory, "web").unwrap();
    SpoolWriter::create(&directory, "web").unwrap();
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
