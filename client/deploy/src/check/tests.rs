use std::fs;

use base_diagnostic::{position, render};
use expect_test::{Expect, expect};

use super::*;

/// A folder of files, checked: the application, or `line:column message` and `hint` for each problem.
fn check_files(files: &[(&str, &str)], target: Target) -> Result<App, String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    super::check(folder.path(), AppName::parse("web").unwrap(), target).map_err(|error| {
        let CheckError::Files(faults) = error else {
            return error
                .to_string()
                .replace(&folder.path().display().to_string(), "DIR");
        };
        let mut text = String::new();
        for (file, problems) in faults {
            for problem in problems {
                let (line, column) = position(&file.text, problem.span.start);
                let name = file.name.replace(&format!("{}/", folder.path().display()), "");
                text.push_str(&format!("{name}:{line}:{column} {}\n", problem.message));
                text.push_str(&format!(
                    "    {}\n",
                    problem.hint.expect("every problem has a hint")
                ));
            }
        }
        text
    })
}

const DOCKERFILE: &str = "FROM scratch\nEXPOSE 8502\nCMD [\"/x\"]\n";

/// The problems of a task definition.
fn problems(definition: &str, expected: Expect) {
    let files = [("Dockerfile", DOCKERFILE), ("task-definition.json", definition)];
    let found = check_files(&files, Target::Local).map(|_| "in order".to_owned());
    expected.assert_eq(&found.unwrap_or_else(|problems| problems));
}

/// A good one, with one member replaced or added: in the task definition, and in its container.
fn with(task: &str, container: &str) -> String {
    let mut parts: Vec<String> = [
        ("family", "\"family\": \"streamlit-app\""),
        ("networkMode", "\"networkMode\": \"awsvpc\""),
        (
            "requiresCompatibilities",
            "\"requiresCompatibilities\": [\"FARGATE\"]",
        ),
        ("cpu", "\"cpu\": \"512\""),
        ("memory", "\"memory\": \"1024\""),
    ]
    .into_iter()
    .filter(|(name, _)| !task.starts_with(&format!("\"{name}\"")))
    .map(|(_, text)| text.to_owned())
    .collect();
    if !task.is_empty() {
        parts.push(task.to_owned());
    }
    let mut inside: Vec<String> = [
        ("name", "\"name\": \"web\""),
        ("image", "\"image\": \"\""),
        ("portMappings", "\"portMappings\": [{ \"containerPort\": 8502 }]"),
    ]
    .into_iter()
    .filter(|(name, _)| !container.starts_with(&format!("\"{name}\"")))
    .map(|(_, text)| text.to_owned())
    .collect();
    if !container.is_empty() {
        inside.push(container.to_owned());
    }
    if !task.starts_with("\"containerDefinitions\"") {
        parts.push(format!(
            "\"containerDefinitions\": [{{\n{}\n}}]",
            inside.join(",\n")
        ));
    }
    format!("{{\n{}\n}}", parts.join(",\n"))
}

#[test]
fn what_is_in_order_is_taken() {
    problems(&with("", ""), expect!["in order"]);
}

#[test]
fn the_task_definition_of_the_guide_s_shape_is_taken() {
    let definition = include_str!("../../../../examples/streamlit/task-definition.json");
    let files = [("Dockerfile", DOCKERFILE), ("task-definition.json", definition)];
    let app = check_files(&files, Target::Local).unwrap();
    assert_eq!(app.definition.port(), 8502);
}

#[test]
fn what_describing_adds_is_dropped() {
    let described = with(
        "\"taskDefinitionArn\": \"arn:x\",\n\"revision\": 7,\n\"status\": \"ACTIVE\",\n\"requiresAttributes\": [{\"name\": \"x\"}],\n\"compatibilities\": [\"EC2\"],\n\"registeredAt\": \"2026-01-02\",\n\"registeredBy\": \"arn:y\",\n\"volumes\": [],\n\"placementConstraints\": []",
        "\"cpu\": 0,\n\"mountPoints\": [],\n\"volumesFrom\": [],\n\"environment\": [],\n\"systemControls\": []",
    );
    problems(&described, expect!["in order"]);
}

