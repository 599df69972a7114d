//! Statistics: one number from many values.

use contract::metric::Summary;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Statistic {
    SampleCount,
    Average,
    Sum,
    Minimum,
    Maximum,
    Percentile(f64),
    Part(Kind, Bounds),
}

/// What is taken of a part of the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    TrimmedMean,
    /// As the trimmed mean, with what is outside at the bounds.
    WinsorizedMean,
    TrimmedCount,
    TrimmedSum,
    PercentileRank,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bounds {
    Percent(f64, f64),
    Value(f64, f64),
}

impl Statistic {
    /// `Average`, `p99.9`, `tm90`, `TM(10%:90%)`, `PR(:300)` and the like.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "SampleCount" => Self::SampleCount,
            "Average" => Self::Average,
            "Sum" => Self::Sum,
            "Minimum" => Self::Minimum,
            "Maximum" => Self::Maximum,
            "IQM" => Self::Part(Kind::TrimmedMean, Bounds::Percent(25.0, 75.0)),
            _ => return short(text).or_else(|| long(text)),
        })
    }

    /// `None` when the values do not say, as percentiles of sums.
    pub(crate) fn of(self, summary: &Summary) -> Option<f64> {
        match self {
            _ if summary.is_empty() => None,
            Self::SampleCount => Some(summary.count),
            Self::Average => Some(summary.average()),
            Self::Sum => Some(summary.sum),
            Self::Minimum => Some(summary.min),
            Self::Maximum => Some(summary.max),
            Self::Percentile(percent) => summary.percentile(percent),
            Self::Part(kind, bounds) => part(kind, bounds, summary),
        }
    }
}

fn percent(text: &str) -> Option<f64> {
    text.parse().ok().filter(|it| (0.0..=100.0).contains(it))
}

/// `p99`, `tm90`, `wm90`, `tc90`, `ts90`.
fn short(text: &str) -> Option<Statistic> {
    let digits = text.find(|c: char| c.is_ascii_digit())?;
    let number = percent(&text[digits..])?;
    let kind = match text[..digits].to_ascii_lowercase().as_str() {
        "p" => return Some(Statistic::Percentile(number)),
        "tm" => Kind::TrimmedMean,
        "wm" => Kind::WinsorizedMean,
        "tc" => Kind::TrimmedCount,
        "ts" => Kind::TrimmedSum,
        _ => return None,
    };
    Some(Statistic::Part(kind, Bounds::Percent(0.0, number)))
}

/// `TM(10%:90%)`, `TM(0.005:0.030)`, `PR(:300)`.
fn long(text: &str) -> Option<Statistic> {
    let (name, rest) = text.split_once('(')?;
    let (low, high) = rest.strip_suffix(')')?.split_once(':')?;
    let kind = match name.to_ascii_uppercase().as_str() {
        "TM" => Kind::TrimmedMean,
        "WM" => Kind::WinsorizedMean,
        "TC" => Kind::TrimmedCount,
        "TS" => Kind::TrimmedSum,
        "PR" => Kind::PercentileRank,
        _ => return None,
    };
    let bounds = if low.ends_with('%') || high.ends_with('%') {
        let bound = |text: &str, open: f64| match text {
            "" => Some(open),
            text => percent(text.strip_suffix('%')?),
        };
        Bounds::Percent(bound(low, 0.0)?, bound(high, 100.0)?)
    } else {
        let bound = |text: &str, open: f64| {
            if text.is_empty() {
                Some(open)
            } else {
                text.parse().ok()
            }
        };
        Bounds::Value(bound(low, f64::NEG_INFINITY)?, bound(high, f64::INFINITY)?)
    };
    match (kind, bounds) {
        (Kind::PercentileRank, Bounds::Percent(..)) => None,
        (_, Bounds::Percent(low, high) | Bounds::Value(low, high)) if low >= high => None,
        _ => Some(Statistic::Part(kind, bounds)),
    }
}

fn part(kind: Kind, bounds: Bounds, summary: &Summary) -> Option<f64> {
    let inside = match bounds {
        Bounds::Percent(low, high) => summary.between_percentiles(low, high)?,
        Bounds::Value(low, high) => summary.between(low, high)?,
    };
    match kind {
        Kind::TrimmedCount => Some(inside.count),
        Kind::TrimmedSum => Some(inside.sum),
        Kind::PercentileRank => Some(inside.count / summary.count * 100.0),
        _ if inside.is_empty() => None,
        Kind::TrimmedMean => Some(inside.average()),
        Kind::WinsorizedMean => {
            let (below, above) = match bounds {
                Bounds::Percent(low, high) => (
                    summary.count * low / 100.0,
                    summary.count * (100.0 - high) / 100.0,
                ),
                Bounds::Value(low, _) => {
                    let below = summary.between(f64::NEG_INFINITY, low)?.count;
                    (below, summary.count - inside.count - below)
                }
            };
            Some((inside.sum + inside.min * below + inside.max * above) / summary.count)
        }
    }
}

#[cfg(test)]
mod tests;
