use super::*;

#[test]
fn domains_are_taken_as_people_write_them() {
    for (text, expected) in [
        ("app.example.com", "app.example.com"),
        ("App.Example.COM.", "app.example.com"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("1.example", "1.example"),
    ] {
        assert_eq!(
            text.parse::<DomainName>().map(|it| it.to_string()),
            Ok(expected.to_owned())
        );
    }
}

#[test]
fn what_is_no_domain_is_refused() {
    let long_label = format!("{}.test", "a".repeat(64));
    let long = format!("{}test", "abcdefg.".repeat(32));
    for (text, expected) in [
        ("", DomainError::Length),
        ("example", DomainError::NoDot),
        ("app..test", DomainError::Length),
        (".test", DomainError::Length),
        ("app.test..", DomainError::Length),
        (long_label.as_str(), DomainError::Length),
        (long.as_str(), DomainError::TooLong),
        ("*.example.test", DomainError::Character),
        ("a_b.example.test", DomainError::Character),
        ("bücher.example", DomainError::Character),
        ("https://example.test", DomainError::Character),
        ("app.example.test/", DomainError::Character),
        ("-a.example.test", DomainError::Hyphen),
        ("a-.example.test", DomainError::Hyphen),
        ("app.localhost", DomainError::Localhost),
        ("app.LOCALHOST.", DomainError::Localhost),
        ("127.0.0.1", DomainError::Address),
    ] {
        assert_eq!(text.parse::<DomainName>(), Err(expected), "{text}");
    }
}

#[test]
fn a_zone_may_have_the_name_of_any_parent() {
    let domain: DomainName = "www.app.example.com".parse().unwrap();
    let all: Vec<&str> = domain.with_parents().collect();
    assert_eq!(
        all,
        ["www.app.example.com", "app.example.com", "example.com", "com"]
    );
}

#[test]
fn names_are_the_same_with_their_last_dot_and_in_capitals() {
    assert!(is_same("a.b", "A.b."));
    assert!(!is_same("a.b", "a.b.c"));
}
