//! An expression as a tree.

use std::ops::Range;

use super::function::Function;
use crate::value::Value;

#[derive(Clone, Debug)]
pub(crate) enum Node {
    Literal(Value),
    Context {
        name: String,
        span: Range<usize>,
    },
    /// `base.key`, `base[key]`.
    Index {
        base: Box<Node>,
        key: Box<Node>,
        /// Of the key.
        span: Range<usize>,
    },
    /// `base.*`, `base[*]`.
    Each(Box<Node>),
    Not(Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
    Compare {
        by: Comparison,
        left: Box<Node>,
        right: Box<Node>,
    },
    Call {
        function: Function,
        arguments: Vec<Node>,
        /// Of the name.
        span: Range<usize>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Node {
    /// Calls with every node, parents first.
    pub(crate) fn walk(&self, visit: &mut dyn FnMut(&Self)) {
        visit(self);
        match self {
            Self::Literal(_) | Self::Context { .. } => {}
            Self::Index { base, key, .. } => {
                base.walk(visit);
                key.walk(visit);
            }
            Self::Each(inner) | Self::Not(inner) => inner.walk(visit),
            Self::And(nodes) | Self::Or(nodes) | Self::Call { arguments: nodes, .. } => {
                for node in nodes {
                    node.walk(visit);
                }
            }
            Self::Compare { left, right, .. } => {
                left.walk(visit);
                right.walk(visit);
            }
        }
    }
}
