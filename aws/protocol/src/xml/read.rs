//! From XML to a value, guided by a schema. What does not fit is left out: a client takes what it understands.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Element, is_flattened, name};
use crate::{ApiError, Fields, Kind, Member, OperationSchema, Schema, ServiceSchema, Value, timestamp};

/// Reads the whole answer of an operation.
pub fn read(operation: &OperationSchema, root: &Element) -> Value {
    let Some(schema) = operation.output else {
        return Value::Structure(Fields::new());
    };
    let root = operation.result_wrapper.map_or(Some(root), |it| root.child(it));
    root.map_or_else(|| Value::Structure(Fields::new()), |root| structure(schema, root))
}

/// Reads the whole answer to what went wrong; `None` if it is none.
pub fn read_error(service: &ServiceSchema, status: u16, root: &Element) -> Option<ApiError> {
    let request_id = root.text_of("RequestId").or_else(|| root.text_of("RequestID"));
    let error = match root.child("Errors") {
        Some(errors) => errors.child("Error")?,
        None => root.child("Error")?,
    };
    let code = error.text_of("Code")?;
    let message = error.text_of("Message").unwrap_or_default();
    let mut found = ApiError::with_status(status, code, message);
    found.request_id = request_id.map(Into::into);
    if let Some(Value::Structure(fields)) = service.error(code).map(|schema| structure(schema, error)) {
        found.fields = fields;
    }
    Some(found)
}

fn structure(schema: &Schema, element: &Element) -> Value {
    let mut fields = Fields::new();
    for member in schema.members() {
        let wire = name(member);
        let value = match &member.schema.kind {
            Kind::List(entry) if is_flattened(member) => {
                let wire = entry.location_name.unwrap_or(wire);
                let list: Vec<Value> = element
                    .children
                    .iter()
                    .filter(|it| it.name == wire)
                    .filter_map(|it| any(entry, it))
                    .collect();
                (!list.is_empty()).then_some(Value::List(list))
            }
            Kind::Map(key, value) if is_flattened(member) => {
                let map = entries(key, value, element.children.iter().filter(|it| it.name == wire));
                (!map.is_empty()).then_some(Value::Map(map))
            }
            _ => element.child(wire).and_then(|it| any(member, it)),
        };
        if let Some(value) = value {
            fields.insert(member.name, value);
        }
    }
    Value::Structure(fields)
}

fn any(member: &Member, element: &Element) -> Option<Value> {
    match &member.schema.kind {
        Kind::Structure(_) => Some(structure(member.schema, element)),
        Kind::List(entry) => {
            let wire = entry.location_name.unwrap_or("member");
            let list = element
                .children
                .iter()
                .filter(|it| it.name == wire)
                .filter_map(|it| any(entry, it));
            Some(Value::List(list.collect()))
        }
        Kind::Map(key, value) => Some(Value::Map(entries(key, value, element.children.iter()))),
        kind => scalar(kind, &element.text),
    }
}

fn entries<'a>(
    key: &Member,
    value: &Member,
    elements: impl Iterator<Item = &'a Element>,
) -> BTreeMap<String, Value> {
    elements
        .filter_map(|it| {
            let name = it.child(key.location_name.unwrap_or("key"))?;
            let value = any(value, it.child(value.location_name.unwrap_or("value"))?)?;
            Some((name.text.clone(), value))
        })
        .collect()
}

pub(crate) fn scalar(kind: &Kind, text: &str) -> Option<Value> {
    let trimmed = text.trim();
    match kind {
        Kind::Boolean => trimmed.parse().ok().map(Value::Boolean),
        Kind::Integer | Kind::Long => trimmed.parse().ok().map(Value::Integer),
        Kind::Float | Kind::Double => trimmed.parse().ok().map(Value::Float),
        Kind::Blob => STANDARD.decode(trimmed).ok().map(Value::Blob),
        Kind::Timestamp => timestamp::parse(trimmed).map(Value::Timestamp),
        _ => Some(Value::String(text.to_owned())),
    }
}
