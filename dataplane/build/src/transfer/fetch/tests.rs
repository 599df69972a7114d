use super::*;

#[test]
fn files_are_called_what_their_url_ends_in() {
    for (url, name) in [
        ("https://example.com/a/b.tar.gz", "b.tar.gz"),
        ("https://example.com/a/b?x=/c#d", "b"),
        ("https://example.com/a%20b/%C3%B1", "ñ"),
        ("https://example.com/a%2Fb", "b"),
        ("https://example.com/a/", "a"),
        ("https://example.com", UNNAMED),
        ("https://example.com/", UNNAMED),
        ("https://example.com/a/..", UNNAMED),
        ("https://example.com/%2e%2e", UNNAMED),
    ] {
        assert_eq!(name_of(url), name, "{url}");
    }
}
