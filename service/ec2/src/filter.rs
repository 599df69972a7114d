//! Describe operations: which resources are meant, in which order, and how many at a time.

use std::collections::BTreeMap;

use aws_shape::ec2::Filter;

use crate::error::{Error, with_code};
use crate::model::Tags;

/// What a resource answers to a filter's name. Several values are any of them.
pub(crate) struct Facts {
    values: BTreeMap<&'static str, Vec<String>>,
    tags: Tags,
}

impl Facts {
    pub(crate) fn new(tags: &Tags) -> Self {
        Self {
            values: BTreeMap::new(),
            tags: tags.clone(),
        }
    }

    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.values.entry(name).or_default().push(value.to_string());
        self
    }

    #[must_use]
    pub(crate) fn with_all(mut self, name: &'static str, values: impl IntoIterator<Item = String>) -> Self {
        self.values.entry(name).or_default().extend(values);
        self
    }

    /// # Errors
    /// When a filter has a name that this kind of resource does not know.
    pub(crate) fn match_all(&self, filters: &[Filter]) -> Result<bool, Error> {
        for filter in filters {
            let name = filter.name.as_deref().unwrap_or_default();
            let wanted = filter.values.as_deref().unwrap_or_default();
            let matches = |value: &str| wanted.iter().any(|pattern| like(pattern, value));
            let found = if let Some(key) = name.strip_prefix("tag:") {
                self.tags.get(key).is_some_and(|value| matches(value))
            } else if name == "tag-key" {
                self.tags.keys().any(|key| matches(key))
            } else if let Some(values) = self.values.get(name) {
                values.iter().any(|value| matches(value))
            } else {
                return Err(with_code(
                    "InvalidParameterValue",
                    format!("The filter '{name}' is invalid"),
                ));
            };
            if !found {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// `*` is any text, `?` one character, and a backslash takes the next character as it is.
fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t, mut retry) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p + 1, t));
                p += 1;
                continue;
            }
            Some('?') => {
                (p, t) = (p + 1, t + 1);
                continue;
            }
            Some('\\') if pattern.get(p + 1) == Some(&text[t]) => {
                (p, t) = (p + 2, t + 1);
                continue;
            }
            Some(c) if *c == text[t] => {
                (p, t) = (p + 1, t + 1);
                continue;
            }
            _ => {}
        }
        let Some((after, from)) = retry else { return false };
        (p, t, retry) = (after, from + 1, Some((after, from + 1)));
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// One page of a list: the items and the token for the next page.
pub(crate) fn page<T>(
    items: Vec<T>,
    limit: Option<i32>,
    token: Option<&str>,
) -> Result<(Vec<T>, Option<String>), Error> {
    aws_protocol::page(items, limit, PAGE_ITEMS_MAX, token)
        .map_err(|_| with_code("InvalidNextToken", "The token is invalid or has expired."))
}

const PAGE_ITEMS_MAX: usize = 1000;

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn patterns_match_as_a_whole() {
        for (pattern, text, expected) in [
            ("a*c", "abc", true),
            ("a*c", "abcd", false),
            ("*", "", true),
            ("?", "", false),
            ("a?c*", "abc", true),
            ("*b*b", "abab", true),
            ("\\*", "*", true),
            ("\\*", "x", false),
            ("abc", "abc", true),
        ] {
            assert_eq!(like(pattern, text), expected, "{pattern} on {text}");
        }
    }
}
