//! Where new names come from: chance in production, a counter in tests.

use std::sync::atomic::{AtomicU64, Ordering};

use rand::Rng as _;

/// A source of names that have not been given before. Passed in, so that a test can foresee them.
pub trait IdSource: Send + Sync {
    fn next(&self) -> u128;

    /// `digits` lower-case hexadecimal digits, at most 32.
    fn hex(&self, digits: usize) -> String {
        let text = format!("{:032x}", self.next());
        text[32 - digits.min(32)..].to_owned()
    }

    /// All of it in the form of a UUID.
    fn uuid(&self) -> String {
        uuid(&self.hex(32))
    }
}

/// 32 hexadecimal digits in the form of a UUID.
pub fn uuid(hex: &str) -> String {
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-{}-{}-{}",
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32)
    )
}

pub struct RandomIds;

impl IdSource for RandomIds {
    fn next(&self) -> u128 {
        let mut bytes = [0; 16];
        rand::rng().fill_bytes(&mut bytes);
        u128::from_ne_bytes(bytes)
    }
}

/// 1, 2, 3 …
#[derive(Default)]
pub struct SequentialIds(AtomicU64);

impl IdSource for SequentialIds {
    fn next(&self) -> u128 {
        u128::from(self.0.fetch_add(1, Ordering::Relaxed)) + 1
    }
}
