//! How the names of a service look to a caller.

use aws_shape::ecs as shape;

use crate::model::discovery::{Connect, Discovery, Registry, Server};

pub(super) fn registries(discovery: &Discovery) -> Vec<shape::ServiceRegistry> {
    let one = |it: &Registry| shape::ServiceRegistry {
        registry_arn: Some(it.arn.clone()),
        port: it.port.map(i32::from),
        container_name: it.container.clone(),
        container_port: it.container_port.map(i32::from),
    };
    discovery.registries.iter().map(one).collect()
}

pub(super) fn connect(connect: &Connect) -> shape::ServiceConnectConfiguration {
    let service = |it: &Server| shape::ServiceConnectService {
        port_name: it.port_name.clone(),
        discovery_name: it.discovery_name.clone(),
        client_aliases: (!it.aliases.is_empty()).then(|| {
            let alias = |it: &crate::model::discovery::Alias| shape::ServiceConnectClientAlias {
                port: it.port.into(),
                dns_name: it.name.clone(),
                ..Default::default()
            };
            it.aliases.iter().map(alias).collect()
        }),
        ..Default::default()
    };
    shape::ServiceConnectConfiguration {
        enabled: true,
        namespace: Some(connect.namespace.clone()),
        services: Some(connect.servers.iter().map(service).collect()),
        ..Default::default()
    }
}

/// The services of Cloud Map that stand for its ports.
pub(super) fn resources(connect: &Connect) -> Vec<shape::ServiceConnectServiceResource> {
    let one = |it: &Server| shape::ServiceConnectServiceResource {
        discovery_name: Some(it.name().to_owned()),
        discovery_arn: Some(it.registry.clone()),
    };
    connect.servers.iter().map(one).collect()
}
