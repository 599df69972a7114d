//! A query's text, read from the left; comments go to the end of their line.

use regex::{Regex, RegexBuilder};

use super::QueryError;

/// What a compiled regular expression may take.
const REGEX_BYTES_MAX: usize = 1 << 20;

pub(super) struct Source<'a> {
    text: &'a str,
    /// In bytes.
    at: usize,
}

impl<'a> Source<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn place(&self) -> usize {
        self.at
    }

    /// The text since then, without what surrounds it.
    pub(super) fn since(&self, place: usize) -> &'a str {
        self.text[place..self.at].trim()
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Leaves out what means nothing.
    pub(super) fn skip(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            if !trimmed.starts_with('#') {
                return;
            }
            self.at += trimmed.find('\n').unwrap_or(trimmed.len());
        }
    }

    pub(super) fn peek(&mut self) -> Option<char> {
        self.skip();
        self.rest().chars().next()
    }

    pub(super) fn eat(&mut self, symbol: &str) -> bool {
        self.skip();
        let comes = self.rest().starts_with(symbol);
        if comes {
            self.at += symbol.len();
        }
        comes
    }

    /// Takes this word if it comes next, in whatever case.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        self.skip();
        let (rest, length) = (self.rest(), word.len());
        let comes = rest.get(..length).is_some_and(|it| it.eq_ignore_ascii_case(word))
            && !rest[length..].starts_with(is_name);
        if comes {
            self.at += length;
        }
        comes
    }

    pub(super) fn expect(&mut self, symbol: &str) -> Result<(), QueryError> {
        if self.eat(symbol) {
            return Ok(());
        }
        Err(self.unexpected())
    }

    /// A name, bare or between backticks.
    pub(super) fn name(&mut self) -> Result<String, QueryError> {
        self.skip();
        let rest = self.rest();
        if let Some(quoted) = rest.strip_prefix('`') {
            let Some(end) = quoted.find('`') else {
                return Err(self.error(self.at, "a backtick is not closed"));
            };
            self.at += end + 2;
            return Ok(quoted[..end].to_owned());
        }
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        if end == 0 || rest.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return Err(self.unexpected());
        }
        self.at += end;
        Ok(rest[..end].to_owned())
    }

    /// Digits, a fraction, an exponent.
    pub(super) fn number(&mut self) -> Result<f64, QueryError> {
        self.skip();
        let (start, rest) = (self.at, self.rest());
        let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let mut end = digits(rest);
        if let Some(fraction) = rest[end..].strip_prefix('.') {
            end += 1 + digits(fraction);
        }
        if let Some(exponent) = rest[end..].strip_prefix(['e', 'E']) {
            let sign = usize::from(exponent.starts_with(['+', '-']));
            let length = digits(&exponent[sign..]);
            end += if length > 0 { 1 + sign + length } else { 0 };
        }
        let number = rest[..end].parse().map_err(|_| self.unexpected())?;
        self.at = start + end;
        Ok(number)
    }

    /// A number with the letters that follow it: `5m`.
    pub(super) fn period(&mut self) -> Result<(i64, &'a str), QueryError> {
        self.skip();
        let rest = self.rest();
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let unit = &rest[digits..];
        let letters = unit
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(unit.len());
        let count = rest[..digits].parse().map_err(|_| self.unexpected())?;
        self.at += digits + letters;
        Ok((count, &unit[..letters]))
    }

    /// A text in quotation marks of either kind.
    pub(super) fn text(&mut self) -> Result<String, QueryError> {
        let Some(mark @ ('"' | '\'')) = self.peek() else {
            return Err(self.unexpected());
        };
        let (start, mut text) = (self.at, String::new());
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    Some((_, escaped)) if escaped == mark || escaped == '\\' => text.push(escaped),
                    Some((_, other)) => text.extend(['\\', other]),
                    None => break,
                },
                c if c == mark => {
                    self.at = start + at + 1;
                    return Ok(text);
                }
                other => text.push(other),
            }
        }
        Err(self.error(start, "a quotation mark is not closed"))
    }

    /// `/…/`
    pub(super) fn regex(&mut self) -> Result<Regex, QueryError> {
        let (Some('/'), start) = (self.peek(), self.at) else {
            return Err(self.unexpected());
        };
        let (mut text, mut chars) = (String::new(), self.rest().char_indices().skip(1));
        while let Some((at, c)) = chars.next() {
            match c {
                '/' => {
                    self.at = start + at + 1;
                    let regex = RegexBuilder::new(&text).size_limit(REGEX_BYTES_MAX).build();
                    return regex.map_err(|_| {
                        self.error(start, format!("/{text}/ is not a valid regular expression"))
                    });
                }
                // The slash alone needs no escape once it is inside.
                '\\' => match chars.next() {
                    Some((_, '/')) => text.push('/'),
                    Some((_, escaped)) => text.extend(['\\', escaped]),
                    None => break,
                },
                other => text.push(other),
            }
        }
        Err(self.error(start, "a regular expression is not closed"))
    }

    /// The next word or symbol does not belong here.
    pub(super) fn unexpected(&mut self) -> QueryError {
        self.skip();
        let rest = self.rest();
        if rest.is_empty() {
            return self.error(self.at, "unexpected end of the query");
        }
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        let word = match rest[..end].is_empty() {
            true => rest.chars().next().map_or(0, char::len_utf8),
            false => end,
        };
        let mut error = self.error(self.at, format!("unexpected symbol found {}", &rest[..word]));
        error.end = error.start + rest[..word].chars().count();
        error
    }

    /// What is wrong, from this place to where we are.
    pub(super) fn error(&self, from: usize, message: impl Into<String>) -> QueryError {
        let before = &self.text[..from];
        let start = before.chars().count();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let length = self.text.get(from..self.at).map_or(0, |it| it.chars().count());
        QueryError {
            start,
            end: start + length.max(1),
            line: before.matches('\n').count() + 1,
            position: before[line_start..].chars().count() + 1,
            message: message.into(),
        }
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '@' | '.')
}
