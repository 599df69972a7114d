//! Roll-outs one can rely on: many of them under load, and those that must fail.

use std::path::Path;

use crate::cloud::{Cloud, until};
use crate::command::{fail, get, run};
use crate::hello::{Load, application};
use crate::image::load_busybox;

#[test]
fn thirty_roll_outs_of_four_tasks_fail_no_request() {
    let cloud = Cloud::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let application = application(folder.path(), "rolling");
    run(&mut cloud.wharf(&["up", application.to_str().unwrap(), "--desired-count", "4"]));
    let url = run(&mut cloud.wharf(&["url", "hello"]));
    let load = Load::start(&url);
    let script = crate::cloud::root().join("test/journey/python/roll.py");
    let mut python = cloud.client(
        "python3",
        &[script.to_str().unwrap(), "wharf", "hello", "30", "hello"],
    );
    run(python.env("WHARF_INSTANCE", cloud.instance()));
    load.finish();
    run(&mut cloud.wharf(&["down", "hello"]));
}

/// A web server on port 8080 that answers with a word, or something else that is run in its place.
fn write(folder: &Path, command: &str, container: &str) {
    let dockerfile = format!(
        "FROM busybox:1.35\nEXPOSE 8080\nRUN mkdir /www && echo well > /www/index.html\nCMD {command}\n"
    );
    std::fs::write(folder.join("Dockerfile"), dockerfile).unwrap();
    let definition = format!(
        r#"{{
  "family": "frail", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
  "containerDefinitions": [
    {{ "name": "web", "stopTimeout": 1, "portMappings": [{{ "containerPort": 8080 }}]{container} }}
  ]
}}"#
    );
    std::fs::write(folder.join("task-definition.json"), definition).unwrap();
}

const SERVER: &str = r#"["httpd", "-f", "-p", "8080", "-h", "/www"]"#;

#[test]
fn what_cannot_work_is_taken_back_and_says_why() {
    let cloud = Cloud::start(&[]);
    load_busybox(&cloud);
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("frail");
    std::fs::create_dir(&folder).unwrap();
    write(&folder, SERVER, "");
    let path = folder.to_str().unwrap();
    run(&mut cloud.wharf(&["up", path]));
    let url = run(&mut cloud.wharf(&["url", "frail"]));
    assert_eq!(get(&url).1, "well\n");

    let crash = r#"["sh", "-c", "echo the last words; exit 7"]"#;
    let eat = r#"["sh", "-c", "x=x; while :; do x=$x$x$x$x; done"]"#;
    let deaf = r#"["sh", "-c", "echo I listen to nobody; while :; do sleep 1; done"]"#;
    let missing = r#" }, { "name": "side", "image": "127.0.0.1:1/none:1""#;
    for (command, container, words) in [
        (
            crash,
            "",
            &["the last words", "exit code 7", "circuit breaker"][..],
        ),
        (eat, r#", "memory": 16"#, &["OutOfMemoryError", "circuit breaker"]),
        (
            deaf,
            "",
            &["I listen to nobody", "health checks", "circuit breaker"],
        ),
        (
            SERVER,
            missing,
            &[
                "CannotPullContainerError",
                "127.0.0.1:1/none:1",
                "circuit breaker",
            ],
        ),
    ] {
        write(&folder, command, container);
        let (code, said) = fail(&mut cloud.wharf(&["up", path]));
        assert_eq!(code, 4, "{said}");
        for word in words {
            assert!(said.contains(word), "`{word}` is not said:\n{said}");
        }
        assert!(said.contains("the version before is still live"), "{said}");
        assert_eq!(get(&url).1, "well\n", "the version before serves");
        let describe = || {
            cloud.aws_json("ecs describe-services --cluster wharf --services frail")["services"][0].clone()
        };
        until("the version before is all there is", || {
            let deployments = &describe()["deployments"];
            deployments.as_array().unwrap().len() == 1 && deployments[0]["rolloutState"] == "COMPLETED"
        });
        let service = describe();
        assert_eq!(service["runningCount"], 1);
        let events = service["events"].to_string();
        assert!(events.contains("rolling back to deployment"), "{events}");
    }
    let listed = cloud.aws_json("ecs list-service-deployments --cluster wharf --service frail");
    let states: Vec<&str> = listed["serviceDeployments"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|it| it["status"].as_str())
        .collect();
    let rolled_back = states.iter().filter(|it| **it == "ROLLBACK_SUCCESSFUL").count();
    assert_eq!(rolled_back, 4, "{states:?}");
    write(&folder, SERVER, r#", "dockerLabels": { "now": "well" }"#);
    run(&mut cloud.wharf(&["up", path]));
    run(&mut cloud.wharf(&["down", "frail"]));
}
