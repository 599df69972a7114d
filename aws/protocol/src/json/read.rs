//! From JSON to a value, guided by a schema.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use crate::limit::LIST_MAX_ENTRIES;
use crate::{ApiError, Fields, Kind, Schema, Value, timestamp};

/// Who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A server: what has a wrong type is refused, as AWS does.
    Strict,
    /// A client: what it does not understand is left out.
    Lenient,
}

/// Reads a message. Without a schema anything that is JSON is read as nothing.
///
/// # Errors
/// `SerializationException` when it is no JSON, is nested too deeply or has a wrong type somewhere.
pub fn read(schema: Option<&Schema>, body: &[u8], mode: Mode) -> Result<Value, ApiError> {
    // Some clients send no body at all for an operation without input.
    let json = if body.iter().all(u8::is_ascii_whitespace) {
        Json::Object(serde_json::Map::new())
    } else {
        serde_json::from_slice(body)
            .map_err(|cause| refuse(format!("The body is not valid JSON: {cause}")))?
    };
    match schema {
        Some(schema) => {
            let mut reader = Reader {
                mode,
                place: Vec::new(),
            };
            Ok(reader.any(schema, json)?.unwrap_or_default())
        }
        None => Ok(Value::Structure(Fields::new())),
    }
}

fn refuse(message: String) -> ApiError {
    ApiError::client("SerializationException", message)
}

struct Reader {
    mode: Mode,
    place: Vec<String>,
}

impl Reader {
    /// The value, or `None` for what a lenient reader leaves out.
    fn any(&mut self, schema: &Schema, json: Json) -> Result<Option<Value>, ApiError> {
        match (&schema.kind, json) {
            (_, Json::Null) => Ok(Some(Value::Null)),
            (Kind::Structure(members), Json::Object(mut object)) => {
                let mut fields = Fields::new();
                for member in *members {
                    let Some(json) = object.remove(member.location_name.unwrap_or(member.name)) else {
                        continue;
                    };
                    if let Some(value) = self.within(member.name, member.schema, json)? {
                        fields.insert(member.name, value);
                    }
                }
                Ok(Some(Value::Structure(fields)))
            }
            (Kind::Map(_, element), Json::Object(object)) => {
                let mut map = std::collections::BTreeMap::new();
                self.count(object.len())?;
                for (name, json) in object {
                    match self.within(&name, element.schema, json)? {
                        None | Some(Value::Null) => {}
                        Some(value) => drop(map.insert(name, value)),
                    }
                }
                Ok(Some(Value::Map(map)))
            }
            (Kind::List(element), Json::Array(array)) => {
                let mut list = Vec::new();
                self.count(array.len())?;
                for (index, json) in array.into_iter().enumerate() {
                    match self.within(&index.to_string(), element.schema, json)? {
                        None => {}
                        Some(Value::Null) if self.mode == Mode::Lenient => {}
                        Some(value) => list.push(value),
                    }
                }
                Ok(Some(Value::List(list)))
            }
            (kind, json) => match scalar(kind, &json) {
                Some(value) => Ok(Some(value)),
                None if self.mode == Mode::Lenient => Ok(None),
                None => Err(self.wrong(kind, &json)),
            },
        }
    }

    fn within(&mut self, name: &str, schema: &Schema, json: Json) -> Result<Option<Value>, ApiError> {
        self.place.push(name.to_owned());
        let value = self.any(schema, json);
        self.place.pop();
        value
    }

    fn count(&self, entries: usize) -> Result<(), ApiError> {
        if entries > LIST_MAX_ENTRIES {
            return Err(refuse(format!(
                "More than {LIST_MAX_ENTRIES} entries at {}",
                self.place.join(".")
            )));
        }
        Ok(())
    }

    fn wrong(&self, kind: &Kind, json: &Json) -> ApiError {
        let found = match json {
            Json::Array(_) => "Start of list found where not expected".to_owned(),
            Json::Object(_) => "Start of structure or map found where not expected".to_owned(),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {
                let found = match json {
                    Json::Bool(true) => "TRUE_VALUE",
                    Json::Bool(false) => "FALSE_VALUE",
                    Json::Number(_) => "NUMBER_VALUE",
                    _ => "STRING_VALUE",
                };
                match kind {
                    Kind::List(_) => "Expected list or null".to_owned(),
                    Kind::Map(..) => "Expected map or null".to_owned(),
                    Kind::Structure(_) => "Expected structure or null".to_owned(),
                    kind => format!("{found} can not be converted to {}", wanted(kind)),
                }
            }
        };
        if self.place.is_empty() {
            refuse(found)
        } else {
            refuse(format!("{found} (at {})", self.place.join(".")))
        }
    }
}

fn wanted(kind: &Kind) -> &'static str {
    match kind {
        Kind::Integer => "an Integer",
        Kind::Long => "a Long",
        Kind::Float => "a Float",
        Kind::Double => "a Double",
        Kind::Boolean => "a Boolean",
        Kind::Blob => "a Blob",
        Kind::Timestamp => "a Timestamp",
        _ => "a String",
    }
}

fn scalar(kind: &Kind, json: &Json) -> Option<Value> {
    Some(match (kind, json) {
        (Kind::String, Json::String(it)) => Value::String(it.clone()),
        (Kind::Boolean, Json::Bool(it)) => Value::Boolean(*it),
        (Kind::Integer, Json::Number(it)) => Value::Integer(whole(it)?.try_into().map(i32::into).ok()?),
        (Kind::Long, Json::Number(it)) => Value::Integer(whole(it)?),
        (Kind::Float | Kind::Double, Json::Number(it)) => Value::Float(it.as_f64()?),
        (Kind::Float | Kind::Double, Json::String(it)) => Value::Float(match it.as_str() {
            "NaN" => f64::NAN,
            "Infinity" => f64::INFINITY,
            "-Infinity" => f64::NEG_INFINITY,
            _ => return None,
        }),
        (Kind::Blob, Json::String(it)) => Value::Blob(STANDARD.decode(it).ok()?),
        (Kind::Timestamp, Json::Number(it)) => Value::Timestamp(timestamp::from_unix_seconds(it.as_f64()?)?),
        (Kind::Timestamp, Json::String(it)) => Value::Timestamp(timestamp::parse(it)?),
        _ => return None,
    })
}

/// A whole number, also when it was written with a fraction of zero, as JavaScript may.
fn whole(number: &serde_json::Number) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    number.as_i64().or_else(|| {
        number
            .as_f64()
            .filter(|it| it.fract() == 0.0 && it.abs() < 9e15)
            .map(|it| it as i64)
    })
}
