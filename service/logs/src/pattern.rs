//! Filter patterns: unstructured terms. `a b` wants both, `?a ?b` one of them, `-a` none of it, `"a b"` the phrase.
//!
//! Patterns for JSON, for space-delimited lines and regular expressions are refused until they are served: a pattern
//! that matched everything would be a lie.

use aws_protocol::ApiError;

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Pattern {
    all: Vec<String>,
    any: Vec<String>,
    none: Vec<String>,
}

impl Pattern {
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        let text = text.trim();
        if text.starts_with(['{', '[', '%']) {
            let message = "Invalid filter pattern: Wharf serves terms, \"phrases\", ?optional and -excluded ones; not yet JSON, space-delimited and regular expression patterns.";
            return Err(ApiError::client("InvalidParameterException", message));
        }
        let mut pattern = Self::default();
        let mut rest = text;
        while !rest.is_empty() {
            let kind = rest.chars().next().filter(|first| ['?', '-'].contains(first));
            let body = if kind.is_some() { &rest[1..] } else { rest };
            let (term, after) = term(body)?;
            match kind {
                Some('?') => pattern.any.push(term),
                Some(_) => pattern.none.push(term),
                None => pattern.all.push(term),
            }
            rest = after.trim_start();
        }
        Ok(pattern)
    }

    pub(crate) fn matches(&self, line: &str) -> bool {
        let has = |term: &String| line.contains(term.as_str());
        // As in CloudWatch, optional terms have no say beside required ones.
        let any = !self.all.is_empty() || self.any.is_empty() || self.any.iter().any(has);
        self.all.iter().all(has) && any && !self.none.iter().any(has)
    }
}

/// The first term and what follows it.
fn term(text: &str) -> Result<(String, &str), ApiError> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        return Ok((text[..end].to_owned(), &text[end..]));
    };
    let mut term = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((term, &quoted[at + 1..])),
            '\\' => term.extend(chars.next().map(|(_, escaped)| escaped)),
            other => term.push(other),
        }
    }
    Err(ApiError::client(
        "InvalidParameterException",
        "Invalid filter pattern: a quotation mark is not closed.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_match_as_cloudwatch_says() {
        for (pattern, line, expected) in [
            ("", "anything", true),
            ("ERROR", "an ERROR here", true),
            ("ERROR", "an error here", false),
            ("ERROR disk", "ERROR on disk", true),
            ("ERROR disk", "ERROR on net", false),
            ("\"on disk\"", "ERROR on disk", true),
            ("\"disk on\"", "ERROR on disk", false),
            ("?ERROR ?WARN", "a WARN", true),
            ("?ERROR ?WARN", "an INFO", false),
            ("ERROR -disk", "ERROR on disk", false),
            ("ERROR -disk", "ERROR on net", true),
            ("-disk", "net", true),
            ("\"a \\\" b\"", "x a \" b", true),
        ] {
            assert_eq!(
                Pattern::parse(pattern).unwrap().matches(line),
                expected,
                "{pattern} on {line}"
            );
        }
        for refused in ["{ $.a = 1 }", "[a, b]", "%x%", "\"open"] {
            assert!(Pattern::parse(refused).is_err(), "{refused}");
        }
    }
}
