//! Ports that a container says it listens on.

use aws_protocol::ApiError;
use aws_shape::ecs as shape;

use contract::task::Transport;
use serde::{Deserialize, Serialize};

use super::Definition;
use crate::error::{client, unsupported};

const NAME_BYTES_MAX: usize = 64;

/// A port of a container and the one of its instance that leads there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PortMapping {
    pub(crate) container: u16,
    /// Any that is free if absent.
    pub(crate) host: Option<u16>,
    pub(crate) protocol: Transport,
}

/// Checks the mappings, fills in what AWS fills in, and returns the ports of the container.
pub(super) fn parse(
    definition: &mut Definition,
    mode: &shape::NetworkMode,
) -> Result<Vec<PortMapping>, ApiError> {
    let container = definition.name.clone().unwrap_or_default();
    let mut ports = Vec::new();
    for mapping in definition.port_mappings.get_or_insert_default() {
        if let Some(other) = mapping
            .protocol
            .as_ref()
            .filter(|it| matches!(it, shape::TransportProtocol::Other(_)))
        {
            return Err(client(format!(
                "Port mapping protocol '{other}' is not one of tcp, udp."
            )));
        }
        mapping.protocol.get_or_insert(shape::TransportProtocol::Tcp);
        check_name(mapping, &container)?;
        if let Some(range) = &mapping.container_port_range {
            if mapping.container_port.is_some() || mapping.host_port.is_some() {
                return Err(client("cannot specify both single port and port range"));
            }
            check_range(range)?;
            if *mode != shape::NetworkMode::Awsvpc {
                return Err(unsupported(&format!(
                    "containerPortRange with networkMode={mode} (container '{container}')"
                )));
            }
            continue;
        }
        ports.push(single(mapping, mode)?);
    }
    Ok(ports)
}

fn single(mapping: &mut shape::PortMapping, mode: &shape::NetworkMode) -> Result<PortMapping, ApiError> {
    let port = mapping
        .container_port
        .and_then(|port| u16::try_from(port).ok())
        .filter(|port| *port > 0);
    let port = port.ok_or_else(|| client("Container ports must be between 1 and 65535."))?;
    match mode {
        shape::NetworkMode::Awsvpc | shape::NetworkMode::Host => {
            if mapping
                .host_port
                .is_some_and(|host| host != i32::from(port) && host != 0)
            {
                let message = format!(
                    "When networkMode={mode}, the host ports and container ports in port mappings must match."
                );
                return Err(client(message));
            }
            mapping.host_port = Some(port.into());
        }
        shape::NetworkMode::None => {
            return Err(client("Port mappings are not supported when networkMode=none."));
        }
        _ => {
            let host = mapping.host_port.get_or_insert(0);
            if u16::try_from(*host).is_err() {
                return Err(client("Host ports must be between 0 and 65535."));
            }
        }
    }
    let host = mapping.host_port.and_then(|host| u16::try_from(host).ok());
    Ok(PortMapping {
        container: port,
        host: host.filter(|host| *host > 0),
        protocol: match mapping.protocol {
            Some(shape::TransportProtocol::Udp) => Transport::Udp,
            _ => Transport::Tcp,
        },
    })
}

/// `8000-8010`
fn check_range(range: &str) -> Result<(), ApiError> {
    let refuse = || {
        client(format!(
            "Invalid containerPortRange '{range}': it is two ports between 1 and 65535 with a hyphen, the first one lower."
        ))
    };
    let (first, last) = range.split_once('-').ok_or_else(refuse)?;
    let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    match (port(first), port(last)) {
        (Some(first), Some(last)) if first < last => Ok(()),
        _ => Err(refuse()),
    }
}

fn check_name(mapping: &shape::PortMapping, container: &str) -> Result<(), ApiError> {
    let Some(name) = &mapping.name else {
        if mapping.app_protocol.is_some() {
            return Err(client(format!(
                "Container '{container}' has a port mapping with an appProtocol and no name."
            )));
        }
        return Ok(());
    };
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    let edge = |c: Option<char>| c.is_some_and(|c| c != '-');
    if name.len() > NAME_BYTES_MAX
        || !name.chars().all(allowed)
        || !edge(name.chars().next())
        || !edge(name.chars().last())
    {
        return Err(client(format!(
            "Invalid port mapping name '{name}' of container '{container}': up to {NAME_BYTES_MAX} lowercase letters, digits, underscores and hyphens are allowed, and it cannot begin or end with a hyphen."
        )));
    }
    match &mapping.app_protocol {
        Some(other @ shape::ApplicationProtocol::Other(_)) => Err(client(format!(
            "The appProtocol '{other}' of container '{container}' is not one of http, http2, grpc."
        ))),
        _ => Ok(()),
    }
}
