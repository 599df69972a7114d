//! The fields of a value, with white space between them, and the numbers among them.

use super::Problem;

const WORDS: [&str; 8] = ["No", "One", "Two", "Three", "Four", "Five", "Six", "Seven"];

/// A value of just so many fields.
pub(super) fn fields<'a, const N: usize>(kind: &str, value: &'a str) -> Result<[&'a str; N], Problem> {
    <[&str; N]>::try_from(split(value)).map_err(|_| too_few(kind, N, value))
}

/// That a value has not as many fields as its type demands.
pub(super) fn too_few(kind: &str, count: usize, value: &str) -> Problem {
    let word = WORDS.get(count).copied().unwrap_or("Enough");
    Problem::new(
        format!("{kind}RRDATANot{word}Fields"),
        format!("{kind} record doesn't have {count} fields"),
        value,
    )
}

/// What is between white space; white space between quotation marks does not count.
pub(super) fn split(value: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut start, mut quoted, mut escaped) = (None, false, false);
    for (at, character) in value.char_indices() {
        if character.is_ascii_whitespace() && !quoted {
            found.extend(start.take().map(|start| &value[start..at]));
            escaped = false;
            continue;
        }
        start.get_or_insert(at);
        if character == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = character == '\\' && !escaped;
    }
    found.extend(start.map(|start| &value[start..]));
    found
}

/// A whole number in decimal digits, without a sign.
pub(super) fn number(kind: &str, what: &str, text: &str, max: u32) -> Result<u32, Problem> {
    let digits = text.bytes().all(|it| it.is_ascii_digit());
    let found = text.parse::<u32>().ok().filter(|&it| digits && it <= max);
    found.ok_or_else(|| {
        let sentence = format!("{} is not a number from 0 to {max}", capital(what));
        Problem::new(code(kind, what), sentence, text)
    })
}

/// `DSRRDATAIllegalKeyTag` from `DS` and `key tag`.
pub(super) fn code(kind: &str, what: &str) -> String {
    let words: String = what.split(' ').map(capital).collect();
    format!("{kind}RRDATAIllegal{words}")
}

pub(super) fn capital(word: &str) -> String {
    let mut rest = word.chars();
    let first = rest.next().map(|it| it.to_ascii_uppercase());
    first.into_iter().chain(rest).collect()
}

/// Several numbers of a record of this type.
pub(super) struct Numbers<'a>(pub(super) &'a str);

impl Numbers<'_> {
    pub(super) fn all(&self, named: &[(&str, &str)], max: u32) -> Result<(), Problem> {
        for (what, text) in named {
            number(self.0, what, text, max)?;
        }
        Ok(())
    }
}
