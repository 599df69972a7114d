//! What the model cannot say: what Fargate refuses, names that do not exist, sizes that go with nothing.
//!
//! Fields of a wrong type are passed over here; `schema` has named them.

mod container;
mod depend;
mod fargate;
mod reference;
mod unserved;

use base_diagnostic::Problem;

use super::json::Node;
use super::pick::pick;
use super::schema::closest;
use super::{Target, size};
use crate::definition::Picked;

const NAME_CHARS_MAX: usize = 255;
/// Compatibilities that are not Fargate.
const OTHERS: [&str; 3] = ["EC2", "EXTERNAL", "MANAGED_INSTANCES"];

/// Notes all problems; says which container is built, unless none can be.
pub(super) fn check(root: Node<'_>, target: Target, problems: &mut Vec<Problem>) -> Option<Picked> {
    root.object()?;
    family(root, problems);
    launch(root, problems);
    sizes(root, problems);
    platform(root, target, problems);
    fargate::task(root, problems);
    if target == Target::Local {
        unserved::task(root, problems);
    }
    let (_, list) = root.member("containerDefinitions")?;
    list.value.as_array()?;
    let containers: Vec<Node<'_>> = list.elements().collect();
    if containers.is_empty() {
        problems.push(
            Problem::new(list.span(), "the task definition has no containers").hint(
                "add { \"name\": \"web\", \"image\": \"\", \"portMappings\": [{ \"containerPort\": 8080 }] }",
            ),
        );
        return None;
    }
    let picked = pick(root);
    for (at, one) in containers.iter().enumerate() {
        let built = picked.as_ref().is_none_or(|picked| picked.built == at);
        container::check(*one, built, target, problems);
    }
    container::together(root, &containers, problems);
    depend::check(&containers, problems);
    reference::check(root, &containers, problems);
    let has_ports = containers
        .iter()
        .any(|one| one.list("portMappings").next().is_some());
    if picked.is_none() && !has_ports {
        problems.push(
            Problem::new(
                list.head(),
                "no container has a port mapping, so the load balancer has nowhere to send requests",
            )
            .hint("add \"portMappings\": [{ \"containerPort\": 8080 }] to the container that answers"),
        );
    }
    picked
}

