use super::*;

fn directory(name: &str) -> PathBuf {
    let directory = std::env::temp_dir().join(format!("wharf-frames-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap();
    directory
}

#[test]
fn bytes_come_back_as_they_were_with_stream_and_time() {
    let folder = directory("whole");
    let mut writer = FrameWriter::create(&folder, "c").unwrap();
    let mut reader = FrameReader::new(folder.clone(), "c");
    assert_eq!(reader.read().unwrap(), []);
    writer.write(1, Stream::Stdout, b"no line end").unwrap();
    writer.write(2, Stream::Stderr, &[0xff, 0, b'\r', b'\n']).unwrap();
    let frame = |at_ms, stream, bytes: &[u8]| Frame {
        at_ms,
        stream,
        bytes: bytes.to_vec(),
    };
    let expected = [
        frame(1, Stream::Stdout, b"no line end"),
        frame(2, Stream::Stderr, &[0xff, 0, b'\r', b'\n']),
    ];
    assert_eq!(reader.read().unwrap(), expected);
    assert_eq!(reader.read().unwrap(), []);
    // Another run of the same container goes on in another segment.
    let mut again = FrameWriter::create(&folder, "c").unwrap();
    again.write(3, Stream::Stdout, b"more").unwrap();
    assert_eq!(reader.read().unwrap(), [frame(3, Stream::Stdout, b"more")]);
}

#[test]
fn half_a_piece_is_waited_for_and_what_is_none_is_refused() {
    let folder = directory("half");
    let path = folder.join("c.1.frames");
    let mut writer = FrameWriter::create(&folder, "c").unwrap();
    writer.write(7, Stream::Stdout, b"whole").unwrap();
    let whole = std::fs::read(&path).unwrap();
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        let mut reader = FrameReader::new(folder.clone(), "c");
        assert_eq!(reader.read().unwrap(), [], "{length} bytes");
    }
    std::fs::write(&path, b"not at all what is expected").unwrap();
    assert!(FrameReader::new(folder.clone(), "c").read().is_err());
}

#[test]
fn what_is_long_is_split_and_the_oldest_given_up() {
    let folder = directory("long");
    let mut writer = FrameWriter::create(&folder, "c").unwrap();
    let long = vec![b'x'; PIECE_BYTES_MAX * 2 + 1];
    writer.write(1, Stream::Stdout, &long).unwrap();
    let mut reader = FrameReader::new(folder.clone(), "c");
    let frames = reader.read().unwrap();
    let lengths: Vec<usize> = frames.iter().map(|frame| frame.bytes.len()).collect();
    assert_eq!(lengths, [PIECE_BYTES_MAX, PIECE_BYTES_MAX, 1]);
}
