use super::*;

const CASES: &str = include_str!("../../tests/cases/patterns.txt");
/// So that nobody empties the file unseen.
const CASES_MIN: usize = 150;

#[test]
fn patterns_match_as_documented() {
    let (mut failures, mut count) = (Vec::new(), 0);
    let (mut pattern, mut last) = ("", String::new());
    for (at, line) in CASES.lines().enumerate() {
        if let Some(text) = line.strip_prefix("pattern:") {
            pattern = text.strip_prefix(' ').unwrap_or(text);
            continue;
        }
        let Some((kind, text)) = line.split_at_checked(2).filter(|(kind, _)| *kind != "# ") else {
            continue;
        };
        count += 1;
        let wrong = match kind {
            "+ " => {
                text.clone_into(&mut last);
                matches(pattern, text, true)
            }
            "- " => matches(pattern, text, false),
            "= " => extracts(pattern, &last, text),
            "! " => refused(pattern, text),
            other => Some(format!("`{other}` is no kind of case")),
        };
        failures.extend(wrong.map(|it| format!("line {}: {pattern}: {it}", at + 1)));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(count >= CASES_MIN, "{count} cases");
}

fn matches(pattern: &str, line: &str, expected: bool) -> Option<String> {
    let pattern = match Pattern::parse(pattern) {
        Ok(pattern) => pattern,
        Err(error) => return Some(error.to_string()),
    };
    if pattern.matches(line) != expected {
        return Some(format!("`{line}` should be {expected}"));
    }
    let missing = pattern
        .contains()
        .into_iter()
        .find(|it| !line.contains(it.as_str()));
    missing
        .filter(|_| expected)
        .map(|it| format!("`{line}` matches without `{it}`"))
}

fn extracts(pattern: &str, line: &str, expected: &str) -> Option<String> {
    let (name, value) = expected.split_once(' ').unwrap_or((expected, ""));
    let pattern = Pattern::parse(pattern).ok()?;
    let matched = pattern.read(line)?;
    let found = pattern.extracted(&matched).get(name).cloned();
    let agrees = found.as_deref() == Some(value) && matched.value(name).as_deref() == Some(value);
    (!agrees).then(|| format!("{name} is {found:?} and should be `{value}`"))
}

fn refused(pattern: &str, place: &str) -> Option<String> {
    match Pattern::parse(pattern) {
        Ok(_) => Some("should be refused".to_owned()),
        Err(error) if error.character.to_string() != place => Some(format!("{error}, should be at {place}")),
        Err(_) => None,
    }
}

#[test]
fn what_every_match_contains_is_known() {
    for (pattern, expected) in [
        ("", vec![]),
        ("\" \"", vec![]),
        ("ERROR -disk", vec!["ERROR"]),
        ("?ERROR", vec!["ERROR"]),
        ("?ERROR ?WARN", vec![]),
        ("%ERROR\\sdisk.?%", vec!["ERROR", "disk"]),
        ("%ab?c%", vec!["a", "c"]),
        ("%ERROR|WARN%", vec![]),
        ("%\\x21%", vec![]),
        (
            "{ $.type = \"a/long-name\" && $.n > 5 }",
            vec!["n", "name", "type"],
        ),
        ("{ $.a = 1 || $.b = 1 }", vec![]),
        ("{ $.a NOT EXISTS }", vec![]),
        ("[w1 = ERROR, w2 != x, ...]", vec!["ERROR"]),
        ("[w1 = ERROR || w1 = WARN, w2]", vec![]),
    ] {
        assert_eq!(Pattern::parse(pattern).unwrap().contains(), expected, "{pattern}");
    }
}

#[test]
fn letters_behind_numbers_are_read() {
    let pattern = Pattern::parse("{ $.level = \"error\" }").unwrap();
    assert!(pattern.matches("{\"l\\u0065vel\":\"\\u0065rror\"}"));
    assert!(!pattern.matches("{\"l\\u0065vel\":\"info\"}"));
}

#[test]
fn deep_brackets_are_refused() {
    let pattern = format!("{{ {}$.a = 1{} }}", "(".repeat(400), ")".repeat(400));
    assert!(Pattern::parse(&pattern).is_err());
}
