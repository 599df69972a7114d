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