#[test]
fn a_family_with_spaces_is_refused() {
    problems(
        &with("\"family\": \"My Streamlit App\"", ""),
        expect![[r#"
            task-definition.json:6:11 the family has characters that AWS refuses: letters, digits, - and _ are allowed
                write "My-Streamlit-App"
        "#]],
    );
    problems(
        &with("\"family\": \"\"", ""),
        expect![[r#"
            task-definition.json:6:11 the family is empty
                give it a name, such as "web"
        "#]],
    );
}

#[test]
fn unknown_fields_are_named_with_what_was_probably_meant() {
    problems(
        &with("\"containerDefinition\": 1", "\"essentail\": true"),
        expect![[r#"
            task-definition.json:7:1 the task definition has no field `containerDefinition`
                did you mean `containerDefinitions`?
            task-definition.json:12:1 an element of `containerDefinitions` has no field `essentail`
                did you mean `essential`?
        "#]],
    );
    problems(
        &with(
            "\"portMappings\": []",
            "\"networkMode\": \"awsvpc\",\n\"colour\": 1",
        ),
        expect![[r#"
            task-definition.json:7:1 the task definition has no field `portMappings`
                `portMappings` is a field of the objects in `containerDefinitions`
            task-definition.json:12:1 an element of `containerDefinitions` has no field `networkMode`
                `networkMode` is a field of the task definition itself
            task-definition.json:13:1 an element of `containerDefinitions` has no field `colour`
                AWS does not know it; take it out
        "#]],
    );
}

#[test]
fn wrong_types_are_named_with_how_to_write_it() {
    problems(
        &with(
            "\"cpu\": 512",
            "\"portMappings\": [{ \"containerPort\": \"8502\" }],\n\"essential\": \"true\",\n\"command\": \"run\",\n\"environment\": {\"A\": 1},\n\"memory\": 1.5",
        ),
        expect![[r#"
            task-definition.json:6:8 `cpu` is a number, but must be text
                put it in quotes: "512"
            task-definition.json:10:37 `containerPort` is text, but must be a whole number
                write it without quotes: 8502
            task-definition.json:11:14 `essential` is text, but must be true or false
                write it without quotes: true
            task-definition.json:12:12 `command` is text, but must be a list
                put it in brackets: [ … ]
            task-definition.json:13:16 `environment` is an object, but must be a list
                put it in brackets: [ … ]
            task-definition.json:14:11 `memory` is a number, but must be a whole number
                it has no fraction and fits into 32 bits
        "#]],
    );
}

#[test]
fn values_that_aws_does_not_know_are_named() {
    problems(
        &with(
            "\"requiresCompatibilities\": [\"FARGTE\"]",
            "\"portMappings\": [{ \"containerPort\": 8502, \"protocol\": \"TCP\", \"appProtocol\": \"ftp\" }]",
        ),
        expect![[r#"
            task-definition.json:6:29 an element of `requiresCompatibilities` cannot be "FARGTE"
                did you mean "FARGATE"?
            task-definition.json:10:55 `protocol` cannot be "TCP"
                did you mean "tcp"?
            task-definition.json:10:77 `appProtocol` cannot be "ftp"
                it is one of "http", "http2", "grpc"
        "#]],
    );
}

#[test]
fn dependencies_name_containers() {
    problems(
        &with(
            "",
            "\"dependsOn\": [{ \"containerName\": \"\", \"condition\": \"START\" }]",
        ),
        expect![[r#"
            task-definition.json:11:34 `dependsOn` names no container
                name the container to wait for, or write "dependsOn": []
        "#]],
    );
    problems(
        &with(
            "\"containerDefinitions\": [\n{\"name\": \"web\", \"image\": \"\", \"portMappings\": [{\"containerPort\": 80}], \"dependsOn\": [{\"containerName\": \"databse\", \"condition\": \"START\"}]},\n{\"name\": \"database\", \"image\": \"postgres\", \"dependsOn\": [{\"containerName\": \"cache\", \"condition\": \"HEALTHY\"}, {\"containerName\": \"database\", \"condition\": \"START\"}]},\n{\"name\": \"cache\", \"dependsOn\": [{\"containerName\": \"database\", \"condition\": \"SOMETIME\"}]}\n]",
            "",
        ),
        expect![[r#"
            task-definition.json:8:103 `dependsOn` names the container "databse", which is not there
                did you mean "database"?
            task-definition.json:9:75 containers wait for each other in a circle
                take out one of the `dependsOn`
            task-definition.json:9:97 this waits for "cache" to be HEALTHY, but that has no health check
                wait for START, or give it a `healthCheck`
            task-definition.json:9:127 this container waits for itself
                take it out of `dependsOn`
            task-definition.json:10:1 this container has no image
                only the container that is built here may do without one
            task-definition.json:10:76 `condition` cannot be "SOMETIME"
                it is one of "START", "COMPLETE", "SUCCESS", "HEALTHY"
        "#]],
    );
}

#[test]
fn what_fargate_refuses_is_refused() {
    problems(
        &with(
            "\"networkMode\": \"bridge\"",
            "\"privileged\": true,\n\"portMappings\": [{ \"containerPort\": 8502, \"hostPort\": 80 }]",
        ),
        expect![[r#"
            task-definition.json:6:16 Fargate only supports the network mode awsvpc
                write "networkMode": "awsvpc"
            task-definition.json:11:15 Fargate does not run privileged containers
                write false
            task-definition.json:12:1 `portMappings` stands here twice
                leave one of them out
        "#]],
    );
    problems(
        &with(
            "",
            "\"portMappings\": [{ \"containerPort\": 8502, \"hostPort\": 80 }]",
        ),
        expect![[r#"
            task-definition.json:10:55 with the network mode awsvpc, `hostPort` and `containerPort` must be the same
                write 8502, or leave `hostPort` out
        "#]],
    );
    problems(
        &with("\"cpu\": \"300\"", ""),
        expect![[r#"
            task-definition.json:6:8 Fargate has no tasks with "300" of CPU
                it is one of 256, 512, 1024, 2048, 4096, 8192, 16384 (1024 are one CPU)
        "#]],
    );
    problems(
        &with("\"memory\": \"512\"", "\"memory\": 2048"),
        expect![[r#"
            task-definition.json:6:11 Fargate has no tasks with 512 CPU units and 512 MiB
                with 512 CPU units the memory is 1024 to 4096 in steps of 1024 MiB
            task-definition.json:11:11 this container has more memory than the whole task, which has 512 MiB
                take less, or give the task more
        "#]],
    );
}

#[test]
fn what_is_missing_is_named() {
    problems(
        "{ \"containerDefinitions\": [{ \"name\": \"a b\" }, { }] }",
        expect![[r#"
            task-definition.json:1:1 the task definition has no `family`
                add "family": "…"
            task-definition.json:1:1 the task definition has no `networkMode`, which means bridge, and Fargate only supports awsvpc
                add "networkMode": "awsvpc"
            task-definition.json:1:1 the task definition has no `cpu`, which Fargate needs for the whole task
                add "cpu": "256"
            task-definition.json:1:1 the task definition has no `memory`, which Fargate needs for the whole task
                add "memory": "512"
            task-definition.json:1:27 no container has a port mapping, so the load balancer has nowhere to send requests
                add "portMappings": [{ "containerPort": 8080 }] to the container that answers
            task-definition.json:1:38 the container's name has characters that AWS refuses: letters, digits, - and _ are allowed
                write "a-b"
            task-definition.json:1:47 this container has no `name`
                add "name": "web"
        "#]],
    );
    problems(
        &with("\"containerDefinitions\": []", ""),
        expect![[r#"
            task-definition.json:7:25 the task definition has no containers
                add { "name": "web", "image": "", "portMappings": [{ "containerPort": 8080 }] }
        "#]],
    );
    problems(
        &with("", "\"essential\": false"),
        expect![[r#"
            task-definition.json:11:14 no container is essential
                one must be: its end is the task's end
        "#]],
    );
}

#[test]
fn json_is_strict_as_at_aws() {
    problems(
        "{\n  // the name\n  \"family\": \"x\",\n}",
        expect![[r#"
            task-definition.json:3:16 trailing commas are not allowed
                take out the last comma
        "#]],
    );
    problems(
        &with("", "\"essential\": true // or not\n/* why */"),
        expect![[r#"
            task-definition.json:11:19 JSON has no comments, and AWS refuses them
                take it out; a tag can hold what must be said
            task-definition.json:12:1 JSON has no comments, and AWS refuses them
                take it out; a tag can hold what must be said
        "#]],
    );
    for broken in [
        "",
        "{",
        "[",
        "{\"a\"",
        "{'a': 1}",
        "{\"a\": .5}",
        "nul",
        "{\"a\": 1 \"b\": 2}",
        "\u{feff}",
        "{}{}",
    ] {
        let files = [("Dockerfile", DOCKERFILE), ("task-definition.json", broken)];
        let folder_says = check_files_loosely(&files);
        assert!(
            folder_says.contains("task-definition.json:1:"),
            "{broken:?}: {folder_says}"
        );
    }
}

/// As rendered for people; a problem may be without a hint.
fn check_files_loosely(files: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let name = AppName::parse("web").unwrap();
    match super::check(folder.path(), name, Target::Local) {
        Err(CheckError::Files(faults)) => faults
            .iter()
            .map(|(file, problems)| render(file, problems, false, 100))
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_the_local_cloud_does_not_serve_is_refused_there_only() {
    let definition = with(
        "\"volumes\": [{ \"name\": \"data\", \"efsVolumeConfiguration\": { \"fileSystemId\": \"fs-1\" } }]",
        "\"environmentFiles\": [{ \"type\": \"s3\", \"value\": \"arn:x\" }],\n\"logConfiguration\": { \"logDriver\": \"splunk\" }",
    );
    problems(
        &definition,
        expect![[r#"
        task-definition.json:7:31 the local cloud does not serve `efsVolumeConfiguration` yet
            leave it out here, or deploy with --target aws
        task-definition.json:12:1 the local cloud does not serve `environmentFiles` yet
            leave it out here, or deploy with --target aws
        task-definition.json:13:36 the local cloud does not serve the log driver splunk yet
            use awslogs
    "#]],
    );
    let files = [
        ("Dockerfile", DOCKERFILE),
        ("task-definition.json", definition.as_str()),
    ];
    assert!(check_files(&files, Target::Aws).is_ok());
}

#[test]
fn misspelt_fields_are_named() {
    problems(
        &with(
            "\"requiresCompatabilities\": [\"FARGATE\"]",
            "\"priviledged\": false,\n\"psudoTerminal\": true",
        ),
        expect![[r#"
            task-definition.json:7:1 the task definition has no field `requiresCompatabilities`
                did you mean `requiresCompatibilities`?
            task-definition.json:12:1 an element of `containerDefinitions` has no field `priviledged`
                did you mean `privileged`?
            task-definition.json:13:1 an element of `containerDefinitions` has no field `psudoTerminal`
                did you mean `pseudoTerminal`?
        "#]],
    );
}

#[test]
fn what_awsvpc_and_fargate_do_not_have_is_found() {
    problems(
        &with(
            "\"pidMode\": \"host\", \"volumes\": [{ \"name\": \"data\", \"host\": { \"sourcePath\": \"/srv\" } }]",
            "\"hostname\": \"box\",\n\"extraHosts\": [{ \"hostname\": \"db\", \"ipAddress\": \"10.0.0.1\" }],\n\"linuxParameters\": { \"sharedMemorySize\": 64, \"capabilities\": { \"add\": [\"NET_ADMIN\"] } },\n\"logConfiguration\": { \"logDriver\": \"json-file\" }",
        ),
        expect![[r#"
            task-definition.json:7:12 Fargate does not support the pidMode "host"
                write "task", or leave it out
            task-definition.json:7:74 Fargate has no machine whose paths could be mounted
                a volume with nothing but a name is a directory that the task's containers share
            task-definition.json:12:1 the network mode awsvpc does not go with `hostname`
                with the network mode awsvpc, names come from the VPC
            task-definition.json:13:1 the network mode awsvpc does not go with `extraHosts`
                with the network mode awsvpc, names come from the VPC
            task-definition.json:14:22 Fargate has no `sharedMemorySize`
                leave it out
            task-definition.json:14:72 Fargate does not let this capability be added
                only SYS_PTRACE can be added; any can be dropped
            task-definition.json:15:36 Fargate has no log driver json-file
                use awslogs
        "#]],
    );
}

#[test]
fn what_is_named_must_be_there() {
    problems(
        &with(
            "\"volumes\": [{ \"name\": \"data\" }]",
            "\"mountPoints\": [{ \"sourceVolume\": \"date\", \"containerPath\": \"data\" }],\n\"volumesFrom\": [{ \"sourceContainer\": \"db\" }],\n\"secrets\": [{ \"name\": \"A\", \"valueFrom\": \"arn:aws:s3:::x\" }]",
        ),
        expect![[r#"
            task-definition.json:12:35 `sourceVolume` names the volume "date", which is not there
                did you mean "data"?
            task-definition.json:12:60 a mount point is an absolute path
                begin it with a slash
            task-definition.json:13:38 `sourceContainer` names the container "db", which is not there
                there are: web
            task-definition.json:14:41 this is no ARN of a secret or a parameter
                such as arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME, or the name of a parameter
        "#]],
    );
}

#[test]
fn another_machine_s_architecture_is_refused() {
    let other = if cfg!(target_arch = "aarch64") {
        "X86_64"
    } else {
        "ARM64"
    };
    let definition = with(
        &format!("\"runtimePlatform\": {{ \"cpuArchitecture\": \"{other}\" }}"),
        "",
    );
    let files = [
        ("Dockerfile", DOCKERFILE),
        ("task-definition.json", definition.as_str()),
    ];
    let said = check_files(&files, Target::Local).unwrap_err();
    assert!(
        said.contains(&format!("7:41 the architecture is {other}, but this machine is")),
        "{said}"
    );
}

#[test]
fn all_files_are_reported_at_once() {
    let files = [
        ("Dockerfile", "FROM scratch\nCOPPY a /a\nCMD [\"/x\"]\n"),
        (".dockerignore", "*.log\n!\n"),
        ("task-definition.json", &with("\"family\": \"a b\"", "")),
    ];
    expect![[r#"
        Dockerfile:2:1 unknown instruction `COPPY`
            did you mean `COPY`?
        .dockerignore:2:1 `!` is not followed by a pattern
            write the paths that the image can do without, one a line
        task-definition.json:6:11 the family has characters that AWS refuses: letters, digits, - and _ are allowed
            write "a-b"
    "#]]
    .assert_eq(&check_files(&files, Target::Local).unwrap_err());
}

#[test]
fn copy_takes_what_is_there_and_not_ignored() {
    let files = [
        (
            "Dockerfile",
            "FROM scratch\nCOPY app.py /\nCOPY ap.py secret/key /\n",
        ),
        (".dockerignore", "secret\n"),
        ("app.py", ""),
        ("secret/key", ""),
    ];
    expect![[r#"
        Dockerfile:3:6 `ap.py` is not in the build context
            did you mean `app.py`?
        Dockerfile:3:12 `secret/key` is not in the build context
            `.dockerignore` leaves it out; add a line `!` with its path there
    "#]]
    .assert_eq(&check_files(&files, Target::Local).unwrap_err());
}

#[test]
fn a_problem_is_shown_with_its_source_line() {
    let definition = with("\"family\": \"a b\"", "");
    let said = check_files_loosely(&[("Dockerfile", DOCKERFILE), ("task-definition.json", &definition)]);
    for part in [
        "task-definition.json:6:11",
        "\"family\": \"a b\"",
        "help: write \"a-b\"",
    ] {
        assert!(said.contains(part), "{part} is missing in\n{said}");
    }
}

#[test]
fn a_folder_that_is_no_application_is_refused_in_a_sentence() {
    assert_eq!(
        check_files(&[("x", "")], Target::Local).unwrap_err(),
        "DIR has no Dockerfile"
    );
}

#[test]
fn without_a_task_definition_one_is_derived() {
    let app = check_files(
        &[("Dockerfile", "FROM scratch\nEXPOSE 53/udp 8080 9090\n")],
        Target::Local,
    )
    .unwrap();
    assert_eq!(app.definition.port(), 8080);
    assert_eq!(
        app.notes,
        ["no task-definition.json: Fargate with 256 CPU units and 512 MiB, requests to port 8080"]
    );
    let app = check_files(&[("Dockerfile", "FROM scratch\n")], Target::Local).unwrap();
    assert_eq!(app.definition.port(), 8080);
    assert!(app.notes[0].contains("has no EXPOSE"), "{:?}", app.notes);
}

#[test]
fn a_task_definition_may_be_in_deploy() {
    let definition = with("", "");
    let app = check_files(
        &[
            ("Dockerfile", DOCKERFILE),
            ("deploy/task-definition.json", &definition),
        ],
        Target::Local,
    );
    assert_eq!(app.unwrap().definition.port(), 8502);
}
