//! From a value to JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::{Kind, Schema, TimestampFormat, Value, timestamp};

/// JSON of a value. Without a schema (an operation without input or output) it is an empty object.
pub fn write(schema: Option<&Schema>, value: &Value) -> String {
    let mut out = String::new();
    match schema {
        Some(schema) => any(&mut out, schema, value),
        None => out.push_str("{}"),
    }
    out
}

fn any(out: &mut String, schema: &Schema, value: &Value) {
    match (value, &schema.kind) {
        (Value::Structure(fields), Kind::Structure(members)) => {
            out.push('{');
            let mut first = true;
            for member in *members {
                if let Some(value) = fields.get(member.name) {
                    key(out, member.location_name.unwrap_or(member.name), &mut first);
                    any(out, member.schema, value);
                }
            }
            out.push('}');
        }
        (Value::Map(map), Kind::Map(_, element)) => {
            out.push('{');
            let mut first = true;
            for (name, value) in map {
                key(out, name, &mut first);
                any(out, element.schema, value);
            }
            out.push('}');
        }
        (Value::List(list), Kind::List(element)) => {
            out.push('[');
            for (index, value) in list.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                any(out, element.schema, value);
            }
            out.push(']');
        }
        (value, _) => scalar(out, schema, value),
    }
}

fn key(out: &mut String, name: &str, first: &mut bool) {
    if !std::mem::replace(first, false) {
        out.push(',');
    }
    out.push_str(&text(name));
    out.push(':');
}

fn scalar(out: &mut String, schema: &Schema, value: &Value) {
    match value {
        Value::Boolean(it) => out.push_str(if *it { "true" } else { "false" }),
        Value::Integer(it) => out.push_str(&it.to_string()),
        Value::Float(it) if it.is_finite() => out.push_str(&serde_json::Value::from(*it).to_string()),
        Value::Float(it) if it.is_nan() => out.push_str("\"NaN\""),
        Value::Float(it) => out.push_str(if *it > 0.0 {
            "\"Infinity\""
        } else {
            "\"-Infinity\""
        }),
        Value::String(it) => out.push_str(&text(it)),
        Value::Blob(it) => out.push_str(&text(&STANDARD.encode(it))),
        Value::Timestamp(it) => match schema.timestamp.unwrap_or(TimestampFormat::UnixSeconds) {
            TimestampFormat::UnixSeconds => out.push_str(&timestamp::unix_seconds(*it)),
            format => out.push_str(&text(&timestamp::format(*it, format))),
        },
        // A value that does not fit its schema comes from no generated type; the reader sees it is missing.
        Value::Null | Value::List(_) | Value::Map(_) | Value::Structure(_) | Value::Events(_) => {
            out.push_str("null")
        }
    }
}

/// A JSON string.
pub fn text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
