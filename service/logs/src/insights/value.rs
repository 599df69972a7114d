//! What a field is.

use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::tz::TimeZone;

#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) enum Value {
    /// There is no such field.
    #[default]
    Null,
    Bool(bool),
    Number(f64),
    /// Milliseconds since 1970.
    Time(i64),
    Text(String),
}

impl Value {
    pub(super) fn is_null(&self) -> bool {
        *self == Self::Null
    }

    /// As results show it.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Bool(flag) => u8::from(*flag).to_string(),
            // Adding zero leaves no negative one.
            Self::Number(number) => (number + 0.0).to_string(),
            Self::Time(ms) => time_text(*ms),
            Self::Text(text) => text.clone(),
        }
    }

    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            #[expect(clippy::cast_precision_loss, reason = "times are far below 2^53 ms")]
            Self::Time(ms) => Some(*ms as f64),
            Self::Bool(flag) => Some(f64::from(u8::from(*flag))),
            Self::Text(text) => text.trim().parse().ok().filter(|it: &f64| it.is_finite()),
            Self::Null => None,
        }
    }

    /// Milliseconds since 1970.
    pub(super) fn time(&self) -> Option<i64> {
        match self {
            Self::Time(ms) => Some(*ms),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "what is no time becomes the last one"
            )]
            Self::Number(number) => Some(*number as i64),
            Self::Text(text) => {
                let parsed = text.parse::<Timestamp>().ok();
                parsed
                    .map(Timestamp::as_millisecond)
                    .or_else(|| text.parse().ok())
            }
            _ => None,
        }
    }

    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Bool(flag) => *flag,
            Self::Number(number) => *number != 0.0,
            Self::Text(text) => text == "true",
            Self::Null | Self::Time(_) => false,
        }
    }

    /// As numbers where both are numbers, as texts otherwise; what is not there has no order.
    pub(super) fn compare(&self, other: &Self) -> Option<Ordering> {
        if self.is_null() || other.is_null() {
            return None;
        }
        // A boolean is compared by its word with a text, by its number with a number.
        match (self, other) {
            (Self::Bool(flag), Self::Text(text)) => {
                return Some(flag.to_string().as_str().cmp(text.as_str()));
            }
            (Self::Text(text), Self::Bool(flag)) => {
                return Some(text.as_str().cmp(flag.to_string().as_str()));
            }
            _ => {}
        }
        match (self.number(), other.number()) {
            (Some(one), Some(other)) => one.partial_cmp(&other),
            _ => Some(self.text().cmp(&other.text())),
        }
    }

    /// For sorting: what is not there comes first.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        match (self.is_null(), other.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            // Numbers before texts, so that the order is one.
            (false, false) => match (self.number(), other.number()) {
                (Some(one), Some(other)) => one.total_cmp(&other),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => self.text().cmp(&other.text()),
            },
        }
    }
}

/// `2026-01-02 03:04:05.678`, in UTC.
pub(super) fn time_text(ms: i64) -> String {
    let at = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    at.to_zoned(TimeZone::UTC)
        .strftime("%Y-%m-%d %H:%M:%S%.3f")
        .to_string()
}
