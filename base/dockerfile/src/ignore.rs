//! `.dockerignore`: which paths of a folder are no part of the build context. The rules are those of moby's
//! `patternmatcher`.

use regex::Regex;

/// Each pattern is held against each path.
const PATTERNS_MAX: usize = 10_000;

/// Patterns in their order; the last one that matches decides.
#[derive(Clone, Debug, Default)]
pub struct Ignore {
    patterns: Vec<Pattern>,
}

#[derive(Clone, Debug)]
struct Pattern {
    regex: Regex,
    /// `!`: takes back what an earlier pattern took away.
    keeps: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IgnoreError {
    /// From 1.
    pub line: usize,
    pub message: String,
}

impl std::fmt::Display for IgnoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, ".dockerignore:{}: {}", self.line, self.message)
    }
}

impl std::error::Error for IgnoreError {}

impl Ignore {
    pub fn parse(text: &str) -> Result<Self, IgnoreError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut patterns = Vec::new();
        for (number, line) in text.lines().enumerate() {
            if line.starts_with('#') {
                continue;
            }
            let line = line.trim();
            let (keeps, pattern) = match line.strip_prefix('!') {
                Some(rest) => (true, rest.trim()),
                None => (false, line),
            };
            let wrong = |message: String| IgnoreError {
                line: number + 1,
                message,
            };
            if pattern.is_empty() {
                if keeps {
                    return Err(wrong("`!` is not followed by a pattern".to_owned()));
                }
                continue;
            }
            if patterns.len() >= PATTERNS_MAX {
                return Err(wrong(format!("there are more than {PATTERNS_MAX} patterns")));
            }
            patterns.push(Pattern::new(pattern, keeps).map_err(wrong)?);
        }
        Ok(Self { patterns })
    }

    /// The same rules for patterns of another place, such as `COPY --exclude`.
    ///
    /// # Errors
    /// A sentence without a full stop.
    pub fn of(patterns: &[String]) -> Result<Self, String> {
        let read = |text: &String| match text.strip_prefix('!') {
            Some(rest) => Pattern::new(rest, true),
            None => Pattern::new(text, false),
        };
        Ok(Self {
            patterns: patterns.iter().map(read).collect::<Result<_, _>>()?,
        })
    }

    /// Whether a path (with `/`, relative to the context) is left out, by itself or with a folder above it.
    pub fn is_ignored(&self, path: &str) -> bool {
        let path = path.trim_matches('/');
        let mut ignored = false;
        for pattern in &self.patterns {
            if pattern.keeps == ignored && pattern.matches(path) {
                ignored = !pattern.keeps;
            }
        }
        ignored
    }

    /// Whether anything below an ignored folder may come back, so that the folder must be walked all the same.
    pub fn may_keep_below(&self) -> bool {
        self.patterns.iter().any(|pattern| pattern.keeps)
    }
}

impl Pattern {
    fn new(text: &str, keeps: bool) -> Result<Self, String> {
        let text = clean(text);
        let regex = Regex::new(&to_regex(&text)).map_err(|_| format!("`{text}` is not a pattern"))?;
        Ok(Self { regex, keeps })
    }

    fn matches(&self, path: &str) -> bool {
        let parents = path.match_indices('/').map(|(at, _)| &path[..at]);
        parents.chain([path]).any(|path| self.regex.is_match(path))
    }
}

/// Without `.`, empty parts, leading and trailing `/`; `a/../b` is `b`.
fn clean(pattern: &str) -> String {
    let rooted = pattern.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in pattern.split('/') {
        match part {
            "" | "." => {}
            // Above the context there is nothing to match.
            ".." if !rooted && parts.last().is_none_or(|last| *last == "..") => parts.push(".."),
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    if parts.is_empty() {
        ".".to_owned()
    } else {
        parts.join("/")
    }
}

fn to_regex(pattern: &str) -> String {
    if pattern == "." {
        // The context itself cannot be left out.
        return "$.".to_owned();
    }
    let mut regex = "(?s)^".to_owned();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' if chars.peek() == Some(&'*') => {
                chars.next();
                if chars.peek() == Some(&'/') {
                    chars.next();
                }
                match chars.peek() {
                    None => regex.push_str(".*"),
                    Some(_) => regex.push_str("(.*/)?"),
                }
            }
            '*' => regex.push_str("[^/]*"),
            '?' => regex.push_str("[^/]"),
            '[' => {
                regex.push('[');
                if chars.peek() == Some(&'^') {
                    regex.extend(chars.next());
                }
                for c in chars.by_ref() {
                    match c {
                        ']' => break,
                        '[' | '&' | '~' => regex.extend(['\\', c]),
                        c => regex.push(c),
                    }
                }
                regex.push(']');
            }
            '\\' => {
                let literal = chars.next().unwrap_or('\\');
                regex.push_str(&regex::escape(literal.encode_utf8(&mut [0; 4])));
            }
            c => regex.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    regex.push('$');
    regex
}

#[cfg(test)]
mod tests;
