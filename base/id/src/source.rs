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
