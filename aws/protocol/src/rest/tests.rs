use super::*;
use crate::{
    Fields, Http, Member, OperationSchema, Place, Protocol, Schema, ServiceSchema, Value, client, server,
};

static TEXT: Schema = Schema::string("Text");
static NUMBER: Schema = Schema::integer("Number");
static NAMES: Schema = Schema::list("Names", Member::element(&TEXT).located("Name"));
static INPUT: Schema = Schema::structure(
    "PutRequest",
    &[
        Member::new("Id", &TEXT).required().located("Id").at(Place::Uri),
        Member::new("Limit", &NUMBER).located("limit").at(Place::Query),
        Member::new("Names", &NAMES),
        Member::new("Count", &NUMBER),
    ],
);
static OUTPUT: Schema = Schema::structure(
    "PutResponse",
    &[
        Member::new("Location", &TEXT)
            .located("Location")
            .at(Place::Header),
        Member::new("Names", &NAMES),
    ],
);

const fn operation(name: &'static str, method: &'static str, uri: &'static str) -> OperationSchema {
    OperationSchema {
        name,
        input: Some(&INPUT),
        output: Some(&OUTPUT),
        result_wrapper: None,
        http: Some(Http {
            method,
            uri,
            status: 201,
        }),
        input_element: Some("PutRequest"),
        errors: &[],
    }
}

static SERVICE: ServiceSchema = ServiceSchema {
    name: "things",
    protocol: Protocol::RestXml,
    api_version: "2013-04-01",
    service_id: "Things",
    endpoint_prefix: "things",
    signing_name: "things",
    global_endpoint: None,
    target_prefix: "",
    json_version: "",
    xml_namespace: "https://things/",
    operations: &[
        operation("List", "POST", "/v1/thing/all"),
        operation("Put", "POST", "/v1/thing/{Id}"),
    ],
    unserved: &[],
    shapes: &[&NAMES, &NUMBER, &INPUT, &OUTPUT, &TEXT],
};

fn put() -> &'static OperationSchema {
    find(&SERVICE, "POST", "/v1/thing/a").expect("it is there")
}

#[test]
fn method_and_path_say_which_operation() {
    let name = |method, path| find(&SERVICE, method, path).map(|it| it.name);
    assert_eq!(name("POST", "/v1/thing/all"), Some("List"));
    assert_eq!(name("POST", "/v1/thing/other/"), Some("Put"));
    for (method, path) in [
        ("GET", "/v1/thing/a"),
        ("POST", "/v1/thing/"),
        ("POST", "/v1/thing/a/b"),
        ("POST", "/v2/thing/a"),
        ("POST", "/v1/thing/%ff"),
    ] {
        assert_eq!(name(method, path), None, "{method} {path}");
    }
}

#[test]
fn members_come_from_path_query_and_body() {
    let mut fields = Fields::new();
    fields.insert("Id", Value::String("a/b c".to_owned()));
    fields.insert("Limit", Value::Integer(3));
    let names = ["x&y", ""].map(|it| Value::String(it.to_owned()));
    fields.insert("Names", Value::List(names.to_vec()));
    let input = Value::Structure(fields);
    let request = client::encode_request(&SERVICE, put(), &input);
    assert_eq!(request.method, "POST");
    assert_eq!(request.path, "/v1/thing/a%2Fb%20c?limit=3");
    let (path, query) = request.path.split_once('?').expect("a query");
    let incoming = Incoming {
        message: &request.body,
        path,
        query,
    };
    assert_eq!(
        server::decode_request(&SERVICE, SERVICE.protocol, put(), incoming).ok(),
        Some(input)
    );
}

#[test]
fn what_does_not_fit_is_refused() {
    let cases = [
        ("", "<PutRequest><Names><Name>", "cannot be read"),
        ("", "<Other/>", "PutRequest is expected"),
        (
            "",
            "<PutRequest><Names><Nam/></Names></PutRequest>",
            "only Name may be",
        ),
        (
            "",
            "<PutRequest><Count>many</Count></PutRequest>",
            "'many' is no value for Count",
        ),
        ("limit=x", "<PutRequest/>", "'x' is no value for limit"),
    ];
    for (query, body, message) in cases {
        let incoming = Incoming {
            message: body.as_bytes(),
            path: "/v1/thing/a",
            query,
        };
        let error = server::decode_request(&SERVICE, SERVICE.protocol, put(), incoming).expect_err(body);
        assert_eq!(error.code, "MalformedInput");
        assert!(error.message.contains(message), "{}", error.message);
    }
}

#[test]
fn answers_have_their_status_headers_and_root() {
    let mut fields = Fields::new();
    fields.insert("Location", Value::String("https://things/a".to_owned()));
    fields.insert("Names", Value::List(vec![Value::String("x".to_owned())]));
    let response = server::encode_response(
        &SERVICE,
        SERVICE.protocol,
        put(),
        "id",
        &Value::Structure(fields.clone()),
    );
    assert_eq!(response.status, 201);
    assert!(
        response
            .headers
            .contains(&("Location", "https://things/a".to_owned()))
    );
    assert!(
        text(&response.body)
            .ends_with("<PutResponse xmlns=\"https://things/\"><Names><Name>x</Name></Names></PutResponse>"),
        "{}",
        text(&response.body)
    );
    let found = client::decode_response(&SERVICE, put(), 201, None, None, &response.body);
    fields.remove("Location");
    assert_eq!(found.ok(), Some(Value::Structure(fields)));
}

fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(body).into_owned()
}
