//! Filter patterns: which lines are meant, in AWS's language for metric filters, subscription filters, FilterLogEvents
//! and Live Tail.
//!
//! Four kinds, told apart by their first character: `{ … }` for JSON, `[ … ]` for lines of fields, `%…%` for a regular
//! expression, and terms for everything else. All of it is pure.

mod error;
mod expression;
mod json;
mod scan;
mod selector;
mod space;
mod terms;
mod test;

pub(crate) use error::PatternError;
pub(crate) use selector::Selector;

use std::collections::BTreeMap;

use expression::Expression;
use json::JsonPattern;
use regex::Regex;
use scan::Scan;
use space::SpacePattern;
use terms::Terms;

/// Regular expressions in one pattern for JSON or fields.
const REGEXES_MAX: usize = 2;

/// A pattern, ready to be matched.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Terms(Terms),
    Regex(Regex, Vec<String>),
    Json(JsonPattern),
    Space(SpacePattern),
}

/// A line that a pattern matched, as the pattern reads it.
#[derive(Clone, Debug)]
pub(crate) enum Matched {
    Text,
    Json(serde_json::Value),
    /// Names (`ip`, or `3` for the third field when it has none) and values, in their order.
    Fields(Vec<(String, String)>),
}

impl Pattern {
    /// # Errors
    /// What is wrong with the pattern, and where.
    pub(crate) fn parse(text: &str) -> Result<Self, PatternError> {
        let mut scan = Scan::new(text);
        scan.skip_space();
        let kind = match scan.peek() {
            Some('{') => Kind::Json(JsonPattern::parse(&mut scan)?),
            Some('[') => Kind::Space(SpacePattern::parse(&mut scan)?),
            Some('%') => {
                let (regex, contains) = scan.regex()?;
                Kind::Regex(regex, contains)
            }
            _ => Kind::Terms(Terms::parse(&mut scan)?),
        };
        scan.skip_space();
        match scan.peek() {
            None => Ok(Self(kind)),
            Some(other) => Err(scan.invalid_character(other)),
        }
    }

    pub(crate) fn matches(&self, line: &str) -> bool {
        match &self.0 {
            Kind::Terms(terms) => terms.matches(line),
            Kind::Regex(regex, _) => regex.is_match(line),
            Kind::Json(_) | Kind::Space(_) => self.read(line).is_some(),
        }
    }

    /// What the pattern read, when it matches.
    pub(crate) fn read(&self, line: &str) -> Option<Matched> {
        match &self.0 {
            Kind::Json(pattern) => pattern.read(line).map(Matched::Json),
            Kind::Space(pattern) => pattern.read(line).map(Matched::Fields),
            Kind::Terms(_) | Kind::Regex(..) => self.matches(line).then_some(Matched::Text),
        }
    }

    /// What the pattern itself names in a line that it matched, under the names that AWS gives: `$ip`, `$.a.b`.
    pub(crate) fn extracted(&self, matched: &Matched) -> BTreeMap<String, String> {
        match (&self.0, matched) {
            (Kind::Json(pattern), Matched::Json(value)) => {
                let selectors = pattern.selectors().into_iter();
                selectors
                    .filter_map(|it| Some((it.to_string(), it.text(value)?)))
                    .collect()
            }
            (_, Matched::Fields(fields)) => fields
                .iter()
                .map(|(name, value)| (format!("${name}"), value.clone()))
                .collect(),
            _ => BTreeMap::new(),
        }
    }

    /// Substrings that every line that matches has in it. A writer of JSON that hides plain letters and digits behind
    /// `\u0041` is not thought of.
    pub(crate) fn contains(&self) -> Vec<String> {
        match &self.0 {
            Kind::Terms(terms) => terms.contains(),
            Kind::Regex(_, contains) => contains.clone(),
            Kind::Json(pattern) => pattern.contains(),
            Kind::Space(pattern) => pattern.contains(),
        }
    }

    /// Whether it names parts of a line: what dimensions and values of a metric filter are taken from.
    pub(crate) fn is_structured(&self) -> bool {
        matches!(self.0, Kind::Json(_) | Kind::Space(_))
    }

    /// The names of fields that a pattern for fields gives; none for any other pattern.
    pub(crate) fn field_names(&self) -> Option<Vec<&str>> {
        match &self.0 {
            Kind::Space(pattern) => Some(pattern.names().collect()),
            _ => None,
        }
    }

    /// Whether there is a regular expression in it, of which a group's filters may have few.
    pub(crate) fn has_regex(&self) -> bool {
        match &self.0 {
            Kind::Terms(_) => false,
            Kind::Regex(..) => true,
            Kind::Json(pattern) => pattern.has_regex(),
            Kind::Space(pattern) => pattern.has_regex(),
        }
    }
}

impl Matched {
    /// The value under `$.a.b` (JSON) or `$name` (fields).
    pub(crate) fn value(&self, name: &str) -> Option<String> {
        match self {
            Self::Text => None,
            Self::Json(value) => Selector::parse(name).ok()?.text(value),
            Self::Fields(fields) => {
                let name = name.strip_prefix('$')?;
                let found = fields.iter().find(|(it, _)| it == name);
                found.map(|(_, value)| value.clone())
            }
        }
    }
}

#[cfg(test)]
mod tests;
