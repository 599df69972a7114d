//! Reads a layer's archive whatever its compression, hashes what comes out, and stops at a budget.

use std::cell::Cell;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

use sha2::{Digest as _, Sha256};

use crate::digest::Digest;

/// How many bytes may still be read. The archive's reader takes an entry's description into memory before
/// anybody can look at its size, hence a limit below it.
#[derive(Clone, Default)]
pub(super) struct Budget(Rc<Cell<u64>>);

impl Budget {
    pub fn limit(&self, bytes: u64) {
        self.0.set(bytes);
    }

    fn take(&self, bytes: u64) -> io::Result<()> {
        match self.0.get().checked_sub(bytes) {
            Some(left) => {
                self.0.set(left);
                Ok(())
            }
            None => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "an entry's description is too large",
            )),
        }
    }
}

pub(super) struct LayerReader {
    inner: Box<dyn Read>,
    hasher: Sha256,
    budget: Budget,
}

impl LayerReader {
    pub fn new(file: impl Read + 'static, budget: Budget) -> io::Result<Self> {
        Ok(Self {
            inner: decompress(file)?,
            hasher: Sha256::new(),
            budget,
        })
    }

    /// Of all that was read.
    pub fn digest(self) -> Digest {
        Digest::from_hasher(self.hasher)
    }
}

impl Read for LayerReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.budget.take(read as u64)?;
        self.hasher.update(&buffer[..read]);
        Ok(read)
    }
}

/// Memory that reading xz may take: what `xz -9` needs, and as much again.
const XZ_MEMORY_BYTES_MAX: u64 = 128 << 20;
/// First bytes that tell compressions apart.
const MAGIC_BYTES: usize = 6;

/// The content of a plain or compressed stream, told apart by its first bytes.
pub(crate) fn decompress(mut source: impl Read + 'static) -> io::Result<Box<dyn Read>> {
    let mut magic = Vec::with_capacity(MAGIC_BYTES);
    (&mut source).take(MAGIC_BYTES as u64).read_to_end(&mut magic)?;
    let kind = Compression::of(&magic);
    let whole = BufReader::with_capacity(128 << 10, io::Cursor::new(magic).chain(source));
    Ok(match kind {
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(whole)),
        Compression::Zstd => Box::new(zstd::Decoder::with_buffer(whole)?),
        Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(whole)),
        Compression::Xz => {
            let flags = liblzma::stream::CONCATENATED;
            let stream = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY_BYTES_MAX, flags)?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(whole, stream))
        }
        Compression::None => Box::new(whole),
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    Zstd,
    /// In archives that people hand in; no layer of an image has it.
    Bzip2,
    /// As above.
    Xz,
}

impl Compression {
    /// By the first bytes of a file, six if it has them.
    pub fn of(magic: &[u8]) -> Self {
        match magic {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Self::Bzip2,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            _ => Self::None,
        }
    }
}
