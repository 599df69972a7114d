//! One change of the store as it is written down in the journal.

use contract::log::{Line, SpoolPosition, StreamId};

use crate::varint::{Malformed, Reader, put, put_bytes, put_signed};

/// Length and checksum, before a record's payload.
pub(crate) const HEAD_BYTES: usize = 8;
/// The sequence before the first line, and the time of storing, before a record's change.
const STAMP_BYTES: usize = 16;
/// A record that says it is longer is none.
pub(crate) const RECORD_BYTES_MAX: usize = 64 << 20;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Append {
        stream: StreamId,
        lines: Vec<Line>,
        position: Option<SpoolPosition>,
    },
    ForgetSpool(String),
    RemoveStream(StreamId),
    RemoveGroup {
        scope: String,
        group: String,
    },
    /// Lines of a group older than this, as far as they have come before this change.
    Expire {
        scope: String,
        group: String,
        before_ms: i64,
    },
    Clear,
}

impl Change {
    /// How many sequences it uses.
    pub fn lines(&self) -> u64 {
        match self {
            Self::Append { lines, .. } => lines.len() as u64,
            _ => 0,
        }
    }

    /// The change itself, when it takes something out of the store.
    pub fn removal(&self) -> Option<Self> {
        match self {
            Self::RemoveStream(stream) => Some(Self::RemoveStream(stream.clone())),
            Self::RemoveGroup { scope, group } => Some(Self::RemoveGroup {
                scope: scope.clone(),
                group: group.clone(),
            }),
            Self::Expire {
                scope,
                group,
                before_ms,
            } => Some(Self::Expire {
                scope: scope.clone(),
                group: group.clone(),
                before_ms: *before_ms,
            }),
            Self::Clear => Some(Self::Clear),
            Self::Append { .. } | Self::ForgetSpool(_) => None,
        }
    }

    /// A record whose head and stamp are still to be filled in by [`seal`].
    pub fn encode(&self) -> Vec<u8> {
        let text: usize = match self {
            Self::Append { lines, .. } => lines.iter().map(|line| line.message.len() + 6).sum(),
            _ => 0,
        };
        let mut out = Vec::with_capacity(text + 256);
        out.resize(HEAD_BYTES + STAMP_BYTES, 0);
        match self {
            Self::Append {
                stream,
                lines,
                position,
            } => {
                out.push(1);
                put_stream(&mut out, stream);
                out.push(u8::from(position.is_some()));
                if let Some(position) = position {
                    put_bytes(&mut out, position.spool.as_bytes());
                    put(&mut out, position.offset_bytes);
                }
                put(&mut out, lines.len() as u64);
                let mut before = 0;
                for line in lines {
                    put_signed(&mut out, line.at_ms.wrapping_sub(before));
                    put_bytes(&mut out, line.message.as_bytes());
                    before = line.at_ms;
                }
            }
            Self::ForgetSpool(spool) => {
                out.push(2);
                put_bytes(&mut out, spool.as_bytes());
            }
            Self::RemoveStream(stream) => {
                out.push(3);
                put_stream(&mut out, stream);
            }
            Self::RemoveGroup { scope, group } => {
                out.push(4);
                put_bytes(&mut out, scope.as_bytes());
                put_bytes(&mut out, group.as_bytes());
            }
            Self::Clear => out.push(5),
            Self::Expire {
                scope,
                group,
                before_ms,
            } => {
                out.push(6);
                put_bytes(&mut out, scope.as_bytes());
                put_bytes(&mut out, group.as_bytes());
                put_signed(&mut out, *before_ms);
            }
        }
        out
    }

    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader(bytes);
        let change = match reader.byte()? {
            1 => {
                let stream = stream(&mut reader)?;
                let position = match reader.byte()? {
                    0 => None,
                    _ => Some(SpoolPosition {
                        spool: reader.text()?.to_owned(),
                        offset_bytes: reader.number()?,
                    }),
                };
                let (mut lines, mut at_ms) = (Vec::new(), 0_i64);
                for _ in 0..reader.number()? {
                    at_ms = at_ms.wrapping_add(reader.signed()?);
                    let message = reader.text()?.to_owned();
                    lines.push(Line { at_ms, message });
                }
                Self::Append {
                    stream,
                    lines,
                    position,
                }
            }
            2 => Self::ForgetSpool(reader.text()?.to_owned()),
            3 => Self::RemoveStream(stream(&mut reader)?),
            4 => Self::RemoveGroup {
                scope: reader.text()?.to_owned(),
                group: reader.text()?.to_owned(),
            },
            5 => Self::Clear,
            6 => Self::Expire {
                scope: reader.text()?.to_owned(),
                group: reader.text()?.to_owned(),
                before_ms: reader.signed()?,
            },
            _ => return Err(Malformed),
        };
        reader.0.is_empty().then_some(change).ok_or(Malformed)
    }
}

fn put_stream(out: &mut Vec<u8>, stream: &StreamId) {
    for text in [&stream.scope, &stream.group, &stream.stream] {
        put_bytes(out, text.as_bytes());
    }
}

fn stream(reader: &mut Reader<'_>) -> Result<StreamId, Malformed> {
    Ok(StreamId {
        scope: reader.text()?.to_owned(),
        group: reader.text()?.to_owned(),
        stream: reader.text()?.to_owned(),
    })
}

/// When and at which place a change came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// The last sequence before this change; its lines have the next ones.
    pub after: u64,
    pub stored_at_ms: i64,
}

/// Completes a record with its stamp, length and checksum.
pub(crate) fn seal(record: &mut [u8], stamp: Stamp) {
    let (head, payload) = record.split_at_mut(HEAD_BYTES);
    payload[..8].copy_from_slice(&stamp.after.to_le_bytes());
    payload[8..STAMP_BYTES].copy_from_slice(&stamp.stored_at_ms.to_le_bytes());
    head[..4].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    head[4..].copy_from_slice(&crc32fast::hash(payload).to_le_bytes());
}

/// The first record, and how long it is. `None` for whatever is not a whole, undamaged record.
pub(crate) fn first(bytes: &[u8]) -> Option<(Stamp, Change, usize)> {
    let (head, rest) = bytes.split_first_chunk::<HEAD_BYTES>()?;
    let [a, b, c, d, checksum @ ..] = *head;
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    if !(STAMP_BYTES + 1..=RECORD_BYTES_MAX).contains(&length) {
        return None;
    }
    let payload = rest.get(..length)?;
    if crc32fast::hash(payload) != u32::from_le_bytes(checksum) {
        return None;
    }
    let (after, payload) = payload.split_first_chunk::<8>()?;
    let (stored_at, change) = payload.split_first_chunk::<8>()?;
    let stamp = Stamp {
        after: u64::from_le_bytes(*after),
        stored_at_ms: i64::from_le_bytes(*stored_at),
    };
    Some((stamp, Change::decode(change).ok()?, HEAD_BYTES + length))
}

#[cfg(test)]
mod tests;
