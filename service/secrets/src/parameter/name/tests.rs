use super::*;

fn scope() -> Scope {
    Scope::new("000000000000", "us-east-1")
}

fn code(name: &str) -> Result<(), String> {
    check(&scope(), name).map_err(|error| format!("{}: {}", error.code, error.message))
}

#[test]
fn names_are_what_aws_takes() {
    for good in ["a", "/a", "/a/b.c-d_e", "MyParam", "/a/aws"] {
        assert_eq!(code(good), Ok(()), "{good}");
    }
    let deep = |levels: usize| (0..levels).map(|n| format!("/{n}x")).collect::<String>();
    assert_eq!(code(&deep(15)), Ok(()));
    assert!(
        code(&deep(16))
            .unwrap_err()
            .starts_with("HierarchyLevelLimitExceededException:")
    );
    assert!(
        code("/aws/x")
            .unwrap_err()
            .starts_with("AccessDeniedException: No access to reserved parameter name: /aws/x.")
    );
    assert!(
        code("SSMthing")
            .unwrap_err()
            .contains("can't be prefixed with \"ssm\"")
    );
    assert!(code("a/b").unwrap_err().contains("fully qualified name"));
    for bad in ["", "/", "a b", "/a//b", "/a/", "a:b", "ü"] {
        assert!(code(bad).unwrap_err().starts_with("ValidationException"), "{bad}");
    }
    assert!(code(&format!("/{}", "x".repeat(1011))).is_err());
}

#[test]
fn a_selector_follows_the_name() {
    let parse = |text| select(&scope(), text).map(|it| it.map(|it| (it.name, it.selector)));
    let is = |name: &str, selector| Ok(Some((name.to_owned(), selector)));
    assert_eq!(parse("/a/b"), is("/a/b", Selector::Latest));
    assert_eq!(parse("/a:3"), is("/a", Selector::Version(3)));
    assert_eq!(parse("/a:live"), is("/a", Selector::Label("live".to_owned())));
    assert_eq!(
        parse("arn:aws:ssm:us-east-1:000000000000:parameter/a/b:3"),
        is("a/b", Selector::Version(3))
    );
    assert_eq!(parse("arn:aws:ssm:eu-west-1:000000000000:parameter/a"), Ok(None));
    for bad in ["/a:", "/a:1:2", ":1", "/a b"] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_path_ends_with_a_level() {
    assert_eq!(path("/").unwrap(), "/");
    assert_eq!(path("/a").unwrap(), "/a/");
    assert_eq!(path("/a/b/").unwrap(), "/a/b/");
    for bad in ["", "a", "//", "/a//b", "/aws/x", "/a b"] {
        assert!(path(bad).is_err(), "{bad}");
    }
}
