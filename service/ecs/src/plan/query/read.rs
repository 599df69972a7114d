//! From text to a query.

use regex::Regex;

use super::{Comparison, Query, Subject, Test};

/// AWS's limit for a constraint's expression.
const EXPRESSION_CHARS_MAX: usize = 2000;
/// Parentheses and negations inside each other.
const DEPTH_MAX: usize = 50;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// A word, and whether it was quoted.
    Word(String, bool),
    /// Parentheses, brackets, commas and operators.
    Sign(&'static str),
}

const SIGNS: [&str; 17] = [
    "==", "!=", "=~", "!~", ">=", "<=", "&&", "||", "(", ")", "[", "]", ",", ">", "<", "!", "=",
];

/// # Errors
/// A sentence for the caller.
pub(crate) fn parse(text: &str) -> Result<Query, String> {
    if text.chars().count() > EXPRESSION_CHARS_MAX {
        return Err(format!(
            "The expression has more than {EXPRESSION_CHARS_MAX} characters."
        ));
    }
    let mut reader = Reader {
        tokens: tokens(text)?,
        at: 0,
        depth: 0,
    };
    let query = reader.or()?;
    match reader.peek() {
        None => Ok(query),
        Some(more) => Err(format!("Invalid expression: {more} is not expected there.")),
    }
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Word(word, _) => write!(f, "'{word}'"),
            Self::Sign(sign) => write!(f, "'{sign}'"),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    // What a pattern may contain that would otherwise be a sign.
    let mut is_pattern = false;
    while let Some(first) = rest.chars().next() {
        if first == '"' || first == '\'' {
            let inner = &rest[1..];
            let end = inner
                .find(first)
                .ok_or("Invalid expression: a quote is not closed.")?;
            tokens.push(Token::Word(inner[..end].to_owned(), true));
            (rest, is_pattern) = (&inner[end + 1..], false);
        } else if let (false, Some(sign)) = (is_pattern, SIGNS.iter().find(|sign| rest.starts_with(**sign))) {
            tokens.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
            is_pattern = matches!(*sign, "=~" | "!~");
        } else {
            let end = word_end(rest, is_pattern);
            let word = &rest[..end];
            is_pattern = matches!(word, "matches" | "not_matches");
            tokens.push(Token::Word(word.to_owned(), false));
            rest = &rest[end..];
        }
        rest = rest.trim_start();
    }
    Ok(tokens)
}

