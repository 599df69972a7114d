//! `/etc/ecs/ecs.config`: lines of the form `NAME=value`, as the ECS agent reads them.

use std::collections::BTreeMap;

use serde_json::Value;

/// The cluster of an instance that names none.
pub(crate) const DEFAULT_CLUSTER: &str = "default";

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    pub cluster: Option<String>,
    pub attributes: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
    pub reserved_memory_mib: u32,
    pub reserved_ports: Vec<u16>,
    /// Sentences about lines that have no effect.
    pub notes: Vec<String>,
}

/// Settings that only tell the real agent how to do what is done here anyway.
const WITHOUT_EFFECT: [&str; 16] = [
    "ECS_AVAILABLE_LOGGING_DRIVERS",
    "ECS_AWSVPC_BLOCK_IMDS",
    "ECS_BACKEND_HOST",
    "ECS_CONTAINER_STOP_TIMEOUT",
    "ECS_DATADIR",
    "ECS_ENABLE_CONTAINER_METADATA",
    "ECS_ENABLE_SPOT_INSTANCE_DRAINING",
    "ECS_ENABLE_TASK_ENI",
    "ECS_ENABLE_TASK_IAM_ROLE",
    "ECS_ENABLE_TASK_IAM_ROLE_NETWORK_HOST",
    "ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION",
    "ECS_IMAGE_CLEANUP_INTERVAL",
    "ECS_IMAGE_PULL_BEHAVIOR",
    "ECS_LOGFILE",
    "ECS_LOGLEVEL",
    "ECS_UPDATES_ENABLED",
];

impl Settings {
    pub fn parse(text: &str) -> Self {
        let mut settings = Self::default();
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match line.split_once('=') {
                Some((name, value)) => settings.set(name.trim(), unquoted(value.trim())),
                None => settings
                    .notes
                    .push(format!("{line:?} is not of the form NAME=value.")),
            }
        }
        settings
    }

    fn set(&mut self, name: &str, value: &str) {
        let mut bad = |wanted: &str| {
            self.notes.push(format!("{name} is not {wanted}: {value:?}."));
        };
        match name {
            "ECS_CLUSTER" => self.cluster = Some(value.to_owned()).filter(|name| !name.is_empty()),
            "ECS_INSTANCE_ATTRIBUTES" => match pairs(value) {
                Some(pairs) => self.attributes = pairs,
                None => bad("a JSON object of strings"),
            },
            "ECS_CONTAINER_INSTANCE_TAGS" => match pairs(value) {
                Some(pairs) => self.tags = pairs,
                None => bad("a JSON object of strings"),
            },
            "ECS_RESERVED_MEMORY" => match value.parse() {
                Ok(mib) => self.reserved_memory_mib = mib,
                Err(_) => bad("a number of MiB"),
            },
            "ECS_RESERVED_PORTS" => match serde_json::from_str(value) {
                Ok(ports) => self.reserved_ports = ports,
                Err(_) => bad("a JSON list of ports"),
            },
            known if WITHOUT_EFFECT.contains(&known) => {}
            other => self.notes.push(format!("{other} has no effect here.")),
        }
    }
}

fn unquoted(value: &str) -> &str {
    let inner = |quote| {
        value
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote))
    };
    inner('"').or_else(|| inner('\'')).unwrap_or(value)
}

fn pairs(text: &str) -> Option<BTreeMap<String, String>> {
    let Ok(Value::Object(object)) = serde_json::from_str(text) else {
        return None;
    };
    object
        .into_iter()
        .map(|(name, value)| Some((name, value.as_str()?.to_owned())))
        .collect()
}

#[cfg(test)]
mod tests;
