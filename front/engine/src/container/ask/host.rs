//! What a container is to have of its machine: `HostConfig`.

use super::{
    Device, Linux, Map, Mount, Names, Refusal, Sharing, Tmpfs, Ulimit, Value, Volume, VolumeSource, filled,
    refuse_rest,
};
use serde::Deserialize;

const MIB: i64 = 1 << 20;
/// Memory for a tmpfs that does not say how much.
const TMPFS_MIB: u32 = 1_024;
/// Units of a processor.
const CPU_UNITS: i64 = 1_024;

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct HostConfig {
    binds: Option<Vec<String>>,
    mounts: Option<Vec<AskedMount>>,
    network_mode: String,
    pub auto_remove: bool,
    port_bindings: Option<Map<String, Value>>,
    publish_all_ports: bool,
    memory: i64,
    memory_reservation: i64,
    memory_swap: i64,
    memory_swappiness: Option<i64>,
    nano_cpus: i64,
    cpu_shares: i64,
    cpu_quota: i64,
    cpu_period: i64,
    privileged: bool,
    cap_add: Option<Vec<String>>,
    cap_drop: Option<Vec<String>>,
    pub readonly_rootfs: bool,
    tmpfs: Option<std::collections::BTreeMap<String, String>>,
    shm_size: i64,
    init: Option<bool>,
    restart_policy: Option<RestartPolicy>,
    devices: Option<Vec<AskedDevice>>,
    ulimits: Option<Vec<AskedUlimit>>,
    dns: Option<Vec<String>>,
    dns_search: Option<Vec<String>>,
    extra_hosts: Option<Vec<String>>,
    security_opt: Option<Vec<String>>,
    pid_mode: String,
    ipc_mode: String,
    cgroupns_mode: String,
    userns_mode: String,
    log_config: Option<LogConfig>,
    pids_limit: Option<i64>,
    #[serde(rename = "ConsoleSize")]
    _console_size: Value,
    #[serde(rename = "ContainerIDFile")]
    _container_id_file: Value,
    // What is masked when nothing else is said.
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct AskedMount {
    r#type: String,
    source: String,
    target: String,
    read_only: bool,
    #[serde(rename = "Consistency")]
    _consistency: Value,
    bind_options: Option<Map<String, Value>>,
    tmpfs_options: Option<TmpfsOptions>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct TmpfsOptions {
    size_bytes: i64,
    mode: u32,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct RestartPolicy {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct LogConfig {
    r#type: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct AskedDevice {
    path_on_host: String,
    path_in_container: String,
    cgroup_permissions: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct AskedUlimit {
    name: String,
    soft: i64,
    hard: i64,
}

/// Volumes and where they are mounted.
#[derive(Default)]
pub(super) struct Volumes {
    pub volumes: Vec<Volume>,
    pub mounts: Vec<Mount>,
}

impl Volumes {
    fn add(&mut self, source: VolumeSource, path: &str, readonly: bool) -> Result<(), Refusal> {
        if !path.starts_with('/') {
            return Err(Refusal::bad(format!(
                "invalid mount path: '{path}' mount path must be absolute"
            )));
        }
        if self.mounts.iter().any(|mount| mount.path == path) {
            return Err(Refusal::bad(format!("Duplicate mount point: {path}")));
        }
        let name = format!("volume-{}", self.volumes.len());
        self.volumes.push(Volume {
            name: name.clone(),
            source,
        });
        self.mounts.push(Mount {
            volume: name,
            path: path.to_owned(),
            readonly,
        });
        Ok(())
    }

    /// One that goes with the container, unless something is mounted there.
    pub fn add_own(&mut self, path: &str) {
        let _ = self.add(VolumeSource::Task, path, false);
    }
}

fn mib(bytes: i64, what: &str) -> Result<Option<u32>, Refusal> {
    match bytes {
        0 => Ok(None),
        1.. => Ok(u32::try_from(bytes.div_euclid(MIB) + i64::from(bytes % MIB > 0)).ok()),
        _ => Err(Refusal::bad(format!("{what} is to be positive, not {bytes}"))),
    }
}

impl HostConfig {
    pub fn check(&mut self) -> Result<(), Refusal> {
        // What is masked when nothing is said is masked here, too.
        refuse_rest(&self.rest, "HostConfig.")?;
        let policy = self
            .restart_policy
            .as_ref()
            .map_or("", |policy| policy.name.as_str());
        if !matches!(policy, "" | "no") {
            return Err(Refusal::bad(format!(
                "the restart policy {policy:?} is not served: only \"no\" is"
            )));
        }
        match self.network_mode.as_str() {
            "host" | "none" => {}
            "" | "default" | "bridge" => {
                return Err(Refusal::bad(
                    "containers behind a bridge are not served: use --network=host (whose ports are the machine's) or \
                     --network=none",
                ));
            }
            other => {
                return Err(Refusal::bad(format!(
                    "the network {other:?} is not served: use --network=host or --network=none"
                )));
            }
        }
        // Docker drops published ports where the machine's own network is used, and says so; its clients do, too.
        let published = self.port_bindings.as_ref().is_some_and(|ports| !ports.is_empty());
        if self.network_mode != "host" && (published || self.publish_all_ports) {
            return Err(Refusal::bad(
                "publishing ports is not served: with --network=host ports are the machine's own",
            ));
        }
        let log = self.log_config.as_ref().map_or("", |log| log.r#type.as_str());
        if !matches!(log, "" | "json-file" | "local") {
            return Err(Refusal::bad(format!("the log driver {log:?} is not served")));
        }
        if self.pids_limit.is_some_and(|limit| limit > 0) {
            return Err(Refusal::bad("--pids-limit is not served"));
        }
        if !matches!(self.cgroupns_mode.as_str(), "" | "private") {
            return Err(Refusal::bad("--cgroupns=host is not served"));
        }
        if !matches!(self.userns_mode.as_str(), "" | "host") {
            return Err(Refusal::bad("user namespaces are not served"));
        }
        Ok(())
    }

    pub fn volumes(&self) -> Result<Volumes, Refusal> {
        let mut volumes = Volumes::default();
        for bind in self.binds.iter().flatten() {
            let mut parts = bind.split(':');
            let (source, path) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            let mut readonly = false;
            for option in parts.flat_map(|options| options.split(',')) {
                match option {
                    "ro" => readonly = true,
                    "" | "rw" | "z" | "Z" | "private" | "rprivate" | "cached" | "delegated"
                    | "consistent" => {}
                    other => {
                        return Err(Refusal::bad(format!(
                            "the mode {other:?} of {bind} is not served"
                        )));
                    }
                }
            }
            if !source.starts_with('/') {
                return Err(Refusal::bad(format!(
                    "volumes with a name ({source}) are not served: mount a folder of the machine"
                )));
            }
            volumes.add(VolumeSource::Host(source.to_owned()), path, readonly)?;
        }
        for mount in self.mounts.iter().flatten() {
            refuse_rest(&mount.rest, "Mounts.")?;
            match mount.r#type.as_str() {
                "tmpfs" => {}
                "bind" => {
                    if let Some(options) = &mount.bind_options {
                        let mut options = options.clone();
                        if options
                            .get("Propagation")
                            .is_some_and(|it| it == "rprivate" || it == "private")
                        {
                            options.remove("Propagation");
                        }
                        let create = options.remove("CreateMountpoint") == Some(Value::Bool(true));
                        refuse_rest(&options, "BindOptions.")?;
                        check_there(&mount.source, create)?;
                    } else {
                        check_there(&mount.source, false)?;
                    }
                    volumes.add(
                        VolumeSource::Host(mount.source.clone()),
                        &mount.target,
                        mount.read_only,
                    )?;
                }
                "volume" if mount.source.is_empty() => {
                    volumes.add(VolumeSource::Task, &mount.target, mount.read_only)?;
                }
                other => {
                    return Err(Refusal::bad(format!(
                        "mounts of type {other:?} are not served: bind and tmpfs are"
                    )));
                }
            }
        }
        Ok(volumes)
    }

    fn tmpfs(&self) -> Result<Vec<Tmpfs>, Refusal> {
        let mut all = Vec::new();
        for (path, options) in self.tmpfs.iter().flatten() {
            let mut size_mib = TMPFS_MIB;
            let mut kept = Vec::new();
            for option in options.split(',').filter(|option| !option.is_empty()) {
                match option.strip_prefix("size=") {
                    Some(size) => size_mib = size_of(size)?,
                    None => kept.push(option.to_owned()),
                }
            }
            all.push(Tmpfs {
                path: path.clone(),
                size_mib,
                options: kept,
            });
        }
        let mounts = self.mounts.iter().flatten();
        for mount in mounts.filter(|mount| mount.r#type == "tmpfs") {
            let asked = mount.tmpfs_options.as_ref();
            let size_mib = mib(asked.map_or(0, |it| it.size_bytes), "the size of a tmpfs")?;
            let mut options = Vec::new();
            if let Some(mode) = asked.map(|it| it.mode).filter(|mode| *mode != 0) {
                options.push(format!("mode={mode:o}"));
            }
            if mount.read_only {
                options.push("ro".to_owned());
            }
            all.push(Tmpfs {
                path: mount.target.clone(),
                size_mib: size_mib.unwrap_or(TMPFS_MIB),
                options,
            });
        }
        Ok(all)
    }

    pub fn linux(&self, offline: bool) -> Result<Linux, Refusal> {
        let bare = |names: &Option<Vec<String>>| -> Vec<String> {
            let names = names.iter().flatten();
            names
                .map(|name| name.to_ascii_uppercase())
                .map(|name| name.strip_prefix("CAP_").map_or(name.clone(), str::to_owned))
                .collect()
        };
        let mut no_new_privileges = false;
        for option in self.security_opt.iter().flatten() {
            match option.as_str() {
                "no-new-privileges" | "no-new-privileges:true" | "no-new-privileges=true" => {
                    no_new_privileges = true
                }
                "no-new-privileges:false" | "no-new-privileges=false" | "label=disable" | "label:disable" => {
                }
                other => {
                    return Err(Refusal::bad(format!(
                        "the security option {other:?} is not served"
                    )));
                }
            }
        }
        let swap = match self.memory_swap {
            -1 | 0 => None,
            swap if swap >= self.memory => mib(swap - self.memory, "--memory-swap")?.or(Some(0)),
            _ => {
                return Err(Refusal::bad(
                    "Minimum memoryswap limit should be larger than memory limit",
                ));
            }
        };
        let devices = self.devices.iter().flatten().map(|device| Device {
            host_path: device.path_on_host.clone(),
            path: device.path_in_container.clone(),
            read: device.cgroup_permissions.contains('r'),
            write: device.cgroup_permissions.contains('w'),
            make_node: device.cgroup_permissions.contains('m'),
        });
        Ok(Linux {
            privileged: self.privileged,
            no_new_privileges,
            capabilities_add: bare(&self.cap_add),
            capabilities_drop: bare(&self.cap_drop),
            init: self.init.unwrap_or(false),
            shared_memory_mib: mib(self.shm_size, "--shm-size")?,
            tmpfs: self.tmpfs()?,
            devices: devices.collect(),
            max_swap_mib: swap,
            swappiness: self.memory_swappiness.and_then(|it| u8::try_from(it).ok()),
            sysctls: Vec::new(),
            machine_network: self.network_mode == "host" && !offline,
        })
    }

    pub fn memory_mib(&self) -> Result<Option<u32>, Refusal> {
        mib(self.memory, "--memory")
    }

    pub fn reservation_mib(&self) -> Result<Option<u32>, Refusal> {
        mib(self.memory_reservation, "--memory-reservation")
    }

    pub fn cpu_shares(&self) -> Result<Option<u32>, Refusal> {
        match self.cpu_shares {
            0 => Ok(None),
            shares => u32::try_from(shares)
                .map(Some)
                .map_err(|_| Refusal::bad(format!("--cpu-shares {shares} is not served"))),
        }
    }

    /// The hard limit.
    pub fn cpu_units(&self) -> Result<Option<u32>, Refusal> {
        let period = if self.cpu_period == 0 {
            100_000
        } else {
            self.cpu_period
        };
        let units = match (self.nano_cpus, self.cpu_quota) {
            (0, 0 | -1) => return Ok(None),
            (0, quota) => quota.checked_mul(CPU_UNITS).map(|it| it / period),
            (nano, _) => nano.checked_mul(CPU_UNITS).map(|it| it / 1_000_000_000),
        };
        let units = units
            .and_then(|units| u32::try_from(units).ok())
            .filter(|units| *units > 0);
        units
            .map(Some)
            .ok_or_else(|| Refusal::bad("the limit of processors is out of range"))
    }

    pub fn ulimits(&self) -> Vec<Ulimit> {
        let amount = |value: i64| u64::try_from(value).unwrap_or(u64::MAX);
        let all = self.ulimits.iter().flatten();
        all.map(|limit| Ulimit {
            name: limit.name.clone(),
            soft: amount(limit.soft),
            hard: amount(limit.hard),
        })
        .collect()
    }

    pub fn names(&self, hostname: Option<String>) -> Result<Names, Refusal> {
        let mut hosts = Vec::new();
        for line in self.extra_hosts.iter().flatten() {
            let (name, address) = line
                .split_once([':', '='])
                .ok_or_else(|| Refusal::bad(format!("bad format for add-host: {line:?}")))?;
            let address = if address == "host-gateway" {
                "127.0.0.1"
            } else {
                address
            };
            hosts.push((name.to_owned(), address.to_owned()));
        }
        Ok(Names {
            // In the machine's network it has the machine's name unless it asks for another.
            hostname,
            hosts,
            dns_servers: self.dns.clone().unwrap_or_default(),
            dns_search: self.dns_search.clone().unwrap_or_default(),
        })
    }

    pub fn processes(&self) -> Result<Sharing, Refusal> {
        match self.pid_mode.as_str() {
            "" => Ok(Sharing::Container),
            "host" => Ok(Sharing::Host),
            other => Err(Refusal::bad(format!("--pid={other} is not served"))),
        }
    }

    pub fn ipc(&self) -> Result<Sharing, Refusal> {
        match filled(Some(self.ipc_mode.clone())).as_deref() {
            None | Some("private") => Ok(Sharing::Container),
            Some("host") => Ok(Sharing::Host),
            Some(other) => Err(Refusal::bad(format!("--ipc={other} is not served"))),
        }
    }
}

fn check_there(source: &str, create: bool) -> Result<(), Refusal> {
    if !source.starts_with('/') {
        return Err(Refusal::bad(format!(
            "invalid mount config for type \"bind\": invalid mount path: '{source}' mount path must be absolute"
        )));
    }
    if !create && !std::path::Path::new(source).exists() {
        return Err(Refusal::bad(format!(
            "invalid mount config for type \"bind\": bind source path does not exist: {source}"
        )));
    }
    Ok(())
}

/// `64m`, `1g`, `65536k`, bytes.
fn size_of(text: &str) -> Result<u32, Refusal> {
    let lower = text.to_ascii_lowercase();
    let digits = lower.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let factor = match &lower[digits.len()..] {
        "" => 1,
        "k" | "kb" => 1 << 10,
        "m" | "mb" => MIB,
        "g" | "gb" => 1 << 30,
        _ => return Err(Refusal::bad(format!("{text:?} is no size of a tmpfs"))),
    };
    let bytes = digits
        .parse::<i64>()
        .ok()
        .and_then(|number| number.checked_mul(factor));
    let size = bytes
        .map(|bytes| mib(bytes, "the size of a tmpfs"))
        .transpose()?
        .flatten();
    size.ok_or_else(|| Refusal::bad(format!("{text:?} is no size of a tmpfs")))
}
