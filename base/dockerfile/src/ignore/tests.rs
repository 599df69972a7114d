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
        ("../y", "y", false),
        ("/../y", "y", true),
        ("**\n!**/*.md", "d/e/a.md", false),
        ("a/**/z", "a/z", true),
        ("a/**/z", "a/b/c/z", true),
        ("*/*.tmp", "a/b.tmp", true),
        ("*/*.tmp", "a/b/c.tmp", false),
        ("d\n!d/k\nd/k/no", "d/k/no", true),
        ("ñ*", "ñandú", true),
        ("a b", "a b", true),
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

#[test]
fn the_same_rules_serve_exclude() {
    let ignore = Ignore::of(&["*.md".to_owned(), "!keep.md".to_owned()]).unwrap();
    assert!(ignore.is_ignored("a.md") && !ignore.is_ignored("keep.md"));
    assert!(
        Ignore::of(&["[".to_owned()]).is_err() || !Ignore::of(&["[".to_owned()]).unwrap().is_ignored("a")
    );
}
