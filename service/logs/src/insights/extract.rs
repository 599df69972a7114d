//! `parse`: new fields out of a text, by a pattern with `*` or by a regular expression with named groups.

use regex::Regex;

use super::expression::{Expression, Scope};
use super::value::Value;

#[derive(Debug)]
pub(super) struct Extract {
    pub(super) from: Expression,
    pub(super) regex: Regex,
    /// Of the groups in their order.
    pub(super) names: Vec<String>,
}

impl Extract {
    /// The regular expression of a pattern with `*`; the last one takes all that is left when nothing follows it.
    pub(super) fn glob(pattern: &str) -> String {
        let parts: Vec<String> = pattern.split('*').map(regex::escape).collect();
        let ends_open = pattern.ends_with('*');
        let mut regex = "(?s)".to_owned();
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                let last = at + 1 == parts.len();
                regex.push_str(if last && ends_open { "(.*)" } else { "(.*?)" });
            }
            regex.push_str(part);
        }
        regex
    }

    /// Names and values; none when the text does not match.
    pub(super) fn fields(&self, scope: &dyn Scope) -> Vec<(String, Value)> {
        let text = self.from.value(scope);
        if text.is_null() {
            return Vec::new();
        }
        let text = text.text();
        let Some(found) = self.regex.captures(&text) else {
            return Vec::new();
        };
        let named = |(at, name): (usize, &String)| {
            let group = found.name(name).or_else(|| found.get(at + 1))?;
            Some((name.clone(), Value::Text(group.as_str().to_owned())))
        };
        self.names.iter().enumerate().filter_map(named).collect()
    }
}
