//! Which control group hierarchies this machine has, and where they are mounted.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::{fs, io};

use crate::config::GUESTS_GROUP;

/// Controllers that a version 2 group must hand down so that its children can have limits.
const HANDED_DOWN: [&str; 5] = ["cpu", "memory", "pids", "cpuset", "io"];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hierarchy {
    pub mount: PathBuf,
    /// Version 2.
    pub unified: bool,
    controllers: Vec<String>,
}

impl Hierarchy {
    pub fn has(&self, controller: &str) -> bool {
        self.controllers.iter().any(|name| name == controller)
    }

    #[cfg(test)]
    pub fn for_test(controllers: &[&str]) -> Self {
        let controllers = controllers.iter().map(|&name| name.to_owned()).collect();
        Self {
            mount: PathBuf::from("/sys/fs/cgroup"),
            unified: true,
            controllers,
        }
    }

    #[cfg(test)]
    pub fn legacy_for_test(controllers: &[&str]) -> Self {
        Self {
            unified: false,
            ..Self::for_test(controllers)
        }
    }

    /// Makes a group and what is above it, able to hold processes (version 1) or limits (version 2). A host's own group
    /// is not made for a guest: one that has gone would come back, and nobody would remove it again.
    pub fn make(&self, place: &Path) -> io::Result<()> {
        let Ok(relative) = place.strip_prefix(&self.mount) else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the group is outside of its hierarchy",
            ));
        };
        let mut current = self.mount.clone();
        let mut parts = relative.components().peekable();
        while let Some(part) = parts.next() {
            let parent = current.clone();
            current.push(part);
            let of_guests = parts.peek().is_some_and(|next| next.as_os_str() == GUESTS_GROUP);
            if of_guests && !current.is_dir() {
                let gone = io::Error::new(io::ErrorKind::NotFound, "the host has gone");
                return Err(super::named(&current, &gone));
            }
            if !current.is_dir() {
                match fs::create_dir(&current) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                        return Err(super::named(&current, &error));
                    }
                    _ => {}
                }
            }
            if self.unified {
                for controller in HANDED_DOWN.iter().filter(|name| self.has(name)) {
                    let _ = fs::write(parent.join("cgroup.subtree_control"), format!("+{controller}"));
                }
            } else if self.has("cpuset") {
                inherit(&parent, &current, "cpuset.cpus")?;
                inherit(&parent, &current, "cpuset.mems")?;
            }
        }
        Ok(())
    }
}

/// A version 1 cpuset group takes no process before its sets are filled.
fn inherit(parent: &Path, child: &Path, file: &str) -> io::Result<()> {
    let own = fs::read_to_string(child.join(file))?;
    if own.trim().is_empty() {
        fs::write(child.join(file), fs::read_to_string(parent.join(file))?)?;
    }
    Ok(())
}

/// Found once: hierarchies do not move while a machine runs.
pub(super) fn hierarchies() -> &'static [Hierarchy] {
    static FOUND: OnceLock<Vec<Hierarchy>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let mut found = parse(&fs::read_to_string("/proc/self/mountinfo").unwrap_or_default());
        for hierarchy in found.iter_mut().filter(|hierarchy| hierarchy.unified) {
            let text = fs::read_to_string(hierarchy.mount.join("cgroup.controllers")).unwrap_or_default();
            hierarchy.controllers = text.split_whitespace().map(str::to_owned).collect();
        }
        found
    })
}

/// Reads `/proc/self/mountinfo`; version 1's controllers are among the mount's super options.
pub(super) fn parse(mountinfo: &str) -> Vec<Hierarchy> {
    const CONTROLLERS: [&str; 12] = [
        "cpu",
        "cpuacct",
        "cpuset",
        "memory",
        "devices",
        "freezer",
        "blkio",
        "pids",
        "net_cls",
        "net_prio",
        "hugetlb",
        "perf_event",
    ];
    let mut found: Vec<Hierarchy> = Vec::new();
    for line in mountinfo.lines() {
        let Some((head, tail)) = line.split_once(" - ") else {
            continue;
        };
        let mut head = head.split(' ').skip(3);
        let (Some(root), Some(mount)) = (head.next(), head.next()) else {
            continue;
        };
        let mut tail = tail.split(' ');
        let kind = tail.next().unwrap_or_default();
        let options = tail.nth(1).unwrap_or_default();
        let unified = kind == "cgroup2";
        let mount = PathBuf::from(mount);
        if (kind != "cgroup" && !unified) || root != "/" || !mount.starts_with("/sys/fs/cgroup") {
            continue;
        }
        let controllers: Vec<String> = options
            .split(',')
            .filter(|option| CONTROLLERS.contains(option))
            .map(str::to_owned)
            .collect();
        // The same hierarchy may be mounted more than once (cpu and cpu,cpuacct): one is enough.
        let twice = |other: &Hierarchy| {
            !unified && !other.unified && !controllers.is_empty() && other.controllers == controllers
        };
        if !found.iter().any(|other| other.mount == mount || twice(other)) {
            found.push(Hierarchy {
                mount,
                unified,
                controllers,
            });
        }
    }
    found
}
