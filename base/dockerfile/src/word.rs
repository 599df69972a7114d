//! Words: where one ends, and what is in it once quotes, escapes and variables are gone.

use std::ops::Range;

use regex::Regex;

use crate::instruction::{Port, Protocol, Word};
use crate::line::Line;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpandError {
    /// A sentence without a full stop.
    pub message: String,
    pub hint: Option<String>,
}

impl ExpandError {
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
        }
    }
}

/// Splits at white space outside of quotes; the words stay as written. Ranges of the line's text.
pub(crate) fn quoted_ranges(text: &str, from: usize, escape: char) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut start: Option<usize> = None;
    let mut quote = None;
    let mut chars = text[from..].char_indices().map(|(at, c)| (at + from, c));
    while let Some((at, c)) = chars.next() {
        if quote.is_none() && c.is_whitespace() {
            ranges.extend(start.take().map(|start| start..at));
            continue;
        }
        start.get_or_insert(at);
        if c == escape && quote != Some('\'') {
            chars.next();
        } else if quote == Some(c) {
            quote = None;
        } else if quote.is_none() && matches!(c, '"' | '\'') {
            quote = Some(c);
        }
    }
    ranges.extend(start.map(|start| start..text.len()));
    ranges
}

pub(crate) fn quoted_words(line: &Line, from: usize, escape: char) -> Vec<Word> {
    let ranges = quoted_ranges(&line.text, from, escape);
    ranges.into_iter().map(|range| word(line, range)).collect()
}

/// Splits at white space, whatever the quotes.
pub(crate) fn plain_words(line: &Line, from: usize) -> Vec<Word> {
    let base = line.text.as_ptr() as usize;
    let words = line.text[from..].split_whitespace();
    words
        .map(|part| {
            let start = part.as_ptr() as usize - base;
            word(line, start..start + part.len())
        })
        .collect()
}

pub(crate) fn word(line: &Line, range: Range<usize>) -> Word {
    Word {
        text: line.text[range.clone()].to_owned(),
        span: line.span(range),
    }
}

/// Removes quotes and escapes and replaces variables, as Docker's own word processing does. `look_up` answers
/// `None` for what is not set.
pub(crate) fn expand(
    text: &str,
    escape: char,
    look_up: &dyn Fn(&str) -> Option<String>,
) -> Result<String, ExpandError> {
    let mut expansion = Expansion {
        rest: text,
        escape,
        look_up,
        depth: 0,
        quotes: true,
    };
    expansion.until(None, false)
}

/// Replaces variables and removes escapes, but leaves quotes alone: for the text of here-documents, whose escape
/// character is always `\`.
pub(crate) fn expand_document(
    text: &str,
    look_up: &dyn Fn(&str) -> Option<String>,
) -> Result<String, ExpandError> {
    let mut expansion = Expansion {
        rest: text,
        escape: '\\',
        look_up,
        depth: 0,
        quotes: false,
    };
    expansion.until(None, false)
}

/// What a word comes to may have this many bytes: a variable that doubles itself line by line has no other end.
const EXPANDED_BYTES_MAX: usize = 1 << 20;
/// `${A:-${B:-…}}` may be nested this deep.
const DEPTH_MAX: usize = 32;

struct Expansion<'a> {
    rest: &'a str,
    escape: char,
    look_up: &'a dyn Fn(&str) -> Option<String>,
    depth: usize,
    /// Quotes mean something.
    quotes: bool,
}

