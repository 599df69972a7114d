//! What expressions are about: GitHub's values with its rules of truth, text, numbers and comparison.

pub(crate) mod json;

use std::cmp::Ordering;
use std::collections::HashMap;

/// A value of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Value>),
    Map(Map),
}

/// A mapping that keeps its order and is looked up without regard to case, as GitHub's contexts are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Map {
    entries: Vec<(String, Value)>,
    /// Where a name, in capitals, is among the entries.
    places: HashMap<String, usize>,
}

impl Map {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value, or replaces the one of that name where it stands.
    pub fn insert(&mut self, name: impl Into<String>, value: Value) {
        let name = name.into();
        let upper = fold(&name);
        if let Some(&at) = self.places.get(&upper) {
            self.entries[at].1 = value;
        } else {
            self.places.insert(upper, self.entries.len());
            self.entries.push((name, value));
        }
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.places.get(&fold(name)).map(|&at| &self.entries[at].1)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.entries.iter().map(|(name, value)| (name.as_str(), value))
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(name, _)| name.as_str())
    }

    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.entries.iter().map(|(_, value)| value)
    }

    pub(crate) fn extend_with<'a>(&mut self, entries: impl Iterator<Item = (&'a str, &'a Value)>) {
        for (name, value) in entries {
            self.insert(name, value.clone());
        }
    }

    pub(crate) fn into_values(self) -> impl Iterator<Item = Value> {
        self.entries.into_iter().map(|(_, value)| value)
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<N: Into<String>> FromIterator<(N, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (N, Value)>>(entries: I) -> Self {
        let mut map = Self::new();
        for (name, value) in entries {
            map.insert(name, value);
        }
        map
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

impl Value {
    /// `false`, `0`, `-0`, NaN, `''` and null are false; everything else, also an empty list, is true.
    pub fn truthy(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(value) => *value,
            Self::Number(number) => *number != 0.0 && !number.is_nan(),
            Self::Text(text) => !text.is_empty(),
            Self::List(_) | Self::Map(_) => true,
        }
    }

    /// As `${{ }}` puts it into a text: null is nothing, a list is `Array`, a mapping is `Object`.
    pub fn text(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Bool(value) => value.to_string(),
            Self::Number(number) => number_text(*number),
            Self::Text(text) => text.clone(),
            Self::List(_) => "Array".to_owned(),
            Self::Map(_) => "Object".to_owned(),
        }
    }

    /// As GitHub turns a value into a number; NaN where it is none.
    pub fn number(&self) -> f64 {
        match self {
            Self::Null => 0.0,
            Self::Bool(value) => f64::from(u8::from(*value)),
            Self::Number(number) => *number,
            Self::Text(text) => parse_number(text),
            Self::List(_) | Self::Map(_) => f64::NAN,
        }
    }

    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(value) => (*value).into(),
            Self::Number(number) => number_json(*number),
            Self::Text(text) => text.clone().into(),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Map(map) => map
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_json()))
                .collect(),
        }
    }

    pub fn from_json(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(value) => Self::Bool(*value),
            serde_json::Value::Number(number) => Self::Number(number.as_f64().unwrap_or(f64::NAN)),
            serde_json::Value::String(text) => Self::Text(text.clone()),
            serde_json::Value::Array(items) => Self::List(items.iter().map(Self::from_json).collect()),
            serde_json::Value::Object(entries) => Self::Map(
                entries
                    .iter()
                    .map(|(name, value)| (name.clone(), Self::from_json(value)))
                    .collect(),
            ),
        }
    }

    /// Neither a list nor a mapping.
    pub(crate) fn is_primitive(&self) -> bool {
        !matches!(self, Self::List(_) | Self::Map(_))
    }

    /// The text in capitals, to be compared without regard to case.
    pub(crate) fn folded(&self) -> String {
        fold(&self.text())
    }

    /// GitHub's `==`: texts without regard to case, unlike types as numbers, lists and mappings never (they would be
    /// equal only if they were the same object).
    pub fn loosely_equals(&self, other: &Self) -> bool {
        self.loosely_compares(other) == Some(Ordering::Equal)
    }

    /// GitHub's order; none where a NaN, a list or a mapping is involved.
    pub fn loosely_compares(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Null, Self::Null) => Some(Ordering::Equal),
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            // The order is that of UTF-16, as in .NET.
            (Self::Text(a), Self::Text(b)) => Some(fold(a).encode_utf16().cmp(fold(b).encode_utf16())),
            (a, b) => a.number().partial_cmp(&b.number()),
        }
    }
}

/// A character in capitals, where that is one character too, as .NET's ordinal comparison does it: there `ı` is no `I`.
fn fold_char(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) if c.is_ascii() || !one.is_ascii() => one,
        _ => c,
    }
}

pub(crate) fn fold(text: &str) -> String {
    text.chars().map(fold_char).collect()
}

pub(crate) fn starts_with_ignoring_case(
    mut whole: impl Iterator<Item = char>,
    mut part: impl Iterator<Item = char>,
) -> bool {
    part.all(|c| whole.next().map(fold_char) == Some(fold_char(c)))
}

/// Numbers as .NET's `G15` writes them: at most 15 digits that count, an exponent where it is below -4 or from 15 on.
pub(crate) fn number_text(number: f64) -> String {
    const DIGITS_MAX: i32 = 15;
    if number == 0.0 {
        return "0".to_owned();
    }
    if !number.is_finite() {
        return if number.is_nan() {
            "NaN".to_owned()
        } else if number > 0.0 {
            "Infinity".to_owned()
        } else {
            "-Infinity".to_owned()
        };
    }
    let rounded = format!("{:.*e}", DIGITS_MAX as usize - 1, number);
    let (digits, exponent) = rounded.split_once('e').unwrap_or((&rounded, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..DIGITS_MAX).contains(&exponent) {
        let digits = digits.trim_end_matches('0').trim_end_matches('.');
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}E{sign}{:02}", exponent.abs());
    }
    let places = (DIGITS_MAX - 1 - exponent).max(0) as usize;
    let text = format!("{number:.places$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// A number in JSON: whole ones without a point; what JSON cannot say is null.
fn number_json(number: f64) -> serde_json::Value {
    const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= WHOLE_MAX {
        serde_json::Value::from(number as i64)
    } else {
        serde_json::Number::from_f64(number).map_or(serde_json::Value::Null, serde_json::Value::Number)
    }
}

/// A text as a number by GitHub's rules; nothing is 0, what is no number is NaN.
pub(crate) fn parse_number(text: &str) -> f64 {
    let text = text.trim();
    let radix = |digits: &str, radix: u32| {
        let plain = digits.chars().all(|c| c.is_digit(radix));
        // 32 bits, the highest of which is the sign, as in .NET.
        let number = u32::from_str_radix(digits, radix).ok().filter(|_| plain);
        number.map_or(f64::NAN, |number| f64::from(number.cast_signed()))
    };
    if text.is_empty() {
        0.0
    } else if let Some(digits) = text.strip_prefix("0x") {
        radix(digits, 16)
    } else if let Some(digits) = text.strip_prefix("0o") {
        radix(digits, 8)
    } else {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        // Rust also reads `inf` and `infinity`, which are none here.
        let known = unsigned == "Infinity" || unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.');
        if known {
            text.parse().unwrap_or(f64::NAN)
        } else {
            f64::NAN
        }
    }
}

#[cfg(test)]
mod tests;
