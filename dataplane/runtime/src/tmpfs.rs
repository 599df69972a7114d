//! File systems in memory that a container asks for.

use std::path::{Path, PathBuf};

use contract::task::Tmpfs;

/// What Docker gives when nothing else is said.
const DEFAULTS: [&str; 3] = ["noexec", "nosuid", "nodev"];
/// Options that stand alone and mean something for memory.
const FLAGS: [&str; 20] = [
    "defaults",
    "ro",
    "rw",
    "suid",
    "nosuid",
    "dev",
    "nodev",
    "exec",
    "noexec",
    "sync",
    "async",
    "dirsync",
    "atime",
    "noatime",
    "diratime",
    "nodiratime",
    "relatime",
    "norelatime",
    "strictatime",
    "nostrictatime",
];
/// A mount of a container is private anyway: what is asked for is so.
const PROPAGATION: [&str; 4] = ["private", "rprivate", "slave", "rslave"];
/// Options with a value.
const VALUES: [&str; 6] = ["mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol"];

pub(crate) struct Memory {
    pub target: PathBuf,
    /// As the runtime library takes them.
    pub options: Vec<String>,
}

/// # Errors
/// A sentence, when an option is not one for memory.
pub(crate) fn resolve(asked: &Tmpfs) -> Result<Memory, String> {
    let target = crate::volume::allowed(Path::new(&asked.path)).map_err(|error| error.to_string())?;
    let mut options: Vec<String> = DEFAULTS.map(str::to_owned).to_vec();
    for option in &asked.options {
        let (name, value) = match option.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (option.as_str(), None),
        };
        let known = match value {
            None => FLAGS.contains(&name),
            Some(value) => VALUES.contains(&name) && !value.is_empty(),
        };
        if known {
            options.push(option.clone());
        } else if value.is_some() || !PROPAGATION.contains(&name) {
            return Err(format!("invalid tmpfs option {option:?}"));
        }
    }
    options.push(format!("size={}m", asked.size_mib));
    Ok(Memory { target, options })
}

#[cfg(test)]
mod tests;
