//! Matrices. The examples are those of "Running variations of jobs in a workflow" and of `jobs.<job_id>.strategy`.

use base_workflow::{Combination, Matrix, Value, job_title, parse_workflow};

use crate::Written;

fn matrix(written: &str) -> Matrix {
    let indented = written.replace('\n', "\n        ");
    let text = format!(
        "on: push\njobs:\n  a:\n    runs-on: x\n    needs: [define]\n    strategy:\n      matrix: {indented}\n    steps:\n      - run: x\n  define:\n    runs-on: x\n    steps: [{{run: x}}]\n"
    );
    let workflow = parse_workflow(&text).unwrap_or_else(|problems| panic!("{text}\n{problems:?}"));
    let strategy = workflow.jobs.into_iter().next().unwrap().strategy;
    strategy.unwrap().matrix.unwrap()
}

fn expanded(written: &str) -> Result<Vec<Combination>, String> {
    matrix(written).expand(&Written::of(include_str!("../contexts.json")))
}

fn values(written: &str) -> Vec<String> {
    let combinations = expanded(written).unwrap();
    combinations
        .iter()
        .map(|one| {
            let parts = one.values.iter().map(|(name, value)| match value {
                Value::List(_) | Value::Map(_) => format!("{name}: {}", value.to_json()),
                value => format!("{name}: {}", value.text()),
            });
            parts.collect::<Vec<_>>().join(", ")
        })
        .collect()
}

fn titles(written: &str) -> Vec<String> {
    let combinations = expanded(written).unwrap();
    combinations.iter().map(|one| job_title("build", one)).collect()
}

#[test]
fn single_and_two_dimensions() {
    assert_eq!(
        values("{version: [10, 12, 14]}"),
        ["version: 10", "version: 12", "version: 14"]
    );
    assert_eq!(
        values("{os: [ubuntu-22.04, ubuntu-20.04], version: [10, 12, 14]}"),
        [
            "os: ubuntu-22.04, version: 10",
            "os: ubuntu-22.04, version: 12",
            "os: ubuntu-22.04, version: 14",
            "os: ubuntu-20.04, version: 10",
            "os: ubuntu-20.04, version: 12",
            "os: ubuntu-20.04, version: 14",
        ]
    );
}

#[test]
fn objects_as_values() {
    let written = "\nos: [ubuntu-latest]\nnode:\n  - version: 14\n  - version: 20\n    env: NODE_OPTIONS=--openssl-legacy-provider";
    assert_eq!(
        values(written),
        [
            "os: ubuntu-latest, node: {\"version\":14}",
            "os: ubuntu-latest, node: {\"env\":\"NODE_OPTIONS=--openssl-legacy-provider\",\"version\":20}",
        ]
    );
    assert_eq!(
        titles(written),
        [
            "build (ubuntu-latest, 14)",
            "build (ubuntu-latest, 20, NODE_OPTIONS=--openssl-legacy-provider)"
        ]
    );
}

/// "Expanding or adding matrix configurations": the documentation's own example and outcome.
#[test]
fn include_expands_and_adds() {
    let written = "
fruit: [apple, pear]
animal: [cat, dog]
include:
  - color: green
  - color: pink
    animal: cat
  - fruit: apple
    shape: circle
  - fruit: banana
  - fruit: banana
    animal: cat";
    assert_eq!(
        values(written),
        [
            "fruit: apple, animal: cat, color: pink, shape: circle",
            "fruit: apple, animal: dog, color: green, shape: circle",
            "fruit: pear, animal: cat, color: pink",
            "fruit: pear, animal: dog, color: green",
            "fruit: banana",
            "fruit: banana, animal: cat",
        ]
    );
    // What include adds to a combination is not in its name.
    assert_eq!(
        titles(written),
        [
            "build (apple, cat)",
            "build (apple, dog)",
            "build (pear, cat)",
            "build (pear, dog)",
            "build (banana)",
            "build (banana, cat)"
        ]
    );
}