/// A pattern ends at a space, or at a parenthesis that it has not opened itself.
fn word_end(text: &str, is_pattern: bool) -> usize {
    let mut open = 0_usize;
    for (at, c) in text.char_indices() {
        let ends = match c {
            _ if c.is_whitespace() => true,
            '(' if is_pattern => {
                open += 1;
                false
            }
            ')' if is_pattern && open > 0 => {
                open -= 1;
                false
            }
            ')' => true,
            _ if is_pattern => false,
            _ => "()[],=!<>&|\"'".contains(c),
        };
        if ends {
            return at.max(text.chars().next().map_or(1, char::len_utf8));
        }
    }
    text.len()
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Reader {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Result<Token, String> {
        let token = self.peek().cloned();
        self.at += 1;
        token.ok_or_else(|| "Invalid expression: it ends too early.".to_owned())
    }

    /// Takes the next token if it is one of these.
    fn take(&mut self, words: &[&str], signs: &[&str]) -> bool {
        let found = match self.peek() {
            Some(Token::Word(word, false)) => words.contains(&word.as_str()),
            Some(Token::Sign(sign)) => signs.contains(sign),
            _ => false,
        };
        self.at += usize::from(found);
        found
    }

    fn or(&mut self) -> Result<Query, String> {
        let mut left = self.and()?;
        while self.take(&["or"], &["||"]) {
            left = Query::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Query, String> {
        let mut left = self.unary()?;
        while self.take(&["and"], &["&&"]) {
            left = Query::And(Box::new(left), Box::new(self.unary()?));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Query, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err("Invalid expression: it is nested too deeply.".to_owned());
        }
        let query = if self.take(&["not"], &["!"]) {
            Query::Not(Box::new(self.unary()?))
        } else if self.take(&[], &["("]) {
            let inner = self.or()?;
            if !self.take(&[], &[")"]) {
                return Err("Invalid expression: a parenthesis is not closed.".to_owned());
            }
            inner
        } else {
            self.predicate()?
        };
        self.depth -= 1;
        Ok(query)
    }

    fn predicate(&mut self) -> Result<Query, String> {
        let subject = match self.next()? {
            Token::Word(word, false) => subject(&word)?,
            other => return Err(format!("Invalid expression: {other} is not expected there.")),
        };
        let (test, negated) = self.test()?;
        let is = Query::Is(subject, test);
        Ok(if negated { Query::Not(Box::new(is)) } else { is })
    }

    /// The operator and what is behind it; whether the opposite is meant.
    fn test(&mut self) -> Result<(Test, bool), String> {
        use Comparison::*;
        let negated = self.take(&[], &["!"]);
        let operator = self.next()?;
        let text = match &operator {
            Token::Word(word, false) => word.as_str(),
            Token::Sign(sign) => sign,
            Token::Word(..) => return Err(format!("Invalid expression: {operator} is not an operator.")),
        };
        let (test, opposite) = match text {
            "exists" => (Test::Exists, false),
            "not_exists" => (Test::Exists, true),
            "==" | "equals" => (Test::Compare(Equal, self.literal()?), false),
            "!=" | "not_equals" => (Test::Compare(Equal, self.literal()?), true),
            ">" | "greater_than" => (Test::Compare(Greater, self.literal()?), false),
            ">=" | "greater_than_equal" => (Test::Compare(GreaterOrEqual, self.literal()?), false),
            "<" | "less_than" => (Test::Compare(Less, self.literal()?), false),
            "<=" | "less_than_equal" => (Test::Compare(LessOrEqual, self.literal()?), false),
            "in" => (Test::In(self.list()?), false),
            "not_in" => (Test::In(self.list()?), true),
            "=~" | "matches" => (Test::Matches(self.pattern()?), false),
            "!~" | "not_matches" => (Test::Matches(self.pattern()?), true),
            _ => return Err(format!("Invalid expression: {operator} is not an operator.")),
        };
        if negated && !matches!(text, "exists" | "in") {
            return Err(format!("Invalid expression: {operator} is not expected there."));
        }
        Ok((test, negated != opposite))
    }

    fn literal(&mut self) -> Result<String, String> {
        match self.next()? {
            Token::Word(word, _) => Ok(word),
            other => Err(format!("Invalid expression: {other} is not expected there.")),
        }
    }

    /// A pattern for the whole value.
    fn pattern(&mut self) -> Result<Regex, String> {
        let text = self.literal()?;
        Regex::new(&format!("^(?:{text})$"))
            .map_err(|_| format!("Invalid expression: '{text}' is not a regular expression."))
    }

    /// `[a, b]`, and also `a, b` without brackets.
    fn list(&mut self) -> Result<Vec<String>, String> {
        let bracketed = self.take(&[], &["["]);
        let mut all = vec![self.literal()?];
        while self.take(&[], &[","]) {
            all.push(self.literal()?);
        }
        if bracketed && !self.take(&[], &["]"]) {
            return Err("Invalid expression: a bracket is not closed.".to_owned());
        }
        Ok(all)
    }
}

fn subject(word: &str) -> Result<Subject, String> {
    if let Some(name) = word.strip_prefix("attribute:").filter(|name| !name.is_empty()) {
        return Ok(Subject::Attribute(name.to_owned()));
    }
    match word {
        "agentConnected" => Ok(Subject::AgentConnected),
        "agentVersion" => Ok(Subject::AgentVersion),
        "ec2InstanceId" => Ok(Subject::Ec2InstanceId),
        "registeredAt" => Ok(Subject::RegisteredAt),
        "runningTasksCount" => Ok(Subject::RunningTasksCount),
        "task:group" => Ok(Subject::TaskGroup),
        other => Err(format!("Invalid expression: '{other}' is not a subject.")),
    }
}
