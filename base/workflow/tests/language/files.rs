//! Whole files: those of `workflows` and `actions` that are fine, and those that are not with what is said about them,
//! which stands beside them as `.txt`. `UPDATE_EXPECT=1` writes it anew.

use std::path::{Path, PathBuf};

use base_diagnostic::{Problem, SourceFile, position, render};
use base_workflow::{
    ActionName, CallName, CallSecrets, InputKind, Level, Permissions, Runs, Work, parse_action,
    parse_workflow,
};
use expect_test::expect_file;

fn folder(name: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yml"))
        .collect();
    files.sort();
    assert!(files.len() > 1);
    files
}

fn shown(path: &Path, text: &str, problems: &[Problem]) -> String {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    for problem in problems {
        let span = problem.span.clone();
        assert!(
            text.get(span.clone()).is_some(),
            "{problem:?} is outside of {name}"
        );
        assert!(position(text, span.start).0 >= 1);
        assert!(!problem.message.ends_with('.'), "{problem:?}");
    }
    let file = SourceFile {
        name,
        text: text.to_owned(),
    };
    render(&file, problems, false, 120)
}

fn check(folder_name: &str, parse: impl Fn(&str) -> Result<(), Vec<Problem>>) {
    for path in folder(folder_name) {
        let text = std::fs::read_to_string(&path).unwrap();
        let fine = path.file_name().unwrap().to_string_lossy().starts_with("fine-");
        match parse(&text) {
            Ok(()) => assert!(fine, "{} has no problems", path.display()),
            Err(problems) => {
                let shown = shown(&path, &text, &problems);
                assert!(!fine, "{shown}");
                expect_file![path.with_extension("txt")].assert_eq(&shown);
            }
        }
    }
}

#[test]
fn workflows_and_their_problems() {
    check("workflows", |text| parse_workflow(text).map(|_| ()));
}

#[test]
fn actions_and_their_problems() {
    check("actions", |text| parse_action(text).map(|_| ()));
}

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn everything_of_a_workflow_arrives() {
    let text = read("workflows/fine-everything.yml");
    let workflow = parse_workflow(&text).unwrap();
    assert_eq!(workflow.name.as_deref(), Some("Everything"));
    assert_eq!(
        workflow.run_name.unwrap().source(),
        "Deploy by @${{ github.actor }}"
    );
    let names: Vec<_> = workflow.env.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["REGION", "PYTHON", "QUOTED", "SWITCH", "NOTHING"]);
    let values: Vec<_> = workflow
        .env
        .iter()
        .map(|(_, value)| value.literal_value().unwrap().text())
        .collect();
    // GitHub's numbers lose what does not count; quotes keep it.
    assert_eq!(values, ["eu-central-1", "3.1", "3.10", "true", ""]);
    let permissions = workflow.permissions.unwrap();
    assert_eq!(permissions.level("id-token"), Level::Write);
    assert_eq!(permissions.level("contents"), Level::Read);
    assert_eq!(permissions.level("issues"), Level::None);
    assert_eq!(Permissions::WriteAll.level("issues"), Level::Write);
    assert_eq!(workflow.concurrency.unwrap().cancel_in_progress.source(), "true");
    assert_eq!(workflow.defaults.shell.unwrap().source(), "bash");
    let dispatch = workflow.on.workflow_dispatch.unwrap();
    assert_eq!(
        dispatch.inputs[0].kind,
        InputKind::Choice(vec!["staging".to_owned(), "production".to_owned()])
    );

    let ids: Vec<_> = workflow.jobs.iter().map(|job| job.id.as_str()).collect();
    assert_eq!(ids, ["test", "deploy", "reuse", "elsewhere"]);
    let [test, deploy, reuse, elsewhere] = workflow.jobs.as_slice() else {
        panic!("four jobs");
    };
    assert_eq!(&text[test.span.clone()], "test");
    assert_eq!(test.runs_on.len(), 2);
    assert_eq!(test.container.as_ref().unwrap().ports.len(), 1);
    assert!(test.container.as_ref().unwrap().credentials.is_some());
    let (service, container) = &test.services[0];
    assert_eq!((service.as_str(), container.image.source()), ("redis", "redis:8"));
    assert_eq!(
        container.command.as_ref().unwrap().source(),
        "redis-server --save 60 1"
    );
    assert_eq!(test.services[1].1.image.source(), "postgres:18");
    assert_eq!(deploy.needs, ["test"]);
    assert_eq!(deploy.environment.as_ref().unwrap().name.source(), "production");
    assert_eq!(
        deploy.condition.source(),
        "github.ref == 'refs/heads/main' && !cancelled()"
    );
    assert_eq!(reuse.needs, ["test", "deploy"]);
    let call = reuse.call.as_ref().unwrap();
    assert_eq!(call.workflow.to_string(), "./.github/workflows/other.yml");
    assert!(matches!(call.secrets, CallSecrets::Inherit));
    let call = elsewhere.call.as_ref().unwrap();
    assert!(
        matches!(&call.workflow, CallName::Repository { owner, git_ref, .. } if owner == "octo-org" && git_ref == "v1")
    );
    assert_eq!(call.with.len(), 1);
}

