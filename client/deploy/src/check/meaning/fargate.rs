//! What Fargate, or its network mode awsvpc, refuses: AWS says so only when the task definition is registered.

use base_diagnostic::Problem;

use super::super::json::Node;

/// With awsvpc a task has one network interface, and its names come from there.
const NAMES: [&str; 5] = [
    "dnsSearchDomains",
    "dnsServers",
    "extraHosts",
    "hostname",
    "links",
];
const LINUX: [&str; 5] = ["devices", "maxSwap", "sharedMemorySize", "swappiness", "tmpfs"];
const LOG_DRIVERS: [&str; 3] = ["awsfirelens", "awslogs", "splunk"];

pub(super) fn task(root: Node<'_>, problems: &mut Vec<Problem>) {
    refuse(
        root,
        &["placementConstraints"],
        "Fargate has no",
        "leave it out",
        problems,
    );
    for (field, allowed) in [("ipcMode", "none"), ("pidMode", "task")] {
        if let Some(mode) = root.get(field)
            && let Some(text) = mode.text()
            && text != allowed
        {
            problems.push(
                Problem::new(
                    mode.span(),
                    format!("Fargate does not support the {field} \"{text}\""),
                )
                .hint(format!("write \"{allowed}\", or leave it out")),
            );
        }
    }
    if let Some(size) = root.get("ephemeralStorage").and_then(|it| it.get("sizeInGiB"))
        && size.number().is_some_and(|gib| !(21..=200).contains(&gib))
    {
        problems.push(
            Problem::new(size.span(), "ephemeral storage is from 21 to 200 GiB")
                .hint("leave it out to have 20 GiB"),
        );
    }
    for volume in root.list("volumes") {
        refuse(
            volume,
            &["dockerVolumeConfiguration"],
            "Fargate has no",
            "a volume with nothing but a name is a directory that the task's containers share",
            problems,
        );
        if let Some(path) = volume.get("host").and_then(|host| host.get("sourcePath")) {
            problems.push(
                Problem::new(path.span(), "Fargate has no machine whose paths could be mounted")
                    .hint("a volume with nothing but a name is a directory that the task's containers share"),
            );
        }
    }
}

pub(super) fn container(node: Node<'_>, problems: &mut Vec<Problem>) {
    let hint = "with the network mode awsvpc, names come from the VPC";
    refuse(
        node,
        &NAMES,
        "the network mode awsvpc does not go with",
        hint,
        problems,
    );
    refuse(
        node,
        &["dockerSecurityOptions"],
        "Fargate has no",
        "leave it out",
        problems,
    );
    if let Some(off) = node
        .get("disableNetworking")
        .filter(|it| it.truth() == Some(true))
    {
        problems.push(
            Problem::new(
                off.span(),
                "the network mode awsvpc does not go with `disableNetworking`",
            )
            .hint("write false"),
        );
    }
    if let Some(linux) = node.get("linuxParameters") {
        refuse(linux, &LINUX, "Fargate has no", "leave it out", problems);
        let added = linux
            .get("capabilities")
            .into_iter()
            .flat_map(|it| it.list("add"));
        for one in added {
            if one.text().is_some_and(|text| text != "SYS_PTRACE") {
                problems.push(
                    Problem::new(one.span(), "Fargate does not let this capability be added")
                        .hint("only SYS_PTRACE can be added; any can be dropped"),
                );
            }
        }
    }
    let driver = node
        .get("logConfiguration")
        .and_then(|logs| logs.get("logDriver"));
    if let Some(driver) = driver
        && let Some(text) = driver.text()
        && !LOG_DRIVERS.contains(&text)
    {
        problems.push(
            Problem::new(driver.span(), format!("Fargate has no log driver {text}")).hint("use awslogs"),
        );
    }
}

fn refuse(node: Node<'_>, names: &[&str], why: &str, hint: &str, problems: &mut Vec<Problem>) {
    for name in names {
        let Some((key, value)) = node.member(name) else {
            continue;
        };
        let is_empty = value.value.as_array().is_some_and(|it| it.elements.is_empty());
        if !is_empty {
            problems.push(Problem::new(key, format!("{why} `{name}`")).hint(hint));
        }
    }
}
