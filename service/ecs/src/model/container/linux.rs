//! `linuxParameters` and what belongs to it: limits, capabilities, devices, kernel parameters.

use aws_protocol::ApiError;
use aws_shape::ecs as shape;
use contract::task::{Device, Linux, Tmpfs, Ulimit};

use super::Definition;
use crate::error::{client, unsupported};

/// Linux's capabilities, without `CAP_`, as AWS lists them.
const CAPABILITIES: [&str; 38] = [
    "ALL",
    "AUDIT_CONTROL",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "SYSLOG",
    "WAKE_ALARM",
];
/// Mount options that AWS lists for tmpfs.
const TMPFS_OPTIONS: [&str; 38] = [
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
    "remount",
    "mand",
    "nomand",
    "atime",
    "noatime",
    "diratime",
    "nodiratime",
    "bind",
    "rbind",
    "unbindable",
    "runbindable",
    "private",
    "rprivate",
    "shared",
    "rshared",
    "slave",
    "rslave",
    "relatime",
    "norelatime",
    "strictatime",
    "nostrictatime",
    "mode",
    "uid",
    "gid",
    "nr_inodes",
    "nr_blocks",
];

pub(super) fn parse(definition: &Definition, name: &str) -> Result<Linux, ApiError> {
    let mut linux = Linux {
        privileged: definition.privileged == Some(true),
        no_new_privileges: security(definition, name)?,
        sysctls: sysctls(definition, name)?,
        machine_network: false,
        ..Linux::default()
    };
    let Some(given) = &definition.linux_parameters else {
        return Ok(linux);
    };
    if let Some(capabilities) = &given.capabilities {
        linux.capabilities_add = self::capabilities(capabilities.add.as_deref(), name)?;
        linux.capabilities_drop = self::capabilities(capabilities.drop.as_deref(), name)?;
    }
    linux.init = given.init_process_enabled == Some(true);
    linux.shared_memory_mib =
        amount(given.shared_memory_size, "sharedMemorySize", name)?.filter(|mib| *mib > 0);
    linux.max_swap_mib = amount(given.max_swap, "maxSwap", name)?;
    linux.swappiness = match given.swappiness {
        None => None,
        Some(value @ 0..=100) => Some(value as u8),
        Some(value) => {
            return Err(client(format!(
                "Invalid swappiness {value} for container '{name}': it must be between 0 and 100."
            )));
        }
    };
    linux.tmpfs = tmpfs(given, name)?;
    linux.devices = devices(given, name)?;
    Ok(linux)
}

fn amount(value: Option<i32>, what: &str, name: &str) -> Result<Option<u32>, ApiError> {
    value
        .map(|value| {
            u32::try_from(value).map_err(|_| {
                client(format!(
                    "Invalid {what} {value} for container '{name}': it must not be negative."
                ))
            })
        })
        .transpose()
}

fn capabilities(names: Option<&[String]>, container: &str) -> Result<Vec<String>, ApiError> {
    for name in names.into_iter().flatten() {
        if !CAPABILITIES.contains(&name.as_str()) {
            return Err(client(format!(
                "Invalid capability '{name}' for container '{container}': it is ALL, or one of Linux's without CAP_, such as SYS_PTRACE."
            )));
        }
    }
    Ok(names.unwrap_or_default().to_vec())
}

fn tmpfs(given: &shape::LinuxParameters, name: &str) -> Result<Vec<Tmpfs>, ApiError> {
    let parse = |one: &shape::Tmpfs| {
        if !one.container_path.starts_with('/') {
            return Err(client(format!(
                "The tmpfs containerPath '{}' of container '{name}' is not an absolute path.",
                one.container_path
            )));
        }
        let size = u32::try_from(one.size).ok().filter(|mib| *mib > 0);
        let size_mib = size.ok_or_else(|| {
            client(format!(
                "Invalid tmpfs size {} for container '{name}': it must be above 0 MiB.",
                one.size
            ))
        })?;
        let options = one.mount_options.clone().unwrap_or_default();
        let known = |option: &&String| {
            let key = option.split('=').next().unwrap_or_default();
            !TMPFS_OPTIONS.contains(&key) && key != "mpol"
        };
        if let Some(unknown) = options.iter().find(known) {
            return Err(client(format!(
                "Invalid tmpfs mount option '{unknown}' for container '{name}'."
            )));
        }
        Ok(Tmpfs {
            path: one.container_path.clone(),
            size_mib,
            options,
        })
    };
    given.tmpfs.iter().flatten().map(parse).collect()
}

