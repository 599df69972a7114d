//! Names as they are looked up: labels in lower case, each after its length, as on the wire. A name's parents are its
//! own tails, so walking up a tree costs no allocation.

use hickory_proto::rr::Name;

pub(crate) const NAME_BYTES_MAX: usize = 255;
const LABEL_BYTES_MAX: usize = 63;

/// From the form in which zones are written: dots between labels, `\ooo` (octal) for what is no letter, digit, hyphen
/// or underscore. The dot at the end may be missing.
pub(crate) fn parse(text: &str) -> Result<Vec<u8>, String> {
    let mut wire = parse_as_written(text)?;
    wire.make_ascii_lowercase();
    Ok(wire)
}

/// Like [`parse`], with the case kept: for names that are data.
pub(crate) fn parse_as_written(text: &str) -> Result<Vec<u8>, String> {
    let bad = |why: &str| Err(format!("{text} is no name: {why}"));
    let mut wire = Vec::with_capacity(text.len() + 2);
    if text != "." && !text.is_empty() {
        let (mut label, mut bytes) = (Vec::new(), text.bytes());
        loop {
            match bytes.next() {
                Some(b'\\') => match unescape(&mut bytes) {
                    Some(byte) => label.push(byte),
                    None => return bad("an escape is not finished"),
                },
                Some(byte) if byte != b'.' => label.push(byte),
                end => {
                    if end.is_none() && label.is_empty() {
                        break;
                    }
                    match u8::try_from(label.len()) {
                        Ok(length) if (1..=LABEL_BYTES_MAX).contains(&label.len()) => wire.push(length),
                        _ => return bad("a label has 1 to 63 bytes"),
                    }
                    wire.append(&mut label);
                    if end.is_none() {
                        break;
                    }
                }
            }
        }
    }
    wire.push(0);
    if wire.len() > NAME_BYTES_MAX {
        return bad("it is longer than 255 bytes");
    }
    Ok(wire)
}

/// What follows a backslash: three octal digits, or a character that means itself.
pub(crate) fn unescape(bytes: &mut std::str::Bytes<'_>) -> Option<u8> {
    let first = bytes.next()?;
    if !first.is_ascii_digit() {
        return Some(first);
    }
    let mut number = u32::from(first - b'0');
    for _ in 0..2 {
        let digit = bytes.next().filter(|byte| (b'0'..=b'7').contains(byte))?;
        number = number * 8 + u32::from(digit - b'0');
    }
    u8::try_from(number).ok()
}

/// Of a name in a packet.
pub(crate) fn key(name: &Name) -> Vec<u8> {
    let mut wire = Vec::with_capacity(64);
    for label in name.iter() {
        // The decoder lets no label through that is longer than 63 bytes.
        wire.push(u8::try_from(label.len()).unwrap_or(u8::MAX));
        wire.extend(label.iter().map(u8::to_ascii_lowercase));
    }
    wire.push(0);
    wire
}

pub(crate) fn to_name(wire: &[u8]) -> Name {
    let mut name = Name::from_labels(labels(wire)).unwrap_or_else(|_| Name::root());
    name.set_fqdn(true);
    name
}

pub(crate) fn labels(wire: &[u8]) -> impl Iterator<Item = &[u8]> {
    tails(wire).filter_map(|tail| {
        tail.get(1..=usize::from(tail[0]))
            .filter(|label| !label.is_empty())
    })
}

/// The name itself, its parent, and so on up to the root.
pub(crate) fn tails(wire: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(wire).filter(|wire| !wire.is_empty());
    std::iter::from_fn(move || {
        let tail = rest?;
        rest = match tail[0] {
            0 => None,
            length => tail
                .get(usize::from(length) + 1..)
                .filter(|rest| !rest.is_empty()),
        };
        Some(tail)
    })
}

/// Whether `name` is `zone` or below it.
pub(crate) fn within(name: &[u8], zone: &[u8]) -> bool {
    tails(name).any(|tail| tail == zone)
}

#[cfg(test)]
mod tests;
