//! Aggregates: `count(*)`, `avg(x)`, `pct(x, 99)`, …

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::expression::{Expression, Scope};
use super::value::Value;

/// Values kept as they are for a percentile; more are counted in buckets.
const EXACT_VALUES_MAX: usize = 10_000;
/// How far apart buckets are: the error of a percentile over many values is half of that.
const BUCKET_GROWTH: f64 = 1.002;
/// Different values that are counted exactly.
const DISTINCT_EXACT_MAX: usize = 100_000;

#[derive(Clone, Debug)]
pub(super) struct Aggregate {
    pub(super) kind: Kind,
    /// Of what; none for `count(*)`.
    pub(super) of: Option<Expression>,
    /// From 0 to 100, for a percentile.
    pub(super) percent: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Count,
    CountDistinct,
    Sum,
    Average,
    Minimum,
    Maximum,
    Percentile,
    Deviation,
    Earliest,
    Latest,
    SortsFirst,
    SortsLast,
}

const KINDS: [(&str, Kind); 12] = [
    ("count", Kind::Count),
    ("count_distinct", Kind::CountDistinct),
    ("sum", Kind::Sum),
    ("avg", Kind::Average),
    ("min", Kind::Minimum),
    ("max", Kind::Maximum),
    ("pct", Kind::Percentile),
    ("stddev", Kind::Deviation),
    ("earliest", Kind::Earliest),
    ("latest", Kind::Latest),
    ("sortsfirst", Kind::SortsFirst),
    ("sortslast", Kind::SortsLast),
];

impl Kind {
    pub(super) fn find(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        KINDS.iter().find(|(it, _)| *it == name).map(|(_, kind)| *kind)
    }
}

/// What an aggregate has seen so far.
#[derive(Clone, Debug)]
pub(super) enum State {
    Count(u64),
    Distinct(Distinct),
    /// Count, mean, and the sum of squares of what is off it (Welford).
    Moments(f64, f64, f64),
    Sum(Option<f64>),
    Percentile(Percentile),
    /// The one that is kept, and the time that it is of.
    Kept(Value, Option<i64>),
}

impl Aggregate {
    pub(super) fn begin(&self) -> State {
        match self.kind {
            Kind::Count => State::Count(0),
            Kind::CountDistinct => State::Distinct(Distinct::default()),
            Kind::Average | Kind::Deviation => State::Moments(0.0, 0.0, 0.0),
            Kind::Sum => State::Sum(None),
            Kind::Percentile => State::Percentile(Percentile::default()),
            _ => State::Kept(Value::Null, None),
        }
    }

    pub(super) fn take(&self, state: &mut State, scope: &dyn Scope) {
        let value = match &self.of {
            Some(of) => of.value(scope),
            None => Value::Bool(true),
        };
        if value.is_null() {
            return;
        }
        match state {
            State::Count(count) => *count += 1,
            State::Distinct(distinct) => distinct.take(&value),
            State::Moments(count, mean, off) => {
                let Some(number) = value.number() else { return };
                *count += 1.0;
                let before = number - *mean;
                *mean += before / *count;
                *off += before * (number - *mean);
            }
            State::Sum(sum) => {
                if let Some(number) = value.number() {
                    *sum = Some(sum.unwrap_or_default() + number);
                }
            }
            State::Percentile(percentile) => {
                if let Some(number) = value.number() {
                    percentile.take(number);
                }
            }
            State::Kept(kept, time) => {
                let at = scope.field("@timestamp").time();
                let better = kept.is_null()
                    || match self.kind {
                        Kind::Minimum | Kind::SortsFirst => value.order(kept).is_lt(),
                        Kind::Maximum | Kind::SortsLast => value.order(kept).is_gt(),
                        Kind::Earliest => at <= *time,
                        _ => at > *time,
                    };
                if better {
                    (*kept, *time) = (value, at);
                }
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub(super) fn end(&self, state: &State) -> Value {
        match state {
            State::Count(count) => Value::Number(*count as f64),
            State::Distinct(distinct) => Value::Number(distinct.count()),
            State::Moments(count, ..) if *count == 0.0 => Value::Null,
            State::Moments(_, mean, _) if self.kind == Kind::Average => Value::Number(*mean),
            State::Moments(count, _, off) => Value::Number((off / count).sqrt()),
            State::Sum(sum) => sum.map_or(Value::Null, Value::Number),
            State::Percentile(percentile) => percentile.at(self.percent).map_or(Value::Null, Value::Number),
            State::Kept(kept, _) => kept.clone(),
        }
    }
}

/// How many different values: exact while they are few. Then only those are kept whose hash ends in so many zeros, and
/// each stands for two to that power.
#[derive(Clone, Debug, Default)]
pub(super) struct Distinct {
    hashes: HashSet<u64>,
    zeros: u32,
}

impl Distinct {
    fn take(&mut self, value: &Value) {
        let mut hasher = DefaultHasher::new();
        value.text().hash(&mut hasher);
        let hash = hasher.finish();
        if hash.trailing_zeros() < self.zeros {
            return;
        }
        self.hashes.insert(hash);
        while self.hashes.len() > DISTINCT_EXACT_MAX {
            self.zeros += 1;
            self.hashes.retain(|hash| hash.trailing_zeros() >= self.zeros);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    fn count(&self) -> f64 {
        self.hashes.len() as f64 * f64::from(self.zeros).exp2()
    }
}

/// Exact over few values, within 0.1 % over many.
#[derive(Clone, Debug, Default)]
pub(super) struct Percentile {
    values: Vec<f64>,
    /// Number of values in each bucket, by sign and by the logarithm.
    buckets: BTreeMap<(i8, i32), u64>,
}

impl Percentile {
    fn take(&mut self, value: f64) {
        if self.buckets.is_empty() && self.values.len() < EXACT_VALUES_MAX {
            self.values.push(value);
            return;
        }
        for value in std::mem::take(&mut self.values).into_iter().chain([value]) {
            *self.buckets.entry(bucket(value)).or_default() += 1;
        }
    }

    /// The value of the nearest rank.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "ranks are far below 2^53"
    )]
    fn at(&self, percent: f64) -> Option<f64> {
        let rank = |total: f64| ((percent / 100.0 * total).ceil() as u64).max(1);
        if self.buckets.is_empty() {
            let mut values = self.values.clone();
            values.sort_by(f64::total_cmp);
            let last = values.len().checked_sub(1)?;
            return values
                .get((rank(values.len() as f64) as usize - 1).min(last))
                .copied();
        }
        let total: u64 = self.buckets.values().sum();
        let mut left = rank(total as f64).min(total);
        for ((sign, power), count) in &self.buckets {
            if left <= *count {
                let size = BUCKET_GROWTH.powi(sign.signum() as i32 * *power) * (1.0 + BUCKET_GROWTH) / 2.0;
                return Some(f64::from(*sign) * size);
            }
            left -= count;
        }
        None
    }
}

/// Buckets in the order of their values: negative ones by falling size.
#[expect(
    clippy::cast_possible_truncation,
    reason = "logarithms of doubles to this base fit into 32 bits"
)]
fn bucket(value: f64) -> (i8, i32) {
    if value == 0.0 {
        return (0, 0);
    }
    let power = value.abs().log(BUCKET_GROWTH).floor() as i32;
    if value > 0.0 { (1, power) } else { (-1, -power) }
}