#[test]
fn steps_and_their_actions_arrive() {
    let text = read("workflows/fine-everything.yml");
    let workflow = parse_workflow(&text).unwrap();
    let steps = &workflow.jobs[0].steps;
    let actions: Vec<_> = steps
        .iter()
        .filter_map(|step| match &step.work {
            Work::Uses { action, .. } => Some(action.to_string()),
            Work::Run { .. } => None,
        })
        .collect();
    assert_eq!(
        actions,
        [
            "actions/checkout@v4",
            "aws-actions/x/sub/dir@release/v1",
            "./.github/actions/own",
            "docker://alpine:3.22"
        ]
    );
    let Work::Uses { action, with } = &steps[1].work else {
        panic!("the second step uses an action");
    };
    assert_eq!(
        action,
        &ActionName::Repository {
            owner: "aws-actions".to_owned(),
            name: "x".to_owned(),
            path: Some("sub/dir".to_owned()),
            git_ref: "release/v1".to_owned(),
        }
    );
    assert_eq!(with[0].0, "Node-Version");
    let Work::Run {
        script,
        shell,
        working_directory,
    } = &steps[4].work
    else {
        panic!("the fifth step runs");
    };
    assert_eq!(script.source(), "make\nmake test\n");
    assert_eq!(shell.as_ref().unwrap().source(), "perl {0}");
    assert_eq!(working_directory.as_ref().unwrap().source(), "./sub");
    assert_eq!(steps[4].id.as_deref(), Some("build"));
    assert!(text[steps[4].span.clone()].starts_with("id"));
}

#[test]
fn anchors_repeat_values() {
    let workflow = parse_workflow(&read("workflows/fine-anchors.yml")).unwrap();
    let [a, b] = workflow.jobs.as_slice() else {
        panic!("two jobs");
    };
    assert_eq!(b.env.len(), 2);
    assert_eq!(a.env[1].1.source(), b.env[1].1.source());
    assert_eq!(b.steps.len(), 2);
    assert_eq!(b.runs_on[0].source(), "ubuntu-latest");
}

#[test]
fn everything_of_an_action_arrives() {
    let action = parse_action(&read("actions/fine-node.yml")).unwrap();
    assert_eq!(action.name, "Say hello");
    assert_eq!(action.inputs[0].name, "who-to-greet");
    assert!(action.inputs[0].required);
    assert_eq!(
        action.inputs[1].default.as_ref().unwrap().source(),
        "${{ github.token }}"
    );
    assert_eq!(action.inputs[1].deprecation.as_deref(), Some("use nothing"));
    assert!(
        matches!(&action.runs, Runs::JavaScript { using, main, post_if: Some(_), pre: None, .. }
        if using == "node20" && main == "dist/index.js")
    );
    assert!(action.outputs[0].1.is_none());

    let action = parse_action(&read("actions/fine-composite.yml")).unwrap();
    assert!(matches!(&action.runs, Runs::Composite { steps } if steps.len() == 2));
    assert_eq!(
        action.outputs[0].1.as_ref().unwrap().source(),
        "${{ steps.random.outputs.number }}"
    );

    let action = parse_action(&read("actions/fine-docker.yml")).unwrap();
    assert!(matches!(&action.runs, Runs::Docker { image, args, env, .. }
        if image == "Dockerfile" && args.len() == 2 && env.len() == 1));
}
