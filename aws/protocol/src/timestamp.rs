//! Points in time as the protocols spell them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::TimestampFormat;

/// Seconds since 1970 with up to three digits of fraction, never with an exponent: `1767225600.25`.
pub fn unix_seconds(at: Timestamp) -> String {
    let millis = at.as_millisecond();
    let (sign, millis) = if millis < 0 {
        ("-", millis.unsigned_abs())
    } else {
        ("", millis.unsigned_abs())
    };
    let (seconds, rest) = (millis / 1000, millis % 1000);
    if rest == 0 {
        format!("{sign}{seconds}")
    } else {
        format!("{sign}{seconds}.{rest:03}")
            .trim_end_matches('0')
            .to_owned()
    }
}

/// From seconds since 1970.
pub fn from_unix_seconds(seconds: f64) -> Option<Timestamp> {
    let millis = (seconds * 1000.0).round();
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    (millis.abs() < 1e15)
        .then(|| Timestamp::from_millisecond(millis as i64).ok())
        .flatten()
}

/// As text, outside JSON.
pub fn format(at: Timestamp, format: TimestampFormat) -> String {
    match format {
        TimestampFormat::Iso8601 => {
            let pattern = if at.subsec_millisecond() == 0 {
                "%Y-%m-%dT%H:%M:%SZ"
            } else {
                "%Y-%m-%dT%H:%M:%S.%3fZ"
            };
            at.strftime(pattern).to_string()
        }
        TimestampFormat::UnixSeconds => unix_seconds(at),
        TimestampFormat::HttpDate => at
            .to_zoned(TimeZone::UTC)
            .strftime("%a, %d %b %Y %H:%M:%S GMT")
            .to_string(),
    }
}

/// Reads any of the formats.
pub fn parse(text: &str) -> Option<Timestamp> {
    if let Ok(seconds) = text.parse::<f64>() {
        return from_unix_seconds(seconds);
    }
    text.parse()
        .ok()
        .or_else(|| jiff::fmt::rfc2822::parse(text).ok().map(|it| it.timestamp()))
        .or_else(|| {
            let date_time: jiff::civil::DateTime = text.parse().ok()?;
            date_time.to_zoned(TimeZone::UTC).ok().map(|it| it.timestamp())
        })
}

#[cfg(test)]
mod tests;
