//! Periods of time: `5m`, `1h`, `1mo`.

use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

/// Units that are as long as any other of their kind, in milliseconds.
const FIXED: [(&[&str], i64); 6] = [
    (&["ms", "msec"], 1),
    (&["s", "sec"], 1_000),
    (&["m", "min"], 60_000),
    (&["h", "hr"], 3_600_000),
    (&["d"], 86_400_000),
    (&["w"], 7 * 86_400_000),
];
/// Units of the calendar, in months.
const MONTHS: [(&[&str], i32); 3] = [(&["mo", "mon"], 1), (&["q", "qtr"], 3), (&["y", "yr"], 12)];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Period {
    Fixed(i64),
    Months(i32),
}

impl Period {
    pub(super) fn new(count: i64, unit: &str) -> Option<Self> {
        if count < 1 {
            return None;
        }
        if let Some((_, ms)) = FIXED.iter().find(|(names, _)| names.contains(&unit)) {
            return ms.checked_mul(count).map(Self::Fixed);
        }
        let (_, months) = MONTHS.iter().find(|(names, _)| names.contains(&unit))?;
        months.checked_mul(i32::try_from(count).ok()?).map(Self::Months)
    }

    /// The period's beginning.
    pub(super) fn floor(self, ms: i64) -> i64 {
        match self {
            Self::Fixed(length) => ms.div_euclid(length) * length,
            Self::Months(length) => {
                let months = months_of(ms);
                begin(months - months.rem_euclid(length))
            }
        }
    }

    /// The next period's beginning, unless one begins here.
    pub(super) fn ceil(self, ms: i64) -> i64 {
        let floor = self.floor(ms);
        match self {
            _ if floor == ms => ms,
            Self::Fixed(length) => floor + length,
            Self::Months(length) => begin(months_of(floor) + length),
        }
    }
}

/// Months since January of 1970.
fn months_of(ms: i64) -> i32 {
    let at = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    let day = at.to_zoned(TimeZone::UTC).date();
    (i32::from(day.year()) - 1970) * 12 + i32::from(day.month()) - 1
}

fn begin(months: i32) -> i64 {
    let first: DateTime = date(1970, 1, 1).into();
    let at = first.checked_add(months.months());
    let at = at.ok().and_then(|at| at.to_zoned(TimeZone::UTC).ok());
    at.map_or(0, |at| at.timestamp().as_millisecond())
}
