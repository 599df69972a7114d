//! Names as they are stored: lower case, with a dot at the end, unusual characters as `\ooo`.

use crate::value;

/// The stored form of a record's or zone's name.
///
/// # Errors
/// What is wrong with it, in AWS's words.
pub(crate) fn normal(given: &str) -> Result<String, String> {
    value::check_name(given)?;
    let mut out = String::new();
    let bytes = given.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'\\' => {
                let digits = bytes
                    .get(at..at + 3)
                    .filter(|it| it.iter().all(|c| (b'0'..=b'7').contains(c)));
                let digits = digits.and_then(|it| std::str::from_utf8(it).ok());
                let code = digits.and_then(|it| u8::from_str_radix(it, 8).ok());
                let code =
                    code.ok_or_else(|| format!("Invalid escape sequence in the domain name: {given}"))?;
                at += 3;
                push(&mut out, code, true);
            }
            b'.' => out.push('.'),
            byte => push(&mut out, byte, false),
        }
    }
    if !out.ends_with('.') {
        out.push('.');
    }
    Ok(out)
}

fn push(out: &mut String, byte: u8, escaped: bool) {
    match byte.to_ascii_lowercase() {
        plain @ (b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_') => out.push(plain.into()),
        // The leftmost label alone, as a wildcard; anything else that looks like one is escaped.
        b'*' if out.is_empty() && !escaped => out.push('*'),
        b'*' if out.is_empty() => out.push('*'),
        other => out.push_str(&format!("\\{other:03o}")),
    }
}

/// As AWS shows it: the wildcard is an escape too.
pub(crate) fn shown(name: &str) -> String {
    match name.strip_prefix('*') {
        Some(rest) => format!("\\052{rest}"),
        None => name.to_owned(),
    }
}

/// Whether a name is the zone's or below it.
pub(crate) fn is_in(name: &str, zone: &str) -> bool {
    name == zone || name.strip_suffix(zone).is_some_and(|head| head.ends_with('.'))
}

/// An id without the kind that AWS puts before it.
pub(crate) fn id(given: &str) -> &str {
    given.rsplit('/').next().unwrap_or_default()
}
