//! What a client asks for when it makes a container. What has an effect in Docker is honoured or refused: fields that
//! are not known here are refused unless they are empty.

use contract::container::ContainerRecord;
use contract::image::{ImageDetail, ImageRef};
use contract::task::{
    Container, DesiredTask, Device, HealthCheck, Linux, LogTarget, Mount, Names, Root, Sharing, Tmpfs,
    Ulimit, Volume, VolumeSource,
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::STOP_SECONDS;
use crate::answer::Refusal;

mod host;

use host::HostConfig;

const NANOSECONDS: u64 = 1_000_000_000;

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Asked {
    hostname: Option<String>,
    user: Option<String>,
    tty: bool,
    open_stdin: bool,
    env: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    entrypoint: Option<Vec<String>>,
    image: String,
    volumes: Option<Map<String, Value>>,
    working_dir: Option<String>,
    labels: Option<Map<String, Value>>,
    stop_signal: Option<String>,
    stop_timeout: Option<u32>,
    network_disabled: Option<bool>,
    healthcheck: Option<Health>,
    host_config: Option<HostConfig>,
    // Without an effect on what runs.
    #[serde(rename = "AttachStdin")]
    _attach_stdin: Value,
    #[serde(rename = "AttachStdout")]
    _attach_stdout: Value,
    #[serde(rename = "AttachStderr")]
    _attach_stderr: Value,
    #[serde(rename = "StdinOnce")]
    _stdin_once: Value,
    #[serde(rename = "ExposedPorts")]
    _exposed_ports: Value,
    #[serde(rename = "ArgsEscaped")]
    _args_escaped: Value,
    #[serde(rename = "Shell")]
    _shell: Value,
    #[serde(rename = "NetworkingConfig")]
    networking: Value,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Health {
    test: Option<Vec<String>>,
    interval: u64,
    timeout: u64,
    retries: u32,
    start_period: u64,
}

impl Health {
    fn check(self) -> Option<HealthCheck> {
        let seconds = |nanoseconds: u64, otherwise: u32| match nanoseconds {
            0 => otherwise,
            _ => u32::try_from(nanoseconds.div_ceil(NANOSECONDS)).unwrap_or(u32::MAX),
        };
        let command = self.test.filter(|test| !test.is_empty() && test[0] != "NONE")?;
        Some(HealthCheck {
            command,
            interval_seconds: seconds(self.interval, 30),
            timeout_seconds: seconds(self.timeout, 30),
            retries: if self.retries == 0 { 3 } else { self.retries },
            start_period_seconds: seconds(self.start_period, 0),
        })
    }
}

/// What of an image's configuration is not left to the data plane.
#[derive(Default, Deserialize)]
struct ImageConfig {
    #[serde(default)]
    config: Option<ImageDefaults>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ImageDefaults {
    volumes: Option<Map<String, Value>>,
    healthcheck: Option<Health>,
    labels: Option<Map<String, Value>>,
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
}

/// Nothing that could have an effect.
fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(all) => all.iter().all(is_blank),
        Value::Object(all) => all.values().all(is_blank),
    }
}

pub(super) fn refuse_rest(rest: &Map<String, Value>, of: &str) -> Result<(), Refusal> {
    match rest.iter().find(|(_, value)| !is_blank(value)) {
        None => Ok(()),
        Some((name, value)) => Err(Refusal::bad(format!(
            "{of}{name} = {value} is not served: see the list of gaps in Wharf's book"
        ))),
    }
}

/// A signal by its name or number, as Docker takes it.
pub(super) fn signal(text: &str) -> Result<String, Refusal> {
    const NAMES: [&str; 31] = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
        "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
        "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let number = name.parse::<usize>().ok();
    let known = NAMES.contains(&name) || number.is_some_and(|number| (1..=NAMES.len()).contains(&number));
    known
        .then(|| name.to_owned())
        .ok_or_else(|| Refusal::bad(format!("invalid signal: {text}")))
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// The container to be made; its name and ids come later.
pub(super) fn record(json: Value, image: &ImageDetail) -> Result<ContainerRecord, Refusal> {
    let asked: Asked = serde_json::from_value(without_nulls(json.clone())).map_err(|error| {
        Refusal::bad(format!(
            "the description of the container cannot be read: {error}"
        ))
    })?;
    refuse_rest(&asked.rest, "")?;
    refuse_networks(&asked.networking)?;
    let defaults: ImageConfig = serde_json::from_slice(&image.config).unwrap_or_default();
    let defaults = defaults.config.unwrap_or_default();
    let mut host = asked.host_config.unwrap_or_default();
    host.check()?;
    let mut volumes = host.volumes()?;
    let own = [&asked.volumes, &defaults.volumes].into_iter().flatten();
    for path in own.flat_map(|paths| paths.keys()) {
        volumes.add_own(path);
    }
    let (entry_point, command) = match asked.entrypoint {
        // An empty one takes the image's away.
        Some(entry) if entry == [""] => (asked.cmd.filter(|it| !it.is_empty()).or(Some(Vec::new())), None),
        Some(entry) if !entry.is_empty() => (Some(entry), asked.cmd),
        _ => (None, asked.cmd),
    };
    let nothing = |list: &Option<Vec<String>>| list.as_ref().is_none_or(Vec::is_empty);
    if nothing(&entry_point) && nothing(&command) && nothing(&defaults.entrypoint) && nothing(&defaults.cmd) {
        return Err(Refusal::bad("no command specified"));
    }
    let health = asked.healthcheck.or(defaults.healthcheck).and_then(Health::check);
    let labels = [defaults.labels, asked.labels].into_iter().flatten().flatten();
    let labels = labels.map(|(name, value)| (name, value.as_str().unwrap_or_default().to_owned()));
    let labels: std::collections::BTreeMap<String, String> = labels.collect();
    let stop_signal = asked
        .stop_signal
        .as_deref()
        .filter(|it| !it.is_empty())
        .map(signal)
        .transpose()?;
    if stop_signal.is_some_and(|signal| !matches!(signal.as_str(), "TERM" | "15")) {
        return Err(Refusal::bad(
            "another stop signal than the image's is not served: use `docker stop --signal`",
        ));
    }
    let offline = asked.network_disabled == Some(true);
    let linux = host.linux(offline)?;
    let container = Container {
        name: contract::container::CONTAINER.to_owned(),
        image: ImageRef {
            name: asked.image,
            digest: Some(image.summary.digest.clone()),
        },
        root: Root::Image,
        entry_point,
        command,
        environment: environment(asked.env.unwrap_or_default()),
        working_directory: filled(asked.working_dir),
        user: filled(asked.user),
        essential: true,
        depends_on: Vec::new(),
        start_timeout_seconds: None,
        stop_timeout_seconds: asked.stop_timeout.unwrap_or(STOP_SECONDS),
        readonly_root: host.readonly_rootfs,
        interactive: asked.open_stdin,
        pseudo_terminal: asked.tty,
        disable_networking: false,
        cpu_units: host.cpu_shares()?,
        memory_mib: host.memory_mib()?,
        health_check: health,
        ulimits: host.ulimits(),
        ports: Vec::new(),
        log: LogTarget::Frames,
        delivery: Default::default(),
        memory_reservation_mib: host.reservation_mib()?,
        mounts: volumes.mounts,
        names: host.names(filled(asked.hostname))?,
        linux,
        restart: None,
    };
    let task = DesiredTask {
        id: String::new(),
        generation: 1,
        label: String::new(),
        cpu_units: host.cpu_units()?,
        memory_mib: None,
        interface: None,
        host: None,
        containers: vec![container],
        volumes: volumes.volumes,
        processes: host.processes()?,
        ipc: host.ipc()?,
        stop: None,
    };
    Ok(ContainerRecord {
        id: String::new(),
        name: String::new(),
        created_at: Timestamp::UNIX_EPOCH,
        task,
        auto_remove: host.auto_remove,
        labels: labels.into_iter().collect(),
        asked: json.to_string(),
    })
}

/// Some clients name every field, and say nothing about most.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_nulls(value)))
            .collect(),
        other => other,
    }
}

/// Clients name the network once more here, mostly without saying anything about it.
fn refuse_networks(networking: &Value) -> Result<(), Refusal> {
    let Some(ends) = networking["EndpointsConfig"].as_object() else {
        return Ok(());
    };
    let known = ["host", "none", "default", "bridge"];
    match ends
        .iter()
        .find(|(name, end)| !known.contains(&name.as_str()) || !is_blank(end))
    {
        None => Ok(()),
        Some((name, _)) => Err(Refusal::bad(format!(
            "the network {name} with settings of its own is not served: use --network=host or --network=none"
        ))),
    }
}

/// A name without a value takes the variable away, which is left to who sets it.
pub(super) fn environment(lines: Vec<String>) -> Vec<(String, String)> {
    lines
        .iter()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
