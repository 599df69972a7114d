use super::*;

fn changes() -> Vec<Change> {
    let stream = StreamId {
        scope: "s".into(),
        group: "g".into(),
        stream: "ü/1".into(),
    };
    let line = |at_ms, message: &str| Line {
        at_ms,
        message: message.into(),
    };
    vec![
        Change::Append {
            stream: stream.clone(),
            lines: vec![line(5, "one\ntwo"), line(i64::MIN, ""), line(i64::MAX, "🦀")],
            position: Some(SpoolPosition {
                spool: "t/c/1".into(),
                offset_bytes: u64::MAX,
            }),
        },
        Change::Append {
            stream: stream.clone(),
            lines: vec![],
            position: None,
        },
        Change::ForgetSpool("t/c/1".into()),
        Change::RemoveStream(stream),
        Change::RemoveGroup {
            scope: "s".into(),
            group: "g".into(),
        },
        Change::Expire {
            scope: "s".into(),
            group: "g".into(),
            before_ms: -5,
        },
        Change::Clear,
    ]
}

#[test]
fn what_is_written_is_read_and_damage_is_seen() {
    let stamp = Stamp {
        after: 7,
        stored_at_ms: -9,
    };
    for change in changes() {
        let mut record = change.encode();
        seal(&mut record, stamp);
        let length = record.len();
        record.extend_from_slice(b"what follows");
        assert_eq!(first(&record), Some((stamp, change, length)));
        for place in 0..length {
            assert_eq!(first(&record[..place]), None, "cut at {place}");
            let mut damaged = record.clone();
            damaged[place] ^= 0x10;
            assert_eq!(first(&damaged), None, "damaged at {place}");
        }
    }
    assert_eq!(first(&[0; 64]), None, "a file that grew before it was written");
}
