//! Patterns for lines that are JSON: `{ $.a.b[0] = "x*" && ($.n >= 5 || $.x IS NULL) }`.

use serde_json::Value;

use super::scan::Scan;
use super::test::Test;
use super::{Expression, PatternError, REGEXES_MAX, Selector};

/// `[*]` and `.*` in one pattern.
const WILDCARDS_MAX: usize = 3;

#[derive(Clone, Debug)]
pub(super) struct JsonPattern {
    expression: Expression<Condition>,
    /// What every line has in it that matches: cheaper to look for than to read JSON.
    contains: Vec<String>,
}

#[derive(Clone, Debug)]
struct Condition {
    selector: Selector,
    wants: Wants,
}

#[derive(Clone, Debug)]
enum Wants {
    Test(Test),
    IsNull,
    Is(bool),
    NotExists,
}

impl JsonPattern {
    pub(super) fn parse(scan: &mut Scan<'_>) -> Result<Self, PatternError> {
        let start = scan.place();
        scan.next();
        let expression = Expression::parse(scan, &mut Condition::parse)?;
        scan.expect("}", "the filter pattern")?;
        let (mut wildcards, mut regexes) = (0, 0);
        expression.each(&mut |condition| {
            wildcards += condition.selector.wildcards();
            regexes += usize::from(condition.is_regex());
        });
        let message = match (wildcards > WILDCARDS_MAX, regexes > REGEXES_MAX) {
            (true, _) => format!("a JSON filter pattern has at most {WILDCARDS_MAX} wildcard selectors"),
            (_, true) => format!("a filter pattern has at most {REGEXES_MAX} regular expressions"),
            _ => {
                let contains = contained(&expression);
                return Ok(Self { expression, contains });
            }
        };
        Err(scan.error_at(start, format!("Invalid filter pattern: {message}")))
    }

    /// The line's JSON, when it matches.
    pub(super) fn read(&self, line: &str) -> Option<Value> {
        // Whoever hides plain letters behind numbers makes us read.
        let is_plain = || !line.contains("\\u00");
        if !self.contains.iter().all(|it| line.contains(it.as_str())) && is_plain() {
            return None;
        }
        let value = serde_json::from_str(line).ok()?;
        self.expression
            .holds(&|condition| condition.holds(&value))
            .then_some(value)
    }

    pub(super) fn selectors(&self) -> Vec<&Selector> {
        let mut selectors = Vec::new();
        self.expression.each(&mut |it| selectors.push(&it.selector));
        selectors
    }

    pub(super) fn has_regex(&self) -> bool {
        let mut has = false;
        self.expression.each(&mut |it| has |= it.is_regex());
        has
    }

    pub(super) fn contains(&self) -> Vec<String> {
        self.contains.clone()
    }
}

impl Condition {
    fn parse(scan: &mut Scan<'_>) -> Result<Self, PatternError> {
        let selector = Selector::scan(scan)?;
        let wants = if scan.eat_word("IS") {
            match [
                ("NULL", Wants::IsNull),
                ("TRUE", Wants::Is(true)),
                ("FALSE", Wants::Is(false)),
            ]
            .into_iter()
            .find(|(word, _)| scan.eat_word(word))
            {
                Some((_, wants)) => wants,
                None => {
                    let message = "Invalid filter pattern: IS is followed by NULL, TRUE or FALSE";
                    return Err(scan.error(message));
                }
            }
        } else if scan.eat_word("NOT") {
            if !scan.eat_word("EXISTS") {
                return Err(scan.error("Invalid filter pattern: NOT is followed by EXISTS"));
            }
            Wants::NotExists
        } else {
            Wants::Test(Test::parse(scan)?)
        };
        Ok(Self { selector, wants })
    }

    fn is_regex(&self) -> bool {
        matches!(&self.wants, Wants::Test(test) if test.is_regex())
    }

    fn holds(&self, root: &Value) -> bool {
        let found = self.selector.find(root);
        match &self.wants {
            Wants::NotExists => found.is_empty(),
            Wants::IsNull => found.iter().any(|value| value.is_null()),
            Wants::Is(wanted) => found.iter().any(|value| value.as_bool() == Some(*wanted)),
            Wants::Test(test) => found.iter().any(|value| match value {
                Value::String(text) => test.holds(text, None),
                Value::Number(number) => test.holds(&number.to_string(), number.as_f64()),
                Value::Bool(flag) => test.holds(if *flag { "true" } else { "false" }, None),
                // A selector that leads to something with parts, or to nothing, has no value to compare.
                Value::Null | Value::Array(_) | Value::Object(_) => false,
            }),
        }
    }
}

fn contained(expression: &Expression<Condition>) -> Vec<String> {
    let mut contains = Vec::new();
    expression.required(&mut |condition| {
        if matches!(condition.wants, Wants::NotExists) {
            return;
        }
        contains.extend(condition.selector.keys().map(str::to_owned));
        if let Wants::Test(test) = &condition.wants
            && !test.is_regex()
        {
            contains.extend(test.contains());
        }
    });
    // Other characters may be written in more than one way.
    let plain = |text: String| {
        let runs = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        runs.max_by_key(|run| run.len()).unwrap_or_default().to_owned()
    };
    let mut contains: Vec<String> = contains.into_iter().map(plain).collect();
    contains.retain(|it| !it.is_empty());
    contains.sort();
    contains.dedup();
    contains
}
