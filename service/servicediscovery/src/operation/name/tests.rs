use super::*;

#[test]
fn services_are_called_as_aws_lets_them() {
    let long = format!("{}.a", "a".repeat(63));
    for name in ["a", "web", "_tcp.web", "a-b.c_d", "A1", ".", long.as_str()] {
        assert!(check_service(name).is_ok(), "{name}");
    }
    let too_long = "a".repeat(64);
    let far_too_long = ["abcdefg"; 17].join(".");
    for name in [
        "",
        "-a",
        "a-",
        "a..b",
        ".a",
        "_",
        "a b",
        "ä",
        &too_long,
        &far_too_long,
    ] {
        assert!(check_service(name).is_err(), "{name}");
    }
}

#[test]
fn namespaces_are_called_as_aws_lets_them() {
    assert!(check_namespace("corp.local", 253).is_ok());
    assert!(check_namespace(&"a".repeat(253), 253).is_ok());
    for name in ["", "arn:aws", "a b", "ä", &"a".repeat(254)] {
        let error = check_namespace(name, 253).unwrap_err();
        assert_eq!(error.code, "InvalidInput", "{name}");
    }
}
