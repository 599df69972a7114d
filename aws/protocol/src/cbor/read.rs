//! From CBOR to a value, guided by a schema.

use ciborium::Value as Cbor;

use crate::limit::{CBOR_MAX_DEPTH, LIST_MAX_ENTRIES};
use crate::{ApiError, Fields, Kind, Schema, ServiceSchema, Value, timestamp};

/// The tag of seconds since 1970.
const EPOCH_SECONDS: u64 = 1;

/// Reads a message. Members that the schema does not know are left out.
///
/// # Errors
/// `SerializationException` when it is no CBOR, is nested too deeply or has a wrong type somewhere.
pub fn read(schema: Option<&Schema>, body: &[u8]) -> Result<Value, ApiError> {
    let Some(schema) = schema else {
        return Ok(Value::Structure(Fields::new()));
    };
    if body.is_empty() {
        return Ok(Value::Structure(Fields::new()));
    }
    let cbor: Cbor = ciborium::de::from_reader_with_recursion_limit(body, CBOR_MAX_DEPTH)
        .map_err(|cause| refuse(&format!("The body is not valid CBOR: {cause}")))?;
    any(schema, cbor, &mut Vec::new())
}

/// Reads an error, if the body is one.
pub fn failure(service: &ServiceSchema, status: u16, body: &[u8]) -> Option<ApiError> {
    let cbor: Cbor = ciborium::de::from_reader_with_recursion_limit(body, CBOR_MAX_DEPTH).ok()?;
    let entries = cbor.as_map()?;
    let text = |name: &str| {
        let found = entries.iter().find(|(key, _)| key.as_text() == Some(name));
        found.and_then(|(_, value)| value.as_text())
    };
    let name = text("__type")?.rsplit('#').next().unwrap_or_default();
    let shape = service.shape(name);
    let code = shape.and_then(|it| it.error).map_or(name, |it| it.code);
    let message = text("message").or_else(|| text("Message")).unwrap_or_default();
    let mut error = ApiError::with_status(status, code, message);
    if let Ok(Value::Structure(mut fields)) = read(shape, body) {
        fields.remove("message");
        error.fields = fields;
    }
    Some(error)
}

fn refuse(message: &str) -> ApiError {
    ApiError::client("SerializationException", message)
}

fn any(schema: &Schema, cbor: Cbor, place: &mut Vec<String>) -> Result<Value, ApiError> {
    match (&schema.kind, cbor) {
        (_, Cbor::Null) => Ok(Value::Null),
        (Kind::Structure(members), Cbor::Map(entries)) => {
            let mut fields = Fields::new();
            for (key, value) in entries {
                let name = key.as_text().ok_or_else(|| wrong(schema, place))?;
                if let Some(member) = members.iter().find(|it| it.name == name) {
                    fields.remove(member.name);
                    fields.insert(member.name, within(name, member.schema, value, place)?);
                }
            }
            Ok(Value::Structure(fields))
        }
        (Kind::Map(_, element), Cbor::Map(entries)) => {
            count(entries.len(), place)?;
            let mut map = std::collections::BTreeMap::new();
            for (key, value) in entries {
                let name = key.into_text().map_err(|_| wrong(schema, place))?;
                match within(&name, element.schema, value, place)? {
                    Value::Null => {}
                    value => drop(map.insert(name, value)),
                }
            }
            Ok(Value::Map(map))
        }
        (Kind::List(element), Cbor::Array(entries)) => {
            count(entries.len(), place)?;
            let entries = entries.into_iter().enumerate();
            entries
                .map(|(index, entry)| within(&index.to_string(), element.schema, entry, place))
                .collect::<Result<_, _>>()
                .map(Value::List)
        }
        (kind, cbor) => scalar(kind, cbor).ok_or_else(|| wrong(schema, place)),
    }
}

fn within(name: &str, schema: &Schema, cbor: Cbor, place: &mut Vec<String>) -> Result<Value, ApiError> {
    place.push(name.to_owned());
    let value = any(schema, cbor, place);
    place.pop();
    value
}

fn count(entries: usize, place: &[String]) -> Result<(), ApiError> {
    if entries > LIST_MAX_ENTRIES {
        let place = place.join(".");
        return Err(refuse(&format!(
            "More than {LIST_MAX_ENTRIES} entries at {place}"
        )));
    }
    Ok(())
}

fn wrong(schema: &Schema, place: &[String]) -> ApiError {
    let (name, place) = (schema.name, place.join("."));
    if place.is_empty() {
        refuse(&format!("The body has another type than {name}"))
    } else {
        refuse(&format!("Another type than {name} (at {place})"))
    }
}

fn scalar(kind: &Kind, cbor: Cbor) -> Option<Value> {
    Some(match (kind, cbor) {
        (Kind::String, Cbor::Text(it)) => Value::String(it),
        (Kind::Boolean, Cbor::Bool(it)) => Value::Boolean(it),
        (Kind::Integer, Cbor::Integer(it)) => Value::Integer(i32::try_from(it).ok()?.into()),
        (Kind::Long, Cbor::Integer(it)) => Value::Integer(i64::try_from(it).ok()?),
        (Kind::Integer | Kind::Long, Cbor::Float(it)) => Value::Integer(whole(it)?),
        (Kind::Float | Kind::Double, number) => Value::Float(float(&number)?),
        (Kind::Blob, Cbor::Bytes(it)) => Value::Blob(it),
        (Kind::Timestamp, Cbor::Tag(EPOCH_SECONDS, seconds)) => {
            Value::Timestamp(timestamp::from_unix_seconds(float(&seconds)?)?)
        }
        _ => return None,
    })
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 2e9).then_some(number as i64)
}

#[expect(clippy::cast_precision_loss, reason = "a double is what is asked for")]
fn float(cbor: &Cbor) -> Option<f64> {
    match cbor {
        Cbor::Float(it) => Some(*it),
        Cbor::Integer(it) => Some(i128::from(*it) as f64),
        _ => None,
    }
}
