//! A value as JSON under the model's own names: what both sides of a comparison are brought to.

use aws_protocol::{Fields, Kind, Schema, Value};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json, json};

/// Times become milliseconds since 1970, blobs base64.
pub fn to_plain(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Boolean(it) => json!(it),
        Value::Integer(it) => json!(it),
        Value::Float(it) => json!(it),
        Value::String(it) => json!(it),
        Value::Blob(it) => json!(STANDARD.encode(it)),
        Value::Timestamp(it) => json!(it.as_millisecond()),
        Value::List(list) => list.iter().map(to_plain).collect(),
        Value::Map(map) => Json::Object(
            map.iter()
                .map(|(name, value)| (name.clone(), to_plain(value)))
                .collect(),
        ),
        Value::Structure(fields) => Json::Object(
            fields
                .iter()
                .map(|(name, value)| (name.to_owned(), to_plain(value)))
                .collect::<Map<_, _>>(),
        ),
        Value::Events(_) => unreachable!("an answer that goes on is not one message"),
    }
}

/// The other way. What does not fit the schema is a mistake of the test.
pub fn from_plain(schema: &Schema, json: &Json) -> Value {
    match (&schema.kind, json) {
        (Kind::Structure(members), Json::Object(object)) => {
            let mut fields = Fields::new();
            for member in *members {
                if let Some(json) = object.get(member.name) {
                    fields.insert(member.name, from_plain(member.schema, json));
                }
            }
            Value::Structure(fields)
        }
        (Kind::List(element), Json::Array(array)) => {
            Value::List(array.iter().map(|it| from_plain(element.schema, it)).collect())
        }
        (Kind::Map(_, element), Json::Object(object)) => Value::Map(
            object
                .iter()
                .map(|(name, it)| (name.clone(), from_plain(element.schema, it)))
                .collect(),
        ),
        (Kind::Boolean, Json::Bool(it)) => Value::Boolean(*it),
        (Kind::Integer | Kind::Long, it) => Value::Integer(it.as_i64().expect("an integer")),
        (Kind::Float | Kind::Double, it) => Value::Float(it.as_f64().expect("a number")),
        (Kind::Timestamp, it) => {
            let millis = it.as_i64().expect("milliseconds");
            Value::Timestamp(jiff::Timestamp::from_millisecond(millis).expect("a time in range"))
        }
        (Kind::Blob, Json::String(it)) => Value::Blob(STANDARD.decode(it).expect("base64")),
        (Kind::String, Json::String(it)) => Value::String(it.clone()),
        (_, json) => panic!("{json} does not fit {}", schema.name),
    }
}
