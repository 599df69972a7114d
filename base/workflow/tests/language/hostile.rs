//! What nobody would write by accident: it is refused in time and in words, and never a panic.

use base_workflow::{Condition, Expression, Template, Value, parse_action, parse_workflow};
use proptest::prelude::*;

use crate::Written;

fn scope() -> Written {
    Written::of(include_str!("../contexts.json"))
}

fn refused(text: &str) -> String {
    match Expression::parse(text) {
        Err(problem) => problem.message,
        Ok(expression) => expression.evaluate(&scope()).unwrap_err().message,
    }
}

#[test]
fn expressions_have_limits() {
    let long = format!("'{}'", "x".repeat(21_000));
    assert_eq!(refused(&long), "the expression has more than 21000 characters");
    assert!(Expression::parse(&format!("'{}'", "x".repeat(20_998))).is_ok());
    // GitHub counts the levels of the tree.
    assert!(Expression::parse(&format!("{}true", "!".repeat(49))).is_ok());
    assert_eq!(
        refused(&format!("{}true", "!".repeat(50))),
        "the expression is nested more than 50 levels deep"
    );
    assert_eq!(
        refused(&format!("a{}", ".b".repeat(60))),
        "the expression is nested more than 50 levels deep"
    );
    assert_eq!(
        refused(&format!("1{}", "==1".repeat(6_000))),
        "the expression is nested more than 50 levels deep"
    );
    assert!(Expression::parse(&format!("{}1{}", "(".repeat(150), ")".repeat(150))).is_ok());
    for open in ["(", "[", "!", "a[", "format(", "!(", "case(1,2,"] {
        assert!(Expression::parse(&open.repeat(5_000)).is_err(), "{open}");
    }
    // Chains of one operator are one level.
    let chain = format!("false{}", " || false".repeat(1_000));
    assert_eq!(
        Expression::parse(&chain).unwrap().evaluate(&scope()),
        Ok(Value::Bool(false))
    );
}

#[test]
fn values_have_limits() {
    let mut bomb = "'xxxxxxxxxx'".to_owned();
    for _ in 0..30 {
        bomb = format!("format('{{0}}{{0}}{{0}}{{0}}', {bomb})");
    }
    assert!(refused(&bomb).contains("more than 10485760 bytes"));
    let deep = format!("fromJSON('{}')", "[".repeat(5_000));
    assert!(refused(&deep).contains("no JSON"));
}

#[test]
fn aliases_have_limits() {
    let mut bomb = "on: push\nx0: &x0 [a, a, a, a, a, a, a, a, a]\n".to_owned();
    for level in 1..12 {
        let before = format!("*x{}", level - 1);
        let list = vec![before; 9].join(", ");
        bomb.push_str(&format!("x{level}: &x{level} [{list}]\n"));
    }
    let problems = parse_workflow(&bomb).unwrap_err();
    assert!(
        problems[0].message.contains("counting what aliases repeat"),
        "{problems:?}"
    );
    // A long text that is repeated often.
    let long = format!(
        "on: push\nx: &x '{}'\ny: [{}]\n",
        "x".repeat(500_000),
        vec!["*x"; 5_000].join(", ")
    );
    let problems = parse_workflow(&long).unwrap_err();
    assert!(
        problems[0].message.contains("counting what aliases repeat"),
        "{problems:?}"
    );
    let itself = parse_workflow("on: push\nenv: &a\n  b: *a\n").unwrap_err();
    assert!(
        itself
            .iter()
            .any(|problem| problem.message.contains("alias") || problem.message.contains("anchor")),
        "{itself:?}"
    );
}

