//! Mappings with known keys, and the places of problems.

use std::ops::Range;

use base_diagnostic::Problem;

use crate::available::Known;
use crate::nearest;
use crate::yaml::{Key, Kind, Node};

pub(crate) struct Reader<'a> {
    pub text: &'a str,
    pub problems: Vec<Problem>,
    /// What `needs.x` and `steps.x` can mean at the moment.
    pub known: Known,
}

/// The entries of a mapping whose keys are known.
pub(crate) struct Fields<'n> {
    entries: &'n [(Key, Node)],
    span: Range<usize>,
}

impl<'n> Fields<'n> {
    /// What stands under a key; a key without a value is as if it were not there.
    pub(crate) fn get(&self, name: &str) -> Option<&'n Node> {
        self.written(name).filter(|node| !node.is_null())
    }

    /// What stands under a key, also if it is nothing.
    pub(crate) fn written(&self, name: &str) -> Option<&'n Node> {
        self.entry(name).map(|(_, node)| node)
    }

    pub(crate) fn entry(&self, name: &str) -> Option<&'n (Key, Node)> {
        self.entries.iter().find(|(key, _)| key.text == name)
    }

    /// The first key, or where the mapping is: the place of what is missing.
    pub(crate) fn head(&self) -> Range<usize> {
        self.entries
            .first()
            .map_or_else(|| self.span.clone(), |(key, _)| key.span.clone())
    }
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            text,
            problems: Vec::new(),
            known: Known::default(),
        }
    }

    pub(crate) fn problem(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.problems.push(Problem::new(span, message).hint(hint));
    }

    /// A place, but no more than its first line: whole blocks are not worth underlining.
    pub(crate) fn line(&self, span: &Range<usize>) -> Range<usize> {
        let text = &self.text[span.clone()];
        let length = text.find('\n').unwrap_or(text.len());
        span.start..span.start + text[..length].trim_end().len()
    }

    /// The fields of a mapping. Notes keys that are not known.
    pub(crate) fn fields<'n>(&mut self, node: &'n Node, what: &str, known: &[&str]) -> Option<Fields<'n>> {
        let fields = self.any_fields(node, what)?;
        for (key, _) in fields.entries {
            if known.contains(&key.text.as_str()) {
                continue;
            }
            let message = format!("{what} has no field `{}`", key.text);
            if key.text == "<<" {
                self.problem(
                    key.span.clone(),
                    message,
                    "merging mappings with `<<` does not exist here, nor on GitHub; aliases repeat whole values",
                );
            } else {
                self.problem(key.span.clone(), message, nearest::hint(&key.text, known));
            }
        }
        Some(fields)
    }

    /// The fields of a mapping, whatever they are called.
    pub(crate) fn any_fields<'n>(&mut self, node: &'n Node, what: &str) -> Option<Fields<'n>> {
        match &node.kind {
            Kind::Map(entries) => Some(Fields {
                entries,
                span: self.line(&node.span),
            }),
            Kind::Scalar(text, _) if text.contains("${{") => {
                self.problem(
                    self.line(&node.span),
                    format!("{what} as one expression is not served"),
                    "write the mapping; its values may be expressions",
                );
                None
            }
            _ => {
                let message = format!("{what} is a mapping, not {}", node.what());
                self.problems.push(Problem::new(self.line(&node.span), message));
                None
            }
        }
    }

    /// The entries of a mapping of free names.
    pub(crate) fn entries<'n>(&mut self, fields: &Fields<'n>, name: &str) -> &'n [(Key, Node)] {
        let Some(node) = fields.get(name) else {
            return &[];
        };
        self.any_fields(node, &format!("`{name}`"))
            .map_or(&[], |fields| fields.entries)
    }

    /// The items of a list.
    pub(crate) fn list<'n>(&mut self, node: &'n Node, what: &str) -> &'n [Node] {
        match &node.kind {
            Kind::List(items) => items,
            _ => {
                let message = format!("{what} is a list, not {}", node.what());
                self.problems.push(Problem::new(self.line(&node.span), message));
                &[]
            }
        }
    }

    /// The items of a list, or the one thing that stands for a list of one.
    pub(crate) fn one_or_more<'n>(&mut self, node: &'n Node, what: &str) -> Vec<&'n Node> {
        match &node.kind {
            Kind::Scalar(..) => vec![node],
            _ => self.list(node, what).iter().collect(),
        }
    }

    /// Ids of jobs and steps have GitHub's form.
    pub(crate) fn identifier(&mut self, id: &str, span: &Range<usize>, what: &str) {
        const CHARACTERS_MAX: usize = 100;
        let hint = "an id has letters, digits, `_` and `-`, and begins with a letter or `_`";
        if !crate::expression::is_name(id) {
            self.problem(span.clone(), format!("`{id}` cannot be the id of {what}"), hint);
        } else if id.starts_with("__") {
            let message = format!("`{id}` cannot be the id of {what}: ids that begin with `__` are reserved");
            self.problem(span.clone(), message, hint);
        } else if id.len() >= CHARACTERS_MAX {
            let message = format!("the id of {what} has {CHARACTERS_MAX} characters or more");
            self.problem(span.clone(), message, hint);
        }
    }
}
