//! Names, of records and in values: labels between dots, unusual characters as `\ooo` (octal).

use super::Problem;

const LABEL_BYTES_MAX: usize = 63;
/// On the wire, where each label has its length before it and the root's, nought, is at the end.
const NAME_BYTES_MAX: usize = 255;
/// Digits of an escape.
const ESCAPE_DIGITS: usize = 3;

/// A name in a value; an asterisk is a character like another.
pub(super) fn check(name: &str) -> Result<(), Problem> {
    labels(name).map(drop)
}

/// A record's name. As a wildcard an asterisk is the whole of the leftmost label; in other labels it means itself.
pub(super) fn check_wild(name: &str) -> Result<(), Problem> {
    if labels(name)?
        .first()
        .is_some_and(|it| it.bytes > 1 && it.text.contains('*'))
    {
        return Err(Problem::unsupported('*'));
    }
    Ok(())
}

struct Label<'a> {
    /// As it is written.
    text: &'a str,
    bytes: usize,
}

impl<'a> Label<'a> {
    /// The first label of `text`, which may be empty, and what is after its dot if it has one.
    fn first(text: &'a str) -> Result<(Self, Option<&'a str>), Problem> {
        let (mut bytes, mut rest) = (0, text);
        let after = loop {
            let mut characters = rest.chars();
            rest = match characters.next() {
                None => break None,
                Some('.') => break Some(characters.as_str()),
                Some('\\') => escape(characters.as_str())?,
                Some('!'..='~') => characters.as_str(),
                Some(other) => return Err(Problem::unsupported(other)),
            };
            bytes += 1;
        };
        let text = &text[..text.len() - rest.len()];
        Ok((Self { text, bytes }, after))
    }
}

fn labels(name: &str) -> Result<Vec<Label<'_>>, Problem> {
    let mut found = Vec::new();
    if name == "." {
        // The root has none.
        return Ok(found);
    }
    let mut rest = Some(name);
    // The dot at the end may be missing.
    while let Some(text) = rest.filter(|it| found.is_empty() || !it.is_empty()) {
        let (label, after) = Label::first(text)?;
        found.push(label);
        rest = after;
    }
    if found.iter().any(|it| it.bytes == 0) {
        return Err(Problem::new("DomainLabelEmpty", "Domain label is empty", name));
    }
    if let Some(label) = found.iter().find(|it| it.bytes > LABEL_BYTES_MAX) {
        return Err(Problem::new(
            "DomainLabelTooLong",
            "Domain label is too long",
            label.text,
        ));
    }
    if found.iter().map(|it| it.bytes + 1).sum::<usize>() + 1 > NAME_BYTES_MAX {
        return Err(Problem::new("DomainNameTooLong", "Domain name is too long", name));
    }
    Ok(found)
}

/// What is after the escape that `rest`, which is after a backslash, begins with.
pub(super) fn escape(rest: &str) -> Result<&str, Problem> {
    let (digits, after) = rest
        .split_at_checked(ESCAPE_DIGITS)
        .ok_or_else(|| Problem::unsupported('\\'))?;
    let octal = digits.bytes().all(|it| (b'0'..=b'7').contains(&it));
    if !octal || u8::from_str_radix(digits, 8).is_err() {
        return Err(Problem::unsupported('\\'));
    }
    Ok(after)
}
