use super::*;

#[test]
fn references_mean_repositories_tags_and_patterns() {
    for (name, reference, expected) in [
        ("web:1", "web", true),
        ("web:1", "web:1", true),
        ("web:1", "web:2", false),
        ("web:1", "docker.io/library/web", true),
        ("127.0.0.1:4566/web:1", "127.0.0.1:4566/web", true),
        ("127.0.0.1:4566/web:1", "web", false),
        ("web:1", "w*", true),
        ("web:1", "*:1", true),
        ("team/web:1", "w*", false),
        ("team/web:1", "team/*", true),
        ("web:1", "*b*", true),
        ("web:1", "*x*", false),
    ] {
        assert_eq!(is_meant(name, reference), expected, "{name} {reference}");
    }
}
