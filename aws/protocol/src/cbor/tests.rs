use super::*;
use crate::{Fields, Member, Schema, Value};

static NAME: Schema = Schema::string("Name");
static NUMBER: Schema = Schema::double("Number");
static COUNT: Schema = Schema::integer("Count");
static TIME: Schema = Schema::timestamp("Time");
static NAMES: Schema = Schema::list("Names", Member::element(&NAME));
static INPUT: Schema = Schema::structure(
    "Input",
    &[
        Member::new("Name", &NAME),
        Member::new("Number", &NUMBER),
        Member::new("Count", &COUNT),
        Member::new("Time", &TIME),
        Member::new("Names", &NAMES),
    ],
);

fn sample() -> Value {
    let mut fields = Fields::new();
    fields.put("Name", "x".to_owned());
    fields.put("Number", 0.5);
    fields.put("Count", -7);
    fields.put(
        "Time",
        jiff::Timestamp::from_millisecond(1_700_000_000_250).unwrap(),
    );
    fields.insert(
        "Names",
        Value::List(vec![Value::String("a".into()), Value::String("b".into())]),
    );
    Value::Structure(fields)
}

#[test]
fn what_is_written_is_read() {
    assert_eq!(
        read(Some(&INPUT), &write(Some(&INPUT), &sample())).unwrap(),
        sample()
    );
}

#[test]
fn what_is_not_cbor_is_refused() {
    let deep = [vec![0x81; 10_000], vec![0x01]].concat();
    let text_for_number = [&[0xa1, 0x66][..], b"Number", &[0x61, b'x']].concat();
    // An array that says it has 2^60 entries.
    let huge = [&[0xa1, 0x65][..], b"Names", &[0x9b, 0x10, 0, 0, 0, 0, 0, 0, 0]].concat();
    for body in [&b"{"[..], &[0xff], &deep, &text_for_number, &huge, &[0x01]] {
        let error = read(Some(&INPUT), body).unwrap_err();
        assert_eq!(error.code, "SerializationException");
    }
}

#[test]
fn the_path_says_which_operation_it_is() {
    let path = "/service/GraniteServiceVersion20100801/operation/ListMetrics";
    assert_eq!(
        target("POST", path),
        Some(("GraniteServiceVersion20100801", "ListMetrics"))
    );
    assert_eq!(target("GET", path), None);
    assert_eq!(target("POST", "/service/X"), None);
}
