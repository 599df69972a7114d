//! From words to the tree.

use std::ops::Range;

use base_diagnostic::Problem;

use super::function::Function;
use super::node::{Comparison, Node};
use super::token::{Kind, Token, tokens};
use crate::value::Value;

/// GitHub's limits of an expression.
const CHARACTERS_MAX: usize = 21_000;
const DEPTH_MAX: usize = 50;
/// Groups within groups, which make the tree no deeper.
const GROUPS_MAX: usize = 200;

/// A node and how deep it is.
type Deep = (Node, usize);

pub(super) fn parse(text: &str) -> Result<Node, Problem> {
    if text.encode_utf16().count() > CHARACTERS_MAX {
        let message = format!("the expression has more than {CHARACTERS_MAX} characters");
        return Err(Problem::new(0..text.len(), message));
    }
    let tokens = tokens(text)?;
    if tokens.is_empty() {
        return Err(Problem::new(0..text.len(), "the expression is empty"));
    }
    let mut parser = Parser {
        text,
        tokens: &tokens,
        at: 0,
        groups: 0,
    };
    let (node, _) = parser.either()?;
    match parser.tokens.get(parser.at) {
        None => Ok(node),
        Some(_) => Err(parser.unexpected()),
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: &'a [Token],
    at: usize,
    groups: usize,
}

impl Parser<'_> {
    fn sign(&self) -> Option<&'static str> {
        match self.tokens.get(self.at)?.kind {
            Kind::Sign(sign) => Some(sign),
            _ => None,
        }
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = self.sign() == Some(sign);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), Problem> {
        if self.take(sign) {
            return Ok(());
        }
        let problem = self.unexpected();
        Err(if self.at < self.tokens.len() {
            problem
        } else {
            problem.hint(format!("`{sign}` is missing"))
        })
    }

    /// What stands here cannot.
    fn unexpected(&self) -> Problem {
        match self.tokens.get(self.at) {
            Some(token) => {
                let word = &self.text[token.span.clone()];
                Problem::new(token.span.clone(), format!("`{word}` cannot stand here"))
            }
            None => {
                let end = self.tokens.last().map_or(0, |token| token.span.end);
                let last = self.text[..end]
                    .char_indices()
                    .next_back()
                    .map_or(end, |(at, _)| at);
                Problem::new(last..end, "the expression ends too early")
            }
        }
    }

    fn deep(&self, node: Node, depth: usize) -> Result<Deep, Problem> {
        if depth > DEPTH_MAX {
            let message = format!("the expression is nested more than {DEPTH_MAX} levels deep");
            return Err(Problem::new(0..self.text.len(), message));
        }
        Ok((node, depth))
    }

    /// Counts what calls itself: the stack is no place for a stranger's brackets.
    fn grouped(&mut self, inner: impl FnOnce(&mut Self) -> Result<Deep, Problem>) -> Result<Deep, Problem> {
        if self.groups >= GROUPS_MAX {
            let message = format!("the expression has more than {GROUPS_MAX} brackets within each other");
            return Err(Problem::new(0..self.text.len(), message));
        }
        self.groups += 1;
        let found = inner(self);
        self.groups -= 1;
        found
    }

    fn either(&mut self) -> Result<Deep, Problem> {
        let first = self.both()?;
        self.chain(first, "||", Self::both, Node::Or, |node| match node {
            Node::Or(nodes) => Ok(nodes),
            other => Err(other),
        })
    }

    fn both(&mut self) -> Result<Deep, Problem> {
        let first = self.equality()?;
        self.chain(first, "&&", Self::equality, Node::And, |node| match node {
            Node::And(nodes) => Ok(nodes),
            other => Err(other),
        })
    }

    /// `a || b || c` is one node, so that long ones are not deep.
    fn chain(
        &mut self,
        first: Deep,
        sign: &str,
        next: fn(&mut Self) -> Result<Deep, Problem>,
        whole: fn(Vec<Node>) -> Node,
        flat: fn(Node) -> Result<Vec<Node>, Node>,
    ) -> Result<Deep, Problem> {
        if self.sign() != Some(sign) {
            return Ok(first);
        }
        let mut deepest = 0;
        let mut nodes = Vec::new();
        let mut add = |(node, depth): Deep| match flat(node) {
            Ok(inner) => {
                deepest = deepest.max(depth - 1);
                nodes.extend(inner);
            }
            Err(node) => {
                deepest = deepest.max(depth);
                nodes.push(node);
            }
        };
        add(first);
        while self.take(sign) {
            add(next(self)?);
        }
        self.deep(whole(nodes), deepest + 1)
    }

    fn equality(&mut self) -> Result<Deep, Problem> {
        let mut left = self.order()?;
        loop {
            let by = match self.sign() {
                Some("==") => Comparison::Equal,
                Some("!=") => Comparison::NotEqual,
                _ => return Ok(left),
            };
            self.at += 1;
            let right = self.order()?;
            left = self.compare(by, left, right)?;
        }
    }

    fn order(&mut self) -> Result<Deep, Problem> {
        let mut left = self.negation()?;
        loop {
            let by = match self.sign() {
                Some("<") => Comparison::Less,
                Some("<=") => Comparison::LessOrEqual,
                Some(">") => Comparison::Greater,
                Some(">=") => Comparison::GreaterOrEqual,
                _ => return Ok(left),
            };
            self.at += 1;
            let right = self.negation()?;
            left = self.compare(by, left, right)?;
        }
    }

    fn compare(&self, by: Comparison, left: Deep, right: Deep) -> Result<Deep, Problem> {
        let depth = left.1.max(right.1) + 1;
        let (left, right) = (Box::new(left.0), Box::new(right.0));
        self.deep(Node::Compare { by, left, right }, depth)
    }

    fn negation(&mut self) -> Result<Deep, Problem> {
        if !self.take("!") {
            return self.access();
        }
        let (node, depth) = self.grouped(Self::negation)?;
        self.deep(Node::Not(Box::new(node)), depth + 1)
    }

    /// A value and what is asked of it: `.name`, `[key]`, `.*`.
    fn access(&mut self) -> Result<Deep, Problem> {
        let is_value = matches!(
            self.tokens.get(self.at).map(|token| &token.kind),
            Some(Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_))
        );
        let (mut node, mut depth) = self.operand()?;
        if is_value {
            // As on GitHub a literal has no properties.
            return Ok((node, depth));
        }
        loop {
            if self.take(".") {
                (node, depth) = self.property(node, depth)?;
            } else if self.take("[") {
                (node, depth) = self.index(node, depth)?;
            } else {
                return Ok((node, depth));
            }
        }
    }

    fn property(&mut self, base: Node, depth: usize) -> Result<Deep, Problem> {
        if self.take("*") {
            return self.deep(Node::Each(Box::new(base)), depth + 1);
        }
        let Some(Token {
            kind: Kind::Name(name),
            span,
        }) = self.tokens.get(self.at)
        else {
            return Err(self.unexpected());
        };
        self.at += 1;
        let key = Box::new(Node::Literal(Value::from(name.as_str())));
        let base = Box::new(base);
        let span = span.clone();
        self.deep(Node::Index { base, key, span }, depth.max(1) + 1)
    }

    fn index(&mut self, base: Node, depth: usize) -> Result<Deep, Problem> {
        if self.take("*") {
            self.expect("]")?;
            return self.deep(Node::Each(Box::new(base)), depth + 1);
        }
        let start = self.tokens.get(self.at).map_or(0, |token| token.span.start);
        let (key, key_depth) = self.grouped(Self::either)?;
        let end = self.tokens[self.at - 1].span.end;
        self.expect("]")?;
        let node = Node::Index {
            base: Box::new(base),
            key: Box::new(key),
            span: start..end,
        };
        self.deep(node, depth.max(key_depth) + 1)
    }

    fn operand(&mut self) -> Result<Deep, Problem> {
        let Some(token) = self.tokens.get(self.at) else {
            return Err(self.unexpected());
        };
        let value = match &token.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Number(number) => Value::Number(*number),
            Kind::Text(text) => Value::Text(text.clone()),
            Kind::Sign("(") => {
                self.at += 1;
                let found = self.grouped(Self::either)?;
                self.expect(")")?;
                return Ok(found);
            }
            Kind::Sign(_) => return Err(self.unexpected()),
            Kind::Name(name) => {
                self.at += 1;
                if self.take("(") {
                    return self.call(name, &token.span);
                }
                let (name, span) = (name.to_ascii_lowercase(), token.span.clone());
                return Ok((Node::Context { name, span }, 1));
            }
        };
        self.at += 1;
        Ok((Node::Literal(value), 1))
    }

    fn call(&mut self, name: &str, span: &Range<usize>) -> Result<Deep, Problem> {
        let Some(function) = Function::named(name) else {
            return Err(unknown_function(name, span));
        };
        let mut arguments = Vec::new();
        let mut deepest = 0;
        if !self.take(")") {
            loop {
                let (node, depth) = self.grouped(Self::either)?;
                deepest = deepest.max(depth);
                arguments.push(node);
                if !self.take(",") {
                    break;
                }
            }
            self.expect(")")?;
        }
        count(function, arguments.len(), span)?;
        let span = span.clone();
        let node = Node::Call {
            function,
            arguments,
            span,
        };
        self.deep(node, deepest + 1)
    }
}

