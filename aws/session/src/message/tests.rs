use super::*;

fn message() -> Message {
    Message {
        kind: Kind::InputStreamData,
        created_ms: 1_700_000_000_000,
        sequence: 7,
        flags: 2,
        id: std::array::from_fn(|at| at as u8),
        payload_kind: PayloadKind::Bytes,
        payload: b"ls\n".to_vec(),
    }
}

#[test]
fn fields_stand_where_the_table_says() {
    let bytes = message().write();
    assert_eq!(bytes.len(), HEADER_BYTES + 3);
    assert_eq!(bytes[..4], [0, 0, 0, 116]);
    assert_eq!(&bytes[4..36], b"input_stream_data               ");
    assert_eq!(bytes[36..40], [0, 0, 0, 1]);
    assert_eq!(bytes[48..56], [0, 0, 0, 0, 0, 0, 0, 7]);
    assert_eq!(bytes[56..64], [0, 0, 0, 0, 0, 0, 0, 2]);
    assert_eq!(
        bytes[64..80],
        [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7]
    );
    assert_eq!(bytes[112..120], [0, 0, 0, 1, 0, 0, 0, 3]);
    assert_eq!(&bytes[120..], b"ls\n");
    assert_eq!(message().uuid(), "00010203-0405-0607-0809-0a0b0c0d0e0f");
}

#[test]
fn what_is_written_is_read() {
    assert_eq!(Message::read(&message().write()), Ok(message()));
}

#[test]
fn what_is_no_message_is_refused() {
    let good = message().write();
    for length in 0..good.len() {
        assert_eq!(
            Message::read(&good[..length]),
            Err(Malformed::Short),
            "{length} bytes"
        );
    }
    let changed = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        Message::read(&bytes)
    };
    assert_eq!(changed(120, b'x'), Err(Malformed::Digest));
    assert_eq!(changed(4, b'x'), Err(Malformed::Kind));
    assert_eq!(changed(116, 255), Err(Malformed::Large));
}
