//! One binary message: a header of fixed size with big-endian numbers, then the payload.
//!
//! | bytes | field |
//! | --- | --- |
//! | 0–3 | length of the header up to the payload's length: 116 |
//! | 4–35 | kind, padded with spaces |
//! | 36–39 | version of the schema: 1 |
//! | 40–47 | time, milliseconds since 1970 |
//! | 48–55 | sequence number |
//! | 56–63 | flags: 1 the first, 2 the last |
//! | 64–79 | id: the second half of a UUID, then the first |
//! | 80–111 | SHA-256 of the payload |
//! | 112–115 | kind of the payload |
//! | 116–119 | length of the payload |

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

/// Bytes before the payload.
pub const HEADER_BYTES: usize = 120;
/// The largest payload that is read, in bytes; what is sent stays far below.
pub const PAYLOAD_BYTES_MAX: usize = 1 << 20;
const HEADER_LENGTH: u32 = 116;
const SCHEMA_VERSION: u32 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    InputStreamData,
    OutputStreamData,
    Acknowledge,
    ChannelClosed,
    StartPublication,
    PausePublication,
}

impl Kind {
    const ALL: [Self; 6] = [
        Self::InputStreamData,
        Self::OutputStreamData,
        Self::Acknowledge,
        Self::ChannelClosed,
        Self::StartPublication,
        Self::PausePublication,
    ];

    /// As it is written in a message.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InputStreamData => "input_stream_data",
            Self::OutputStreamData => "output_stream_data",
            Self::Acknowledge => "acknowledge",
            Self::ChannelClosed => "channel_closed",
            Self::StartPublication => "start_publication",
            Self::PausePublication => "pause_publication",
        }
    }
}

/// What a message of stream data holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadKind {
    /// Nothing is said: acknowledgements and the like.
    None,
    /// Bytes that were typed, or printed.
    Bytes,
    Error,
    /// A [`crate::TerminalSize`].
    Size,
    HandshakeRequest,
    HandshakeResponse,
    HandshakeComplete,
    /// A number, such as 2 for ending the session.
    Flag,
    /// Bytes that were printed on standard error.
    StdErr,
    ExitCode,
    Other(u32),
}

impl PayloadKind {
    fn number(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Bytes => 1,
            Self::Error => 2,
            Self::Size => 3,
            Self::HandshakeRequest => 5,
            Self::HandshakeResponse => 6,
            Self::HandshakeComplete => 7,
            Self::Flag => 10,
            Self::StdErr => 11,
            Self::ExitCode => 12,
            Self::Other(number) => number,
        }
    }

    fn of(number: u32) -> Self {
        match number {
            0 => Self::None,
            1 => Self::Bytes,
            2 => Self::Error,
            3 => Self::Size,
            5 => Self::HandshakeRequest,
            6 => Self::HandshakeResponse,
            7 => Self::HandshakeComplete,
            10 => Self::Flag,
            11 => Self::StdErr,
            12 => Self::ExitCode,
            other => Self::Other(other),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub kind: Kind,
    /// Milliseconds since 1970.
    pub created_ms: u64,
    pub sequence: i64,
    /// 1 the first, 2 the last.
    pub flags: u64,
    /// A UUID.
    pub id: [u8; 16],
    pub payload_kind: PayloadKind,
    pub payload: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("a message of the data channel is shorter than it says")]
    Short,
    #[error("a message of the data channel is larger than {PAYLOAD_BYTES_MAX} bytes")]
    Large,
    #[error("a message of the data channel is of an unknown kind")]
    Kind,
    #[error("a message of the data channel does not fit its digest")]
    Digest,
}

impl Message {
    pub fn new(kind: Kind, sequence: i64, payload_kind: PayloadKind, payload: Vec<u8>, id: [u8; 16]) -> Self {
        Self {
            kind,
            created_ms: u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default(),
            sequence,
            flags: u64::from(sequence == 0),
            id,
            payload_kind,
            payload,
        }
    }

    pub fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + self.payload.len());
        bytes.extend(HEADER_LENGTH.to_be_bytes());
        bytes.extend(format!("{:<32}", self.kind.as_str()).as_bytes());
        bytes.extend(SCHEMA_VERSION.to_be_bytes());
        bytes.extend(self.created_ms.to_be_bytes());
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.flags.to_be_bytes());
        bytes.extend(&self.id[8..]);
        bytes.extend(&self.id[..8]);
        bytes.extend(Sha256::digest(&self.payload));
        bytes.extend(self.payload_kind.number().to_be_bytes());
        bytes.extend(
            u32::try_from(self.payload.len())
                .unwrap_or(u32::MAX)
                .to_be_bytes(),
        );
        bytes.extend(&self.payload);
        bytes
    }

    /// # Errors
    /// When the bytes are no message.
    pub fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let header = |from: usize, to: usize| bytes.get(from..to).ok_or(Malformed::Short);
        let number = |from: usize| -> Result<u64, Malformed> {
            let part = header(from, from + 8)?;
            Ok(part.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
        };
        let small = |from: usize| -> Result<u32, Malformed> {
            let part = header(from, from + 4)?;
            Ok(part.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
        };
        let name = String::from_utf8_lossy(header(4, 36)?);
        let name = name.trim_matches([' ', '\0']);
        let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == name);
        let length = usize::try_from(small(116)?).unwrap_or(usize::MAX);
        if length > PAYLOAD_BYTES_MAX {
            return Err(Malformed::Large);
        }
        let payload = header(HEADER_BYTES, HEADER_BYTES + length)?.to_vec();
        if header(80, 112)? != &Sha256::digest(&payload)[..] {
            return Err(Malformed::Digest);
        }
        let mut id = [0; 16];
        id[8..].copy_from_slice(header(64, 72)?);
        id[..8].copy_from_slice(header(72, 80)?);
        Ok(Self {
            kind: kind.ok_or(Malformed::Kind)?,
            created_ms: number(40)?,
            sequence: number(48)?.cast_signed(),
            flags: number(56)?,
            id,
            payload_kind: PayloadKind::of(small(112)?),
            payload,
        })
    }

    /// The id as people write UUIDs.
    pub fn uuid(&self) -> String {
        base_id::uuid(&hex::encode(self.id))
    }
}

#[cfg(test)]
mod tests;
