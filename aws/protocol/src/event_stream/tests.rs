use aws_smithy_eventstream::frame::read_message_from;

use super::*;
use crate::Member;

static TEXT: Schema = Schema::string("Text");
static UPDATE: Schema = Schema::structure("Update", &[Member::new("text", &TEXT)]);
static STREAM: Schema = Schema::structure("Stream", &[Member::new("update", &UPDATE)]);
static OUTPUT: Schema = Schema::structure("Output", &[Member::new("stream", &STREAM)]);
static OPERATION: OperationSchema = OperationSchema {
    name: "Follow",
    input: None,
    output: Some(&OUTPUT),
    result_wrapper: None,
    http: None,
    input_element: None,
    errors: &[],
};

fn fields(name: &'static str, value: Value) -> Value {
    let mut fields = Fields::new();
    fields.insert(name, value);
    Value::Structure(fields)
}

#[test]
fn events_and_what_ends_them_are_frames() {
    let update = fields("update", fields("text", Value::String("ü\"".to_owned())));
    let events = [
        Ok(update),
        Err(ApiError::client("SessionTimeoutException", "over")),
    ];
    let output = fields("stream", EventStream::new(futures::stream::iter(events)).write());
    let frames: Vec<_> = futures::executor::block_on_stream(body(&OPERATION, &output).unwrap()).collect();
    let read = |frame: &Result<Bytes, String>| {
        let message = read_message_from(&mut frame.clone().unwrap()).unwrap();
        let header = |name: &str| {
            let found = message.headers().iter().find(|it| it.name().as_str() == name);
            found.map(|it| it.value().as_string().unwrap().as_str().to_owned())
        };
        let kind = header(":event-type").or(header(":exception-type")).unwrap();
        let payload = String::from_utf8(message.payload().to_vec()).unwrap();
        format!("{} {kind} {payload}", header(":message-type").unwrap())
    };
    let expected = [
        "event initial-response {}",
        "event update {\"text\":\"ü\\\"\"}",
        "exception SessionTimeoutException {\"message\":\"over\"}",
    ];
    assert_eq!(frames.iter().map(read).collect::<Vec<_>>(), expected);
    assert!(body(&OPERATION, &output).is_none(), "a stream is taken once");
    assert!(body(&OPERATION, &fields("other", Value::Null)).is_none());
}
