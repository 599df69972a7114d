//! What a value is compared with: `= 4*`, `!= "text"`, `> 1000`, `= %regex%`.

use regex::Regex;

use super::PatternError;
use super::scan::Scan;

/// One comparison.
#[derive(Clone, Debug)]
pub(super) enum Test {
    Text {
        equal: bool,
        glob: Glob,
    },
    Number {
        operator: Operator,
        number: f64,
        /// As it was written: what a value that is no number is compared with.
        glob: Glob,
    },
    Regex {
        equal: bool,
        regex: Regex,
        contains: Vec<String>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

const OPERATORS: [(&str, Operator); 6] = [
    ("!=", Operator::NotEqual),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("=", Operator::Equal),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

/// A text with `*` for anything before it or after it. Inside, `*` is itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Glob {
    text: String,
    open_start: bool,
    open_end: bool,
}

impl Glob {
    fn new(text: &str) -> Self {
        let (open_start, rest) = text.strip_prefix('*').map_or((false, text), |rest| (true, rest));
        let (open_end, rest) = rest.strip_suffix('*').map_or((false, rest), |rest| (true, rest));
        Self {
            text: rest.to_owned(),
            open_start,
            // A lone star is open on both sides.
            open_end: open_end || text == "*",
        }
    }

    fn matches(&self, value: &str) -> bool {
        match (self.open_start, self.open_end) {
            (false, false) => value == self.text,
            (true, false) => value.ends_with(&self.text),
            (false, true) => value.starts_with(&self.text),
            (true, true) => value.contains(&self.text),
        }
    }
}

impl Test {
    /// An operator and what follows it.
    pub(super) fn parse(scan: &mut Scan<'_>) -> Result<Self, PatternError> {
        scan.skip_space();
        let place = scan.place();
        let found = OPERATORS.iter().find(|(text, _)| scan.eat(text));
        let Some((_, operator)) = found else {
            return Err(match scan.peek() {
                Some(other) => scan.invalid_character(other),
                None => scan.error("Invalid filter pattern: a condition has no operator"),
            });
        };
        let equal = match operator {
            Operator::Equal => Some(true),
            Operator::NotEqual => Some(false),
            _ => None,
        };
        scan.skip_space();
        match (scan.peek(), equal) {
            (Some('%'), Some(equal)) => {
                let (regex, contains) = scan.regex()?;
                Ok(Self::Regex {
                    equal,
                    regex,
                    contains,
                })
            }
            (Some('"'), Some(equal)) => Ok(Self::Text {
                equal,
                glob: Glob::new(&scan.quoted('"')?),
            }),
            _ => Self::plain(scan, *operator, equal, place),
        }
    }

    fn plain(
        scan: &mut Scan<'_>,
        operator: Operator,
        equal: Option<bool>,
        place: usize,
    ) -> Result<Self, PatternError> {
        let text = scan.take_while(|c| c.is_alphanumeric() || "_.*+-".contains(c));
        if text.is_empty() {
            return Err(match scan.peek() {
                Some(other) => scan.invalid_character(other),
                None => scan.error("Invalid filter pattern: nothing follows an operator"),
            });
        }
        match (number(text), equal) {
            (Some(number), _) => Ok(Self::Number {
                operator,
                number,
                glob: Glob::new(text),
            }),
            (None, Some(equal)) => Ok(Self::Text {
                equal,
                glob: Glob::new(text),
            }),
            (None, None) => {
                let message = format!("Invalid filter pattern: '{text}' is not a number");
                Err(scan.error_at(place, message))
            }
        }
    }

    /// `number` is the value as a number, where it is one.
    pub(super) fn holds(&self, text: &str, value: Option<f64>) -> bool {
        match self {
            Self::Text { equal, glob } => glob.matches(text) == *equal,
            Self::Regex { equal, regex, .. } => regex.is_match(text) == *equal,
            Self::Number {
                operator,
                number,
                glob,
            } => {
                let same = value.map_or_else(|| glob.matches(text), |it| it == *number);
                match operator {
                    Operator::Equal => same,
                    Operator::NotEqual => !same,
                    Operator::Less => value.is_some_and(|it| it < *number),
                    Operator::LessOrEqual => value.is_some_and(|it| it <= *number),
                    Operator::Greater => value.is_some_and(|it| it > *number),
                    Operator::GreaterOrEqual => value.is_some_and(|it| it >= *number),
                }
            }
        }
    }

    pub(super) fn is_regex(&self) -> bool {
        matches!(self, Self::Regex { .. })
    }

    /// What every text has in it that this holds for.
    pub(super) fn contains(&self) -> Vec<String> {
        match self {
            Self::Text { equal: true, glob } if !glob.text.is_empty() => vec![glob.text.clone()],
            Self::Regex {
                equal: true,
                contains,
                ..
            } => contains.clone(),
            _ => Vec::new(),
        }
    }
}

/// A number as AWS writes it: a sign, digits, a fraction, an exponent.
pub(super) fn number(text: &str) -> Option<f64> {
    let looks = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
    if !text.chars().all(looks) {
        return None;
    }
    text.parse().ok().filter(|it: &f64| it.is_finite())
}
