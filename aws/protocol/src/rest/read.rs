//! From a request to a value. What does not fit its schema is refused.

use std::collections::BTreeMap;

use super::Incoming;
use super::path::labels;
use crate::query::Form;
use crate::xml::{Element, scalar};
use crate::{ApiError, Fields, Kind, Member, OperationSchema, Place, Schema, Value};

/// Reads an operation's input.
pub fn read(operation: &OperationSchema, incoming: Incoming) -> Result<Value, ApiError> {
    let Some(schema) = operation.input else {
        return Ok(Value::Structure(Fields::new()));
    };
    let template = operation.http.map_or("/", |http| http.uri);
    let labels = labels(template, incoming.path).unwrap_or_default();
    let query = Form::parse(incoming.query.as_bytes())?;
    let body = body(operation, incoming.message)?;
    let mut fields = Fields::new();
    for member in schema.members() {
        let wire = member.location_name.unwrap_or(member.name);
        let value = match member.place {
            Some(Place::Uri) => match labels.iter().find(|(name, _)| *name == wire) {
                Some((_, text)) => Some(plain(member, text)?),
                None => None,
            },
            Some(Place::Query) => query.get(wire).map(|text| plain(member, text)).transpose()?,
            // No served operation has a header in its input.
            Some(Place::Header) => None,
            None => match &body {
                Some(root) => child(member, root)?,
                None => None,
            },
        };
        if let Some(value) = value {
            fields.insert(member.name, value);
        }
    }
    Ok(Value::Structure(fields))
}

fn body(operation: &OperationSchema, message: &[u8]) -> Result<Option<Element>, ApiError> {
    if message.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let text = std::str::from_utf8(message).map_err(|_| malformed("The XML you provided is not UTF-8."))?;
    let root = Element::parse(text)
        .map_err(|cause| malformed(&format!("The XML you provided cannot be read: {cause}")))?;
    match operation.input_element {
        Some(name) if root.name != name => Err(malformed(&format!(
            "The XML's root element is {}; {name} is expected.",
            root.name
        ))),
        _ => Ok(Some(root)),
    }
}

fn malformed(message: &str) -> ApiError {
    ApiError::client("MalformedInput", message)
}

fn plain(member: &Member, text: &str) -> Result<Value, ApiError> {
    scalar(&member.schema.kind, text).ok_or_else(|| {
        let name = member.location_name.unwrap_or(member.name);
        let text: String = text.chars().take(100).collect();
        malformed(&format!("'{text}' is no value for {name}."))
    })
}

fn child(member: &Member, parent: &Element) -> Result<Option<Value>, ApiError> {
    let wire = member.location_name.unwrap_or(member.name);
    match &member.schema.kind {
        Kind::List(entry) if member.flattened || member.schema.flattened => {
            let wire = entry.location_name.unwrap_or(wire);
            let values = list(entry, parent.children.iter().filter(|it| it.name == wire))?;
            Ok((!values.is_empty()).then_some(Value::List(values)))
        }
        _ => parent.child(wire).map(|it| any(member, it)).transpose(),
    }
}

fn any(member: &Member, element: &Element) -> Result<Value, ApiError> {
    match &member.schema.kind {
        Kind::Structure(_) => structure(member.schema, element),
        Kind::List(entry) => {
            let wire = entry.location_name.unwrap_or("member");
            if let Some(strange) = element.children.iter().find(|it| it.name != wire) {
                return Err(malformed(&format!(
                    "There is {} in {}, where only {wire} may be.",
                    strange.name, element.name
                )));
            }
            Ok(Value::List(list(entry, element.children.iter())?))
        }
        Kind::Map(key, value) => {
            let mut map = BTreeMap::new();
            for entry in &element.children {
                let name = entry.child(key.location_name.unwrap_or("key"));
                let there = entry.child(value.location_name.unwrap_or("value"));
                if let (Some(name), Some(there)) = (name, there) {
                    map.insert(name.text.clone(), any(value, there)?);
                }
            }
            Ok(Value::Map(map))
        }
        _ => plain(member, &element.text),
    }
}

fn list<'a>(entry: &Member, elements: impl Iterator<Item = &'a Element>) -> Result<Vec<Value>, ApiError> {
    elements.map(|it| any(entry, it)).collect()
}

fn structure(schema: &Schema, element: &Element) -> Result<Value, ApiError> {
    let mut fields = Fields::new();
    for member in schema.members() {
        if let Some(value) = child(member, element)? {
            fields.insert(member.name, value);
        }
    }
    Ok(Value::Structure(fields))
}