fn unknown_function(name: &str, span: &Range<usize>) -> Problem {
    let problem = Problem::new(span.clone(), format!("there is no function `{name}`"));
    let names = Function::ALL.map(Function::name);
    match crate::nearest::nearest(name, &names) {
        Some(near) => problem.hint(format!("did you mean `{near}`?")),
        None => problem.hint(format!("there are {}", names.join(", "))),
    }
}

fn count(function: Function, given: usize, span: &Range<usize>) -> Result<(), Problem> {
    let (fewest, most) = function.arguments();
    let name = function.name();
    let message = if function == Function::Case && given >= fewest && given.is_multiple_of(2) {
        "`case` takes pairs of a condition and a value, and one value for when none holds".to_owned()
    } else if (fewest..=most).contains(&given) {
        return Ok(());
    } else {
        let wanted = match (fewest, most) {
            (0, 0) => "no arguments".to_owned(),
            (1, 1) => "one argument".to_owned(),
            (fewest, most) if fewest == most => format!("{fewest} arguments"),
            (fewest, 255) => format!("at least {fewest} argument{}", if fewest == 1 { "" } else { "s" }),
            (fewest, most) => format!("{fewest} to {most} arguments"),
        };
        format!("`{name}` takes {wanted}, not {given}")
    };
    Err(Problem::new(span.clone(), message))
}
