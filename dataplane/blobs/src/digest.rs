//! `sha256:…` and `sha512:…`, the two kinds of digest that OCI registers. What is made here is named by the first; the
//! second is for what others name so.

use std::fmt;
use std::io::{self, Read, Write};

use contract::image::BlobError;
use sha2::{Digest as _, Sha256, Sha512};

/// Pieces in which a file is hashed.
const PIECE_BYTES: usize = 256 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Sha256,
    Sha512,
}

impl Algorithm {
    pub const ALL: [Self; 2] = [Self::Sha256, Self::Sha512];

    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    fn digits(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

/// A digest that was checked to be the name of its algorithm and as many lower-case hexadecimal digits as it has, hence
/// safe as a file name.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(String);

impl Digest {
    pub fn parse(text: &str) -> Result<Self, BlobError> {
        let valid = |(name, hex): (&str, &str)| {
            Algorithm::ALL
                .iter()
                .any(|it| it.name() == name && it.digits() == hex.len())
                && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        if text.split_once(':').is_some_and(valid) {
            Ok(Self(text.to_owned()))
        } else {
            // What comes from outside is repeated, but not without bounds.
            Err(BlobError::DigestInvalid(text.chars().take(200).collect()))
        }
    }

    /// Of bytes in memory.
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_hasher(Sha256::new_with_prefix(bytes))
    }

    pub(crate) fn from_hasher(hasher: Sha256) -> Self {
        Self(format!("sha256:{}", hex::encode(hasher.finalize())))
    }

    /// What `content` has under the same algorithm as this digest. Blocks: disk.
    pub(crate) fn same_kind_of(&self, mut content: impl Read) -> io::Result<Self> {
        let mut buffer = vec![0; PIECE_BYTES];
        let mut each = |take: &mut dyn FnMut(&[u8])| -> io::Result<()> {
            loop {
                match content.read(&mut buffer)? {
                    0 => return Ok(()),
                    read => take(&buffer[..read]),
                }
            }
        };
        let hex = match self.algorithm() {
            Algorithm::Sha256 => {
                let mut hasher = Sha256::new();
                each(&mut |bytes| hasher.update(bytes))?;
                hex::encode(hasher.finalize())
            }
            Algorithm::Sha512 => {
                let mut hasher = Sha512::new();
                each(&mut |bytes| hasher.update(bytes))?;
                hex::encode(hasher.finalize())
            }
        };
        Ok(Self(format!("{}:{hex}", self.algorithm().name())))
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        if self.0.starts_with("sha512:") {
            Algorithm::Sha512
        } else {
            Algorithm::Sha256
        }
    }

    /// The 64 or 128 digits.
    pub fn hex(&self) -> &str {
        &self.0[self.algorithm().name().len() + 1..]
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.0
    }
}

/// Hashes and counts what is written through it.
pub struct DigestWriter<W> {
    inner: W,
    hasher: Sha256,
    size_bytes: u64,
}

impl<W: Write> DigestWriter<W> {
    pub fn new(inner: W) -> Self {
        Self {
            inner,
            hasher: Sha256::new(),
            size_bytes: 0,
        }
    }

    /// The writer, the digest of all that went through, and how many bytes that were.
    pub fn finish(self) -> (W, Digest, u64) {
        (self.inner, Digest::from_hasher(self.hasher), self.size_bytes)
    }
}

impl<W: Write> Write for DigestWriter<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.hasher.update(&buffer[..written]);
        self.size_bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
