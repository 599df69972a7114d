//! From a value to CBOR.

use ciborium::Value as Cbor;

use crate::{ApiError, Kind, Schema, ServiceSchema, Value};

/// CBOR of a value. Without a schema it is an empty map.
pub fn write(schema: Option<&Schema>, value: &Value) -> Vec<u8> {
    bytes(&schema.map_or_else(|| Cbor::Map(vec![]), |schema| any(schema, value)))
}

/// CBOR of an error: the name of its shape, its message, and its further members.
pub fn error(service: &ServiceSchema, error: &ApiError) -> Vec<u8> {
    let schema = service.error(&error.code);
    let name = schema.map_or(error.code.as_str(), |it| it.name);
    let mut entries = vec![
        (Cbor::from("__type"), Cbor::from(name)),
        (Cbor::from("message"), Cbor::from(error.message.as_str())),
    ];
    for member in schema.map_or(&[][..], Schema::members) {
        if let Some(value) = error.fields.get(member.name).filter(|_| member.name != "message") {
            entries.push((Cbor::from(member.name), any(member.schema, value)));
        }
    }
    bytes(&Cbor::Map(entries))
}

fn bytes(cbor: &Cbor) -> Vec<u8> {
    let mut out = Vec::new();
    ciborium::into_writer(cbor, &mut out).expect("memory takes what is written");
    out
}

fn any(schema: &Schema, value: &Value) -> Cbor {
    match (value, &schema.kind) {
        (Value::Structure(fields), Kind::Structure(members)) => Cbor::Map(
            members
                .iter()
                .filter_map(|member| {
                    let value = fields.get(member.name)?;
                    Some((Cbor::from(member.name), any(member.schema, value)))
                })
                .collect(),
        ),
        (Value::Map(map), Kind::Map(_, element)) => Cbor::Map(
            map.iter()
                .map(|(name, value)| (Cbor::from(name.as_str()), any(element.schema, value)))
                .collect(),
        ),
        (Value::List(list), Kind::List(element)) => {
            Cbor::Array(list.iter().map(|it| any(element.schema, it)).collect())
        }
        (value, _) => scalar(value),
    }
}

fn scalar(value: &Value) -> Cbor {
    match value {
        Value::Boolean(it) => Cbor::Bool(*it),
        Value::Integer(it) => Cbor::from(*it),
        Value::Float(it) => Cbor::Float(*it),
        Value::String(it) => Cbor::from(it.as_str()),
        Value::Blob(it) => Cbor::Bytes(it.clone()),
        Value::Timestamp(it) => {
            let seconds = match it.subsec_millisecond() {
                0 => Cbor::from(it.as_second()),
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "milliseconds fit until the year 285,000"
                )]
                _ => Cbor::Float(it.as_millisecond() as f64 / 1000.0),
            };
            Cbor::Tag(1, Box::new(seconds))
        }
        // A value that does not fit its schema comes from no generated type; the reader sees it is missing.
        Value::Null | Value::List(_) | Value::Map(_) | Value::Structure(_) | Value::Events(_) => Cbor::Null,
    }
}
