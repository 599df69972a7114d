//! Rules of composite alarms: `ALARM("a") AND NOT (OK(b) OR TRUE)`.

use std::collections::BTreeSet;

use super::metric::{ALARM, INSUFFICIENT_DATA, OK};

/// Brackets in brackets, so that a hostile rule costs little.
const DEPTH_MAX: usize = 64;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Rule {
    Constant(bool),
    /// Whether the alarm (by name) is in this state.
    Is(&'static str, String),
    Not(Box<Rule>),
    And(Box<Rule>, Box<Rule>),
    Or(Box<Rule>, Box<Rule>),
}

/// # Errors
/// What is wrong with it, in a sentence.
pub(crate) fn parse(text: &str) -> Result<Rule, String> {
    let mut parser = Parser {
        rest: text.trim(),
        depth: 0,
    };
    let rule = parser.or()?;
    if parser.rest.is_empty() {
        Ok(rule)
    } else {
        let rest: String = parser.rest.chars().take(40).collect();
        Err(format!("\"{rest}\" was not expected"))
    }
}

/// Names of the alarms that a rule looks at.
pub(crate) fn children(rule: &Rule) -> BTreeSet<&str> {
    match rule {
        Rule::Constant(_) => BTreeSet::new(),
        Rule::Is(_, name) => BTreeSet::from([name.as_str()]),
        Rule::Not(inner) => children(inner),
        Rule::And(left, right) | Rule::Or(left, right) => {
            let mut all = children(left);
            all.extend(children(right));
            all
        }
    }
}

/// `state` knows the states of alarms.
pub(crate) fn holds(rule: &Rule, state: &impl Fn(&str) -> String) -> bool {
    match rule {
        Rule::Constant(it) => *it,
        Rule::Is(wanted, name) => state(name) == *wanted,
        Rule::Not(inner) => !holds(inner, state),
        Rule::And(left, right) => holds(left, state) && holds(right, state),
        Rule::Or(left, right) => holds(left, state) || holds(right, state),
    }
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl Parser<'_> {
    fn or(&mut self) -> Result<Rule, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err("it is nested too deeply".to_owned());
        }
        let mut left = self.and()?;
        while self.word("OR") {
            left = Rule::Or(Box::new(left), Box::new(self.and()?));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn and(&mut self) -> Result<Rule, String> {
        let mut left = self.not()?;
        while self.word("AND") {
            left = Rule::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Rule, String> {
        let mut count = 0_usize;
        while self.word("NOT") {
            count += 1;
        }
        let inner = self.operand()?;
        Ok(if count % 2 == 1 {
            Rule::Not(Box::new(inner))
        } else {
            inner
        })
    }

    fn operand(&mut self) -> Result<Rule, String> {
        if self.sign('(') {
            let inner = self.or()?;
            return if self.sign(')') {
                Ok(inner)
            } else {
                Err("a bracket is not closed".to_owned())
            };
        }
        for (word, value) in [("TRUE", true), ("FALSE", false)] {
            if self.word(word) {
                return Ok(Rule::Constant(value));
            }
        }
        for state in [ALARM, OK, INSUFFICIENT_DATA] {
            if self.word(state) {
                return Ok(Rule::Is(state, self.name()?));
            }
        }
        Err("one of ALARM(…), OK(…), INSUFFICIENT_DATA(…), TRUE, FALSE or a bracket is wanted".to_owned())
    }

    /// `(name)`, `("name")` or `('name')`; the name may be an ARN.
    fn name(&mut self) -> Result<String, String> {
        if !self.sign('(') {
            return Err("the name of an alarm in brackets is wanted".to_owned());
        }
        let quote = self.rest.chars().next().filter(|it| matches!(it, '"' | '\''));
        let (name, rest) = match quote {
            Some(quote) => self.rest[1..]
                .split_once(quote)
                .ok_or("a quotation mark is not closed")?,
            None => {
                let end = self.rest.find(')').ok_or("a bracket is not closed")?;
                (self.rest[..end].trim_end(), &self.rest[end..])
            }
        };
        self.rest = rest;
        if name.is_empty() || !self.sign(')') {
            return Err("the name of an alarm in brackets is wanted".to_owned());
        }
        let by_arn = name
            .strip_prefix("arn:aws:cloudwatch:")
            .and_then(|rest| rest.split_once(":alarm:"));
        Ok(by_arn.map_or(name, |(_, name)| name).to_owned())
    }

    fn word(&mut self, word: &str) -> bool {
        let rest = self.rest.trim_start();
        let Some(head) = rest.get(..word.len()) else {
            return false;
        };
        let after = rest[word.len()..].chars().next();
        let is_whole = !after.is_some_and(|it| it.is_ascii_alphanumeric() || it == '_');
        if head.eq_ignore_ascii_case(word) && is_whole {
            self.rest = rest[word.len()..].trim_start();
            return true;
        }
        false
    }

    fn sign(&mut self, sign: char) -> bool {
        match self.rest.trim_start().strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests;
