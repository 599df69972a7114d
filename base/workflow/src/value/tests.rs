use super::{Map, Value, number_text, parse_number};

#[test]
fn numbers_are_written_with_fifteen_digits() {
    for (number, wanted) in [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (-1.5, "-1.5"),
        (100.0, "100"),
        (0.1 + 0.2, "0.3"),
        (1.0 / 3.0, "0.333333333333333"),
        (2.0 / 3.0, "0.666666666666667"),
        (1e14, "100000000000000"),
        (1e15, "1E+15"),
        (999_999_999_999_999.0, "999999999999999"),
        (999_999_999_999_999.9, "1E+15"),
        (123_456_789.123_456_78, "123456789.123457"),
        (1e-4, "0.0001"),
        (1.234e-5, "1.234E-05"),
        (1e100, "1E+100"),
        (-1e-100, "-1E-100"),
        (f64::MAX, "1.79769313486232E+308"),
    ] {
        assert_eq!(number_text(number), wanted, "{number:e}");
    }
}

#[test]
fn texts_are_read_as_numbers() {
    for (text, wanted) in [
        ("", 0.0),
        ("  ", 0.0),
        (" 5\t", 5.0),
        ("0x10", 16.0),
        ("0xFFFFFFFE", -2.0),
        ("0o10", 8.0),
        ("1e3", 1000.0),
        ("-Infinity", f64::NEG_INFINITY),
    ] {
        assert_eq!(parse_number(text), wanted, "{text:?}");
    }
    for text in [
        "x",
        "0x",
        "0xg",
        "0x+1",
        "0x100000000",
        "0o8",
        "inf",
        "nan",
        "NaN",
        "1 2",
        "1,5",
        "--1",
        ".",
        "e5",
        "٣",
    ] {
        assert!(parse_number(text).is_nan(), "{text:?}");
    }
}

#[test]
fn maps_keep_their_order_and_ignore_case() {
    let mut map: Map = [("b", Value::from("1")), ("A", Value::from("2"))]
        .into_iter()
        .collect();
    map.insert("B", Value::from("3"));
    assert_eq!(map.keys().collect::<Vec<_>>(), ["b", "A"]);
    assert_eq!(map.get("b").map(Value::text).as_deref(), Some("3"));
    assert_eq!(map.get("a").map(Value::text).as_deref(), Some("2"));
    assert!(map.get("c").is_none());
    assert_eq!(map.len(), 2);
    assert_eq!(Value::from(map).to_json().to_string(), r#"{"A":"2","b":"3"}"#);
}

#[test]
fn json_goes_there_and_back() {
    let json: serde_json::Value =
        serde_json::from_str(r#"{"a":[1,2.5,null,true,"x"],"b":{},"c":-7}"#).unwrap();
    assert_eq!(Value::from_json(&json).to_json(), json);
    let value: Value = serde_json::from_str(&json.to_string()).unwrap();
    assert_eq!(value, Value::from_json(&json));
    assert_eq!(Value::Number(f64::NAN).to_json(), serde_json::Value::Null);
    assert_eq!(Value::Number(1e20).to_json().to_string(), "1e+20");
}
