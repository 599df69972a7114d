use super::*;

#[test]
fn names_are_what_acm_takes() {
    for name in [
        "example.com",
        "*.example.com",
        "a.b",
        "a.bc",
        "x-y.localhost",
        "1.example.com",
    ] {
        let fits = name.rsplit_once('.').is_some_and(|(_, last)| last.len() > 1);
        assert_eq!(is_domain(name), fits, "{name}");
    }
    for name in [
        "localhost",
        "*",
        "*.",
        "*.com.",
        "-a.com",
        "a-.com",
        "a..com",
        "a.*.com",
        "*a.com",
        "a_b.com",
        "ä.com",
        "",
    ] {
        assert!(!is_domain(name), "{name}");
    }
}

#[test]
fn a_wildcard_is_shown_by_the_record_of_the_name_under_it() {
    let (plain, wild) = (validation("1", "example.com"), validation("1", "*.example.com"));
    assert_eq!(plain.record_name, wild.record_name);
    assert_eq!(plain.record_value, wild.record_value);
    assert!(plain.record_name.ends_with(".example.com."));
    assert_eq!(plain.record_name.split('.').next().unwrap().len(), 33);
    assert!(plain.record_value.ends_with(".acm-validations.aws."));
    assert_ne!(plain.record_value, validation("2", "example.com").record_value);
    assert_ne!(plain.record_value, validation("1", "example.org").record_value);
}
