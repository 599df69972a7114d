use super::*;
use crate::{ErrorSchema, Kind, Member, Schema};

static TEXT: Schema = Schema::string("Text");
static SERVER: Schema =
    Schema::structure("ServerException", &[Member::new("message", &TEXT)]).error("ServerException", 500);
static GONE: Schema = Schema::structure(
    "GoneException",
    &[Member::new("message", &TEXT), Member::new("name", &TEXT)],
)
.error("Gone", 404);

static WITH_SERVER: &[&Schema] = &[&SERVER];
static WITH_GONE: &[&Schema] = &[&GONE];

fn service(protocol: Protocol, shapes: &'static [&'static Schema]) -> ServiceSchema {
    ServiceSchema {
        name: "test",
        protocol,
        api_version: "1",
        service_id: "Test",
        endpoint_prefix: "test",
        signing_name: "test",
        global_endpoint: None,
        target_prefix: "Test",
        json_version: "1.0",
        xml_namespace: "http://x/?a&b",
        operations: &[],
        unserved: &["Later"],
        shapes,
    }
}

#[test]
fn an_internal_error_has_the_services_own_code_and_no_cause() {
    for (protocol, shapes, code) in [
        (Protocol::Json, WITH_SERVER, "ServerException"),
        (Protocol::Json, &[], "InternalFailure"),
        (Protocol::Query, &[], "InternalFailure"),
        (Protocol::Ec2, &[], "InternalError"),
    ] {
        let service = service(protocol, shapes);
        let error = complete(&service, ApiError::internal("a secret"));
        let response = encode_error(&service, service.protocol, "id", &error);
        assert_eq!((error.code.as_str(), response.status), (code, 500));
        let body = String::from_utf8(response.body).unwrap();
        assert!(body.contains(code) && !body.contains("secret"), "{body}");
    }
}

#[test]
fn an_error_may_have_structures() {
    static PLACE: Schema = Schema::structure("Place", &[Member::new("name", &TEXT)]);
    static FAULT: Schema = Schema::structure(
        "FaultException",
        &[Member::new("message", &TEXT), Member::new("place", &PLACE)],
    )
    .error("FaultException", 400);
    static WITH_FAULT: &[&Schema] = &[&FAULT];
    let mut place = Fields::new();
    place.put("name", "here".to_owned());
    let error = ApiError::client("FaultException", "no").field("place", place);
    let response = encode_error(&service(Protocol::Json, WITH_FAULT), Protocol::Json, "id", &error);
    let expected = r#"{"__type":"FaultException","message":"no","place":{"name":"here"}}"#;
    assert_eq!(String::from_utf8(response.body).unwrap(), expected);
}

#[test]
fn the_models_status_counts() {
    let service = service(Protocol::Json, WITH_GONE);
    assert_eq!(
        GONE.error,
        Some(ErrorSchema {
            code: "Gone",
            status: 404
        })
    );
    let error = complete(
        &service,
        ApiError::client("Gone", "It is \"gone\".").field("name", "x".to_owned()),
    );
    let response = encode_error(&service, service.protocol, "id", &error);
    assert_eq!(response.status, 404);
    assert_eq!(
        String::from_utf8(response.body.clone()).unwrap(),
        r#"{"__type":"Gone","message":"It is \"gone\".","name":"x"}"#
    );
    let header = |name: &str| {
        response
            .headers
            .iter()
            .find(|(it, _)| *it == name)
            .map(|(_, value)| value.as_str())
    };
    assert_eq!(header("x-amzn-errortype"), Some("Gone"));
    assert_eq!(header("x-amzn-requestid"), Some("id"));
    assert_eq!(header("content-type"), Some("application/x-amz-json-1.0"));
}

#[test]
fn xml_errors_have_each_protocols_form() {
    let error = ApiError::client("Gone", "<it>\r\u{1}");
    let body = |protocol| {
        let answer = encode_error(&service(protocol, &[]), protocol, "id", &error);
        String::from_utf8(answer.body).unwrap()
    };
    let query = body(Protocol::Query);
    assert!(
        query.contains(
            "<ErrorResponse xmlns=\"http://x/?a&amp;b\"><Error><Type>Sender</Type><Code>Gone</Code>"
        )
    );
    assert!(
        query.contains("<Message>&lt;it&gt;&#13;\u{fffd}</Message></Error><RequestId>id</RequestId>"),
        "{query}"
    );
    let ec2 = body(Protocol::Ec2);
    assert!(
        ec2.contains("<Response><Errors><Error><Code>Gone</Code>"),
        "{ec2}"
    );
    assert!(
        ec2.ends_with("</Errors><RequestID>id</RequestID></Response>"),
        "{ec2}"
    );
}

#[test]
fn what_is_not_served_is_said_in_each_protocols_code() {
    for (protocol, code) in [
        (Protocol::Json, "UnknownOperationException"),
        (Protocol::Query, "InvalidAction"),
        (Protocol::Ec2, "InvalidAction"),
    ] {
        let service = service(protocol, &[]);
        let error = complete(&service, ApiError::not_implemented("Later"));
        assert_eq!(error.code, code);
        assert_eq!(error.message, "Wharf does not serve the operation Later yet.");
        assert_eq!(
            service.unknown_operation("Later").message,
            "Wharf does not serve the operation Later of Test yet."
        );
        assert_eq!(
            service.unknown_operation("Never").message,
            "There is no operation Never in Test."
        );
    }
    assert!(matches!(TEXT.kind, Kind::String));
}
