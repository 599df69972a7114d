use super::*;

fn parsed(options: &[(&str, &str)]) -> Result<Delivery, String> {
    let mut options = options
        .iter()
        .map(|(key, value)| (key.to_string(), value.to_string()))
        .collect();
    let parsed = parse(&mut options, "app").map_err(|error| error.message);
    assert!(parsed.is_err() || options.is_empty());
    parsed
}

#[test]
fn lines_are_dropped_beyond_the_buffer_unless_the_mode_is_blocking() {
    let buffer = |options: &[(&str, &str)]| parsed(options).unwrap().buffer_bytes_max;
    assert_eq!(buffer(&[]), Some(10 << 20));
    assert_eq!(buffer(&[("mode", "non-blocking")]), Some(10 << 20));
    assert_eq!(buffer(&[("mode", "blocking")]), None);
    for (text, bytes) in [
        ("25m", 25 << 20),
        ("1G", 1 << 30),
        ("2MiB", 2 << 20),
        ("600kb", 600 << 10),
        ("3000000", 3_000_000),
        ("1", BUFFER_BYTES_MIN),
    ] {
        assert_eq!(buffer(&[("max-buffer-size", text)]), Some(bytes), "{text}");
    }
    for (options, words) in [
        (
            vec![("mode", "fast")],
            "The log option mode of container 'app' is 'fast': it is blocking or non-blocking.",
        ),
        (
            vec![("mode", "blocking"), ("max-buffer-size", "1m")],
            "The log option max-buffer-size of container 'app' is only supported with mode=non-blocking.",
        ),
        (
            vec![("max-buffer-size", "much")],
            "The log option max-buffer-size of container 'app' is 'much': it is a size such as 25m.",
        ),
        (
            vec![
                ("awslogs-multiline-pattern", "x"),
                ("awslogs-datetime-format", "%Y"),
            ],
            "you cannot configure log opt 'awslogs-datetime-format' and 'awslogs-multiline-pattern' at the same time",
        ),
        (
            vec![("awslogs-multiline-pattern", "(")],
            "awslogs could not parse the log option awslogs-multiline-pattern \"(\": error: unclosed group",
        ),
    ] {
        assert_eq!(parsed(&options), Err(words.to_owned()));
    }
}

#[test]
fn formats_of_times_find_such_times() {
    for (format, yes, no) in [
        (
            "[%b %d, %Y %H:%M:%S]",
            "[May 01, 2017 19:00:01] a",
            "May 01 2017 19:00:01",
        ),
        (
            "%Y-%m-%d %H:%M:%S%L",
            "at 2026-11-23 06:40:00.123 x",
            "2026-13-23 06:40:00.123",
        ),
        (
            "%A %B %j %I %p",
            "Wednesday March 366 12 PM",
            "Wednesday March 367 12 PM",
        ),
        ("%a %w %y %f %z", "Sun 0 26 000001 -0130", "Sun 7 26 000001 -0130"),
        ("%Z 100%% %q", "CEST 100% %q", "CE 100% %q"),
        ("%d.%m.", "31.12.", "31x12x"),
    ] {
        let start = parsed(&[("awslogs-datetime-format", format)])
            .unwrap()
            .event_start;
        let pattern = Regex::new(&start.unwrap()).unwrap();
        assert!(pattern.is_match(yes), "{format}: {pattern}");
        assert!(!pattern.is_match(no), "{format}: {pattern}");
    }
    let start = parsed(&[("awslogs-multiline-pattern", "^INFO")])
        .unwrap()
        .event_start;
    assert_eq!(start.as_deref(), Some("^INFO"));
}
