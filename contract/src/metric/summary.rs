//! Many values as a few numbers, of which percentiles are still known to 1 %.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Each bucket's upper end is so much above its lower one.
const GROWTH: f64 = 1.02;
/// Puts the bucket of 1 far enough from 0 that every magnitude that is taken (10^±109) has a number above it.
const ONE: i32 = 20_000;

/// How often, how much altogether, the extremes, and how the values are distributed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    pub count: f64,
    pub sum: f64,
    pub min: f64,
    pub max: f64,
    /// How many values fell into which [`bucket`]. Holds less than `count` when somebody gave sums only.
    pub buckets: BTreeMap<i32, f64>,
}

/// The bucket of a value. Buckets rise with values; that of a negative one is negative, that of 0 is 0.
pub fn bucket(value: f64) -> i32 {
    if value == 0.0 || !value.is_finite() {
        return 0;
    }
    #[expect(clippy::cast_possible_truncation, reason = "logarithms of doubles are small")]
    let magnitude = ONE + (value.abs().ln() / GROWTH.ln()).floor() as i32;
    if value < 0.0 { -magnitude } else { magnitude }
}

/// The value in the middle of a bucket.
pub fn bucket_value(bucket: i32) -> f64 {
    if bucket == 0 {
        return 0.0;
    }
    let magnitude = GROWTH.powf(f64::from(bucket.abs() - ONE) + 0.5);
    if bucket < 0 { -magnitude } else { magnitude }
}

/// No sum leaves the numbers that can be added to again.
fn finite(sum: f64) -> f64 {
    sum.clamp(f64::MIN, f64::MAX)
}

impl Summary {
    /// So many times the same value.
    pub fn of(value: f64, count: f64) -> Self {
        Self {
            count,
            sum: finite(value * count),
            min: value,
            max: value,
            buckets: BTreeMap::from([(bucket(value), count)]),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0.0
    }

    pub fn merge(&mut self, other: &Self) {
        if other.is_empty() {
            return;
        }
        if self.is_empty() {
            self.clone_from(other);
            return;
        }
        self.count += other.count;
        self.sum = finite(self.sum + other.sum);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        for (bucket, count) in &other.buckets {
            *self.buckets.entry(*bucket).or_default() += count;
        }
    }

    pub fn average(&self) -> f64 {
        self.sum / self.count
    }

    /// The value below which `percent` of all values are; `None` when the distribution is not known.
    pub fn percentile(&self, percent: f64) -> Option<f64> {
        if !self.is_distributed() {
            return None;
        }
        let wanted = self.count * percent / 100.0;
        let mut below = 0.0;
        for (bucket, count) in &self.buckets {
            below += count;
            if below >= wanted {
                return Some(bucket_value(*bucket).clamp(self.min, self.max));
            }
        }
        Some(self.max)
    }

    /// The values between two bounds; `None` when the distribution is not known.
    pub fn between(&self, low: f64, high: f64) -> Option<Self> {
        if !self.is_distributed() {
            return None;
        }
        let mut found = Self::default();
        for (bucket, count) in &self.buckets {
            let value = bucket_value(*bucket).clamp(self.min, self.max);
            if value > low && value <= high {
                found.merge(&Self::of(value, *count));
            }
        }
        Some(found)
    }

    /// The values between two percentiles; `None` when the distribution is not known.
    pub fn between_percentiles(&self, low: f64, high: f64) -> Option<Self> {
        if !self.is_distributed() {
            return None;
        }
        let (low, high) = (self.count * low / 100.0, self.count * high / 100.0);
        let (mut found, mut below) = (Self::default(), 0.0);
        for (bucket, count) in &self.buckets {
            let inside = (below + count).min(high) - f64::max(below, low);
            if inside > 0.0 {
                found.merge(&Self::of(bucket_value(*bucket).clamp(self.min, self.max), inside));
            }
            below += count;
        }
        Some(found)
    }

    fn is_distributed(&self) -> bool {
        let known: f64 = self.buckets.values().sum();
        known > 0.0 && (known - self.count).abs() <= self.count * 1e-6
    }
}

#[cfg(test)]
mod tests;
