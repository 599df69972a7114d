//! Strings in quotation marks, each of 255 bytes at most.

use super::{Problem, domain};

/// The length is one byte on the wire.
const STRING_BYTES_MAX: usize = 255;

/// One string or several, with or without spaces between them.
pub(super) fn strings(value: &str) -> Result<(), Problem> {
    let mut rest = value.trim_ascii();
    loop {
        rest = one(rest, value)?.trim_ascii_start();
        if rest.is_empty() {
            return Ok(());
        }
    }
}

/// Just one string.
pub(super) fn string(value: &str) -> Result<(), Problem> {
    if one(value, value)?.is_empty() {
        return Ok(());
    }
    Err(bare(value))
}

fn bare(value: &str) -> Problem {
    Problem::new(
        "InvalidCharacterString",
        "Value should be enclosed in quotation marks",
        value,
    )
}

/// What is after the string that `text`, a part of `value`, begins with.
fn one<'a>(text: &'a str, value: &str) -> Result<&'a str, Problem> {
    let mut rest = text.strip_prefix('"').ok_or_else(|| bare(value))?;
    let mut bytes = 0;
    loop {
        let mut characters = rest.chars();
        let character = characters.next().ok_or_else(|| bare(value))?;
        rest = match character {
            '"' => break,
            '\\' => escaped(characters.as_str(), value)?,
            ' '..='~' => characters.as_str(),
            other => return Err(Problem::unsupported(other)),
        };
        bytes += 1;
    }
    let after = &rest[1..];
    if bytes > STRING_BYTES_MAX {
        let found = &text[..text.len() - after.len()];
        return Err(Problem::new("CharacterStringTooLong", "Value is too long", found));
    }
    Ok(after)
}

/// Three octal digits, or a character that means itself.
fn escaped<'a>(rest: &'a str, value: &str) -> Result<&'a str, Problem> {
    match rest.chars().next() {
        None => Err(Problem::new(
            "UnexpectedEndOfInput",
            "Value ends within an escape",
            value,
        )),
        Some('0'..='9') => domain::escape(rest),
        Some(' '..='~') => Ok(&rest[1..]),
        Some(other) => Err(Problem::unsupported(other)),
    }
}
