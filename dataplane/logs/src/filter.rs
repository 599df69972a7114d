//! Tells which frames cannot have a text in them: a set of the four-byte pieces of all their lines.
//!
//! A bit per hash of a piece. A text of n bytes has n − 3 pieces, so a frame that lacks it passes with at most
//! (1/4)ⁿ⁻³ or so: rare terms skip nearly everything.

/// Shorter texts cannot be told apart.
const PIECE_BYTES: usize = 4;
/// Size while it is filled.
const BITS: usize = 1 << 20;
/// A set is folded as long as no more than one bit in so many would be set.
const SPARSE: usize = 4;
const BYTES_MIN: usize = 8;

pub(crate) struct Builder {
    words: Vec<u64>,
}

impl Builder {
    pub fn new() -> Self {
        Self {
            words: vec![0; BITS / 64],
        }
    }

    pub fn add(&mut self, text: &[u8]) {
        for place in pieces(text) {
            self.words[place / 64] |= 1 << (place % 64);
        }
    }

    /// The set in as little room as it needs, and an empty builder.
    pub fn finish(&mut self) -> Vec<u8> {
        let mut words = std::mem::replace(&mut self.words, vec![0; BITS / 64]);
        let mut set = count(&words);
        while words.len() * 8 > BYTES_MIN && set * SPARSE <= words.len() / 2 * 64 {
            let upper = words.split_off(words.len() / 2);
            words
                .iter_mut()
                .zip(upper)
                .for_each(|(word, upper)| *word |= upper);
            set = count(&words);
        }
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }
}

fn count(words: &[u64]) -> usize {
    words.iter().map(|word| word.count_ones() as usize).sum()
}

/// False when no line can have this text.
pub(crate) fn may_contain(filter: &[u8], text: &[u8]) -> bool {
    let bits = filter.len() * 8;
    !bits.is_power_of_two()
        || pieces(text).all(|place| {
            let place = place % bits;
            filter[place / 8] & (1 << (place % 8)) != 0
        })
}

/// Places of the bits of a text. Low bits are kept when a set is folded.
fn pieces(text: &[u8]) -> impl Iterator<Item = usize> {
    text.windows(PIECE_BYTES).map(|piece| {
        let piece = u32::from_le_bytes([piece[0], piece[1], piece[2], piece[3]]);
        let hash = piece.wrapping_mul(0x9e37_79b1);
        (hash ^ (hash >> 16)) as usize % BITS
    })
}

#[cfg(test)]
mod tests;