/// Letters, digits, hyphens and underscores, 1 to 255 of them.
fn is_name(text: &str) -> bool {
    (1..=NAME_CHARS_MAX).contains(&text.len())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// The same with hyphens for what is not allowed.
fn legal(text: &str) -> String {
    let mut name = String::new();
    for c in text.trim().chars().take(NAME_CHARS_MAX) {
        if c.is_ascii_alphanumeric() || c == '_' {
            name.push(c);
        } else if !name.ends_with('-') {
            name.push('-');
        }
    }
    name.trim_matches('-').to_owned()
}

/// A problem of a name, with one that would do.
fn check_name(node: Node<'_>, what: &str, problems: &mut Vec<Problem>) {
    let Some(text) = node.text() else { return };
    if is_name(text) {
        return;
    }
    let message = match text {
        "" => format!("{what} is empty"),
        _ if text.len() > NAME_CHARS_MAX => format!("{what} has more than {NAME_CHARS_MAX} characters"),
        _ => format!("{what} has characters that AWS refuses: letters, digits, - and _ are allowed"),
    };
    let problem = Problem::new(node.span(), message);
    problems.push(match legal(text) {
        name if name.is_empty() => problem.hint("give it a name, such as \"web\""),
        name => problem.hint(format!("write \"{name}\"")),
    });
}

fn family(root: Node<'_>, problems: &mut Vec<Problem>) {
    if let Some(node) = root.get("family") {
        check_name(node, "the family", problems);
    }
}

/// Fargate, and what it asks of the network.
fn launch(root: Node<'_>, problems: &mut Vec<Problem>) {
    let wants: Vec<Node<'_>> = root.list("requiresCompatibilities").collect();
    if let Some((key, _)) = root.member("requiresCompatibilities")
        && !wants.is_empty()
        && !wants.iter().any(|one| one.text() == Some("FARGATE"))
        && wants
            .iter()
            .all(|one| one.text().is_some_and(|text| OTHERS.contains(&text)))
    {
        problems.push(
            Problem::new(key, "`wharf up` deploys to Fargate, which the task definition rules out")
                .hint("write \"requiresCompatibilities\": [\"FARGATE\"]"),
        );
    }
    match root.get("networkMode") {
        Some(mode) if mode.text().is_none_or(|text| text == "awsvpc") => {}
        Some(mode) => problems.push(
            Problem::new(mode.span(), "Fargate only supports the network mode awsvpc")
                .hint("write \"networkMode\": \"awsvpc\""),
        ),
        None => problems.push(
            Problem::new(root.head(), "the task definition has no `networkMode`, which means bridge, and Fargate only supports awsvpc")
                .hint("add \"networkMode\": \"awsvpc\""),
        ),
    }
}

fn sizes(root: Node<'_>, problems: &mut Vec<Problem>) {
    for (name, value) in [("cpu", "256"), ("memory", "512")] {
        if root.get(name).is_none() {
            problems.push(
                Problem::new(
                    root.head(),
                    format!("the task definition has no `{name}`, which Fargate needs for the whole task"),
                )
                .hint(format!("add \"{name}\": \"{value}\"")),
            );
        }
    }
    let cpu = root.get("cpu").and_then(|node| Some((node, node.text()?)));
    let memory = root.get("memory").and_then(|node| Some((node, node.text()?)));
    let cpu_units = cpu.and_then(|(node, text)| {
        let units = size::cpu(text).filter(|units| size::memories(*units).is_some());
        if units.is_none() {
            let message = format!("Fargate has no tasks with \"{text}\" of CPU");
            problems.push(
                Problem::new(node.span(), message)
                    .hint(format!("it is one of {} (1024 are one CPU)", size::cpus())),
            );
        }
        units
    });
    let Some((node, text)) = memory else { return };
    let Some(mib) = size::memory(text) else {
        let message = format!("\"{text}\" is not an amount of memory");
        problems.push(Problem::new(node.span(), message).hint("write MiB, such as \"512\", or \"1GB\""));
        return;
    };
    if let Some(units) = cpu_units
        && !size::is_pair(units, mib)
    {
        let message = format!("Fargate has no tasks with {units} CPU units and {mib} MiB");
        let fitting = size::memories(units).unwrap_or_default();
        problems.push(
            Problem::new(node.span(), message)
                .hint(format!("with {units} CPU units the memory is {fitting} MiB")),
        );
    }
}

fn platform(root: Node<'_>, target: Target, problems: &mut Vec<Problem>) {
    let Some(platform) = root.get("runtimePlatform") else {
        return;
    };
    if let Some(node) = platform.get("operatingSystemFamily")
        && node.text().is_some_and(|text| text.starts_with("WINDOWS"))
    {
        problems.push(
            Problem::new(node.span(), "the image that is built here runs on Linux only")
                .hint("write \"LINUX\""),
        );
    }
    // The machine's own, which the image is built on and, locally, run on.
    let here = if cfg!(target_arch = "aarch64") {
        "ARM64"
    } else {
        "X86_64"
    };
    if let Some(node) = platform.get("cpuArchitecture")
        && let Some(text) = node.text()
        && ["X86_64", "ARM64"].contains(&text)
        && text != here
    {
        let why = match target {
            Target::Local => "its containers cannot run here",
            Target::Aws => "the image is built for this machine's",
        };
        problems.push(
            Problem::new(
                node.span(),
                format!("the architecture is {text}, but this machine is {here}: {why}"),
            )
            .hint(format!("write \"{here}\"")),
        );
    }
}

/// `did you mean`, or all there are.
fn which(given: &str, known: &[&str]) -> String {
    match closest(given, known.iter().copied()) {
        Some(close) => format!("did you mean \"{close}\"?"),
        None => format!("there are: {}", known.join(", ")),
    }
}
