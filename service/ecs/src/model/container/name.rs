//! How a container calls itself and finds others.

use std::net::IpAddr;

use aws_protocol::ApiError;
use aws_shape::ecs::NetworkMode;
use contract::task::Names;

use super::Definition;
use crate::error::client;
use crate::model::given;

const HOSTNAME_BYTES_MAX: usize = 253;

/// What a network mode does not go with.
pub(super) fn check_mode(definition: &Definition, mode: &NetworkMode) -> Result<(), ApiError> {
    let awsvpc = *mode == NetworkMode::Awsvpc;
    let host = *mode == NetworkMode::Host;
    let refused = [
        (
            awsvpc && definition.hostname.is_some(),
            "hostname is not supported on container when networkMode=awsvpc.",
        ),
        (
            host && definition.hostname.is_some(),
            "hostname is not supported on container when networkMode=host.",
        ),
        (
            awsvpc && given(&definition.dns_servers),
            "DNS servers are not supported on container when networkMode=awsvpc.",
        ),
        (
            awsvpc && given(&definition.dns_search_domains),
            "DNS search domains are not supported on container when networkMode=awsvpc.",
        ),
        (
            awsvpc && given(&definition.extra_hosts),
            "Extra hosts are not supported on container when networkMode=awsvpc.",
        ),
        (
            awsvpc && definition.disable_networking == Some(true),
            "Disable Networking is not supported on container when networkMode=awsvpc.",
        ),
        (
            awsvpc && given(&definition.links),
            "Links are not supported when networkMode=awsvpc.",
        ),
        (
            !awsvpc && *mode != NetworkMode::Bridge && given(&definition.links),
            "Links are only supported when networkMode=bridge.",
        ),
    ];
    match refused.into_iter().find(|(refused, _)| *refused) {
        Some((_, sentence)) => Err(client(sentence)),
        None => Ok(()),
    }
}

/// `name` or `name:alias`.
pub(super) fn links(definition: &Definition, name: &str) -> Result<Vec<(String, String)>, ApiError> {
    let link = |text: &String| {
        let (container, alias) = text.split_once(':').unwrap_or((text, text));
        if container.is_empty() || alias.is_empty() || alias.contains(':') {
            return Err(client(format!("Invalid link '{text}' of container '{name}'.")));
        }
        Ok((container.to_owned(), alias.to_owned()))
    };
    definition.links.iter().flatten().map(link).collect()
}

pub(super) fn parse(definition: &Definition, name: &str) -> Result<Names, ApiError> {
    let label = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.' || c == '_';
    let is_name = |text: &str| (1..=HOSTNAME_BYTES_MAX).contains(&text.len()) && text.chars().all(label);
    if let Some(hostname) = definition.hostname.as_deref().filter(|it| !is_name(it)) {
        return Err(client(format!(
            "Invalid hostname '{hostname}' of container '{name}'."
        )));
    }
    let mut hosts = Vec::new();
    for entry in definition.extra_hosts.iter().flatten() {
        if !is_name(&entry.hostname) {
            return Err(client(format!(
                "Invalid hostname '{}' in the extraHosts of container '{name}'.",
                entry.hostname
            )));
        }
        check_address(&entry.ip_address, "extraHosts", name)?;
        hosts.push((entry.hostname.clone(), entry.ip_address.clone()));
    }
    let servers = definition.dns_servers.clone().unwrap_or_default();
    for server in &servers {
        check_address(server, "dnsServers", name)?;
    }
    let search = definition.dns_search_domains.clone().unwrap_or_default();
    if let Some(wrong) = search.iter().find(|it| !is_name(it)) {
        return Err(client(format!(
            "Invalid domain '{wrong}' in the dnsSearchDomains of container '{name}'."
        )));
    }
    Ok(Names {
        hostname: definition.hostname.clone(),
        hosts,
        dns_servers: servers,
        dns_search: search,
    })
}

fn check_address(text: &str, field: &str, name: &str) -> Result<(), ApiError> {
    match text.parse::<IpAddr>() {
        Ok(_) => Ok(()),
        Err(_) => Err(client(format!(
            "Invalid IP address '{text}' in the {field} of container '{name}'."
        ))),
    }
}
