//! An expression's words. The rules are those of GitHub's runner: a word ends at a blank or at one of `()[],.!<>=&|`.

use std::ops::Range;

use base_diagnostic::Problem;

use crate::value::parse_number;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    /// A context, a property or a function: what it is, the parser knows.
    Name(String),
    /// `(`, `[`, `,`, `.`, `*`, `!`, `==` …
    Sign(&'static str),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub kind: Kind,
    pub span: Range<usize>,
}

const SIGNS: [&str; 16] = [
    "==", "!=", "<=", ">=", "&&", "||", "(", ")", "[", "]", ",", ".", "*", "!", "<", ">",
];

fn ends_word(c: char) -> bool {
    "()[],.!<>=&|".contains(c) || c.is_whitespace()
}

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Problem> {
    let mut found: Vec<Token> = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let starts_number = c.is_ascii_digit()
            || matches!(c, '-' | '+')
            || (c == '.' && begins_operand(found.last().map(|token| &token.kind)));
        let (kind, end) = if c == '\'' {
            quoted(text, at)?
        } else if starts_number {
            number(text, at)?
        } else if let Some(sign) = SIGNS.iter().find(|sign| text[at..].starts_with(**sign)) {
            (Kind::Sign(sign), at + sign.len())
        } else {
            let after_dot = found.last().is_some_and(|token| token.kind == Kind::Sign("."));
            name(text, at, after_dot)?
        };
        found.push(Token { kind, span: at..end });
        at = end;
    }
    Ok(found)
}

/// Whether a value may stand behind a word: only there `.5` is a number.
fn begins_operand(last: Option<&Kind>) -> bool {
    match last {
        None => true,
        Some(Kind::Sign(sign)) => !matches!(*sign, ")" | "]" | "*" | "."),
        Some(_) => false,
    }
}

fn quoted(text: &str, start: usize) -> Result<(Kind, usize), Problem> {
    let mut value = String::new();
    let mut at = start + 1;
    loop {
        let Some(length) = text[at..].find('\'') else {
            return Err(Problem::new(start..text.len(), "the text has no closing quote")
                .hint("a quote inside of a text is written twice: 'it''s'"));
        };
        value.push_str(&text[at..at + length]);
        at += length + 1;
        if !text[at..].starts_with('\'') {
            return Ok((Kind::Text(value), at));
        }
        value.push('\'');
        at += 1;
    }
}

fn number(text: &str, start: usize) -> Result<(Kind, usize), Problem> {
    let rest = &text[start..];
    let end = start
        + rest
            .char_indices()
            .skip(1)
            .find(|(_, c)| ends_word(*c) && *c != '.')
            .map_or(rest.len(), |(at, _)| at);
    let number = parse_number(&text[start..end]);
    if number.is_nan() {
        let message = format!("`{}` is not a number", &text[start..end]);
        return Err(Problem::new(start..end, message)
            .hint("there is no arithmetic in expressions; numbers are such as -9.2, 0xff and 2.99e-2"));
    }
    Ok((Kind::Number(number), end))
}

fn name(text: &str, start: usize, after_dot: bool) -> Result<(Kind, usize), Problem> {
    let rest = &text[start..];
    let end = start
        + rest
            .char_indices()
            .skip(1)
            .find(|(_, c)| ends_word(*c))
            .map_or(rest.len(), |(at, _)| at);
    let word = &text[start..end];
    if !is_name(word) {
        let problem = Problem::new(start..end, format!("`{word}` cannot stand here"));
        return Err(problem.hint(match word.get(..1).unwrap_or_default() {
            "\"" => "texts have single quotes: 'text'",
            "=" => "values are compared with `==`",
            "&" => "both is written `&&`",
            "|" => "either is written `||`",
            _ => "names have letters, digits, `_` and `-`, and begin with a letter or `_`",
        }));
    }
    let kind = match word {
        _ if after_dot => Kind::Name(word.to_owned()),
        "null" => Kind::Null,
        "true" => Kind::Bool(true),
        "false" => Kind::Bool(false),
        "NaN" => Kind::Number(f64::NAN),
        "Infinity" => Kind::Number(f64::INFINITY),
        _ => Kind::Name(word.to_owned()),
    };
    Ok((kind, end))
}

pub(crate) fn is_name(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}
