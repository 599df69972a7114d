use super::*;

#[test]
fn names_are_read_with_octal_escapes_and_in_lower_case() {
    assert_eq!(parse("WWW.example.com.").unwrap(), b"\x03www\x07example\x03com\0");
    assert_eq!(parse("*.a").unwrap(), b"\x01*\x01a\0");
    assert_eq!(parse("a\\056b.c.").unwrap(), b"\x03a.b\x01c\0");
    assert_eq!(parse("\\344.c.").unwrap(), b"\x01\xe4\x01c\0");
    assert_eq!(parse(".").unwrap(), b"\0");
}

#[test]
fn what_is_no_name_is_refused() {
    for text in ["a..b", ".a", "a\\05", "a\\400", "a\\"] {
        assert!(parse(text).is_err(), "{text}");
    }
    assert!(parse(&format!("{}.a", "x".repeat(64))).is_err());
    assert!(parse(&"x.".repeat(128)).is_err());
}

#[test]
fn parents_are_tails() {
    let wire = parse("www.example.com").unwrap();
    let texts: Vec<String> = tails(&wire).map(|tail| to_name(tail).to_string()).collect();
    assert_eq!(texts, ["www.example.com.", "example.com.", "com.", "."]);
    assert!(within(&wire, &parse("example.com").unwrap()));
    assert!(!within(&wire, &parse("ample.com").unwrap()));
}
