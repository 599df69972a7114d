use super::*;

fn check(uri: &str, host: Option<&str>, origin: Option<&str>) -> Result<(), String> {
    let mut headers = HeaderMap::new();
    for (name, value) in [(header::HOST, host), (header::ORIGIN, origin)] {
        if let Some(value) = value {
            headers.insert(name, value.parse().expect("a value"));
        }
    }
    let hosts = Hosts::new()
        .name("Wharf.example")
        .name("[fd00::1]")
        .origin("http://localhost:4566");
    hosts.check(&uri.parse().expect("a URI"), &headers)
}

#[test]
fn only_our_own_names_are_taken() {
    for host in [
        "localhost",
        "LOCALHOST:80",
        "a.b.localhost",
        "127.0.0.1:4566",
        "127.1.2.3",
        "[::1]",
        "[::1]:4566",
        "wharf.example:1",
        "[fd00::1]:4566",
        "localhost.",
    ] {
        assert_eq!(check("/", Some(host), None), Ok(()), "{host}");
    }
    for host in [
        "example.com",
        "localhost.example.com",
        "notlocalhost",
        "10.0.0.1",
        "[fd00::2]",
        "",
        "0x7f.1",
        "127.0.0.1.nip.io",
    ] {
        assert!(check("/", Some(host), None).is_err(), "{host}");
    }
    assert!(check("/", None, None).is_err());
}

#[test]
fn the_request_line_and_the_header_must_agree() {
    assert_eq!(check("http://localhost:80/", None, None), Ok(()));
    assert_eq!(check("http://localhost:80/", Some("localhost:80"), None), Ok(()));
    assert!(check("http://example.com/", Some("localhost"), None).is_err());
    assert!(check("http://localhost/", Some("example.com"), None).is_err());
}

#[test]
fn only_allowed_pages_may_call() {
    assert_eq!(
        check("/", Some("localhost"), Some("http://localhost:4566")),
        Ok(())
    );
    for origin in [
        "null",
        "",
        "http://localhost",
        "https://localhost:4566",
        "http://localhost:4566.example.com",
    ] {
        assert!(check("/", Some("localhost"), Some(origin)).is_err(), "{origin}");
    }
}
