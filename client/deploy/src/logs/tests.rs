use super::*;

fn place() -> LogPlace {
    LogPlace {
        container: "web".to_owned(),
        group: "/wharf/web".to_owned(),
        prefix: Some("wharf".to_owned()),
    }
}

fn event(id: &str, at_ms: i64) -> logs::FilteredLogEvent {
    logs::FilteredLogEvent {
        log_stream_name: Some("wharf/web/0123".to_owned()),
        timestamp: Some(at_ms),
        message: Some(id.to_owned()),
        ingestion_time: Some(at_ms),
        event_id: Some(id.to_owned()),
    }
}

#[test]
fn late_lines_are_neither_lost_nor_doubled() {
    let mut cursor = Cursor::new(None, 1_000);
    let read = |cursor: &mut Cursor, events: &[(&str, i64)]| -> Vec<String> {
        // The server answers what is not older than the cursor.
        let from = cursor.from_ms.unwrap_or(i64::MIN);
        let due = events.iter().filter(|(_, at)| *at >= from);
        let lines: Vec<String> = due
            .filter_map(|(id, at)| cursor.take(&place(), event(id, *at)))
            .map(|line| line.message)
            .collect();
        cursor.advance();
        lines
    };
    assert_eq!(read(&mut cursor, &[("a", 10_000), ("b", 10_500)]), ["a", "b"]);
    // `c` was printed before `b` and came after it.
    let later = [("a", 10_000), ("c", 10_400), ("b", 10_500)];
    assert_eq!(read(&mut cursor, &later), ["c"]);
    assert_eq!(read(&mut cursor, &later), Vec::<String>::new());
    let more = [
        ("a", 10_000),
        ("c", 10_400),
        ("b", 10_500),
        ("d", 20_000),
        ("e", 20_000),
    ];
    assert_eq!(read(&mut cursor, &more), ["d", "e"]);
    assert_eq!(cursor.from_ms, Some(19_000));
    assert_eq!(cursor.seen.len(), 2, "what cannot come again is forgotten");
    assert_eq!(read(&mut cursor, &more), Vec::<String>::new());
}

#[test]
fn a_line_knows_its_container_and_task() {
    let line = Cursor::new(None, 0).take(&place(), event("x", 5)).unwrap();
    assert_eq!((line.container.as_str(), line.task.as_str()), ("web", "0123"));
    assert_eq!(place().stream("0123"), "wharf/web/0123");
}
