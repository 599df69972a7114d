//! From a value to a request.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::client::Request;
use crate::xml;
use crate::{Fields, Kind, OperationSchema, Place, Schema, ServiceSchema, Value};

/// What a path segment and a query keep as it is.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The request of an operation.
pub fn write(service: &ServiceSchema, operation: &OperationSchema, input: &Value) -> Request {
    let http = operation.http.unwrap_or(crate::Http {
        method: "POST",
        uri: "/",
        status: 200,
    });
    let empty = Fields::new();
    let fields = match input {
        Value::Structure(fields) => fields,
        _ => &empty,
    };
    let mut path = http.uri.to_owned();
    let mut query = String::new();
    let members = operation.input.map_or(&[][..], Schema::members);
    for member in members {
        let Some(value) = fields.get(member.name) else {
            continue;
        };
        let wire = member.location_name.unwrap_or(member.name);
        match member.place {
            Some(Place::Uri) => {
                let text = xml::text_of(member.schema, value).unwrap_or_default();
                let text = utf8_percent_encode(&text, ESCAPED).to_string();
                path = path.replace(&format!("{{{wire}}}"), &text);
            }
            Some(Place::Query) => {
                for text in texts(&member.schema.kind, member.schema, value) {
                    query.push(if query.is_empty() { '?' } else { '&' });
                    query.push_str(&format!("{wire}={}", utf8_percent_encode(&text, ESCAPED)));
                }
            }
            Some(Place::Header) | None => {}
        }
    }
    let body = match (operation.input, operation.input_element) {
        (Some(schema), Some(element)) => xml::document(service, element, schema, fields),
        _ => String::new(),
    };
    Request {
        method: http.method,
        path: path + &query,
        headers: vec![("content-type", "application/xml".to_owned())],
        body: body.into_bytes(),
    }
}

fn texts(kind: &Kind, schema: &Schema, value: &Value) -> Vec<String> {
    match (kind, value) {
        (Kind::List(entry), Value::List(list)) => list
            .iter()
            .filter_map(|it| xml::text_of(entry.schema, it))
            .collect(),
        _ => xml::text_of(schema, value).into_iter().collect(),
    }
}
