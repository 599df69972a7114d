//! Which container waits for which.

use base_diagnostic::Problem;

use super::super::json::Node;
use super::which;

/// One container waits for another.
struct Wait<'a> {
    from: usize,
    to: usize,
    place: Node<'a>,
}

pub(super) fn check(containers: &[Node<'_>], problems: &mut Vec<Problem>) {
    let names: Vec<&str> = containers
        .iter()
        .map(|one| one.get("name").and_then(Node::text).unwrap_or_default())
        .collect();
    let mut waits: Vec<Wait<'_>> = Vec::new();
    for (from, one) in containers.iter().enumerate() {
        for dependency in one.list("dependsOn") {
            let Some((place, name)) = dependency
                .get("containerName")
                .and_then(|it| Some((it, it.text()?)))
            else {
                continue;
            };
            match names.iter().position(|known| *known == name) {
                _ if name.is_empty() => problems.push(
                    Problem::new(place.span(), "`dependsOn` names no container")
                        .hint("name the container to wait for, or write \"dependsOn\": []"),
                ),
                None => {
                    let message = format!("`dependsOn` names the container \"{name}\", which is not there");
                    problems.push(Problem::new(place.span(), message).hint(which(name, &names)));
                }
                Some(to) if to == from => problems.push(
                    Problem::new(place.span(), "this container waits for itself")
                        .hint("take it out of `dependsOn`"),
                ),
                Some(to) => {
                    healthy(dependency, containers[to], name, problems);
                    ended(dependency, containers[to], name, problems);
                    waits.push(Wait { from, to, place });
                }
            }
        }
    }
    cycles(containers.len(), &waits, problems);
}

fn healthy(dependency: Node<'_>, other: Node<'_>, name: &str, problems: &mut Vec<Problem>) {
    let Some(condition) = dependency
        .get("condition")
        .filter(|it| it.text() == Some("HEALTHY"))
    else {
        return;
    };
    if other.get("healthCheck").is_none() {
        let message = format!("this waits for \"{name}\" to be HEALTHY, but that has no health check");
        problems
            .push(Problem::new(condition.span(), message).hint("wait for START, or give it a `healthCheck`"));
    }
}

/// The end of an essential container is the task's end, so nobody can wait for it.
fn ended(dependency: Node<'_>, other: Node<'_>, name: &str, problems: &mut Vec<Problem>) {
    let Some(condition) = dependency
        .get("condition")
        .filter(|it| matches!(it.text(), Some("SUCCESS" | "COMPLETE")))
    else {
        return;
    };
    if other.get("essential").and_then(Node::truth) != Some(false) {
        let message =
            format!("this waits for the end of \"{name}\", which is essential: its end is the task's");
        problems.push(
            Problem::new(condition.span(), message).hint(format!("write \"essential\": false in \"{name}\"")),
        );
    }
}

/// Starts what can start until nothing more can; what is left waits for itself in a circle.
fn cycles(count: usize, waits: &[Wait<'_>], problems: &mut Vec<Problem>) {
    let mut started = vec![false; count];
    loop {
        let next = (0..count)
            .find(|one| !started[*one] && waits.iter().all(|wait| wait.from != *one || started[wait.to]));
        match next {
            Some(one) => started[one] = true,
            None => break,
        }
    }
    if let Some(wait) = waits.iter().find(|wait| !started[wait.from] && !started[wait.to]) {
        problems.push(
            Problem::new(wait.place.span(), "containers wait for each other in a circle")
                .hint("take out one of the `dependsOn`"),
        );
    }
}
