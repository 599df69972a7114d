//! GitHub's patterns for branches, tags and paths ("Filter pattern cheat sheet"): `*` is anything but `/`, `**` is
//! anything, `?` and `+` repeat what stands before them, `[]` is one of some, `!` at the beginning takes back.

use regex::Regex;

/// Patterns in their order; the last one that matches decides.
#[derive(Clone, Debug)]
pub struct Patterns {
    patterns: Vec<Pattern>,
}

#[derive(Clone, Debug)]
struct Pattern {
    written: String,
    negative: bool,
    regex: Regex,
}

impl Patterns {
    /// Reads one pattern after the other; a sentence for each that cannot be.
    pub(crate) fn parse<'a>(written: impl Iterator<Item = &'a str>) -> Result<Self, Vec<(usize, String)>> {
        let mut patterns = Vec::new();
        let mut wrong = Vec::new();
        for (at, written) in written.enumerate() {
            match Pattern::parse(written) {
                Ok(pattern) => patterns.push(pattern),
                Err(why) => wrong.push((at, why)),
            }
        }
        if wrong.is_empty() {
            Ok(Self { patterns })
        } else {
            Err(wrong)
        }
    }

    pub fn matches(&self, name: &str) -> bool {
        let deciding = self
            .patterns
            .iter()
            .rev()
            .find(|pattern| pattern.regex.is_match(name));
        deciding.is_some_and(|pattern| !pattern.negative)
    }

    /// As they were written.
    pub fn written(&self) -> impl Iterator<Item = &str> {
        self.patterns.iter().map(|pattern| pattern.written.as_str())
    }
}

impl Pattern {
    fn parse(written: &str) -> Result<Self, String> {
        // A compiled pattern may take this much memory; GitHub's own are far smaller.
        const COMPILED_BYTES_MAX: usize = 1 << 20;
        let (negative, pattern) = match written.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, written),
        };
        if pattern.is_empty() {
            return Err("the pattern is empty".to_owned());
        }
        let expression = translate(pattern)?;
        let regex = regex::RegexBuilder::new(&expression)
            .size_limit(COMPILED_BYTES_MAX)
            .build()
            .map_err(|_| "the pattern is too long, or repeats what cannot be repeated".to_owned())?;
        Ok(Self {
            written: written.to_owned(),
            negative,
            regex,
        })
    }
}

/// A pattern as a regular expression.
fn translate(pattern: &str) -> Result<String, String> {
    let mut out = String::from(r"(?s)\A");
    let mut rest = pattern;
    let mut repeatable = false;
    while let Some(c) = rest.chars().next() {
        let at_start = rest.len() == pattern.len() || pattern[..pattern.len() - rest.len()].ends_with('/');
        rest = &rest[c.len_utf8()..];
        match c {
            '*' => {
                let stars = rest.len() - rest.trim_start_matches('*').len();
                rest = &rest[stars..];
                match rest.strip_prefix('/') {
                    // `docs/**/x` is also `docs/x`.
                    Some(behind) if stars > 0 && at_start => {
                        out.push_str("(?:.*/)?");
                        rest = behind;
                    }
                    _ => out.push_str(if stars > 0 { ".*" } else { "[^/]*" }),
                }
                repeatable = false;
                continue;
            }
            '?' | '+' if repeatable => {
                out.push(c);
                repeatable = false;
                continue;
            }
            '?' | '+' => return Err(format!("`{c}` has nothing before it that it could repeat")),
            '[' => {
                let Some(end) = rest.find(']') else {
                    return Err("a `[` is not closed".to_owned());
                };
                out.push_str(&class(&rest[..end])?);
                rest = &rest[end + 1..];
            }
            '\\' => {
                let Some(next) = rest.chars().next() else {
                    return Err("`\\` at the end escapes nothing".to_owned());
                };
                out.push_str(&regex::escape(next.encode_utf8(&mut [0; 4])));
                rest = &rest[next.len_utf8()..];
            }
            c => out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
        repeatable = true;
    }
    out.push_str(r"\z");
    Ok(out)
}

/// `[a-z0-9]`: letters, digits and ranges of them.
fn class(inside: &str) -> Result<String, String> {
    let wrong = || format!("`[{inside}]` is no choice of characters such as `[a-z0-9_]`");
    if inside.is_empty() {
        return Err(wrong());
    }
    let mut out = String::from("[");
    let mut chars = inside.chars().peekable();
    while let Some(first) = chars.next() {
        let last = if chars.peek() == Some(&'-') {
            chars.next();
            match chars.next() {
                Some(last) => last,
                None => {
                    // A `-` at the end is itself.
                    out.push_str(&escaped(first));
                    out.push_str("\\-");
                    break;
                }
            }
        } else {
            first
        };
        if last < first {
            return Err(wrong());
        }
        out.push_str(&escaped(first));
        out.push('-');
        out.push_str(&escaped(last));
    }
    out.push(']');
    Ok(out)
}

fn escaped(c: char) -> String {
    if c.is_ascii_punctuation() {
        format!("\\{c}")
    } else {
        c.to_string()
    }
}
