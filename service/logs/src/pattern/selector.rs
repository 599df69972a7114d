//! Where in a JSON text: `$.users[0].id`, `$.items[*].name`, `$.['cluster.name']`.

use std::fmt;

use serde_json::Value;

use super::PatternError;
use super::scan::Scan;

/// `[*]` and `.*` in one selector.
const WILDCARDS_MAX: usize = 1;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selector {
    steps: Vec<Step>,
    /// As it was written.
    text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
    Every,
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Selector {
    /// # Errors
    /// When the whole text is not one selector.
    pub(crate) fn parse(text: &str) -> Result<Self, PatternError> {
        let mut scan = Scan::new(text);
        let selector = Self::scan(&mut scan)?;
        match scan.peek() {
            None => Ok(selector),
            Some(other) => Err(scan.invalid_character(other)),
        }
    }

    pub(super) fn scan(scan: &mut Scan<'_>) -> Result<Self, PatternError> {
        scan.skip_space();
        let (start, from) = (scan.place(), scan.rest());
        if !scan.eat("$") {
            return Err(match scan.peek() {
                Some(other) => scan.invalid_character(other),
                None => scan.error("Invalid filter pattern: a property selector such as $.name is missing"),
            });
        }
        let mut steps = Vec::new();
        loop {
            if scan.eat(".") {
                if scan.peek() == Some('[') {
                    continue;
                }
                steps.push(key(scan)?);
            } else if scan.eat("[") {
                steps.push(bracket(scan)?);
            } else {
                break;
            }
        }
        if steps.is_empty() {
            return Err(match scan.peek() {
                Some(other) if !other.is_whitespace() => scan.invalid_character(other),
                _ => scan.error("Invalid filter pattern: no property follows '$'"),
            });
        }
        let selector = Self {
            steps,
            text: from[..scan.place() - start].to_owned(),
        };
        if selector.wildcards() > WILDCARDS_MAX {
            let message =
                format!("Invalid filter pattern: a property selector has at most {WILDCARDS_MAX} wildcard");
            return Err(scan.error_at(start, message));
        }
        Ok(selector)
    }

    pub(super) fn wildcards(&self) -> usize {
        self.steps.iter().filter(|step| **step == Step::Every).count()
    }

    /// The keys that a text must have for anything to be found.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            _ => None,
        })
    }

    /// All values that are meant; one at most without a wildcard.
    pub(super) fn find<'a>(&self, root: &'a Value) -> Vec<&'a Value> {
        let mut found = vec![root];
        for step in &self.steps {
            found = found.into_iter().flat_map(|value| step.of(value)).collect();
        }
        found
    }

    /// The first value that is meant, as text.
    pub(crate) fn text(&self, root: &Value) -> Option<String> {
        self.find(root).first().map(|value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    }
}

impl Step {
    fn of<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        match (self, value) {
            (Self::Key(key), Value::Object(members)) => members.get(key).into_iter().collect(),
            (Self::Index(index), Value::Array(items)) => items.get(*index).into_iter().collect(),
            (Self::Every, Value::Array(items)) => items.iter().collect(),
            (Self::Every, Value::Object(members)) => members.values().collect(),
            _ => Vec::new(),
        }
    }
}

fn key(scan: &mut Scan<'_>) -> Result<Step, PatternError> {
    if scan.eat("*") {
        return Ok(Step::Every);
    }
    let name = scan.take_while(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if name.is_empty() {
        return Err(match scan.peek() {
            Some(other) => scan.invalid_character(other),
            None => scan.error("Invalid filter pattern: no property follows '.'"),
        });
    }
    Ok(Step::Key(name.to_owned()))
}

/// What follows `[`: `0]`, `*]`, `'key']`, `"key"]`.
fn bracket(scan: &mut Scan<'_>) -> Result<Step, PatternError> {
    scan.skip_space();
    let step = match scan.peek() {
        Some(mark @ ('\'' | '"')) => Step::Key(scan.quoted(mark)?),
        Some('*') => {
            scan.next();
            Step::Every
        }
        Some(c) if c.is_ascii_digit() => {
            let place = scan.place();
            let digits = scan.take_while(|c| c.is_ascii_digit());
            let index = digits.parse();
            Step::Index(
                index.map_err(|_| scan.error_at(place, "Invalid filter pattern: the index is too large"))?,
            )
        }
        Some(other) => return Err(scan.invalid_character(other)),
        None => return Err(scan.error("Invalid filter pattern: '[' is not closed")),
    };
    scan.expect("]", "an index")?;
    Ok(step)
}
