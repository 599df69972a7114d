use super::*;

#[test]
fn lines_come_back_as_they_were() {
    let messages = ["one", "", "thr\nee", "vier 🦀", "onethree"];
    let entries: Vec<Entry<'_>> = messages
        .iter()
        .enumerate()
        .map(|(place, message)| Entry {
            at_ms: [5, 5, i64::MIN, i64::MAX, 0][place],
            sequence: [9, 2, 3, u64::MAX, 1][place],
            stored_at_ms: place as i64,
            message,
        })
        .collect();
    let bounds = Bounds::of(entries.iter().copied()).unwrap();
    assert_eq!((bounds.first_ms, bounds.last_ms), (i64::MIN, i64::MAX));
    assert_eq!((bounds.first_sequence, bounds.last_sequence), (1, u64::MAX));
    let packed = Compressor::new().unwrap().compress(&encode(&entries)).unwrap();
    let bytes = zstd::bulk::decompress(&packed, 1 << 20).unwrap();
    let frame = Frame::parse(&bytes).unwrap();
    for (head, entry) in frame.heads().unwrap().iter().zip(&entries) {
        let line = frame.line(head, "web");
        assert_eq!(line.message, entry.message);
        assert_eq!(
            (line.at_ms, line.sequence, line.stored_at_ms),
            (entry.at_ms, entry.sequence, entry.stored_at_ms)
        );
    }
    assert!(frame.may_contain(&memmem::Finder::new("three")));
    assert!(!frame.may_contain(&memmem::Finder::new("four")));
}

#[test]
fn damage_is_an_error_and_no_panic() {
    let entry = Entry {
        at_ms: 1,
        sequence: 2,
        stored_at_ms: 3,
        message: "hello",
    };
    let whole = encode(&[entry; 3]);
    for place in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[place] ^= 0xff;
        for bytes in [&whole[..place], &damaged] {
            let _ = Frame::parse(bytes).and_then(|frame| frame.heads());
        }
    }
    assert!(Frame::parse(&whole[..whole.len() - 1]).unwrap().heads().is_err());
    let mut compressor = Compressor::new().unwrap();
    let packed = compressor.compress(&whole).unwrap();
    for place in 0..packed.len() {
        let mut damaged = packed.clone();
        damaged[place] ^= 0x10;
        let found = zstd::bulk::decompress(&damaged, 1 << 20);
        assert!(found.is_err() || found.is_ok_and(|bytes| bytes == whole));
    }
}
