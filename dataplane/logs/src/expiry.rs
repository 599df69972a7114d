//! Lines that have expired and are still in a table, or in a frame together with younger ones.

/// What was expired once stays so, even if a group keeps its lines longer later on; but lines that come after that,
/// however old, are not expired yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expired {
    /// Older than this, up to this sequence: falling times, rising sequences.
    pub steps: Vec<(i64, u64)>,
}

impl Expired {
    pub fn add(&mut self, before_ms: i64, through: u64) {
        self.steps.retain(|&(before, _)| before > before_ms);
        self.steps.push((before_ms, through));
    }

    #[inline]
    pub fn hides(&self, at_ms: i64, sequence: u64) -> bool {
        self.steps
            .iter()
            .any(|&(before, through)| at_ms < before && sequence <= through)
    }
}

#[cfg(test)]
mod tests;
