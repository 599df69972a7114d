//! A JSON tree with the place of everything, and a short way to ask it.

use std::ops::Range;

use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;

/// A place in the tree.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    pub value: &'a Value<'a>,
}

/// Bytes of the text.
pub(super) fn span(ranged: &impl Ranged) -> Range<usize> {
    let range = ranged.range();
    range.start..range.end
}

impl<'a> Node<'a> {
    pub fn root(value: &'a Value<'a>) -> Self {
        Self { value }
    }

    pub fn span(self) -> Range<usize> {
        span(self.value)
    }

    /// The first character: of an object or a list, where all of it would be too much.
    pub fn head(self) -> Range<usize> {
        let span = self.span();
        match self.value {
            Value::Object(_) | Value::Array(_) => span.start..span.start + 1,
            _ => span,
        }
    }

    pub fn object(self) -> Option<&'a Object<'a>> {
        self.value.as_object()
    }

    /// A member of an object; one that is null is as good as absent.
    pub fn member(self, name: &str) -> Option<(Range<usize>, Self)> {
        let property: &'a ObjectProp<'a> = self
            .object()?
            .properties
            .iter()
            .find(|property| property.name.as_str() == name)?;
        if property.value.as_null_keyword().is_some() {
            return None;
        }
        let key = key_span(property);
        Some((
            key,
            Self {
                value: &property.value,
            },
        ))
    }

    pub fn get(self, name: &str) -> Option<Self> {
        Some(self.member(name)?.1)
    }

    pub fn text(self) -> Option<&'a str> {
        Some(self.value.as_string_lit()?.value.as_ref())
    }

    pub fn truth(self) -> Option<bool> {
        Some(self.value.as_boolean_lit()?.value)
    }

    pub fn number(self) -> Option<i64> {
        self.value.as_number_lit()?.value.parse().ok()
    }

    /// A list's elements; nothing for anything else.
    pub fn elements(self) -> impl Iterator<Item = Self> {
        let list = self.value.as_array().map_or(&[][..], |array| &array.elements[..]);
        list.iter().map(|value| Self { value })
    }

    /// Elements of a member.
    pub fn list(self, name: &str) -> impl Iterator<Item = Self> {
        self.get(name).into_iter().flat_map(Self::elements)
    }
}

pub(super) fn key_span(property: &ObjectProp<'_>) -> Range<usize> {
    match &property.name {
        jsonc_parser::ast::ObjectPropName::String(text) => span(text),
        jsonc_parser::ast::ObjectPropName::Word(word) => span(word),
    }
}
