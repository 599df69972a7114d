//! Workflow files, actions and expressions: reading and evaluating never panic, places are in the text, all ends.

use base_diagnostic::{Problem, SourceFile, render};
use base_workflow::{Expression, Map, Scope, Status, Value, Work, parse_action, parse_workflow};

/// Width of a report, in columns.
const COLUMNS: usize = 80;

/// Some contexts with something of every kind in them.
struct Anything;

impl Scope for Anything {
    fn context(&self, name: &str) -> Option<Value> {
        let values = [
            ("text".to_owned(), Value::Text("a,b".to_owned())),
            ("number".to_owned(), Value::Number(-1.5)),
            (
                "list".to_owned(),
                Value::List(vec![Value::Null, Value::Bool(true)]),
            ),
        ];
        (name != "secrets").then(|| Value::Map(Map::from_iter(values)))
    }

    fn status(&self) -> Status {
        Status::Success
    }

    fn hash_files(&self, patterns: &[String]) -> Result<String, String> {
        Ok(patterns.join(" "))
    }
}

/// An expression, without `${{ }}`.
///
/// # Panics
/// When a promise does not hold.
pub fn expression(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Expression::parse(&text) {
        Ok(expression) => {
            let _ = expression.evaluate(&Anything);
        }
        Err(problem) => assert!(problem.span.end <= text.len(), "{problem:?}"),
    }
}

/// A workflow file, or an action.
///
/// # Panics
/// When a promise does not hold.
pub fn file(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    match parse_workflow(&text) {
        Err(problems) => places(&text, &problems),
        Ok(workflow) => {
            let _ = workflow
                .on
                .refuses_push("refs/heads/main", Some(&["src/a".to_owned()]));
            let _ = workflow.on.dispatch(&[("name".to_owned(), "value".to_owned())]);
            for job in &workflow.jobs {
                let matrix = job
                    .strategy
                    .as_ref()
                    .and_then(|strategy| strategy.matrix.as_ref());
                let _ = matrix.map(|matrix| matrix.expand(&Anything));
                for step in &job.steps {
                    let _ = step.condition.holds(&Anything);
                    if let Work::Run { script, .. } = &step.work {
                        let _ = script.text(&Anything);
                    }
                }
            }
        }
    }
    if let Err(problems) = parse_action(&text) {
        places(&text, &problems);
    }
}

fn places(text: &str, problems: &[Problem]) {
    assert!(!problems.is_empty());
    for problem in problems {
        let span = &problem.span;
        assert!(span.start <= span.end && span.end <= text.len(), "{problem:?}");
        assert!(
            text.is_char_boundary(span.start) && text.is_char_boundary(span.end),
            "{problem:?}"
        );
    }
    let file = SourceFile {
        name: "workflow.yml".to_owned(),
        text: text.to_owned(),
    };
    assert!(!render(&file, problems, false, COLUMNS).trim().is_empty());
}
