//! The task definition that is registered: as it was written or derived, with the built image in it.

use std::collections::BTreeMap;

use aws_protocol::{Shaped as _, json};
use aws_shape::ecs::{
    AssignPublicIp, Compatibility, ContainerDefinition, LogConfiguration, LogDriver, NetworkMode,
    PortMapping, RegisterTaskDefinitionRequest, SERVICE, Secret, TransportProtocol,
};
use sha2::{Digest as _, Sha256};

use crate::name::AppName;

/// Tasks have a public address, so that they reach the outside from a public subnet.
pub(crate) const PUBLIC_IP: AssignPublicIp = AssignPublicIp::Enabled;
const CPU_DEFAULT: &str = "256";
const MEMORY_DEFAULT: &str = "512";
/// Log streams are called `<this>/<container>/<task>`.
const STREAM_PREFIX: &str = "wharf";

/// Which containers matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Picked {
    /// Gets the image that is built.
    pub built: usize,
    /// Gets the load balancer's requests, on `port`.
    pub balanced: usize,
    pub port: u16,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Definition {
    request: RegisterTaskDefinitionRequest,
    picked: Picked,
}

/// A definition that is ready to be registered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ready {
    pub request: RegisterTaskDefinitionRequest,
    /// The same for the same definition.
    pub fingerprint: String,
    /// The container that gets the requests.
    pub container: String,
    pub port: u16,
}

impl Definition {
    pub fn written(request: RegisterTaskDefinitionRequest, picked: Picked) -> Self {
        Self { request, picked }
    }

    /// For an application without a task definition.
    pub fn derived(name: &AppName, port: u16) -> Self {
        let container = ContainerDefinition {
            name: Some(name.to_string()),
            essential: Some(true),
            port_mappings: Some(vec![PortMapping {
                container_port: Some(port.into()),
                protocol: Some(TransportProtocol::Tcp),
                ..Default::default()
            }]),
            ..Default::default()
        };
        Self {
            request: RegisterTaskDefinitionRequest {
                family: name.to_string(),
                network_mode: Some(NetworkMode::Awsvpc),
                container_definitions: vec![container],
                requires_compatibilities: Some(vec![Compatibility::Fargate]),
                cpu: Some(CPU_DEFAULT.to_owned()),
                memory: Some(MEMORY_DEFAULT.to_owned()),
                ..Default::default()
            },
            picked: Picked {
                built: 0,
                balanced: 0,
                port,
            },
        }
    }

    pub fn port(&self) -> u16 {
        self.picked.port
    }

    /// Secrets with the containers that get them.
    pub fn secrets(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.request.container_definitions.iter().flat_map(|one| {
            let name = one.name.as_deref().unwrap_or_default();
            one.secrets.iter().flatten().map(move |secret| (name, secret))
        })
    }

    /// Whether it names the role by which images are pulled and logs are written.
    pub fn has_execution_role(&self) -> bool {
        self.request.execution_role_arn.is_some()
    }

    /// The container whose image is built.
    pub fn built(&self) -> &str {
        let built = self.request.container_definitions.get(self.picked.built);
        built.and_then(|it| it.name.as_deref()).unwrap_or_default()
    }

    /// Log groups that its containers write to, once each, in order.
    pub fn log_groups(&self, name: &AppName) -> Vec<String> {
        let mut groups: Vec<String> = Vec::new();
        for container in &self.request.container_definitions {
            let group = match &container.log_configuration {
                None => Some(own_group(name)),
                Some(logs) => group_of(logs),
            };
            groups.extend(group.filter(|group| !groups.contains(group)));
        }
        groups
    }

    /// With the image, the role, and logs for the containers that have none.
    pub fn ready(&self, name: &AppName, region: &str, image: &str, role: Option<&str>) -> Ready {
        let mut request = self.request.clone();
        for (at, container) in request.container_definitions.iter_mut().enumerate() {
            if at == self.picked.built {
                container.image = Some(image.to_owned());
            }
            match &mut container.log_configuration {
                Some(logs) if logs.log_driver == LogDriver::Awslogs => {
                    let options = logs.options.get_or_insert_default();
                    options
                        .entry("awslogs-region".to_owned())
                        .or_insert_with(|| region.to_owned());
                    // Fargate refuses awslogs without one.
                    options
                        .entry("awslogs-stream-prefix".to_owned())
                        .or_insert_with(|| STREAM_PREFIX.to_owned());
                }
                Some(_) => {}
                none => *none = Some(own_logs(name, region)),
            }
        }
        request
            .requires_compatibilities
            .get_or_insert_with(|| vec![Compatibility::Fargate]);
        if request.execution_role_arn.is_none() {
            request.execution_role_arn = role.map(str::to_owned);
        }
        let balanced = request.container_definitions.get(self.picked.balanced);
        let container = balanced.and_then(|it| it.name.clone()).unwrap_or_default();
        Ready {
            fingerprint: fingerprint(&request),
            container,
            port: self.picked.port,
            request,
        }
    }
}

/// The log group of an application whose task definition names none.
pub(crate) fn own_group(name: &AppName) -> String {
    format!("/wharf/{name}")
}

fn own_logs(name: &AppName, region: &str) -> LogConfiguration {
    let options = [
        ("awslogs-group", own_group(name)),
        ("awslogs-region", region.to_owned()),
        ("awslogs-stream-prefix", STREAM_PREFIX.to_owned()),
    ];
    LogConfiguration {
        log_driver: LogDriver::Awslogs,
        options: Some(BTreeMap::from(
            options.map(|(key, value)| (key.to_owned(), value)),
        )),
        secret_options: None,
    }
}

pub(crate) fn group_of(logs: &LogConfiguration) -> Option<String> {
    if logs.log_driver != LogDriver::Awslogs {
        return None;
    }
    logs.options.as_ref()?.get("awslogs-group").cloned()
}

/// 32 hexadecimal digits over all that is registered, without its tags.
fn fingerprint(request: &RegisterTaskDefinitionRequest) -> String {
    let schema = SERVICE
        .operation("RegisterTaskDefinition")
        .and_then(|operation| operation.input);
    let text = json::write(schema, &request.clone().write());
    hex::encode(&Sha256::digest(text.as_bytes())[..16])
}

#[cfg(test)]
mod tests;