impl Expansion<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    /// Up to the end, or up to and with `stop`. `raw` keeps escapes, for patterns have their own.
    fn until(&mut self, stop: Option<char>, raw: bool) -> Result<String, ExpandError> {
        let mut out = String::new();
        while let Some(c) = self.next() {
            match c {
                c if Some(c) == stop => return Ok(out),
                '\'' if self.quotes => self.single_quoted(&mut out)?,
                '"' if self.quotes => self.double_quoted(&mut out)?,
                '$' => {
                    self.variable(&mut out)?;
                    limited(out.len())?;
                }
                c if c == self.escape && raw => {
                    out.push('\\');
                    out.extend(self.next());
                }
                c if c == self.escape => out.extend(self.next().or(Some(c))),
                c => out.push(c),
            }
        }
        match stop {
            Some(stop) => Err(ExpandError::new(format!("a `{stop}` is missing"))),
            None => Ok(out),
        }
    }

    fn single_quoted(&mut self, out: &mut String) -> Result<(), ExpandError> {
        let Some(end) = self.rest.find('\'') else {
            return Err(ExpandError::new("a closing single quote is missing"));
        };
        out.push_str(&self.rest[..end]);
        self.rest = &self.rest[end + 1..];
        Ok(())
    }

    fn double_quoted(&mut self, out: &mut String) -> Result<(), ExpandError> {
        loop {
            match self.next() {
                None => return Err(ExpandError::new("a closing double quote is missing")),
                Some('"') => return Ok(()),
                Some('$') => {
                    self.variable(out)?;
                    limited(out.len())?;
                }
                Some(c) if c == self.escape => match self.next() {
                    Some(next) if next == '"' || next == '$' || next == self.escape => out.push(next),
                    Some(next) => out.extend([c, next]),
                    None => return Err(ExpandError::new("a closing double quote is missing")),
                },
                Some(c) => out.push(c),
            }
        }
    }

    fn variable(&mut self, out: &mut String) -> Result<(), ExpandError> {
        if self.rest.starts_with('{') {
            self.next();
            return self.braced(out);
        }
        let name = self.name();
        if name.is_empty() {
            // A lone dollar is a dollar.
            out.push('$');
        } else if let Some(value) = (self.look_up)(&name) {
            out.push_str(&value);
        }
        Ok(())
    }

    fn braced(&mut self, out: &mut String) -> Result<(), ExpandError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(ExpandError::new(format!(
                "variables are nested more than {DEPTH_MAX} deep"
            )));
        }
        let name = self.name();
        if name.is_empty() {
            return Err(ExpandError::new("`${` is not followed by the name of a variable"));
        }
        let value = (self.look_up)(&name);
        let operator = self.next();
        if operator == Some('}') {
            out.push_str(&value.unwrap_or_default());
            self.depth -= 1;
            return Ok(());
        }
        let out_of = match operator {
            Some('#' | '%' | '/') => self.cut(&value.unwrap_or_default(), operator)?,
            _ => self.choose(&name, value, operator)?,
        };
        out.push_str(&out_of);
        self.depth -= 1;
        Ok(())
    }

    /// `:-`, `-`, `:+`, `+`, `:?`, `?` and what follows up to the brace.
    fn choose(
        &mut self,
        name: &str,
        value: Option<String>,
        mut operator: Option<char>,
    ) -> Result<String, ExpandError> {
        let empty_counts_as_unset = operator == Some(':');
        if empty_counts_as_unset {
            operator = self.next();
        }
        let set = value
            .as_ref()
            .is_some_and(|value| !(empty_counts_as_unset && value.is_empty()));
        let Some(operator @ ('-' | '+' | '?')) = operator else {
            return Err(ExpandError {
                message: format!("`${{{name}…}}` uses a form that is not known"),
                hint: Some(
                    "these are: ${X} ${X:-default} ${X-default} ${X:+other} ${X+other} ${X:?error} ${X?error} \
                     ${X#prefix} ${X##prefix} ${X%suffix} ${X%%suffix} ${X/from/to} ${X//from/to}"
                        .into(),
                ),
            });
        };
        let other = self.until(Some('}'), false)?;
        match operator {
            '-' if !set => Ok(other),
            '+' if set => Ok(other),
            '+' => Ok(String::new()),
            '?' if !set => {
                let why = if other.is_empty() {
                    "it must be set".to_owned()
                } else {
                    other
                };
                Err(ExpandError::new(format!("variable `{name}`: {why}")))
            }
            _ => Ok(value.unwrap_or_default()),
        }
    }

    /// `#`, `##`, `%`, `%%`, `/`, `//`: takes away or replaces what a pattern finds in the value.
    fn cut(&mut self, value: &str, operator: Option<char>) -> Result<String, ExpandError> {
        let twice = self.rest.starts_with(|c| Some(c) == operator);
        if twice {
            self.next();
        }
        if operator == Some('/') {
            let from = self.until(Some('/'), true)?;
            let to = self.until(Some('}'), false)?;
            let pattern = pattern(&from, true)?;
            let times = if twice {
                pattern.find_iter(value).count()
            } else {
                1
            };
            limited(times.saturating_mul(to.len()))?;
            let to = regex::NoExpand(&to);
            return Ok(if twice {
                pattern.replace_all(value, to).into_owned()
            } else {
                pattern.replace(value, to).into_owned()
            });
        }
        let text = self.until(Some('}'), true)?;
        if operator == Some('#') {
            let found = anchored(&text, twice)?.find(value).map_or(0, |found| found.end());
            return Ok(value[found..].to_owned());
        }
        // A suffix is the prefix of what is written backwards.
        let backwards: String = value.chars().rev().collect();
        let found = anchored(&reversed(&text), twice)?
            .find(&backwards)
            .map_or(0, |found| found.end());
        Ok(value[..value.len() - found].to_owned())
    }

    fn name(&mut self) -> String {
        let first = self.rest.chars().next();
        // `$1`, `$?` and the like are a shell's own: nothing here has such names.
        if first.is_some_and(|c| c.is_ascii_digit()) {
            let length = self.rest.find(|c: char| !c.is_ascii_digit());
            let (name, rest) = self.rest.split_at(length.unwrap_or(self.rest.len()));
            self.rest = rest;
            return name.to_owned();
        }
        if let Some(special) = first.filter(|c| "@*#?-$!".contains(*c)) {
            self.next();
            return special.to_string();
        }
        let length = self
            .rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(length);
        self.rest = rest;
        name.to_owned()
    }
}

