//! Filters of branches, tags, paths and activities, and inputs of runs that are started by hand.

use base_workflow::{Call, Filter, Map, Triggers, Value, parse_workflow};

use crate::Written;

const CASES: &str = include_str!("../filters.txt");

fn triggers(on: &str) -> Triggers {
    let text = format!("on:\n{on}\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: x\n");
    parse_workflow(&text)
        .unwrap_or_else(|problems| panic!("{text}\n{problems:?}"))
        .on
}

#[test]
fn every_pattern_of_the_table_holds() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in CASES
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("# "))
    {
        let (patterns, names) = line.split_once(" : ").unwrap();
        let names = format!(" {names}");
        let (fine, refused) = names.split_once(" ! ").unwrap_or((&names, ""));
        let list: Vec<_> = patterns
            .split(' ')
            .map(|pattern| format!("'{pattern}'"))
            .collect();
        let on = triggers(&format!("  push:\n    branches: [{}]", list.join(", ")));
        let Some(Filter::Only(patterns)) = on.push.unwrap().branches else {
            panic!("no filter");
        };
        let names = fine.split_whitespace().map(|name| (name, true));
        for (name, wanted) in names.chain(refused.split_whitespace().map(|name| (name, false))) {
            count += 1;
            if patterns.matches(name) != wanted {
                wrong.push(format!("{line}\n    {name}: wanted {wanted}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(count >= 120, "the table has shrunk to {count} cases");
}

fn paths(written: &[&str]) -> Vec<String> {
    written.iter().map(|path| (*path).to_owned()).collect()
}

#[test]
fn pushes_of_branches_and_tags() {
    let everything = triggers("  push:");
    assert_eq!(everything.refuses_push("refs/heads/x", None), None);
    assert_eq!(everything.refuses_push("refs/tags/v1", None), None);

    let branches = triggers("  push:\n    branches: [main]");
    assert_eq!(branches.refuses_push("refs/heads/main", None), None);
    assert_eq!(
        branches.refuses_push("refs/heads/docs", None).as_deref(),
        Some("branch `docs` is not among the branches of `on.push`")
    );
    assert_eq!(
        branches.refuses_push("refs/tags/main", None).as_deref(),
        Some("`on.push` names branches only, and `main` is a tag")
    );

    let tags = triggers("  push:\n    tags-ignore: ['v1.*']");
    assert_eq!(tags.refuses_push("refs/tags/v2.0", None), None);
    assert_eq!(
        tags.refuses_push("refs/tags/v1.0", None).as_deref(),
        Some("tag `v1.0` is among the ignored tags of `on.push`")
    );
    assert_eq!(
        tags.refuses_push("refs/heads/main", None).as_deref(),
        Some("`on.push` names tags only, and `main` is a branch")
    );

    let both = triggers("  push:\n    branches-ignore: ['wip/**']\n    tags: v*");
    assert_eq!(both.refuses_push("refs/heads/main", None), None);
    assert!(both.refuses_push("refs/heads/wip/a/b", None).is_some());
    assert_eq!(both.refuses_push("refs/tags/v1", None), None);
    assert!(both.refuses_push("refs/tags/x", None).is_some());

    let other = triggers("  pull_request:");
    assert_eq!(
        other.refuses_push("refs/heads/main", None).as_deref(),
        Some("the workflow does not start on `push`")
    );
}

#[test]
fn pushes_of_paths() {
    let only = triggers("  push:\n    paths: ['**.js', '!docs/**']");
    assert_eq!(
        only.refuses_push("refs/heads/x", Some(&paths(&["a.js", "b.txt"]))),
        None
    );
    assert_eq!(
        only.refuses_push("refs/heads/x", Some(&paths(&["docs/a.js"])))
            .as_deref(),
        Some("no changed file is among the paths of `on.push`")
    );
    assert!(only.refuses_push("refs/heads/x", Some(&[])).is_some());
    assert_eq!(
        only.refuses_push("refs/heads/x", None),
        None,
        "what changed is not known"
    );
    assert_eq!(
        only.refuses_push("refs/tags/x", Some(&paths(&["b.txt"]))),
        None,
        "tags have no paths"
    );

    let ignored = triggers("  push:\n    paths-ignore: ['docs/**']");
    assert_eq!(
        ignored.refuses_push("refs/heads/x", Some(&paths(&["docs/a", "b"]))),
        None
    );
    assert_eq!(
        ignored
            .refuses_push("refs/heads/x", Some(&paths(&["docs/a", "docs/b/c"])))
            .as_deref(),
        Some("all changed files are among the ignored paths of `on.push`")
    );

    // "If you define both branches and paths, the workflow runs only when both are satisfied."
    let both = triggers("  push:\n    branches: [main]\n    paths: [src/**]");
    assert_eq!(
        both.refuses_push("refs/heads/main", Some(&paths(&["src/a"]))),
        None
    );
    assert!(
        both.refuses_push("refs/heads/main", Some(&paths(&["a"])))
            .is_some()
    );
    assert!(
        both.refuses_push("refs/heads/x", Some(&paths(&["src/a"])))
            .is_some()
    );
}

#[test]
fn pull_requests() {
    let all = triggers("  pull_request:");
    for activity in ["opened", "synchronize", "reopened"] {
        assert_eq!(all.refuses_pull_request("main", activity, None), None);
    }
    assert_eq!(
        all.refuses_pull_request("main", "closed", None).as_deref(),
        Some("`closed` is not among the types of `on.pull_request`, which are opened, synchronize, reopened")
    );
    let some = triggers(
        "  pull_request:\n    types: closed\n    branches: ['releases/**']\n    paths-ignore: ['*.md']",
    );
    assert_eq!(
        some.refuses_pull_request("releases/1", "closed", Some(&paths(&["a"]))),
        None
    );
    assert!(some.refuses_pull_request("releases/1", "opened", None).is_some());
    assert!(some.refuses_pull_request("main", "closed", None).is_some());
    assert!(
        some.refuses_pull_request("releases/1", "closed", Some(&paths(&["a.md"])))
            .is_some()
    );
}

#[test]
fn forms_of_on() {
    let list =
        parse_workflow("on: [push, fork, workflow_dispatch]\njobs: {a: {runs-on: x, steps: [{run: x}]}}")
            .unwrap();
    assert!(list.on.push.is_some() && list.on.workflow_dispatch.is_some() && list.on.pull_request.is_none());
    assert_eq!(list.on.other[0].0, "fork");
    let one = parse_workflow("on: pull_request\njobs: {a: {runs-on: x, steps: [{run: x}]}}").unwrap();
    assert_eq!(one.on.refuses_pull_request("x", "opened", None), None);
    let schedule =
        triggers("  schedule:\n    - cron: '30 5,17 * JAN-dec 1-5/2'\n      timezone: Europe/Berlin");
    assert_eq!(schedule.other[0].0, "schedule");
}

const DISPATCH: &str = "
  workflow_dispatch:
    inputs:
      logLevel: {description: 'Log level', required: true, default: warning, type: choice, options: [info, warning, debug]}
      tags: {required: false, type: boolean}
      count: {type: number, default: 3}
      environment: {type: environment, required: true}
      free:";

fn dispatched(given: &[(&str, &str)]) -> Result<serde_json::Value, Vec<String>> {
    let given: Vec<_> = given
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let inputs = triggers(DISPATCH).dispatch(&given)?;
    Ok(Value::Map(inputs).to_json())
}

#[test]
fn inputs_of_a_run_by_hand() {
    assert_eq!(
        dispatched(&[("environment", "staging")]),
        Ok(serde_json::json!({
            "logLevel": "warning", "tags": false, "count": 3, "environment": "staging", "free": ""
        }))
    );
    assert_eq!(
        dispatched(&[
            ("ENVIRONMENT", "x"),
            ("tags", "true"),
            ("count", "0x10"),
            ("loglevel", "debug"),
            ("free", "5")
        ]),
        Ok(serde_json::json!({
            "logLevel": "debug", "tags": true, "count": 16, "environment": "x", "free": "5"
        }))
    );
    assert_eq!(
        dispatched(&[
            ("logLevel", "loud"),
            ("tags", "yes"),
            ("count", "many"),
            ("fre", "x")
        ]),
        Err(vec![
            "the workflow has no input `fre`; did you mean `free`?".to_owned(),
            "the input `logLevel` is one of `info`, `warning` and `debug`, not `loud`".to_owned(),
            "the input `tags` is true or false, not `yes`".to_owned(),
            "the input `count` is a number, not `many`".to_owned(),
            "the input `environment` is required".to_owned(),
        ])
    );
    assert!(triggers("  push:").dispatch(&[]).is_err());
}

#[test]
fn inputs_of_a_called_workflow() {
    let on = triggers(
        "
  workflow_call:
    inputs:
      name: {type: string, default: '${{ github.ref_name }}'}
      loud: {type: boolean, required: true}
      count: {type: number}
    secrets:
      token: {required: true}
      other:
    outputs:
      out: {value: '${{ jobs.a.outputs.x }}'}",
    );
    let call: Call = on.workflow_call.unwrap();
    assert!(call.secrets[0].required && !call.secrets[1].required);
    assert_eq!(call.outputs[0].value.source(), "${{ jobs.a.outputs.x }}");
    let scope = Written::of(r#"{"github": {"ref_name": "main"}}"#);
    let given: Map = [("LOUD", Value::Bool(true))].into_iter().collect();
    let inputs = call.inputs(&given, &scope).unwrap();
    assert_eq!(
        Value::Map(inputs).to_json(),
        serde_json::json!({"name": "main", "loud": true, "count": 0})
    );
    let given: Map = [("count", Value::Bool(true))].into_iter().collect();
    assert_eq!(
        call.inputs(&given, &scope),
        Err(vec![
            "the input `loud` is required".to_owned(),
            "the input `count` is a number, not `true`".to_owned(),
        ])
    );
}
