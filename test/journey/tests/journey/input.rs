//! What people get wrong, and what they read then.

use std::path::Path;

use crate::cloud::Cloud;
use crate::command::{fail, run};

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

#[test]
fn all_problems_of_all_files_are_told_at_once_and_nothing_is_made() {
    let cloud = Cloud::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "Dockerfile",
        "FROM scratch\nCOPPY a /a\nCOPY missing.txt /b\nEXPOSE 80\n",
    );
    write(
        folder.path(),
        "task-definition.json",
        r#"{
  "family": "my web app",
  "networkMode": "awsvpc",
  "requiresCompatibilities": ["FARGATE"],
  "cpu": "256",
  "memory": "512",
  "containerDefinitions": [
    {
      "name": "web",
      "image": "web",
      "essential": "yes",
      "priviledged": true,
      "portMappings": [{ "containerPort": 80 }],
      "dependsOn": [{ "containerName": "", "condition": "START" }]
    }
  ]
}
"#,
    );
    let (code, text) = fail(&mut cloud.wharf(&["up", folder.path().to_str().unwrap()]));
    assert_eq!(code, 3, "{text}");
    for part in [
        "Dockerfile:2:1",
        "COPPY",
        "COPY",
        "Dockerfile:3:6",
        "missing.txt",
        "task-definition.json:2:",
        "my web app",
        "task-definition.json:11:",
        "essential",
        "task-definition.json:12:",
        "priviledged",
        "privileged",
        "task-definition.json:14:",
        "dependsOn",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    assert_eq!(
        cloud.aws("ecr describe-repositories --query length(repositories) --output text"),
        "0"
    );
    assert_eq!(
        cloud.aws("ecs list-clusters --query length(clusterArns) --output text"),
        "0"
    );
}

#[test]
fn a_step_that_fails_is_shown_with_its_line_and_its_last_words() {
    let cloud = Cloud::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    crate::image::load_busybox(&cloud);
    write(
        folder.path(),
        "Dockerfile",
        "FROM busybox:1.35\nEXPOSE 80\nRUN echo about to fail && false\nCMD [\"httpd\", \"-f\"]\n",
    );
    let (code, text) = fail(&mut cloud.wharf(&["up", folder.path().to_str().unwrap(), "--name", "broken"]));
    assert_ne!(code, 0);
    for part in [
        "Dockerfile:3:",
        "about to fail",
        "RUN echo about to fail && false",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
}

#[test]
fn an_application_that_crashes_is_explained_by_its_own_words() {
    let cloud = Cloud::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    crate::image::load_busybox(&cloud);
    let command = r#"CMD ["sh", "-c", "echo the disk is made of cheese; exit 7"]"#;
    write(
        folder.path(),
        "Dockerfile",
        &format!("FROM busybox:1.35\nEXPOSE 80\n{command}\n"),
    );
    let (code, text) = fail(&mut cloud.wharf(&["up", folder.path().to_str().unwrap(), "--name", "crash"]));
    assert_eq!(code, 4, "{text}");
    for part in ["the disk is made of cheese", "7"] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    run(&mut cloud.wharf(&["down", "crash"]));
}
