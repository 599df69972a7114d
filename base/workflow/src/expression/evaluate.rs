//! What an expression is worth.

use std::cmp::Ordering;

use super::node::{Comparison, Node};
use super::{EvaluateError, Scope};
use crate::value::Value;

/// A text that an expression makes is at most this long: a few nested `format` calls would fill the memory otherwise.
pub(super) const TEXT_BYTES_MAX: usize = 10 << 20;

pub(super) struct Evaluation<'a> {
    pub scope: &'a dyn Scope,
}

/// A value, or what `.*` found: then the next `.name` is asked of each.
enum Found {
    One(Value),
    Many(Vec<Value>),
}

impl Evaluation<'_> {
    pub(super) fn value(&self, node: &Node) -> Result<Value, EvaluateError> {
        Ok(match self.found(node)? {
            Found::One(value) => value,
            Found::Many(values) => Value::List(values),
        })
    }

    fn found(&self, node: &Node) -> Result<Found, EvaluateError> {
        let value = match node {
            Node::Literal(value) => value.clone(),
            Node::Context { name, .. } => self
                .scope
                .context(name)
                .ok_or_else(|| EvaluateError::new(format!("the context `{name}` is not available here")))?,
            Node::Index { base, key, .. } => {
                let base = self.found(base)?;
                let key = self.value(key)?;
                return Ok(match base {
                    Found::One(value) => Found::One(take(value, &key).unwrap_or(Value::Null)),
                    Found::Many(values) => {
                        Found::Many(values.into_iter().filter_map(|value| take(value, &key)).collect())
                    }
                });
            }
            Node::Each(base) => {
                return Ok(Found::Many(match self.found(base)? {
                    Found::One(value) => children(value),
                    Found::Many(values) => values.into_iter().flat_map(children).collect(),
                }));
            }
            Node::Not(inner) => (!self.value(inner)?.truthy()).into(),
            Node::And(nodes) => self.first(nodes, |value| !value.truthy())?,
            Node::Or(nodes) => self.first(nodes, Value::truthy)?,
            Node::Compare { by, left, right } => {
                let (left_value, right_value) = (self.value(left)?, self.value(right)?);
                let order = if !left_value.is_primitive() && same_path(left, right) {
                    Some(Ordering::Equal)
                } else {
                    left_value.loosely_compares(&right_value)
                };
                compare(*by, order).into()
            }
            Node::Call {
                function, arguments, ..
            } => self.call(*function, arguments)?,
        };
        Ok(Found::One(value))
    }

    /// The first operand that decides, or the last one.
    fn first(&self, nodes: &[Node], decides: impl Fn(&Value) -> bool) -> Result<Value, EvaluateError> {
        let mut last = Value::Null;
        for node in nodes {
            last = self.value(node)?;
            if decides(&last) {
                break;
            }
        }
        Ok(last)
    }
}

/// Lists and mappings are equal only if they are the same instance: two ways to it in one expression, word for word.
fn same_path(left: &Node, right: &Node) -> bool {
    match (left, right) {
        (Node::Context { name: left, .. }, Node::Context { name: right, .. }) => left == right,
        (Node::Literal(left), Node::Literal(right)) => left.loosely_equals(right),
        (
            Node::Index {
                base: left_base,
                key: left_key,
                ..
            },
            Node::Index {
                base: right_base,
                key: right_key,
                ..
            },
        ) => same_path(left_base, right_base) && same_path(left_key, right_key),
        // What is made anew by each evaluation is never the same.
        _ => false,
    }
}

fn compare(by: Comparison, order: Option<Ordering>) -> bool {
    match by {
        Comparison::Equal => order == Some(Ordering::Equal),
        Comparison::NotEqual => order != Some(Ordering::Equal),
        Comparison::Less => order == Some(Ordering::Less),
        Comparison::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Comparison::Greater => order == Some(Ordering::Greater),
        Comparison::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
    }
}

/// What a value has under a key.
fn take(value: Value, key: &Value) -> Option<Value> {
    match value {
        Value::Map(map) if key.is_primitive() => map.get(&key.text()).cloned(),
        Value::List(mut items) => {
            let index = key.number().floor();
            // NaN and negative numbers name nothing.
            (index >= 0.0 && index < items.len() as f64).then(|| items.swap_remove(index as usize))
        }
        _ => None,
    }
}

fn children(value: Value) -> Vec<Value> {
    match value {
        Value::List(items) => items,
        Value::Map(map) => map.into_values().collect(),
        _ => Vec::new(),
    }
}
