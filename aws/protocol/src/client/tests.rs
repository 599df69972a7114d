use super::*;
use crate::{Member, Schema};

static TEXT: Schema = Schema::string("Text");
static OUTPUT: Schema = Schema::structure("Output", &[Member::new("name", &TEXT)]);
static GONE: Schema = Schema::structure(
    "Gone",
    &[Member::new("message", &TEXT), Member::new("name", &TEXT)],
)
.error("Gone", 404);
static SHAPES: &[&Schema] = &[&GONE];
static OPERATION: OperationSchema = OperationSchema {
    name: "Make",
    input: None,
    output: Some(&OUTPUT),
    result_wrapper: Some("MakeResult"),
    http: None,
    input_element: None,
    errors: &[&GONE],
};

fn service(protocol: Protocol) -> ServiceSchema {
    ServiceSchema {
        name: "test",
        protocol,
        api_version: "1",
        service_id: "Test",
        endpoint_prefix: "test",
        signing_name: "test",
        global_endpoint: None,
        target_prefix: "Test",
        json_version: "1.1",
        xml_namespace: "",
        operations: &[],
        unserved: &[],
        shapes: SHAPES,
    }
}

fn decode(protocol: Protocol, status: u16, error_type: Option<&str>, body: &str) -> Result<Value, ApiError> {
    decode_response(
        &service(protocol),
        &OPERATION,
        status,
        Some("id"),
        error_type,
        body.as_bytes(),
    )
}

#[test]
fn every_way_to_name_an_error_is_read() {
    let long = "com.amazon.coral.service#Gone:http://internal/";
    for (error_type, body) in [
        (None, r#"{"__type":"Gone","message":"m","name":"x"}"#),
        (
            None,
            r#"{"__type":"com.amazonaws.test#Gone","Message":"m","name":"x"}"#,
        ),
        (Some(long), r#"{"message":"m","name":"x"}"#),
        (None, r#"{"code":"Gone","message":"m","name":"x"}"#),
    ] {
        let error = decode(Protocol::Json, 400, error_type, body).expect_err(body);
        assert_eq!(
            (error.code.as_str(), error.message.as_str(), error.status),
            ("Gone", "m", 400),
            "{body}"
        );
        assert_eq!(
            error.fields.get("name"),
            Some(&Value::String("x".to_owned())),
            "{body}"
        );
        assert_eq!(error.request_id.as_deref(), Some("id"));
    }
    let query = "<ErrorResponse><Error><Code>Gone</Code><Message>m</Message><name>x</name></Error>\
                 <RequestId>r</RequestId></ErrorResponse>";
    let error = decode(Protocol::Query, 404, None, query).expect_err("an error");
    assert_eq!(
        (error.code.as_str(), error.request_id.as_deref()),
        ("Gone", Some("r"))
    );
    assert_eq!(error.fields.get("name"), Some(&Value::String("x".to_owned())));
    let ec2 = "<Response><Errors><Error><Code>Gone</Code><Message>m</Message></Error></Errors>\
               <RequestID>r</RequestID></Response>";
    let error = decode(Protocol::Ec2, 400, None, ec2).expect_err("an error");
    assert_eq!(
        (error.code.as_str(), error.request_id.as_deref()),
        ("Gone", Some("r"))
    );
}

#[test]
fn an_answer_of_something_else_is_kept_as_text() {
    for protocol in [Protocol::Json, Protocol::Query, Protocol::Ec2] {
        let error =
            decode(protocol, 502, None, "<html><body>Bad gateway</body></html>").expect_err("an error");
        assert_eq!((error.code.as_str(), error.status), ("502", 502));
        assert!(error.message.contains("Bad gateway"), "{}", error.message);
        let error = decode(protocol, 200, None, "<html>no").expect_err("an error");
        assert_eq!(error.code, UNREADABLE);
    }
}
