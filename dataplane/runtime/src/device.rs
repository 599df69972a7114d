//! Devices of the host inside a container: nodes to make and what may be done with them.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Component, Path, PathBuf};

use contract::task::Device;
use serde_json::{Value, json};

/// Of the host's `/dev`, what every container has for itself, and what is not a device of the host.
const OWN: [&str; 6] = ["pts", "shm", "mqueue", "fd", "console", "ptmx"];
/// Directories of `/dev` are not nested deeper.
const DEPTH_MAX: u32 = 8;

/// A node inside a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub path: PathBuf,
    /// `c` or `b`.
    kind: char,
    major: u32,
    minor: u32,
    mode: u32,
    uid: u32,
    gid: u32,
    /// Of `rwm`, as control groups write it.
    access: String,
}

impl Node {
    fn read(source: &Path, path: PathBuf, access: &str) -> io::Result<Option<Self>> {
        let metadata = fs::metadata(source)?;
        let kind = metadata.file_type();
        let kind = if kind.is_char_device() {
            'c'
        } else if kind.is_block_device() {
            'b'
        } else {
            return Ok(None);
        };
        Ok(Some(Self {
            path,
            kind,
            major: libc::major(metadata.rdev()),
            minor: libc::minor(metadata.rdev()),
            mode: metadata.permissions().mode() & 0o7777,
            uid: metadata.uid(),
            gid: metadata.gid(),
            access: access.to_owned(),
        }))
    }

    /// An entry of OCI's `linux.devices`.
    pub fn to_json(&self) -> Value {
        json!({
            "path": self.path, "type": self.kind.to_string(), "major": self.major, "minor": self.minor,
            "fileMode": self.mode, "uid": self.uid, "gid": self.gid,
        })
    }

    /// An entry of OCI's `linux.resources.devices`.
    pub fn rule(&self) -> Value {
        json!({
            "allow": true, "type": self.kind.to_string(), "major": self.major, "minor": self.minor,
            "access": self.access,
        })
    }
}

/// The nodes that a container asks for. A directory stands for the devices in it, as in Docker.
///
/// # Errors
/// A sentence, when a device is not there or cannot be where it is asked for.
pub(crate) fn resolve(asked: &[Device]) -> Result<Vec<Node>, String> {
    let mut nodes = Vec::new();
    for device in asked {
        let path = if device.path.is_empty() {
            &device.host_path
        } else {
            &device.path
        };
        let path = place(path)?;
        let access: String = [('r', device.read), ('w', device.write), ('m', device.make_node)]
            .into_iter()
            .filter_map(|(letter, given)| given.then_some(letter))
            .collect();
        // Nothing said is everything, as in Docker.
        let access = if access.is_empty() { "rwm" } else { &access };
        let host = &device.host_path;
        let source =
            fs::canonicalize(host).map_err(|error| format!("device {host} cannot be given: {error}"))?;
        let before = nodes.len();
        if source.is_dir() {
            collect(&source, &path, access, DEPTH_MAX, &mut nodes);
        } else if let Ok(Some(node)) = Node::read(&source, path, access) {
            nodes.push(node);
        }
        if nodes.len() == before {
            return Err(format!("{host} is not a device of this machine"));
        }
    }
    Ok(nodes)
}

fn place(path: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(path);
    let plain = path
        .components()
        .all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    if plain && path.starts_with("/dev") && path != Path::new("/dev") {
        Ok(path)
    } else {
        Err(format!(
            "device {} cannot be made: devices lie below /dev",
            path.display()
        ))
    }
}

/// Every device of the host, for privileged containers.
pub(crate) fn all() -> Vec<Node> {
    let mut nodes = Vec::new();
    collect(Path::new("/dev"), Path::new("/dev"), "rwm", DEPTH_MAX, &mut nodes);
    nodes
}

fn collect(source: &Path, target: &Path, access: &str, depth: u32, nodes: &mut Vec<Node>) {
    for entry in fs::read_dir(source).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Ok(kind) = entry.file_type() else { continue };
        if OWN.iter().any(|own| name == *own) {
            continue;
        }
        let (source, target) = (source.join(&name), target.join(&name));
        if kind.is_dir() && depth > 0 {
            collect(&source, &target, access, depth - 1, nodes);
        } else if (kind.is_char_device() || kind.is_block_device())
            && let Ok(Some(node)) = Node::read(&source, target, access)
        {
            nodes.push(node);
        }
    }
}

#[cfg(test)]
mod tests;
