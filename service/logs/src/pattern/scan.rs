//! A pattern's text, read from the left.

use regex::{Regex, RegexBuilder};

use super::PatternError;

/// What a compiled regular expression may take.
const REGEX_BYTES_MAX: usize = 1 << 20;
/// Characters that AWS allows in a regular expression beside letters and digits.
const REGEX_SYMBOLS: &str = ":_#=@/;,-^$?[]{}|\\*+.";

pub(super) struct Scan<'a> {
    text: &'a str,
    /// In bytes.
    at: usize,
}

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    pub(super) fn skip_space(&mut self) {
        self.take_while(char::is_whitespace);
    }

    pub(super) fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// Takes this text if it comes next.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        let comes = self.rest().starts_with(text);
        if comes {
            self.at += text.len();
        }
        comes
    }

    /// Takes this word if it comes next and ends there; spaces before it too.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let start = self.at;
        self.skip_space();
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        if self.eat(word) && ends(self.rest()) {
            return true;
        }
        self.at = start;
        false
    }

    pub(super) fn expect(&mut self, text: &str, whole: &str) -> Result<(), PatternError> {
        self.skip_space();
        if self.eat(text) {
            return Ok(());
        }
        match self.peek() {
            Some(other) => Err(self.invalid_character(other)),
            None => Err(self.error(format!(
                "Invalid filter pattern: {whole} does not end with '{text}'"
            ))),
        }
    }

    /// What is wrong, here.
    pub(super) fn error(&self, message: impl Into<String>) -> PatternError {
        self.error_at(self.at, message)
    }

    pub(super) fn error_at(&self, at: usize, message: impl Into<String>) -> PatternError {
        PatternError {
            character: self.text[..at].chars().count() + 1,
            message: message.into(),
        }
    }

    pub(super) fn invalid_character(&self, character: char) -> PatternError {
        self.error(format!("Invalid character(s) in term '{character}'"))
    }

    /// A text in quotation marks; `\` keeps what follows from its meaning.
    pub(super) fn quoted(&mut self, mark: char) -> Result<String, PatternError> {
        let start = self.at;
        self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                Some(c) if c == mark => return Ok(text),
                Some('\\') => text.extend(self.next()),
                Some(other) => text.push(other),
                None => {
                    let message = "Invalid filter pattern: a quotation mark is not closed";
                    return Err(self.error_at(start, message));
                }
            }
        }
    }

    /// `%…%`, and what every text has in it that it matches.
    pub(super) fn regex(&mut self) -> Result<(Regex, Vec<String>), PatternError> {
        let start = self.at;
        self.next();
        let body = self.at;
        loop {
            let here = self.at;
            match self.next() {
                Some('%') => break,
                Some('\\') => match self.next() {
                    Some(escaped) if escaped.is_ascii_graphic() => {}
                    _ => return Err(self.error_at(here, "Invalid character(s) in term '\\'")),
                },
                Some(c) if c.is_ascii_alphanumeric() || REGEX_SYMBOLS.contains(c) => {}
                Some(other) => {
                    let message = format!("Invalid character(s) in term '{other}'");
                    return Err(self.error_at(here, message));
                }
                None => {
                    let message = "Invalid filter pattern: a regular expression is not closed by '%'";
                    return Err(self.error_at(start, message));
                }
            }
        }
        let text = &self.text[body..self.at - 1];
        if text.is_empty() {
            return Err(self.error_at(start, "Invalid filter pattern: a regular expression is empty"));
        }
        let regex = RegexBuilder::new(text).size_limit(REGEX_BYTES_MAX).build();
        let regex = regex.map_err(|_| {
            self.error_at(
                start,
                format!("Invalid filter pattern: '{text}' is not a valid regular expression"),
            )
        })?;
        Ok((regex, certain(text)))
    }

    pub(super) fn place(&self) -> usize {
        self.at
    }
}

/// Runs of plain characters that are in whatever this expression matches.
fn certain(regex: &str) -> Vec<String> {
    let mut runs = vec![String::new()];
    // Classes, counts and characters by number are not looked into.
    if regex.contains(['|', '[', '{'])
        || ["\\x", "\\u", "\\U", "\\p", "\\P"]
            .iter()
            .any(|it| regex.contains(it))
    {
        return Vec::new();
    }
    let mut chars = regex.chars().peekable();
    while let Some(c) = chars.next() {
        let literal = match c {
            '\\' => chars.next().filter(|it| !it.is_ascii_alphanumeric()),
            '^' | '$' | '.' | '?' | '*' | '+' | ']' | '}' => None,
            other => Some(other),
        };
        let repeated = matches!(chars.peek(), Some('?' | '*' | '+'));
        match literal {
            Some(literal) if !repeated => runs.last_mut().expect("there is always one").push(literal),
            _ => runs.push(String::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}
