//! Patterns for lines of fields between spaces: `[ip, user, ..., status = 4*, bytes > 1000]`.
//!
//! A field in quotation marks or square brackets is one, without them. The last field that is named takes the rest of
//! the line, as in AWS's own `[timestamp=*Z, request_id="*-*", event]`; after an ellipsis fields are counted from the
//! end.

use super::scan::Scan;
use super::test::{Test, number};
use super::{Expression, PatternError, REGEXES_MAX};

#[derive(Clone, Debug)]
pub(super) struct SpacePattern {
    /// Before the ellipsis, or all.
    head: Vec<Field>,
    /// After the ellipsis, if there is one.
    tail: Option<Vec<Field>>,
}

#[derive(Clone, Debug, Default)]
struct Field {
    /// Without one the field goes by its number.
    name: Option<String>,
    condition: Option<Expression<Test>>,
}

impl SpacePattern {
    pub(super) fn parse(scan: &mut Scan<'_>) -> Result<Self, PatternError> {
        let start = scan.place();
        scan.next();
        let (mut head, mut tail) = (Vec::new(), None::<Vec<Field>>);
        scan.skip_space();
        if scan.eat("]") {
            let tail = Some(Vec::new());
            return Ok(Self { head, tail });
        }
        loop {
            scan.skip_space();
            let place = scan.place();
            if scan.eat("...") || scan.eat("…") {
                if tail.is_some() {
                    return Err(
                        scan.error_at(place, "Invalid filter pattern: there is more than one ellipsis")
                    );
                }
                tail = Some(Vec::new());
            } else {
                let field = Field::parse(scan)?;
                let named = head.iter().chain(tail.iter().flatten());
                if let Some(name) = &field.name
                    && named.clone().any(|it: &Field| it.name.as_ref() == Some(name))
                {
                    let message = format!("Invalid filter pattern: the field name '{name}' comes twice");
                    return Err(scan.error_at(place, message));
                }
                tail.as_mut().unwrap_or(&mut head).push(field);
            }
            scan.skip_space();
            if !scan.eat(",") {
                break;
            }
        }
        scan.expect("]", "the filter pattern")?;
        let pattern = Self { head, tail };
        if pattern.tests().iter().filter(|it| it.is_regex()).count() > REGEXES_MAX {
            let message = format!(
                "Invalid filter pattern: a filter pattern has at most {REGEXES_MAX} regular expressions"
            );
            return Err(scan.error_at(start, message));
        }
        Ok(pattern)
    }

    fn fields(&self) -> impl Iterator<Item = &Field> {
        self.head.iter().chain(self.tail.iter().flatten())
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.fields().filter_map(|it| it.name.as_deref())
    }

    fn tests(&self) -> Vec<&Test> {
        let mut tests = Vec::new();
        for condition in self.fields().filter_map(|it| it.condition.as_ref()) {
            condition.each(&mut |test| tests.push(test));
        }
        tests
    }

    /// Names and values, when the line matches.
    pub(super) fn read(&self, line: &str) -> Option<Vec<(String, String)>> {
        let parts = match self.tail {
            None => split(line, self.head.len()),
            Some(_) => split(line, usize::MAX),
        };
        let tail = self.tail.as_deref().unwrap_or_default();
        if parts.len() < self.head.len() + tail.len() {
            return None;
        }
        let tail_start = parts.len() - tail.len();
        let field = |at: usize| match at {
            at if at < self.head.len() => Some(&self.head[at]),
            at if at >= tail_start => Some(&tail[at - tail_start]),
            _ => None,
        };
        let mut read = Vec::with_capacity(parts.len());
        for (at, value) in parts.into_iter().enumerate() {
            let field = field(at);
            let condition = field.and_then(|it| it.condition.as_ref());
            if condition.is_some_and(|it| !it.holds(&|test| test.holds(value, number(value)))) {
                return None;
            }
            let name = field.and_then(|it| it.name.clone());
            read.push((name.unwrap_or_else(|| (at + 1).to_string()), value.to_owned()));
        }
        Some(read)
    }

    pub(super) fn has_regex(&self) -> bool {
        self.tests().iter().any(|it| it.is_regex())
    }

    pub(super) fn contains(&self) -> Vec<String> {
        let mut contains = Vec::new();
        for condition in self.fields().filter_map(|it| it.condition.as_ref()) {
            condition.required(&mut |test| contains.extend(test.contains()));
        }
        contains
    }
}

impl Field {
    /// `name`, `name = 4* && name != 404`, or nothing.
    fn parse(scan: &mut Scan<'_>) -> Result<Self, PatternError> {
        let mut name = None::<String>;
        scan.skip_space();
        if matches!(scan.peek(), Some(',' | ']')) {
            return Ok(Self::default());
        }
        let expression = Expression::parse(scan, &mut |scan| {
            scan.skip_space();
            let place = scan.place();
            let word = scan.take_while(|c| c.is_alphanumeric() || c == '_' || c == '-');
            if word.is_empty() {
                return Err(match scan.peek() {
                    Some(other) => scan.invalid_character(other),
                    None => scan.error("Invalid filter pattern: '[' is not closed"),
                });
            }
            let known = name.get_or_insert_with(|| word.to_owned());
            if !known.eq_ignore_ascii_case(word) {
                let message = format!("Invalid filter pattern: '{word}' is not the field '{known}'");
                return Err(scan.error_at(place, message));
            }
            scan.skip_space();
            if matches!(scan.peek(), Some(',' | ']')) {
                return Ok(None);
            }
            Test::parse(scan).map(Some)
        })?;
        let condition = match expression {
            Expression::One(test) => test.map(Expression::One),
            joined => Some(all_tests(joined, scan)?),
        };
        Ok(Self { name, condition })
    }
}

/// In a joined condition each part is a comparison.
fn all_tests(joined: Expression<Option<Test>>, scan: &Scan<'_>) -> Result<Expression<Test>, PatternError> {
    let parts = |parts: Vec<Expression<Option<Test>>>| {
        parts
            .into_iter()
            .map(|part| all_tests(part, scan))
            .collect::<Result<Vec<_>, _>>()
    };
    Ok(match joined {
        Expression::One(Some(test)) => Expression::One(test),
        Expression::One(None) => {
            return Err(scan.error("Invalid filter pattern: a condition has no operator"));
        }
        Expression::All(all) => Expression::All(parts(all)?),
        Expression::Any(any) => Expression::Any(parts(any)?),
    })
}

/// At most so many fields; the last has all that is left.
fn split(line: &str, fields_max: usize) -> Vec<&str> {
    let is_space = |c: char| c.is_whitespace();
    let (mut parts, mut rest) = (Vec::new(), line.trim());
    while !rest.is_empty() {
        let (field, after) = first(rest);
        let after = after.trim_start_matches(is_space);
        if parts.len() + 1 == fields_max && !after.is_empty() {
            parts.push(rest);
            break;
        }
        parts.push(field);
        rest = after;
    }
    parts
}

/// The first field and what follows it.
fn first(text: &str) -> (&str, &str) {
    let closer = match text.as_bytes().first() {
        Some(b'"') => Some('"'),
        Some(b'[') => Some(']'),
        _ => None,
    };
    if let Some(closer) = closer {
        let ends = |at: usize| text[at + 1..].chars().next().is_none_or(char::is_whitespace);
        let end = text.match_indices(closer).map(|(at, _)| at);
        if let Some(end) = end.filter(|at| *at > 0).find(|at| ends(*at)) {
            return (&text[1..end], &text[end + 1..]);
        }
    }
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    text.split_at(end)
}
