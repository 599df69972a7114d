//! One container, and what only shows when all are seen together.

use base_diagnostic::Problem;

use super::super::Target;
use super::super::json::Node;
use super::super::size;
use super::{check_name, unserved};

const STOP_TIMEOUT_SECONDS_MAX: i64 = 120;

pub(super) fn check(node: Node<'_>, built: bool, target: Target, problems: &mut Vec<Problem>) {
    if node.object().is_none() {
        return;
    }
    match node.get("name") {
        Some(name) => check_name(name, "the container's name", problems),
        None => problems
            .push(Problem::new(node.head(), "this container has no `name`").hint("add \"name\": \"web\"")),
    }
    let image = node.get("image").and_then(Node::text).unwrap_or_default();
    if !built && image.trim().is_empty() {
        let place = node
            .member("image")
            .map_or(node.head(), |(_, image)| image.span());
        problems.push(
            Problem::new(place, "this container has no image")
                .hint("only the container that is built here may do without one"),
        );
    }
    if let Some(privileged) = node.get("privileged").filter(|it| it.truth() == Some(true)) {
        problems.push(
            Problem::new(privileged.span(), "Fargate does not run privileged containers").hint("write false"),
        );
    }
    if let Some(seconds) = node.get("stopTimeout")
        && seconds
            .number()
            .is_some_and(|number| !(0..=STOP_TIMEOUT_SECONDS_MAX).contains(&number))
    {
        problems.push(
            Problem::new(
                seconds.span(),
                format!("`stopTimeout` is not from 0 to {STOP_TIMEOUT_SECONDS_MAX}"),
            )
            .hint("these are the seconds between SIGTERM and SIGKILL"),
        );
    }
    for mapping in node.list("portMappings") {
        port(mapping, problems);
    }
    health_check(node, problems);
    logs(node, problems);
    super::fargate::container(node, problems);
    if target == Target::Local {
        unserved::container(node, problems);
    }
}

fn port(mapping: Node<'_>, problems: &mut Vec<Problem>) {
    let Some(container) = mapping.get("containerPort") else {
        if mapping.object().is_some() && mapping.get("containerPortRange").is_none() {
            problems.push(
                Problem::new(mapping.head(), "this port mapping has no `containerPort`")
                    .hint("add \"containerPort\": 8080, the port that the application listens on"),
            );
        }
        return;
    };
    let Some(number) = container.number() else { return };
    if !(1..=65535).contains(&number) {
        let message = format!("{number} is not a port");
        problems.push(Problem::new(container.span(), message).hint("ports are from 1 to 65535"));
        return;
    }
    if let Some(host) = mapping.get("hostPort")
        && host.number().is_some_and(|host| host != number)
    {
        problems.push(
            Problem::new(
                host.span(),
                "with the network mode awsvpc, `hostPort` and `containerPort` must be the same",
            )
            .hint(format!("write {number}, or leave `hostPort` out")),
        );
    }
}

fn health_check(node: Node<'_>, problems: &mut Vec<Problem>) {
    let Some(check) = node.get("healthCheck") else {
        return;
    };
    if let Some(command) = check.get("command") {
        let first = command.elements().next();
        let kind = first.and_then(Node::text);
        if !kind.is_some_and(|kind| ["CMD", "CMD-SHELL", "NONE"].contains(&kind))
            && command.value.as_array().is_some()
        {
            let place = first.map_or(command.span(), Node::span);
            problems.push(
                Problem::new(place, "a health check's command begins with CMD or CMD-SHELL")
                    .hint("such as [\"CMD-SHELL\", \"wget -qO- http://localhost:8080/ || exit 1\"]"),
            );
        }
    }
    let limits = [
        ("interval", 5, 300),
        ("timeout", 2, 120),
        ("retries", 1, 10),
        ("startPeriod", 0, 300),
    ];
    for (name, least, most) in limits {
        if let Some(value) = check.get(name)
            && value
                .number()
                .is_some_and(|number| !(least..=most).contains(&number))
        {
            let message = format!("a health check's `{name}` is from {least} to {most}");
            problems.push(Problem::new(value.span(), message).hint("take a value in between"));
        }
    }
}

fn logs(node: Node<'_>, problems: &mut Vec<Problem>) {
    let Some(logs) = node.get("logConfiguration") else {
        return;
    };
    if logs.get("logDriver").and_then(Node::text) != Some("awslogs") {
        return;
    }
    let options = logs.get("options");
    let group = options.and_then(|options| options.get("awslogs-group"));
    if group.is_none_or(|group| group.text() == Some("")) {
        let place = options.map_or(logs.head(), Node::head);
        problems.push(
            Problem::new(place, "the log driver awslogs needs the option `awslogs-group`").hint(
                "add \"awslogs-group\": \"/wharf/…\", or leave `logConfiguration` out to have one made",
            ),
        );
    }
}

/// Names and ports that are there twice, memory that is more than the task's, no container that counts.
pub(super) fn together(root: Node<'_>, containers: &[Node<'_>], problems: &mut Vec<Problem>) {
    let (mut names, mut ports): (Vec<&str>, Vec<i64>) = (Vec::new(), Vec::new());
    for one in containers {
        if let Some((node, name)) = one.get("name").and_then(|node| Some((node, node.text()?))) {
            if names.contains(&name) && !name.is_empty() {
                let message = format!("two containers are called \"{name}\"");
                problems.push(Problem::new(node.span(), message).hint("give each its own name"));
            }
            names.push(name);
        }
        for (node, port) in one
            .list("portMappings")
            .filter_map(|mapping| mapping.get("containerPort"))
            .filter_map(|node| Some((node, node.number()?)))
        {
            if ports.contains(&port) {
                let message = format!("port {port} is taken: the containers of a task share one address");
                problems.push(Problem::new(node.span(), message).hint("take another port"));
            }
            ports.push(port);
        }
    }
    let essential = |one: &Node<'_>| one.get("essential").and_then(Node::truth) != Some(false);
    if !containers.iter().any(essential)
        && let Some((_, place)) = containers.first().and_then(|one| one.member("essential"))
    {
        problems.push(
            Problem::new(place.span(), "no container is essential")
                .hint("one must be: its end is the task's end"),
        );
    }
    let whole = root.get("memory").and_then(Node::text).and_then(size::memory);
    for one in containers {
        if let (Some(whole), Some(node)) = (whole, one.get("memory"))
            && node.number().is_some_and(|mib| mib > i64::from(whole))
        {
            let message =
                format!("this container has more memory than the whole task, which has {whole} MiB");
            problems.push(Problem::new(node.span(), message).hint("take less, or give the task more"));
        }
    }
}
