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
            Node::Compare { by, left, right } => compare(*by, &self.value(left)?, &self.value(right)?).into(),
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

fn compare(by: Comparison, left: &Value, right: &Value) -> bool {
    let order = left.loosely_compares(right);
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
