//! From a value to XML.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use quick_xml::escape::escape;

use super::{is_flattened, name};
use crate::{
    ApiError, Fields, Kind, Member, OperationSchema, Protocol, Schema, ServiceSchema, TimestampFormat, Value,
};

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// The whole answer of an operation.
pub fn response(
    service: &ServiceSchema,
    operation: &OperationSchema,
    request_id: &str,
    output: &Value,
) -> String {
    let mut out = String::from(DECLARATION);
    let envelope = match operation.output {
        Some(schema) if service.protocol == Protocol::RestXml => schema.name.to_owned(),
        _ => format!("{}Response", operation.name),
    };
    let namespace = service.xml_namespace;
    out.push_str(&format!("<{envelope} xmlns=\"{}\">", escape(namespace)));
    if service.protocol == Protocol::RestXml {
        if let Some(schema) = operation.output {
            members(&mut out, schema, output);
        }
    } else if service.protocol == Protocol::Ec2 {
        element(&mut out, "requestId", request_id);
        match operation.output {
            Some(schema) => members(&mut out, schema, output),
            None => element(&mut out, "return", "true"),
        }
    } else {
        match (operation.output, operation.result_wrapper) {
            (Some(schema), Some(wrapper)) => within(&mut out, wrapper, |out| members(out, schema, output)),
            (Some(schema), None) => members(&mut out, schema, output),
            (None, _) => {}
        }
        within(&mut out, "ResponseMetadata", |out| {
            element(out, "RequestId", request_id)
        });
    }
    out.push_str(&format!("</{envelope}>"));
    out
}

/// A whole request: those members that are in the body.
pub(crate) fn document(service: &ServiceSchema, root: &str, schema: &Schema, fields: &Fields) -> String {
    let mut out = String::from(DECLARATION);
    out.push_str(&format!("<{root} xmlns=\"{}\">", escape(service.xml_namespace)));
    structure(&mut out, schema, fields);
    out.push_str(&format!("</{root}>"));
    out
}

/// The whole answer to what went wrong.
pub fn error(service: &ServiceSchema, request_id: &str, error: &ApiError) -> String {
    let mut out = String::from(DECLARATION);
    if service.protocol == Protocol::Ec2 {
        within(&mut out, "Response", |out| {
            within(out, "Errors", |out| {
                within(out, "Error", |out| {
                    element(out, "Code", &error.code);
                    element(out, "Message", &error.message);
                });
            });
            element(out, "RequestID", request_id);
        });
        return out;
    }
    out.push_str(&format!(
        "<ErrorResponse xmlns=\"{}\">",
        escape(service.xml_namespace)
    ));
    within(&mut out, "Error", |out| {
        element(
            out,
            "Type",
            if error.is_internal() { "Receiver" } else { "Sender" },
        );
        element(out, "Code", &error.code);
        element(out, "Message", &error.message);
        if let Some(schema) = service.error(&error.code) {
            structure(out, schema, &error.fields);
        }
    });
    element(&mut out, "RequestId", request_id);
    out.push_str("</ErrorResponse>");
    out
}

fn within(out: &mut String, name: &str, content: impl FnOnce(&mut String)) {
    out.push_str(&format!("<{name}>"));
    content(out);
    out.push_str(&format!("</{name}>"));
}

fn element(out: &mut String, name: &str, text: &str) {
    within(out, name, |out| out.push_str(&escape(printable(text))));
}

/// XML has no way to write most control characters.
fn printable(text: &str) -> String {
    let allowed = |it: char| !it.is_control() || matches!(it, '\t' | '\n' | '\r' | '\u{7f}'..='\u{9f}');
    text.chars()
        .map(|it| {
            if allowed(it) && it != '\u{fffe}' && it != '\u{ffff}' {
                it
            } else {
                '\u{fffd}'
            }
        })
        .collect()
}

fn members(out: &mut String, schema: &Schema, value: &Value) {
    if let Value::Structure(fields) = value {
        structure(out, schema, fields);
    }
}

fn structure(out: &mut String, schema: &Schema, fields: &Fields) {
    for member in schema.members().iter().filter(|it| it.place.is_none()) {
        if let Some(value) = fields.get(member.name) {
            any(out, name(member), member, value);
        }
    }
}

fn any(out: &mut String, name: &str, member: &Member, value: &Value) {
    match (value, &member.schema.kind) {
        (Value::Structure(_), Kind::Structure(_)) => {
            within(out, name, |out| members(out, member.schema, value))
        }
        (Value::List(list), Kind::List(element)) if is_flattened(member) => {
            for value in list {
                any(out, element.location_name.unwrap_or(name), element, value);
            }
        }
        (Value::List(list), Kind::List(element)) => within(out, name, |out| {
            for value in list {
                any(out, element.location_name.unwrap_or("member"), element, value);
            }
        }),
        (Value::Map(map), Kind::Map(key, element)) => {
            let entries = |out: &mut String, entry: &str| {
                for (text, value) in map {
                    within(out, entry, |out| {
                        self::element(out, key.location_name.unwrap_or("key"), text);
                        any(out, element.location_name.unwrap_or("value"), element, value);
                    });
                }
            };
            if is_flattened(member) {
                entries(out, name)
            } else {
                within(out, name, |out| entries(out, "entry"))
            }
        }
        (value, _) => {
            if let Some(text) = text_of(member.schema, value) {
                element(out, name, &text);
            }
        }
    }
}

/// What has no parts, as text.
pub(crate) fn text_of(schema: &Schema, value: &Value) -> Option<String> {
    Some(match value {
        Value::Boolean(it) => it.to_string(),
        Value::Integer(it) => it.to_string(),
        Value::Float(it) => it.to_string(),
        Value::String(it) => it.clone(),
        Value::Blob(it) => STANDARD.encode(it),
        Value::Timestamp(it) => {
            crate::timestamp::format(*it, schema.timestamp.unwrap_or(TimestampFormat::Iso8601))
        }
        Value::Null | Value::List(_) | Value::Map(_) | Value::Structure(_) | Value::Events(_) => return None,
    })
}
