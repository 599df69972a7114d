use super::*;

fn state(name: &str) -> String {
    match name {
        "a" | "my alarm" => ALARM,
        "b" => OK,
        _ => INSUFFICIENT_DATA,
    }
    .to_owned()
}

#[test]
fn rules_hold_or_not() {
    for (text, expected) in [
        ("ALARM(a)", true),
        ("ALARM(\"my alarm\")", true),
        ("ALARM('a') AND OK(b)", true),
        ("ALARM(b) OR ALARM(a) AND FALSE", false),
        ("(ALARM(b) OR ALARM(a)) AND TRUE", true),
        ("NOT ALARM(a)", false),
        ("not not alarm(a)", true),
        ("INSUFFICIENT_DATA(c)", true),
        ("ALARM(arn:aws:cloudwatch:us-east-1:000000000000:alarm:a)", true),
    ] {
        assert_eq!(holds(&parse(text).unwrap(), &state), expected, "{text}");
    }
    let rule = parse("ALARM(a) OR NOT (OK(b) AND ALARM(a))").unwrap();
    assert_eq!(children(&rule).into_iter().collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn what_is_no_rule_is_refused() {
    let deep = "(".repeat(10_000);
    for text in [
        "",
        "ALARM",
        "ALARM()",
        "ALARM(a",
        "ALARM(a) ALARM(b)",
        "ALARMED(a)",
        "ALARM(a) AND",
        "ü",
        &deep,
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
}
