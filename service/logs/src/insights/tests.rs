use std::collections::BTreeMap;
use std::sync::Arc;

use contract::log::StoredLine;

use super::*;

const CASES: &str = include_str!("../../tests/cases/insights.txt");
/// So that nobody empties the file unseen.
const CASES_MIN: usize = 110;
/// 2026-01-01 00:00 UTC
const BEGIN_MS: i64 = 1_767_225_600_000;

type Rows = Vec<Vec<(String, String)>>;

fn run(lines: &[&str], query: &str) -> Result<Rows, QueryError> {
    let mut run = Run::new(Arc::new(Query::parse(query)?), LIMIT_DEFAULT, BEGIN_MS);
    for (at, line) in lines.iter().enumerate().rev() {
        let line = StoredLine {
            sequence: at as u64 + 1,
            stream: "s".to_owned(),
            at_ms: BEGIN_MS + at as i64 * 60_000,
            stored_at_ms: BEGIN_MS,
            message: (*line).to_owned(),
        };
        let event = Event::new(
            "000000000000".to_owned(),
            "/app".to_owned(),
            line,
            format!("p{at}"),
        );
        if !run.take(event) {
            break;
        }
    }
    Ok(run.results(LIMIT_DEFAULT))
}

fn text(row: &[(String, String)]) -> String {
    let fields = row.iter().filter(|(name, _)| name != "@ptr");
    fields
        .map(|(name, value)| format!("{name}: {value}"))
        .collect::<Vec<_>>()
        .join("; ")
}

#[test]
fn queries_answer_as_documented() {
    let mut lines: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let (mut set, mut failures, mut count) = ("", Vec::new(), 0);
    let mut cases = CASES.lines().enumerate().peekable();
    while let Some((at, case)) = cases.next() {
        let mut fail = |why: String| failures.push(format!("line {}: {case}\n  {why}", at + 1));
        if let Some(name) = case.strip_prefix("lines ") {
            set = name;
        } else if let Some(line) = case.strip_prefix("> ") {
            lines.entry(set).or_default().push(line);
        } else if let Some(case) = case.strip_prefix("value: ") {
            count += 1;
            let (expression, expected) = case.split_once("=>").unwrap();
            let query = format!("fields {} as x", expression.trim());
            match run(&["line"], &query) {
                Ok(rows) => {
                    let value = rows[0]
                        .iter()
                        .find(|(name, _)| name == "x")
                        .map_or("", |(_, it)| it);
                    if value != expected.trim() {
                        fail(format!("is `{value}`"));
                    }
                }
                Err(error) => fail(error.to_string()),
            }
        } else if let Some(case) = case.strip_prefix("query ") {
            count += 1;
            let (name, query) = case.split_once(": ").unwrap();
            let mut expected = Vec::new();
            while let Some((_, line)) = cases.next_if(|(_, it)| it.starts_with(['=', '!'])) {
                expected.push(line);
            }
            let found = match run(&lines[name], query) {
                Ok(rows) if rows.is_empty() => vec!["=".to_owned()],
                Ok(rows) => rows.iter().map(|row| format!("= {}", text(row))).collect(),
                Err(error) => vec![format!("! {} {}", error.line, error.position)],
            };
            if found != expected {
                fail(found.join("\n  "));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(count >= CASES_MIN, "{count} cases");
}

#[test]
fn a_fault_has_its_place() {
    let error = Query::parse("fields @message\n| filtr x").unwrap_err();
    assert_eq!(
        error.to_string(),
        "unexpected symbol found filtr at line 2 and position 3"
    );
    assert_eq!((error.start, error.end), (18, 23));
    let deep = format!("filter {}1{}", "(".repeat(500), ")".repeat(500));
    assert!(Query::parse(&deep).is_err());
    let deep = format!("filter {}", "2^".repeat(5000) + "2");
    assert!(Query::parse(&deep).is_err());
}

#[test]
fn what_every_line_contains_is_known_to_the_store() {
    let contains = |query: &str| Query::parse(query).unwrap().contains();
    assert_eq!(
        contains(r#"filter @message like "a" and @message like "b" | stats count(*)"#),
        ["a", "b"]
    );
    assert_eq!(contains(r#"fields @log | filter @message like "a""#), ["a"]);
    for none in [
        r#"filter @message like "a" or @message like "b""#,
        r#"filter @message not like "a""#,
        r#"filter level like "a""#,
        r#"fields level as @message | filter @message like "a""#,
        r#"limit 5 | filter @message like "a""#,
    ] {
        assert!(contains(none).is_empty(), "{none}");
    }
}

#[test]
fn percentiles_and_distinct_values_of_many_are_close() {
    let lines: Vec<String> = (1..=150_000).map(|n| format!("{{\"n\":{n}}}")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let rows = run(
        &lines,
        "stats pct(n, 50) as p50, pct(n, 99.9) as top, count_distinct(n) as different",
    )
    .unwrap();
    let expected = [75_000.0, 149_850.0, 150_000.0];
    for ((name, value), expected) in rows[0].iter().zip(expected) {
        let value: f64 = value.parse().unwrap();
        let off = (value - expected).abs() / expected;
        assert!(
            off < if name == "different" { 0.03 } else { 0.002 },
            "{name} is {value}"
        );
    }
}

#[test]
fn a_query_that_only_wants_some_lines_stops_early() {
    let query = Arc::new(Query::parse("fields @message | limit 2").unwrap());
    let mut run = Run::new(query, LIMIT_DEFAULT, BEGIN_MS);
    let mut take = |n: u64| {
        let line = StoredLine {
            sequence: n,
            stream: String::new(),
            at_ms: 0,
            stored_at_ms: 0,
            message: n.to_string(),
        };
        run.take(Event::new(String::new(), String::new(), line, String::new()))
    };
    assert!(take(1));
    assert!(!take(2));
    // What sorts looks at all, and keeps few.
    let query = Arc::new(Query::parse("fields @message | sort @message desc | limit 3").unwrap());
    let mut run = Run::new(query, LIMIT_DEFAULT, BEGIN_MS);
    for n in 0..20_000_u64 {
        let line = StoredLine {
            sequence: n,
            stream: String::new(),
            at_ms: 0,
            stored_at_ms: 0,
            message: (n * 7919 % 20_011).to_string(),
        };
        assert!(run.take(Event::new(String::new(), String::new(), line, String::new())));
    }
    let rows = run.results(LIMIT_DEFAULT);
    let top: Vec<&str> = rows.iter().map(|row| row[0].1.as_str()).collect();
    let mut all: Vec<u64> = (0..20_000).map(|n| n * 7919 % 20_011).collect();
    all.sort_unstable();
    let expected: Vec<String> = all.iter().rev().take(3).map(u64::to_string).collect();
    assert_eq!(top, expected);
}
