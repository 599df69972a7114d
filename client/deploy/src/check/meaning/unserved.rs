//! What AWS runs and the local cloud does not yet. It refuses these itself; here they are found before anything is
//! done, and with their place.

use base_diagnostic::Problem;

use super::super::json::{Node, key_span};

const TASK: [&str; 2] = ["inferenceAccelerators", "proxyConfiguration"];
const CONTAINER: [&str; 6] = [
    "credentialSpecs",
    "environmentFiles",
    "firelensConfiguration",
    "links",
    "repositoryCredentials",
    "resourceRequirements",
];
const VOLUME: [&str; 3] = [
    "efsVolumeConfiguration",
    "fsxWindowsFileServerVolumeConfiguration",
    "s3filesVolumeConfiguration",
];
/// Options of the log driver awslogs that are obeyed.
const LOG_OPTIONS: [&str; 6] = [
    "awslogs-create-group",
    "awslogs-group",
    "awslogs-region",
    "awslogs-stream-prefix",
    "max-buffer-size",
    "mode",
];

pub(super) fn task(root: Node<'_>, problems: &mut Vec<Problem>) {
    refuse(root, &TASK, problems);
    for volume in root.list("volumes") {
        refuse(volume, &VOLUME, problems);
    }
}

pub(super) fn container(node: Node<'_>, problems: &mut Vec<Problem>) {
    refuse(node, &CONTAINER, problems);
    let Some(logs) = node.get("logConfiguration") else {
        return;
    };
    if let Some(driver) = logs.get("logDriver")
        && let Some(text) = driver.text()
        && !["awslogs", "json-file", "none"].contains(&text)
    {
        let message = format!("the local cloud does not serve the log driver {text} yet");
        problems.push(Problem::new(driver.span(), message).hint("use awslogs"));
        return;
    }
    let Some(options) = logs.get("options").and_then(Node::object) else {
        return;
    };
    for option in &options.properties {
        let name = option.name.as_str();
        if !LOG_OPTIONS.contains(&name) {
            let message = format!("the local cloud does not serve the log option {name} yet");
            problems.push(
                Problem::new(key_span(option), message)
                    .hint("leave it out here, or deploy with --target aws"),
            );
        }
    }
}

fn refuse(node: Node<'_>, names: &[&str], problems: &mut Vec<Problem>) {
    for name in names {
        let Some((key, value)) = node.member(name) else {
            continue;
        };
        let empty = value.value.as_array().is_some_and(|it| it.elements.is_empty())
            || value.object().is_some_and(|it| it.properties.is_empty());
        let off = value.get("enabled").and_then(Node::truth) == Some(false);
        if !empty && !off {
            problems.push(
                Problem::new(key, format!("the local cloud does not serve `{name}` yet"))
                    .hint("leave it out here, or deploy with --target aws"),
            );
        }
    }
}