fn limited(length: usize) -> Result<(), ExpandError> {
    if length > EXPANDED_BYTES_MAX {
        return Err(ExpandError::new(format!(
            "with its variables it has more than {EXPANDED_BYTES_MAX} bytes"
        )));
    }
    Ok(())
}

/// A shell's pattern (`*`, `?`, escapes) as a regular expression; with `greedy` it takes as much as it can.
fn pattern(text: &str, greedy: bool) -> Result<Regex, ExpandError> {
    let mut regex = "(?s)".to_owned();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '*' if greedy => regex.push_str(".*"),
            '*' => regex.push_str(".*?"),
            '?' => regex.push('.'),
            c => {
                let literal = if c == '\\' { chars.next().unwrap_or(c) } else { c };
                regex.push_str(&regex::escape(literal.encode_utf8(&mut [0; 4])));
            }
        }
    }
    Regex::new(&regex).map_err(|_| ExpandError::new(format!("the pattern `{text}` is too long")))
}

fn anchored(text: &str, greedy: bool) -> Result<Regex, ExpandError> {
    let free = pattern(text, greedy)?;
    Regex::new(&format!("^(?:{})", free.as_str()))
        .map_err(|_| ExpandError::new(format!("the pattern `{text}` is too long")))
}

/// A pattern written backwards: escapes stay before what they escape.
fn reversed(text: &str) -> String {
    let mut units = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let mut unit = c.to_string();
        if c == '\\' {
            unit.extend(chars.next());
        }
        units.push(unit);
    }
    units.into_iter().rev().collect()
}

/// `8080`, `8080/udp`, `8000-8010`: after variables are replaced.
pub fn parse_ports(text: &str) -> Result<Vec<Port>, ExpandError> {
    let wrong = |why: &str| ExpandError {
        message: format!("`{text}` is not a port: {why}"),
        hint: Some("write a number from 1 to 65535, such as `EXPOSE 8080` or `EXPOSE 53/udp`".to_owned()),
    };
    let (numbers, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = match protocol.to_ascii_lowercase().as_str() {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        "sctp" => Protocol::Sctp,
        _ => return Err(wrong("the protocol is tcp, udp or sctp")),
    };
    let (first, last) = numbers.split_once('-').unwrap_or((numbers, numbers));
    let number = |text: &str| match text.parse::<u16>() {
        Ok(number) if number > 0 && text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(number),
        _ => Err(wrong("that is no number from 1 to 65535")),
    };
    let (first, last) = (number(first)?, number(last)?);
    if first > last {
        return Err(wrong("the range ends before it begins"));
    }
    Ok((first..=last).map(|number| Port { number, protocol }).collect())
}

#[cfg(test)]
mod tests;
