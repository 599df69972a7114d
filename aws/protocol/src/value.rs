//! A message between bytes and structs: a small tree that every codec reads and writes.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// A value of a shape.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// Absent. Codecs write nothing for it.
    #[default]
    Null,
    Boolean(bool),
    /// `integer` and `long`.
    Integer(i64),
    /// `float` and `double`.
    Float(f64),
    String(String),
    Blob(Vec<u8>),
    Timestamp(Timestamp),
    List(Vec<Value>),
    Map(BTreeMap<String, Value>),
    Structure(Fields),
    /// What comes one after the other, while somebody reads.
    Events(crate::EventStream),
}

/// A structure's members under the names of the model, in the order they were put in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    pub fn new() -> Self {
        Self(Vec::new())
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(it, _)| *it == name).map(|(_, value)| value)
    }

    /// Takes a member out; an absent one is the type's default, which for an `Option` is `None`.
    ///
    /// # Errors
    /// When the value has another shape than the type.
    pub fn take<T: Shaped + Default>(&mut self, name: &'static str) -> Result<T, Mismatch> {
        match self.0.iter().position(|(it, _)| *it == name) {
            Some(at) => T::read(self.0.swap_remove(at).1).map_err(|it| it.within(name)),
            None => Ok(T::default()),
        }
    }

    /// Puts a member in; an absent one leaves no trace.
    pub fn put(&mut self, name: &'static str, value: impl Shaped) {
        self.insert(name, value.write());
    }

    /// Puts a member's value in; [`Value::Null`] leaves no trace.
    pub fn insert(&mut self, name: &'static str, value: Value) {
        if value != Value::Null {
            self.0.push((name, value));
        }
    }

    /// Takes a member out, if it is there.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let at = self.0.iter().position(|(it, _)| *it == name)?;
        Some(self.0.remove(at).1)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }
}

/// A value has another shape than the type it was read into: a fault in a codec or a schema, or a server that
/// does not keep to its model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place} is not {expected}")]
pub struct Mismatch {
    /// Path of member names.
    pub place: String,
    pub expected: &'static str,
}

impl Mismatch {
    pub fn new(expected: &'static str) -> Self {
        Self {
            place: String::new(),
            expected,
        }
    }

    fn within(mut self, name: &str) -> Self {
        self.place = if self.place.is_empty() {
            name.to_owned()
        } else {
            format!("{name}.{}", self.place)
        };
        self
    }
}

/// A Rust type that a [`Value`] can become and that can become one.
pub trait Shaped: Sized {
    /// # Errors
    /// When the value has another shape.
    fn read(value: Value) -> Result<Self, Mismatch>;
    fn write(self) -> Value;
}

macro_rules! simple {
    ($($type:ty: $variant:ident, $expected:literal;)*) => {$(
        impl Shaped for $type {
            fn read(value: Value) -> Result<Self, Mismatch> {
                match value {
                    Value::$variant(it) => Ok(it),
                    _ => Err(Mismatch::new($expected)),
                }
            }

            fn write(self) -> Value {
                Value::$variant(self)
            }
        }
    )*};
}

simple! {
    bool: Boolean, "a boolean";
    i64: Integer, "an integer";
    f64: Float, "a number";
    String: String, "a string";
    Vec<u8>: Blob, "a blob";
    Timestamp: Timestamp, "a timestamp";
    Fields: Structure, "a structure";
}

impl Shaped for Value {
    fn read(value: Value) -> Result<Self, Mismatch> {
        Ok(value)
    }

    fn write(self) -> Value {
        self
    }
}

impl Shaped for () {
    fn read(_: Value) -> Result<Self, Mismatch> {
        Ok(())
    }

    fn write(self) -> Value {
        Value::Structure(Fields::new())
    }
}

impl Shaped for i32 {
    fn read(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::Integer(it) => Self::try_from(it).map_err(|_| Mismatch::new("an integer of 32 bits")),
            _ => Err(Mismatch::new("an integer")),
        }
    }

    fn write(self) -> Value {
        Value::Integer(self.into())
    }
}

impl Shaped for f32 {
    fn read(value: Value) -> Result<Self, Mismatch> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the model says that this number is a 32-bit float"
        )]
        f64::read(value).map(|it| it as Self)
    }

    fn write(self) -> Value {
        Value::Float(self.into())
    }
}

impl<T: Shaped> Shaped for Option<T> {
    fn read(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::Null => Ok(None),
            value => T::read(value).map(Some),
        }
    }

    fn write(self) -> Value {
        self.map_or(Value::Null, T::write)
    }
}

impl<T: Shaped> Shaped for Box<T> {
    fn read(value: Value) -> Result<Self, Mismatch> {
        T::read(value).map(Self::new)
    }

    fn write(self) -> Value {
        (*self).write()
    }
}

/// What may stand in a list or a map; all but `u8`, whose list is a blob.
pub trait Element: Shaped {}

impl<T: Element> Shaped for Vec<T> {
    fn read(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::List(list) => list.into_iter().map(T::read).collect(),
            _ => Err(Mismatch::new("a list")),
        }
    }

    fn write(self) -> Value {
        Value::List(self.into_iter().map(T::write).collect())
    }
}

impl<T: Shaped> Shaped for BTreeMap<String, T> {
    fn read(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::Map(map) => map
                .into_iter()
                .map(|(key, value)| T::read(value).map(|value| (key, value)))
                .collect(),
            _ => Err(Mismatch::new("a map")),
        }
    }

    fn write(self) -> Value {
        Value::Map(
            self.into_iter()
                .map(|(key, value)| (key, value.write()))
                .collect(),
        )
    }
}

impl Element for String {}
impl Element for bool {}
impl Element for i32 {}
impl Element for i64 {}
impl Element for f32 {}
impl Element for f64 {}
impl Element for Timestamp {}
impl Element for Vec<u8> {}
impl<T: Element> Element for Vec<T> {}
impl<T: Shaped> Element for BTreeMap<String, T> {}

/// The conversions of a generated structure: field, and name in the model.
#[macro_export]
macro_rules! structure {
    ($name:ident { $($field:ident: $wire:literal),* }) => {
        impl $crate::Shaped for $name {
            fn read(value: $crate::Value) -> Result<Self, $crate::Mismatch> {
                let mut fields = <$crate::Fields as $crate::Shaped>::read(value)?;
                Ok(Self { $($field: fields.take($wire)?),* })
            }

            fn write(self) -> $crate::Value {
                let mut fields = $crate::Fields::new();
                $(fields.put($wire, self.$field);)*
                $crate::Value::Structure(fields)
            }
        }

        impl $crate::Element for $name {}
    };
}

/// A generated enumeration with all that it can do. A value that the model does not know is kept in `Other`.
#[macro_export]
macro_rules! enumeration {
    ($name:ident { $($variant:ident = $wire:literal),* }) => {
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($variant,)*
            /// A value that the model does not know.
            Other(String),
        }

        impl $name {
            /// Its text on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $wire,)*
                    Self::Other(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($wire => Self::$variant,)*
                    _ => Self::Other(text.to_owned()),
                }
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                text.as_str().into()
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        /// No value: empty text.
        impl Default for $name {
            fn default() -> Self {
                Self::Other(String::new())
            }
        }

        impl $crate::Shaped for $name {
            fn read(value: $crate::Value) -> Result<Self, $crate::Mismatch> {
                <String as $crate::Shaped>::read(value).map(Self::from)
            }

            fn write(self) -> $crate::Value {
                $crate::Value::String(self.as_str().to_owned())
            }
        }

        impl $crate::Element for $name {}
    };
}
