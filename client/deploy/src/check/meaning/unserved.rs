//! What AWS runs and the local cloud does not yet. It refuses these itself; here they are found before anything is
//! done, and with their place.

use base_diagnostic::Problem;

use super::super::json::Node;

const TASK: [&str; 6] = [
    "ephemeralStorage",
    "inferenceAccelerators",
    "ipcMode",
    "pidMode",
    "placementConstraints",
    "proxyConfiguration",
];
const CONTAINER: [&str; 18] = [
    "credentialSpecs",
    "dnsSearchDomains",
    "dnsServers",
    "dockerLabels",
    "dockerSecurityOptions",
    "environmentFiles",
    "extraHosts",
    "firelensConfiguration",
    "hostname",
    "linuxParameters",
    "links",
    "mountPoints",
    "repositoryCredentials",
    "resourceRequirements",
    "restartPolicy",
    "secrets",
    "systemControls",
    "volumesFrom",
];

pub(super) fn task(root: Node<'_>, problems: &mut Vec<Problem>) {
    refuse(root, &TASK, problems);
    refuse(root, &["volumes"], problems);
}

pub(super) fn container(node: Node<'_>, problems: &mut Vec<Problem>) {
    refuse(node, &CONTAINER, problems);
    let Some(driver) = node
        .get("logConfiguration")
        .and_then(|logs| logs.get("logDriver"))
    else {
        return;
    };
    if let Some(text) = driver.text()
        && !["awslogs", "json-file"].contains(&text)
    {
        let message = format!("the local cloud does not serve the log driver {text} yet");
        problems.push(Problem::new(driver.span(), message).hint("use awslogs"));
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
