//! Expressions.

use base_workflow::{Condition, Expression, Status, Template, Value, parse_workflow};

use crate::Written;

const CASES: &str = include_str!("../expressions.txt");
const CONTEXTS: &str = include_str!("../contexts.json");

/// JSON, and what JSON cannot say.
fn shown(value: &Value) -> String {
    match value {
        Value::Number(number) if number.is_nan() => "NaN".to_owned(),
        Value::Number(number) if number.is_infinite() => {
            if *number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
        }
        value => value.to_json().to_string(),
    }
}

fn wanted(text: &str) -> String {
    serde_json::from_str::<serde_json::Value>(text)
        .map_or_else(|_| text.to_owned(), |json| shown(&Value::from_json(&json)))
}

fn outcome(text: &str, scope: &Written) -> Result<String, String> {
    let expression = Expression::parse(text).map_err(|problem| {
        assert!(
            text.get(problem.span.clone()).is_some(),
            "the place of {problem:?} is not in {text:?}"
        );
        format!("{} ({})", problem.message, problem.hint.unwrap_or_default())
    })?;
    expression
        .evaluate(scope)
        .map(|value| shown(&value))
        .map_err(|error| error.message)
}

#[test]
fn every_case_of_the_table_holds() {
    let scope = Written::of(CONTEXTS);
    let mut wrong = Vec::new();
    let mut count = 0;
    for (at, line) in CASES.lines().enumerate() {
        if line.is_empty() || line.starts_with("# ") {
            continue;
        }
        count += 1;
        let (expression, fine, expected) = match (line.split_once(" => "), line.rsplit_once(" !! ")) {
            (_, Some((expression, message))) => (expression, false, message.to_owned()),
            (Some((expression, value)), None) => (expression, true, wanted(value)),
            (None, None) => panic!("line {} is no case: {line}", at + 1),
        };
        let holds = match outcome(expression, &scope) {
            Ok(value) => (fine && value == expected).then_some(()).ok_or(value),
            Err(message) => (!fine && message.contains(&expected))
                .then_some(())
                .ok_or(format!("refused: {message}")),
        };
        if let Err(found) = holds {
            wrong.push(format!(
                "{}: {expression}\n    wanted {expected}\n    found  {found}",
                at + 1
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(count >= 250, "the table has shrunk to {count} cases");
}

#[test]
fn status_functions_follow_the_status() {
    let mut scope = Written::of(CONTEXTS);
    for (status, row) in [
        (Status::Success, [true, false, false, true]),
        (Status::Failure, [false, true, false, true]),
        (Status::Cancelled, [false, false, true, true]),
    ] {
        scope.status = status;
        let calls = ["success()", "failure()", "cancelled()", "always()"];
        for (call, wanted) in calls.into_iter().zip(row) {
            let expression = Expression::parse(call).unwrap();
            assert_eq!(
                expression.evaluate(&scope),
                Ok(Value::Bool(wanted)),
                "{call} at {status:?}"
            );
            assert!(expression.asks_status());
        }
    }
    assert!(
        !Expression::parse("github.ref == 'success()'")
            .unwrap()
            .asks_status()
    );
}

fn conditions(written: &str) -> (Condition, Condition) {
    let text = format!(
        "on: push\njobs:\n  a:\n    runs-on: x\n    if: {written}\n    steps:\n      - run: x\n        if: {written}\n"
    );
    let workflow = parse_workflow(&text).unwrap_or_else(|problems| panic!("{written}: {problems:?}"));
    let job = workflow.jobs.into_iter().next().unwrap();
    let step = job.steps.into_iter().next().unwrap();
    (job.condition, step.condition)
}

/// Documentation: "A default status check of `success()` is applied unless you include one of these functions."
#[test]
fn conditions_imply_success() {
    let mut scope = Written::of(CONTEXTS);
    for (written, success, failure, cancelled) in [
        ("github.ref == 'refs/heads/main'", true, false, false),
        ("${{ github.ref == 'refs/heads/main' }}", true, false, false),
        ("\"${{ github.ref == 'refs/heads/other' }}\"", false, false, false),
        ("always()", true, true, true),
        ("${{ always() }}", true, true, true),
        ("failure()", false, true, false),
        ("cancelled()", false, false, true),
        ("${{ !cancelled() }}", true, true, false),
        ("failure() && github.ref == 'refs/heads/main'", false, true, false),
        ("success() || failure()", true, true, false),
        (
            "\"!contains(github.ref, 'x') && (success() || failure())\"",
            true,
            true,
            false,
        ),
        ("true", true, false, false),
        ("false", false, false, false),
        ("1", true, false, false),
        ("''", true, false, false),
        ("", true, false, false),
        ("\"${{ '' }}\"", false, false, false),
        (
            ">-\n          github.ref == 'refs/heads/main'\n          && always()",
            true,
            true,
            true,
        ),
    ] {
        let (job, step) = conditions(written);
        for (status, wanted) in [
            (Status::Success, success),
            (Status::Failure, failure),
            (Status::Cancelled, cancelled),
        ] {
            scope.status = status;
            assert_eq!(job.holds(&scope), Ok(wanted), "job: {written} at {status:?}");
            assert_eq!(step.holds(&scope), Ok(wanted), "step: {written} at {status:?}");
        }
    }
    assert_eq!(Condition::always_if_success().holds(&scope), Ok(false));
}

#[test]
fn templates_join_texts_and_keep_types() {
    let scope = Written::of(CONTEXTS);
    for (text, wanted) in [
        ("plain", "\"plain\""),
        ("", "\"\""),
        ("${{ matrix.version }}", "14"),
        ("${{ matrix.experimental }}", "false"),
        ("${{ fromJSON('[1]') }}", "[1]"),
        ("v${{ matrix.version }}", "\"v14\""),
        (" ${{ matrix.version }}", "\" 14\""),
        ("${{ matrix.os }}-${{ matrix.version }}", "\"ubuntu-latest-14\""),
        ("${{ null }}${{ true }}", "\"true\""),
        ("a }} b", "\"a }} b\""),
        ("a $${{ 1 }}", "\"a $1\""),
        ("$ {{ 1 }} {{ 2 }}", "\"$ {{ 1 }} {{ 2 }}\""),
        ("${{ '}}' }}", "\"}}\""),
        ("${{ 'it''s }}' }}!", "\"it's }}!\""),
        ("${{ format('{{{0}}}', 'x') }}", "\"{x}\""),
        ("${{list[0]}}", "\"a\""),
        ("${{\n github.ref\n}}", "\"refs/heads/main\""),
    ] {
        let template = Template::parse(text).unwrap_or_else(|problem| panic!("{text}: {problem:?}"));
        assert_eq!(
            template.value(&scope).map(|value| shown(&value)).as_deref(),
            Ok(wanted),
            "{text}"
        );
        assert_eq!(template.is_literal(), !text.contains("${{"), "{text}");
        assert_eq!(template.source(), text);
    }
    assert_eq!(
        Template::literal("${{ x }}").text(&scope).as_deref(),
        Ok("${{ x }}")
    );
    for (text, wanted) in [
        ("${{ 1", "the expression has no end"),
        ("${{ '}} ", "the expression has no end"),
        ("a ${{ }} b", "the expression is empty"),
        ("${{ 1 2 }}", "`2` cannot stand here"),
    ] {
        let problem = Template::parse(text).unwrap_err();
        assert_eq!(problem.message, wanted);
        assert!(
            text.get(problem.span.clone())
                .is_some_and(|part| !part.is_empty()),
            "{problem:?}"
        );
    }
}