#[test]
fn files_have_limits() {
    let long = "#".repeat(base_workflow::WORKFLOW_BYTES_MAX + 1);
    assert!(
        parse_workflow(&long).unwrap_err()[0]
            .message
            .contains("1048576 bytes")
    );
    assert!(
        parse_action(&long).unwrap_err()[0]
            .message
            .contains("1048576 bytes")
    );
    for open in ["[", "{", "- ", "? ", "a: {", "&a [", "!!x ", "\"", "|\n ", "*a "] {
        assert!(parse_workflow(&open.repeat(20_000)).is_err(), "{open}");
        assert!(
            parse_workflow(&format!("on: push\njobs: {}", open.repeat(20_000))).is_err(),
            "{open}"
        );
    }
    // Very many problems, each of which has a place.
    for part in ["${{}}", "${{ x }}", "${{ '' }", "${{ (}}"] {
        let script = part.repeat(250_000 / part.len());
        let text = format!("on: push\njobs: {{a: {{runs-on: x, steps: [{{run: \"{script}\"}}]}}}}");
        let problems = parse_workflow(&text).unwrap_err();
        assert!((1..=200).contains(&problems.len()), "{part}: {}", problems.len());
    }
    let all: Vec<_> = (0..200).map(|at| format!("j{at}")).collect();
    let knot: String = all
        .iter()
        .map(|id| {
            format!(
                "  {id}: {{runs-on: x, needs: [{}], steps: [{{run: x}}]}}\n",
                all.join(", ")
            )
        })
        .collect();
    assert_eq!(
        parse_workflow(&format!("on: push\njobs:\n{knot}"))
            .unwrap_err()
            .len(),
        20
    );
    let many: String = (0..3_000)
        .map(|at| {
            format!(
                "  j{at}: {{runs-on: x, needs: [j{}], steps: [{{run: x}}]}}\n",
                (at + 1) % 3_000
            )
        })
        .collect();
    let problems = parse_workflow(&format!("on: push\njobs:\n{many}")).unwrap_err();
    assert!(
        problems[0]
            .message
            .starts_with("jobs wait for each other: j0 → j1 → j2")
    );
    for text in [
        "", " ", "\u{feff}", "---", "...", "~", "a", "[]", "{}", "- a", "on:", "a: b: c", "\t", "\0", "%",
    ] {
        assert!(parse_workflow(text).is_err(), "{text:?}");
        assert!(parse_action(text).is_err(), "{text:?}");
    }
}

const SEEDS: [&str; 4] = [
    include_str!("../workflows/fine-everything.yml"),
    include_str!("../workflows/fine-guide.yml"),
    include_str!("../workflows/fine-anchors.yml"),
    include_str!("../actions/fine-composite.yml"),
];

/// Takes away, doubles or replaces what stands at a place.
fn mutated(text: &str, changes: &[(u16, u8, String)]) -> String {
    let mut text: Vec<char> = text.chars().collect();
    for (place, kind, new) in changes {
        let at = usize::from(*place) % text.len().max(1);
        let end = (at + usize::from(*kind) / 4).min(text.len());
        match kind % 4 {
            0 => drop(text.drain(at..end)),
            1 => {
                let part = text[at..end].to_vec();
                drop(text.splice(at..at, part));
            }
            _ => drop(text.splice(at..end.min(at + 3), new.chars())),
        }
    }
    text.into_iter().collect()
}

fn piece() -> impl Strategy<Value = String> {
    let known = [
        "${{",
        "}}",
        "'",
        "\"",
        "*",
        "**",
        "!",
        "==",
        "&&",
        "||",
        ".",
        ",",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "0x",
        "1e9",
        "github",
        "needs",
        "steps",
        "format",
        "fromJSON",
        "toJSON",
        "join",
        "hashFiles",
        "case",
        "always",
        "matrix",
        "\n",
        "  ",
        "- ",
        ": ",
        "&a",
        "*a",
        "<<",
        "|",
        ">",
        "#",
        "~",
        "on",
        "jobs",
        "runs-on",
        "needs",
        "\u{2028}",
        "é",
        "\t",
    ];
    prop_oneof![
        4 => prop::sample::select(known.to_vec()).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => "[a-z0-9 ]{0,4}",
    ]
}

fn places_are_inside(text: &str, problems: &[base_diagnostic::Problem]) {
    for problem in problems {
        assert!(text.get(problem.span.clone()).is_some(), "{problem:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn expressions_never_panic(pieces in prop::collection::vec(piece(), 0..40)) {
        let text = pieces.concat();
        match Expression::parse(&text) {
            Ok(expression) => {
                let _ = expression.evaluate(&scope());
            }
            Err(problem) => places_are_inside(&text, &[problem]),
        }
        match Template::parse(&text) {
            Ok(template) => {
                let _ = template.text(&scope());
            }
            Err(problem) => places_are_inside(&text, &[problem]),
        }
        let _ = Condition::always_if_success().holds(&scope());
    }

    #[test]
    fn files_never_panic(
        seed in 0..SEEDS.len(),
        changes in prop::collection::vec((any::<u16>(), any::<u8>(), piece()), 1..12),
    ) {
        let text = mutated(SEEDS[seed], &changes);
        match parse_workflow(&text) {
            Ok(workflow) => {
                for job in workflow.jobs {
                    if let Some(matrix) = job.strategy.and_then(|strategy| strategy.matrix) {
                        let _ = matrix.expand(&scope());
                    }
                }
            }
            Err(problems) => {
                prop_assert!(!problems.is_empty());
                places_are_inside(&text, &problems);
            }
        }
        if let Err(problems) = parse_action(&text) {
            places_are_inside(&text, &problems);
        }
    }
}
