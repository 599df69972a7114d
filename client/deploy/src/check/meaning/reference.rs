//! What is named must be there: volumes that are mounted, containers whose volumes are taken over, secrets.

use base_diagnostic::Problem;

use super::super::json::Node;
use super::which;

pub(super) fn check(root: Node<'_>, containers: &[Node<'_>], problems: &mut Vec<Problem>) {
    let volumes: Vec<&str> = names(root.list("volumes"));
    let others: Vec<&str> = names(containers.iter().copied());
    for one in containers {
        for mount in one.list("mountPoints") {
            refer(mount, "sourceVolume", "volume", &volumes, problems);
            if let Some(path) = mount.get("containerPath")
                && path.text().is_some_and(|text| !text.starts_with('/'))
            {
                problems.push(
                    Problem::new(path.span(), "a mount point is an absolute path")
                        .hint("begin it with a slash"),
                );
            }
        }
        for source in one.list("volumesFrom") {
            refer(source, "sourceContainer", "container", &others, problems);
        }
        for secret in one.list("secrets") {
            value_from(secret, problems);
        }
    }
}

fn names<'a>(nodes: impl Iterator<Item = Node<'a>>) -> Vec<&'a str> {
    nodes
        .map(|one| one.get("name").and_then(Node::text).unwrap_or_default())
        .collect()
}

fn refer(node: Node<'_>, field: &str, what: &str, known: &[&str], problems: &mut Vec<Problem>) {
    let Some(place) = node.get(field) else { return };
    let Some(text) = place.text() else { return };
    if known.contains(&text) {
        return;
    }
    let message = format!("`{field}` names the {what} \"{text}\", which is not there");
    let hint = match known {
        [] => format!("the task definition has no {what}s"),
        _ => which(text, known),
    };
    problems.push(Problem::new(place.span(), message).hint(hint));
}

/// A parameter's name, or the ARN of a parameter or secret.
fn value_from(secret: Node<'_>, problems: &mut Vec<Problem>) {
    let Some(place) = secret.get("valueFrom") else {
        return;
    };
    let Some(text) = place.text() else { return };
    if !text.starts_with("arn:") {
        return;
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let known = match parts[..] {
        [_, _, "ssm", _, _, rest] => rest.starts_with("parameter/"),
        [_, _, "secretsmanager", _, _, rest] => rest.starts_with("secret:"),
        _ => false,
    };
    if !known {
        problems.push(
            Problem::new(place.span(), "this is no ARN of a secret or a parameter").hint(
                "such as arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME, or the name of a parameter",
            ),
        );
    }
}
