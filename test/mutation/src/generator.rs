//! Inputs made of seeds: bytes changed, pieces left out, doubled, moved, taken from another seed. The same number gives the
//! same inputs.

use std::path::Path;
use std::{fs, io};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// Longer inputs are cut, in bytes.
const INPUT_BYTES_MAX: usize = 64 << 10;
/// Changes of one input.
const CHANGES_MAX: usize = 8;

pub struct Generator {
    random: StdRng,
    seeds: Vec<Vec<u8>>,
    /// Pieces that mean something in this kind of input.
    words: &'static [&'static str],
}

impl Generator {
    /// With the files of a folder as seeds, of which there must be some.
    pub fn open(folder: &Path, words: &'static [&'static str], number: u64) -> io::Result<Self> {
        let mut paths: Vec<_> = fs::read_dir(folder)?
            .map(|entry| Ok(entry?.path()))
            .collect::<io::Result<_>>()?;
        paths.sort();
        let seeds: Vec<Vec<u8>> = paths.iter().map(fs::read).collect::<io::Result<_>>()?;
        if seeds.is_empty() {
            return Err(io::Error::other("there are no seeds"));
        }
        Ok(Self {
            random: StdRng::seed_from_u64(number),
            seeds,
            words,
        })
    }

    pub fn seeds(&self) -> &[Vec<u8>] {
        &self.seeds
    }

    pub fn next_input(&mut self) -> Vec<u8> {
        let mut bytes = self.seed();
        for _ in 0..self.random.random_range(1..=CHANGES_MAX) {
            self.change(&mut bytes);
        }
        bytes.truncate(INPUT_BYTES_MAX);
        bytes
    }

    fn seed(&mut self) -> Vec<u8> {
        self.seeds[self.random.random_range(0..self.seeds.len())].clone()
    }

    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let from = self.random.random_range(0..=length);
        let to = self.random.random_range(from..=length.min(from + 600));
        from..to
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let at = self.random.random_range(0..=bytes.len());
        match self.random.random_range(0..7) {
            0 if at < bytes.len() => bytes[at] = self.random.random(),
            1 if at < bytes.len() => bytes[at] ^= 1 << self.random.random_range(0..8),
            2 => bytes.truncate(at),
            3 => {
                let range = self.range(bytes.len());
                bytes.drain(range);
            }
            4 => {
                let range = self.range(bytes.len());
                let piece = bytes[range].to_vec();
                bytes.splice(at..at, piece);
            }
            5 => {
                let other = self.seed();
                let range = self.range(other.len());
                bytes.splice(at..at, other[range].iter().copied());
            }
            _ => {
                let word = self.words[self.random.random_range(0..self.words.len())];
                let end = bytes.len().min(at + self.random.random_range(0..=word.len()));
                bytes.splice(at..end, word.bytes());
            }
        }
    }
}
