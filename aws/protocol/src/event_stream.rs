//! Answers that go on: one event after the other, each framed as `application/vnd.amazon.eventstream` has it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _};

use crate::{ApiError, Fields, Mismatch, OperationSchema, Schema, Shaped, Value, json};

pub const CONTENT_TYPE: &str = "application/vnd.amazon.eventstream";

type Events = BoxStream<'static, Result<Value, ApiError>>;

/// Events that an operation answers with as they happen. Each is a structure of which one member is set: its name is
/// the event's. An error ends them.
#[derive(Clone)]
pub struct EventStream(Arc<Mutex<Option<Events>>>);

impl EventStream {
    pub fn new<T: Shaped>(events: impl Stream<Item = Result<T, ApiError>> + Send + 'static) -> Self {
        let events = events.map(|event| event.map(T::write)).boxed();
        Self(Arc::new(Mutex::new(Some(events))))
    }

    /// The events; they can be taken once.
    pub fn take(&self) -> Option<Events> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventStream")
    }
}

/// Only the same stream is the same.
impl PartialEq for EventStream {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Shaped for EventStream {
    fn read(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::Events(events) => Ok(events),
            _ => Err(Mismatch::new("an event stream")),
        }
    }

    fn write(self) -> Value {
        Value::Events(self)
    }
}

/// The body of an answer that is an event stream, frame by frame; none when the output is none.
pub fn body(
    operation: &OperationSchema,
    output: &Value,
) -> Option<impl Stream<Item = Result<Bytes, String>> + Send + use<>> {
    let (schema, Value::Structure(fields)) = (operation.output?, output) else {
        return None;
    };
    let (member, events) = schema
        .members()
        .iter()
        .find_map(|member| match fields.get(member.name) {
            Some(Value::Events(events)) => Some((member.schema, events.take()?)),
            _ => None,
        })?;
    // A JSON service says first what its output has beside the stream: nothing.
    let first = frame("event", "initial-response", "{}");
    let events = events.map(move |event| match event {
        Ok(Value::Structure(event)) => written(member, &event),
        Ok(_) => Err("an event is no structure".to_owned()),
        Err(error) => {
            let message = json::text(&error.message);
            frame("exception", &error.code, &format!("{{\"message\":{message}}}"))
        }
    });
    Some(futures::stream::iter([first]).chain(events))
}

fn written(schema: &Schema, event: &Fields) -> Result<Bytes, String> {
    let set = event.iter().next();
    let (name, value) = set.ok_or_else(|| "an event has no member".to_owned())?;
    let member = schema.members().iter().find(|it| it.name == name);
    frame("event", name, &json::write(member.map(|it| it.schema), value))
}

/// `kind` is `event` or `exception`.
fn frame(kind: &'static str, name: &str, payload: &str) -> Result<Bytes, String> {
    let header = |name: &'static str, value: String| Header::new(name, HeaderValue::String(value.into()));
    let type_header = match kind {
        "exception" => ":exception-type",
        _ => ":event-type",
    };
    let message = Message::new(Bytes::copy_from_slice(payload.as_bytes()))
        .add_header(header(":message-type", kind.to_owned()))
        .add_header(header(type_header, name.to_owned()))
        .add_header(header(":content-type", "application/json".to_owned()));
    let mut bytes = Vec::new();
    write_message_to(&message, &mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes.into())
}

#[cfg(test)]
mod tests;
