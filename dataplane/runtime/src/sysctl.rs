//! Kernel parameters that containers may set: those that belong to a namespace of theirs.

use std::path::Path;
use std::{fs, io};

const OF_IPC: [&str; 8] = [
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
];

/// The parameters of a container, by the namespace that they belong to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Sysctls {
    pub ipc: Vec<(String, String)>,
    pub network: Vec<(String, String)>,
}

/// # Errors
/// A sentence, when a parameter is the whole machine's, or its namespace is.
pub(crate) fn resolve(asked: &[(String, String)], ipc_of_the_host: bool) -> Result<Sysctls, String> {
    let mut sysctls = Sysctls::default();
    for (name, value) in asked {
        let plain = name.split('.').all(|part| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
        });
        let pair = (name.clone(), value.clone());
        if plain && (OF_IPC.contains(&name.as_str()) || name.starts_with("fs.mqueue.")) {
            if ipc_of_the_host {
                return Err(format!(
                    "sysctl {name:?} is not allowed in the IPC namespace of the host"
                ));
            }
            sysctls.ipc.push(pair);
        } else if plain && name.starts_with("net.") {
            sysctls.network.push(pair);
        } else {
            return Err(format!("sysctl {name:?} is not in a separate kernel namespace"));
        }
    }
    Ok(sysctls)
}

/// Sets parameters in the network namespace of the calling thread.
///
/// # Errors
/// When the kernel does not know one of them, or not its value.
pub(crate) fn set(sysctls: &[(String, String)]) -> io::Result<()> {
    for (name, value) in sysctls {
        let path = Path::new("/proc/sys").join(name.replace('.', "/"));
        fs::write(path, value)
            .map_err(|error| io::Error::new(error.kind(), format!("sysctl {name} = {value:?}: {error}")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
