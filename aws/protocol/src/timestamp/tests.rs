use super::*;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).expect("in range")
}

#[test]
fn seconds_have_no_exponent() {
    for (millis, text) in [
        (0, "0"),
        (1_767_225_600_000, "1767225600"),
        (1_767_225_600_250, "1767225600.25"),
        (1_767_225_600_007, "1767225600.007"),
        (-1_500, "-1.5"),
    ] {
        assert_eq!(unix_seconds(at(millis)), text);
        assert_eq!(parse(text), Some(at(millis)));
    }
}

#[test]
fn every_spelling_is_read() {
    for text in [
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00.000Z",
        "2026-01-01T01:00:00+01:00",
        "2026-01-01T00:00:00",
        "1767225600",
        "1767225600.0",
        "Thu, 01 Jan 2026 00:00:00 GMT",
    ] {
        assert_eq!(parse(text), Some(at(1_767_225_600_000)), "{text}");
    }
    for text in ["", "yesterday", "NaN", "1e300", "2026-13-01T00:00:00Z"] {
        assert_eq!(parse(text), None, "{text}");
    }
}

#[test]
fn formats_are_aws() {
    assert_eq!(
        format(at(1_767_225_600_000), TimestampFormat::Iso8601),
        "2026-01-01T00:00:00Z"
    );
    assert_eq!(
        format(at(1_767_225_600_250), TimestampFormat::Iso8601),
        "2026-01-01T00:00:00.250Z"
    );
    assert_eq!(
        format(at(1_767_225_600_000), TimestampFormat::HttpDate),
        "Thu, 01 Jan 2026 00:00:00 GMT"
    );
}
