use super::*;
use crate::{ApiError, Kind, Member, Schema, Value};

static TEXT: Schema = Schema::string("Text");
static COUNT: Schema = Schema::integer("Count");
static BIG: Schema = Schema::long("Big");
static RATIO: Schema = Schema::double("Ratio");
static FLAG: Schema = Schema::boolean("Flag");
static BYTES: Schema = Schema::blob("Bytes");
static TIME: Schema = Schema::timestamp("Time");
static TEXTS: Schema = Schema::list("Texts", Member::element(&TEXT));
static LABELS: Schema = Schema::map("Labels", Member::element(&TEXT), Member::element(&TEXT));
static TREE: Schema = Schema::structure(
    "Tree",
    &[
        Member::new("text", &TEXT),
        Member::new("count", &COUNT),
        Member::new("big", &BIG),
        Member::new("ratio", &RATIO),
        Member::new("flag", &FLAG),
        Member::new("bytes", &BYTES),
        Member::new("time", &TIME),
        Member::new("texts", &TEXTS),
        Member::new("labels", &LABELS),
        Member::new("child", &TREE),
        Member::new("renamed", &TEXT).located("other"),
    ],
);

fn strict(text: &str) -> Result<Value, ApiError> {
    read(Some(&TREE), text.as_bytes(), Mode::Strict)
}

#[test]
fn what_is_read_is_written_again() {
    for text in [
        "{}",
        r#"{"text":"a\"\u0001ü"}"#,
        r#"{"count":-7,"big":9007199254740993,"ratio":2.5,"flag":true,"bytes":"AP8=","time":1767225600.25}"#,
        r#"{"texts":[],"labels":{}}"#,
        r#"{"texts":["a","b"],"labels":{"x":"y"},"child":{"child":{"text":""}},"other":"z"}"#,
    ] {
        let value = strict(text).expect("it fits");
        let again: serde_json::Value = serde_json::from_str(&write(Some(&TREE), &value)).expect("JSON");
        assert_eq!(
            again,
            serde_json::from_str::<serde_json::Value>(text).expect("JSON"),
            "{text}"
        );
    }
}

#[test]
fn what_clients_send_otherwise_is_understood() {
    for (text, plain) in [
        ("", "{}"),
        (" \n", "{}"),
        (r#"{"unknown":{"a":[1]}}"#, "{}"),
        (r#"{"text":null}"#, "{}"),
        (r#"{"count":7.0}"#, r#"{"count":7}"#),
        (r#"{"time":"2026-01-01T00:00:00Z"}"#, r#"{"time":1767225600}"#),
        (r#"{"labels":{"x":null,"y":"z"}}"#, r#"{"labels":{"y":"z"}}"#),
    ] {
        assert_eq!(
            write(Some(&TREE), &strict(text).expect("it fits")),
            plain,
            "{text}"
        );
    }
}

#[test]
fn a_wrong_type_is_refused_with_its_place() {
    for (text, message) in [
        (
            r#"{"text":7}"#,
            "NUMBER_VALUE can not be converted to a String (at text)",
        ),
        (
            r#"{"text":true}"#,
            "TRUE_VALUE can not be converted to a String (at text)",
        ),
        (
            r#"{"text":{}}"#,
            "Start of structure or map found where not expected (at text)",
        ),
        (
            r#"{"count":"7"}"#,
            "STRING_VALUE can not be converted to an Integer (at count)",
        ),
        (
            r#"{"count":7.5}"#,
            "NUMBER_VALUE can not be converted to an Integer (at count)",
        ),
        (
            r#"{"count":2147483648}"#,
            "NUMBER_VALUE can not be converted to an Integer (at count)",
        ),
        (
            r#"{"flag":"true"}"#,
            "STRING_VALUE can not be converted to a Boolean (at flag)",
        ),
        (r#"{"texts":"a"}"#, "Expected list or null (at texts)"),
        (
            r#"{"texts":["a",7]}"#,
            "NUMBER_VALUE can not be converted to a String (at texts.1)",
        ),
        (
            r#"{"labels":[]}"#,
            "Start of list found where not expected (at labels)",
        ),
        (
            r#"{"child":{"child":{"bytes":"?"}}}"#,
            "STRING_VALUE can not be converted to a Blob (at child.child.bytes)",
        ),
        ("[]", "Start of list found where not expected"),
        ("7", "Expected structure or null"),
    ] {
        let error = strict(text).expect_err(text);
        assert_eq!(error.code, "SerializationException", "{text}");
        assert_eq!(error.message, message, "{text}");
    }
}

#[test]
fn what_is_no_json_or_too_much_is_refused() {
    let deep = format!("{}{}", "{\"child\":".repeat(200), "}".repeat(200));
    let long = format!(
        "{{\"texts\":[{}\"\"]}}",
        "\"\",".repeat(crate::limit::LIST_MAX_ENTRIES)
    );
    for text in ["{", "{}x", "\u{feff}{}", "nonsense", &deep, &long] {
        let code = strict(text).expect_err("it is refused").code;
        assert_eq!(code, "SerializationException");
    }
}

#[test]
fn a_client_leaves_out_what_it_does_not_understand() {
    let text = br#"{"text":7,"count":"x","texts":["a",7,null],"child":{"flag":true}}"#;
    let value = read(Some(&TREE), text, Mode::Lenient).expect("it is JSON");
    assert_eq!(
        write(Some(&TREE), &value),
        r#"{"texts":["a"],"child":{"flag":true}}"#
    );
}

#[test]
fn numbers_that_are_none_are_spelled_out() {
    assert!(matches!(RATIO.kind, Kind::Double));
    let value = read(Some(&RATIO), b"\"-Infinity\"", Mode::Strict).expect("it fits");
    assert_eq!(write(Some(&RATIO), &value), "\"-Infinity\"");
}