#[test]
fn include_alone() {
    let written = "
include:
  - site: production
    datacenter: site-a
  - site: staging
    datacenter: site-b";
    assert_eq!(
        values(written),
        [
            "site: production, datacenter: site-a",
            "site: staging, datacenter: site-b"
        ]
    );
    assert_eq!(
        titles(written),
        ["build (production, site-a)", "build (staging, site-b)"]
    );
}

/// "Excluding matrix configurations": nine combinations of which two go.
#[test]
fn exclude_takes_away_before_include_adds() {
    let written = "
os: [macos-latest, windows-latest]
version: [12, 14, 16]
environment: [staging, production]
exclude:
  - os: macos-latest
    version: 12
    environment: production
  - os: windows-latest
    version: 16
include:
  - os: windows-latest
    version: 16
    environment: staging";
    let found = values(written);
    assert_eq!(found.len(), 12 - 1 - 2 + 1);
    assert!(!found.contains(&"os: macos-latest, version: 12, environment: production".to_owned()));
    assert!(!found.contains(&"os: windows-latest, version: 16, environment: production".to_owned()));
    assert_eq!(
        found.last().unwrap(),
        "os: windows-latest, version: 16, environment: staging"
    );
}

#[test]
fn exclude_by_a_part_of_an_object() {
    let written =
        "\nnode: [{version: 14, npm: 6}, {version: 20, npm: 10}]\nexclude:\n  - node: {version: '14'}";
    assert_eq!(values(written), ["node: {\"npm\":10,\"version\":20}"]);
    assert_eq!(expanded("\nos: [a]\nexclude:\n  - os: A").unwrap(), []);
}

/// "Using an output to define two matrices", and `fromJSON` in the reference of expressions.
#[test]
fn expressions_make_matrices() {
    assert_eq!(
        values("${{ fromJSON(needs.define.outputs.all) }}"),
        ["project: foo, config: Debug", "project: bar, config: Release"]
    );
    assert_eq!(
        values("\nversion: ${{ fromJSON('[1, 2]') }}"),
        ["version: 1", "version: 2"]
    );
    assert_eq!(
        values("\nversion: ['${{ github.event_name }}', 'x${{ 1 }}']"),
        ["version: push", "version: x1"]
    );
    assert_eq!(values("\ninclude: ${{ fromJSON('[{\"a\":1}]') }}"), ["a: 1"]);
    for (written, wanted) in [
        (
            "${{ fromJSON('[]') }}",
            "a matrix is a mapping of names to lists of values",
        ),
        (
            "${{ fromJSON('{}') }}",
            "the matrix has neither a list of values nor `include`",
        ),
        (
            "\nversion: ${{ github.ref }}",
            "`version` of the matrix is not a list",
        ),
        (
            "\nversion: ${{ fromJSON('[]') }}",
            "the matrix has no values for `version`",
        ),
        (
            "\nversion: ${{ fromJSON('x') }}",
            "fromJSON was given a text that is no JSON: expected value at line 1 column 1",
        ),
    ] {
        assert_eq!(expanded(written), Err(wanted.to_owned()), "{written}");
    }
}

#[test]
fn there_are_256_jobs_at_most() {
    let list = |count: usize| {
        let items: Vec<_> = (0..count).map(|at| at.to_string()).collect();
        format!("[{}]", items.join(","))
    };
    let of = |a: usize, b: usize| format!("${{{{ fromJSON('{{\"a\":{},\"b\":{}}}') }}}}", list(a), list(b));
    assert_eq!(expanded(&of(16, 16)).unwrap().len(), 256);
    let refused = Err("the matrix makes more than 256 jobs".to_owned());
    assert_eq!(expanded(&of(257, 1)), refused);
    assert_eq!(expanded(&of(2000, 2000)), refused);
}

#[test]
fn titles_are_cut() {
    let title = titles(&format!("{{a: [{}]}}", "x".repeat(200))).remove(0);
    assert_eq!(title.chars().count(), 100);
    assert!(title.ends_with("xxx..."));
    assert_eq!(
        titles("{a: [true, '', 3.10]}"),
        ["build (true)", "build", "build (3.1)"]
    );
}
