use super::*;
use crate::{Fields, OperationSchema, server};

static NAME: Schema = Schema::string("Name").min(2).max(4).pattern("[a-z]+");
static KIND: Schema = Schema::enumeration("Kind", &["A", "B"]);
static COUNT: Schema = Schema::integer("Count").min(5).max(9);
static SECRET: Schema = Schema::string("Secret").max(3).sensitive();
static ITEM: Schema = Schema::structure("Item", &[Member::new("Name", &NAME).required()]);
static ITEMS: Schema = Schema::list("Items", Member::element(&ITEM)).max(2);
static LABELS: Schema = Schema::map("Labels", Member::element(&NAME), Member::element(&NAME));
static INPUT: Schema = Schema::structure(
    "Input",
    &[
        Member::new("Name", &NAME).required(),
        Member::new("Kind", &KIND),
        Member::new("Count", &COUNT),
        Member::new("Secret", &SECRET),
        Member::new("Items", &ITEMS),
        Member::new("Labels", &LABELS),
    ],
);
static OPERATION: OperationSchema = OperationSchema {
    name: "Make",
    input: Some(&INPUT),
    output: None,
    result_wrapper: None,
    http: None,
    input_element: None,
    errors: &[],
};

fn service(name: &'static str, protocol: Protocol) -> ServiceSchema {
    ServiceSchema {
        name,
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
        shapes: &[],
    }
}

fn refusal(name: &'static str, json: &str) -> String {
    let error = server::decode_request(
        &service(name, Protocol::Json),
        Protocol::Json,
        &OPERATION,
        crate::rest::Incoming::message(json.as_bytes()),
    );
    let error = error.expect_err(json);
    assert_eq!(error.code, "InvalidParameterException");
    error.message
}

#[test]
fn most_services_name_all_violations() {
    for (json, message) in [
        (
            "{}",
            "1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null",
        ),
        (
            r#"{"Name":"A"}"#,
            "2 validation errors detected: Value 'A' at 'name' failed to satisfy constraint: Member must have length \
             greater than or equal to 2; Value 'A' at 'name' failed to satisfy constraint: Member must satisfy regular \
             expression pattern: [a-z]+",
        ),
        (
            r#"{"Name":"ok","Count":4}"#,
            "1 validation error detected: Value '4' at 'count' failed to satisfy constraint: Member must have value \
             greater than or equal to 5",
        ),
        (
            r#"{"Name":"ok","Kind":"C"}"#,
            "1 validation error detected: Value 'C' at 'kind' failed to satisfy constraint: Member must satisfy enum \
             value set: [A, B]",
        ),
        (
            r#"{"Name":"ok","Items":[{"Name":"ab"},{}]}"#,
            "1 validation error detected: Value null at 'items.2.member.name' failed to satisfy constraint: Member must \
             not be null",
        ),
        (
            r#"{"Name":"ok","Labels":{"ab":"X1"}}"#,
            "1 validation error detected: Value 'X1' at 'labels.ab.member' failed to satisfy constraint: Member must \
             satisfy regular expression pattern: [a-z]+",
        ),
        (
            r#"{"Name":"ok","Secret":"hunter2"}"#,
            "1 validation error detected: Value at 'secret' failed to satisfy constraint: Member must have length less \
             than or equal to 3",
        ),
    ] {
        assert_eq!(refusal("logs", json), message, "{json}");
    }
}

#[test]
fn ecr_names_the_first_in_its_own_words() {
    let message = refusal("ecr", r#"{"Name":"A"}"#);
    assert_eq!(
        message,
        "Invalid parameter at 'name' failed to satisfy constraint: 'must have length greater than or equal to 2'"
    );
    let message = refusal("ecr", r#"{"Name":"A1"}"#);
    assert_eq!(
        message,
        "Invalid parameter at 'name' failed to satisfy constraint: 'must satisfy regular expression '[a-z]+''"
    );
}

#[test]
fn a_pattern_is_for_the_whole_text() {
    assert!(matches("[a-z]+", "abc"));
    for text in ["abc\n", "a b", "", "1abc"] {
        assert!(!matches("[a-z]+", text), "{text:?}");
    }
    assert!(!matches("a|b", "ab"));
}

#[test]
fn there_is_a_limit_on_what_is_said() {
    let list: Vec<&str> = vec!["{}"; 1000];
    let json = format!(r#"{{"Items":[{}]}}"#, list.join(","));
    assert!(refusal("logs", &json).starts_with("20 validation errors detected: "));
    let name = "x".repeat(100_000);
    assert!(refusal("logs", &format!(r#"{{"Name":"{name}"}}"#)).len() < 1000);
}

#[test]
fn a_good_message_passes() {
    let mut fields = Fields::new();
    fields.put("Name", "abc".to_owned());
    fields.put("Count", 7);
    assert!(violations(&INPUT, &Value::Structure(fields)).is_empty());
}

#[test]
fn services_that_speak_json_have_codes_of_their_own() {
    let code = |name| {
        let input = Value::Structure(Fields::new());
        check(&service(name, Protocol::Json), &INPUT, &input)
            .unwrap_err()
            .code
    };
    assert_eq!(code("ecs"), "InvalidParameterException");
    assert_eq!(code("servicediscovery"), "InvalidInput");
    assert_eq!(code("acm"), "ValidationException");
}
