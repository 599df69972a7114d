//! From a value to a form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{is_flattened, name};
use crate::{
    Kind, Member, OperationSchema, Protocol, Schema, ServiceSchema, TimestampFormat, Value, timestamp,
};

/// What a form keeps as it is.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The form of a request, `Action` and `Version` first.
pub fn write(service: &ServiceSchema, operation: &OperationSchema, input: &Value) -> String {
    let mut writer = Writer {
        protocol: service.protocol,
        out: String::new(),
    };
    writer.put("Action", operation.name);
    writer.put("Version", service.api_version);
    if let (Some(schema), Value::Structure(_)) = (operation.input, input) {
        writer.any("", &Member::element(schema), input);
    }
    writer.out
}

struct Writer {
    protocol: Protocol,
    out: String,
}

impl Writer {
    fn any(&mut self, path: &str, member: &Member, value: &Value) {
        match (value, &member.schema.kind) {
            (Value::Structure(fields), Kind::Structure(members)) => {
                for member in *members {
                    if let Some(value) = fields.get(member.name) {
                        self.any(&join(path, &name(self.protocol, member)), member, value);
                    }
                }
            }
            (Value::List(list), Kind::List(_)) if list.is_empty() => {
                if self.protocol == Protocol::Query {
                    self.put(path, "");
                }
            }
            (Value::List(list), Kind::List(element)) => {
                let path = self.list_path(path, member, element);
                for (index, value) in list.iter().enumerate() {
                    self.any(&format!("{path}.{}", index + 1), element, value);
                }
            }
            (Value::Map(map), Kind::Map(key, element)) => {
                let path = if is_flattened(self.protocol, member) {
                    path.to_owned()
                } else {
                    format!("{path}.entry")
                };
                for (index, (name, value)) in map.iter().enumerate() {
                    let entry = format!("{path}.{}", index + 1);
                    self.put(&format!("{entry}.{}", key.location_name.unwrap_or("key")), name);
                    self.any(
                        &format!("{entry}.{}", element.location_name.unwrap_or("value")),
                        element,
                        value,
                    );
                }
            }
            (value, _) => {
                if let Some(text) = scalar(member.schema, value) {
                    self.put(path, &text);
                }
            }
        }
    }

    fn list_path(&self, path: &str, member: &Member, element: &Member) -> String {
        if self.protocol == Protocol::Ec2 {
            return path.to_owned();
        }
        if !is_flattened(self.protocol, member) {
            return format!("{path}.{}", element.location_name.unwrap_or("member"));
        }
        match element.location_name {
            // The element's name takes the place of the list's.
            Some(name) => join(path.rsplit_once('.').map_or("", |(head, _)| head), name),
            None => path.to_owned(),
        }
    }

    fn put(&mut self, name: &str, value: &str) {
        if !self.out.is_empty() {
            self.out.push('&');
        }
        self.out.extend(utf8_percent_encode(name, ESCAPED));
        self.out.push('=');
        self.out.extend(utf8_percent_encode(value, ESCAPED));
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn scalar(schema: &Schema, value: &Value) -> Option<String> {
    Some(match value {
        Value::Boolean(it) => it.to_string(),
        Value::Integer(it) => it.to_string(),
        Value::Float(it) => it.to_string(),
        Value::String(it) => it.clone(),
        Value::Blob(it) => STANDARD.encode(it),
        Value::Timestamp(it) => timestamp::format(*it, schema.timestamp.unwrap_or(TimestampFormat::Iso8601)),
        Value::Null | Value::List(_) | Value::Map(_) | Value::Structure(_) | Value::Events(_) => return None,
    })
}
