use super::*;

fn ignored(patterns: &str, path: &str) -> bool {
    Ignore::parse(patterns).unwrap().is_ignored(path)
}

#[test]
fn patterns_mean_what_they_mean_to_docker() {
    for (patterns, path, expected) in [
        ("*.log", "a.log", true),
        ("*.log", "d/a.log", false),
        ("**/*.log", "a.log", true),
        ("**/*.log", "d/e/a.log", true),
        ("node_modules", "node_modules/x/y", true),
        ("node_modules/", "node_modules/x", true),
        ("/a", "a", true),
        ("a/**", "a/b/c", true),
        ("a/**", "a", false),
        ("a/*/c", "a/b/c", true),
        ("a/*/c", "a/b/d/c", false),
        ("**/c", "c", true),
        ("a?", "ab", true),
        ("[a-c]x", "bx", true),
        ("[^a-c]x", "bx", false),
        ("\\*", "*", true),
        ("\\*", "a", false),
        ("# no\n\n  b  ", "b", true),
        ("#x", "#x", false),
        ("*\n!keep", "keep", false),
        ("*\n!keep", "other", true),
        ("*\n!d/keep", "d/keep", false),
        ("!a\na", "a", true),
        ("a.b", "axb", false),
        (".", "a", false),
        ("x/../y", "y", true),
        ("**", "a/b", true),
    ] {
        assert_eq!(ignored(patterns, path), expected, "{patterns:?} on {path}");
    }
}

#[test]
fn a_broken_pattern_names_its_line() {
    assert_eq!(
        Ignore::parse("a\n!\n").unwrap_err().to_string(),
        ".dockerignore:2: `!` is not followed by a pattern"
    );
    assert_eq!(Ignore::parse("[]a").unwrap_err().line, 1);
}
