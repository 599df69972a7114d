use super::*;

#[test]
fn a_folder_s_name_is_made_legal() {
    for (folder, expected) in [
        ("hello", "hello"),
        ("My Café_2", "my-caf-2"),
        ("2048", "app-2048"),
        ("--x--", "app"),
        ("internal-tools", "app-internal-tools"),
        ("a-name-that-is-much-too-long-for-aws", "a-name-that-is-much-too"),
        ("", "app"),
    ] {
        assert_eq!(AppName::made_of(folder).as_str(), expected, "{folder}");
    }
}

#[test]
fn what_is_made_legal_is_legal() {
    for text in [
        "hello",
        "x y",
        "9",
        "internal-",
        "-",
        "ÄÖÜ",
        "a--b",
        "aaaaaaaaaaaaaaaaaaaaaaa-b",
    ] {
        let made = AppName::made_of(text);
        assert_eq!(AppName::parse(made.as_str()), Ok(made.clone()), "{text}");
    }
}

#[test]
fn a_name_that_is_not_legal_is_refused_with_one_that_is() {
    let error = AppName::parse("Web Shop").unwrap_err();
    assert_eq!(error.instead.as_str(), "web-shop");
    assert!(AppName::parse("").is_err());
    assert!(AppName::parse("a").is_err());
}
