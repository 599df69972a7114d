use super::*;
use crate::{ApiError, Schema, Value};

static TEXT: Schema = Schema::string("Text");
static COUNT: Schema = Schema::integer("Count");
static FLAG: Schema = Schema::boolean("Flag");
static TEXTS: Schema = Schema::list("Texts", Member::element(&TEXT));
static LABELS: Schema = Schema::map("Labels", Member::element(&TEXT), Member::element(&TEXT));
static ITEM: Schema = Schema::structure(
    "Item",
    &[Member::new("Key", &TEXT).located("key"), Member::new("On", &FLAG)],
);
static ITEMS: Schema = Schema::list("Items", Member::element(&ITEM).located("item"));
static INPUT: Schema = Schema::structure(
    "Input",
    &[
        Member::new("Name", &TEXT),
        Member::new("Count", &COUNT),
        Member::new("Texts", &TEXTS).located("texts").queried("Text"),
        Member::new("Items", &ITEMS).located("itemSet"),
        Member::new("Flat", &TEXTS).flattened(),
        Member::new("Labels", &LABELS),
        Member::new("Item", &ITEM),
    ],
);

fn decode(protocol: Protocol, text: &str) -> Result<String, ApiError> {
    let value = read(protocol, Some(&INPUT), &Form::parse(text.as_bytes())?)?;
    Ok(crate::json::write(Some(&INPUT), &value))
}

#[test]
fn names_are_paths() {
    for (text, json) in [
        ("", "{}"),
        ("Action=X&Version=1&Unknown.1.2=3", "{}"),
        ("Name=a+b%2Bc%C3%BC", r#"{"Name":"a b+cü"}"#),
        ("Name=", r#"{"Name":""}"#),
        ("Name=first&Name=second", r#"{"Name":"first"}"#),
        (
            "texts.member.2=b&texts.member.10=c&texts.member.1=a",
            r#"{"texts":["a","b","c"]}"#,
        ),
        ("texts=", r#"{"texts":[]}"#),
        (
            "itemSet.item.1.key=k&itemSet.item.1.On=true",
            r#"{"itemSet":[{"key":"k","On":true}]}"#,
        ),
        ("Flat.1=a&Flat.2=b", r#"{"Flat":["a","b"]}"#),
        (
            "Labels.entry.1.key=x&Labels.entry.1.value=y",
            r#"{"Labels":{"x":"y"}}"#,
        ),
        ("Item.key=k&Count=7", r#"{"Count":7,"Item":{"key":"k"}}"#),
    ] {
        assert_eq!(decode(Protocol::Query, text).expect(text), json, "{text}");
    }
    for (text, json) in [
        ("Text.1=a&Text.2=b", r#"{"texts":["a","b"]}"#),
        (
            "ItemSet.1.Key=k&ItemSet.2.Key=l",
            r#"{"itemSet":[{"key":"k"},{"key":"l"}]}"#,
        ),
        ("texts.1=a&itemSet.1.key=k", "{}"),
    ] {
        assert_eq!(decode(Protocol::Ec2, text).expect(text), json, "{text}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    for (protocol, text, code, part) in [
        (
            Protocol::Query,
            "Count=many",
            "MalformedInput",
            "many at Count is not an integer",
        ),
        (
            Protocol::Query,
            "Count=2147483648",
            "MalformedInput",
            "is not an integer",
        ),
        (
            Protocol::Query,
            "texts.member.x=1",
            "MalformedInput",
            "x is not a number in texts.x",
        ),
        (
            Protocol::Query,
            "itemSet.item.1.On=maybe",
            "MalformedInput",
            "maybe at itemSet.1.On is not a boolean",
        ),
        (
            Protocol::Ec2,
            "Count=many",
            "InvalidParameterValue",
            "Value (many) for parameter Count is invalid",
        ),
        (Protocol::Query, "Name=%ff", "MalformedQueryString", "not UTF-8"),
    ] {
        let error = decode(protocol, text).expect_err(text);
        assert_eq!(error.code, code, "{text}");
        assert!(error.message.contains(part), "{}", error.message);
    }
    let deep = format!("A{}=1", ".1".repeat(crate::limit::FORM_MAX_DEPTH));
    let long = "a=1&".repeat(crate::limit::LIST_MAX_ENTRIES + 1);
    for text in [deep, long] {
        assert_eq!(
            decode(Protocol::Query, &text).expect_err("too much").code,
            "MalformedQueryString"
        );
    }
}

#[test]
fn without_an_input_nothing_is_read() {
    let form = Form::parse(b"Action=X&Name=y").expect("a form");
    assert_eq!(
        read(Protocol::Query, None, &form).expect("nothing"),
        Value::Structure(crate::Fields::new())
    );
}