fn devices(given: &shape::LinuxParameters, name: &str) -> Result<Vec<Device>, ApiError> {
    let parse = |one: &shape::Device| {
        let path = one.container_path.clone().filter(|path| !path.is_empty());
        let path = path.unwrap_or_else(|| one.host_path.clone());
        if !one.host_path.starts_with('/') || !path.starts_with('/') {
            return Err(client(format!(
                "The device '{}' of container '{name}' is not an absolute path.",
                one.host_path
            )));
        }
        let permissions = one.permissions.clone().unwrap_or_default();
        if let Some(other) = permissions
            .iter()
            .find(|one| matches!(one, shape::DeviceCgroupPermission::Other(_)))
        {
            return Err(client(format!(
                "The device permission '{other}' of container '{name}' is not one of read, write, mknod."
            )));
        }
        let may = |what| permissions.is_empty() || permissions.contains(&what);
        Ok(Device {
            host_path: one.host_path.clone(),
            path,
            read: may(shape::DeviceCgroupPermission::Read),
            write: may(shape::DeviceCgroupPermission::Write),
            make_node: may(shape::DeviceCgroupPermission::Mknod),
        })
    };
    given.devices.iter().flatten().map(parse).collect()
}

/// `dockerSecurityOptions`: whether new privileges are ruled out.
fn security(definition: &Definition, name: &str) -> Result<bool, ApiError> {
    let mut ruled_out = false;
    for option in definition.docker_security_options.iter().flatten() {
        match option.as_str() {
            "no-new-privileges" | "no-new-privileges:true" => ruled_out = true,
            "no-new-privileges:false" => ruled_out = false,
            other => {
                return Err(unsupported(&format!(
                    "the docker security option '{other}' (container '{name}')"
                )));
            }
        }
    }
    Ok(ruled_out)
}

fn sysctls(definition: &Definition, name: &str) -> Result<Vec<(String, String)>, ApiError> {
    const NAMESPACED: [&str; 7] = [
        "kernel.msgmax",
        "kernel.msgmnb",
        "kernel.msgmni",
        "kernel.sem",
        "kernel.shmall",
        "kernel.shmmax",
        "kernel.shmmni",
    ];
    let mut result: Vec<(String, String)> = Vec::new();
    for control in definition.system_controls.iter().flatten() {
        let key = control.namespace.clone().unwrap_or_default();
        let value = control.value.clone().unwrap_or_default();
        let namespaced = NAMESPACED.contains(&key.as_str())
            || key == "kernel.shm_rmid_forced"
            || key.starts_with("fs.mqueue.")
            || key.starts_with("net.");
        if !namespaced || key.contains("..") || key.contains('/') {
            return Err(client(format!(
                "Invalid systemControl namespace '{key}' for container '{name}': only kernel parameters of a container's own namespaces can be set (net.*, fs.mqueue.*, kernel.sem and the like)."
            )));
        }
        if value.is_empty() {
            return Err(client(format!(
                "The systemControl '{key}' of container '{name}' has no value."
            )));
        }
        result.push((key, value));
    }
    Ok(result)
}

pub(super) fn ulimits(definition: &Definition, name: &str) -> Result<Vec<Ulimit>, ApiError> {
    let parse = |one: &shape::Ulimit| {
        if let shape::UlimitName::Other(other) = &one.name {
            return Err(client(format!(
                "Invalid ulimit name '{other}' for container '{name}': it is one of core, cpu, data, fsize, locks, memlock, msgqueue, nice, nofile, nproc, rss, rtprio, rttime, sigpending, stack."
            )));
        }
        // -1 is unlimited.
        let soft = u64::try_from(one.soft_limit).unwrap_or(u64::MAX);
        let hard = u64::try_from(one.hard_limit).unwrap_or(u64::MAX);
        if soft > hard {
            return Err(client(format!(
                "Invalid ulimit '{}' for container '{name}': the soft limit is above the hard limit.",
                one.name
            )));
        }
        Ok(Ulimit {
            name: one.name.as_str().to_owned(),
            soft,
            hard,
        })
    };
    definition.ulimits.iter().flatten().map(parse).collect()
}
