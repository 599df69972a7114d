//! What a request for a service says about names: `serviceRegistries` and `serviceConnectConfiguration`.

use aws_protocol::{ApiError, Context};
use aws_shape::ecs::{
    ApplicationProtocol, ServiceConnectConfiguration, ServiceConnectService, ServiceRegistry,
};
use aws_shape::servicediscovery as map;

use super::service_option::refuse_unserved;
use crate::Ecs;
use crate::error::{client, invalid, with_code};
use crate::model::discovery::{Alias, Connect, Discovery, Registry, Server};
use crate::model::task_definition::TaskDefinition;
use crate::view;

const REGISTRIES_MAX: usize = 1;
/// Of one service's port names, and of one port's aliases.
const SERVERS_MAX: usize = 50;
const ALIASES_MAX: usize = 1;

/// The whole of it for a new deployment. What a request does not say stays as it was.
pub(super) async fn discovery(
    ecs: &Ecs,
    context: &Context,
    definition: &TaskDefinition,
    registries: Option<Vec<ServiceRegistry>>,
    connect: Option<ServiceConnectConfiguration>,
    (before, default_namespace): (&Discovery, Option<&str>),
) -> Result<Discovery, ApiError> {
    let registries = match registries {
        Some(given) => self::registries(ecs, context, definition, given).await?,
        None => before.registries.clone(),
    };
    let connect = match connect {
        Some(given) if !given.enabled => None,
        Some(given) => Some(self::connect(ecs, context, definition, given, default_namespace).await?),
        None => match &before.connect {
            Some(before) => Some(renewed(before, definition)?),
            None => None,
        },
    };
    Ok(Discovery { registries, connect })
}

async fn registries(
    ecs: &Ecs,
    context: &Context,
    definition: &TaskDefinition,
    given: Vec<ServiceRegistry>,
) -> Result<Vec<Registry>, ApiError> {
    if given.len() > REGISTRIES_MAX {
        return Err(invalid(format!(
            "service registries can have at most {REGISTRIES_MAX} items."
        )));
    }
    let mut found = Vec::new();
    for one in given {
        let arn = one
            .registry_arn
            .clone()
            .filter(|it| !it.is_empty())
            .ok_or_else(|| invalid("Registry ARN can not be blank."))?;
        let service = service_of(ecs, context, &arn).await?;
        let records = service.dns_config.map(|it| it.dns_records).unwrap_or_default();
        let has = |kind: &map::RecordType| records.iter().any(|it| it.type_ == *kind);
        let registry = Registry {
            port: port(one.port, "port")?,
            container: one.container_name.filter(|it| !it.is_empty()),
            container_port: port(one.container_port, "containerPort")?,
            ttl_seconds: records
                .iter()
                .filter_map(|it| u32::try_from(it.ttl).ok())
                .max()
                .unwrap_or_default(),
            arn,
        };
        check_registry(
            definition,
            &registry,
            has(&map::RecordType::Srv),
            has(&map::RecordType::A),
        )?;
        found.push(registry);
    }
    Ok(found)
}

/// Which port the records say, where they say one.
fn check_registry(
    definition: &TaskDefinition,
    registry: &Registry,
    srv: bool,
    a: bool,
) -> Result<(), ApiError> {
    let awsvpc = definition.spec.network_mode == "awsvpc";
    let both = registry.container.is_some() && registry.container_port.is_some();
    let half = registry.container.is_some() != registry.container_port.is_some();
    if half {
        return Err(invalid(
            "When specifying 'containerName' or 'containerPort' for a service registry, both must be specified.",
        ));
    }
    if registry.port.is_some() && both {
        return Err(invalid(
            "Either 'port' or 'containerName' and 'containerPort' may be specified for a service registry, not both.",
        ));
    }
    if !awsvpc && (a || !both) {
        return Err(invalid(
            "Service registries of tasks without network mode 'awsvpc' need 'containerName', 'containerPort' and SRV records.",
        ));
    }
    if awsvpc && srv && !both && registry.port.is_none() {
        return Err(invalid(
            "When using SRV records, either 'port' or 'containerName' and 'containerPort' must be specified for a service registry.",
        ));
    }
    let (Some(container), Some(port)) = (&registry.container, registry.container_port) else {
        return Ok(());
    };
    let Some(known) = definition.spec.containers.iter().find(|it| it.name == *container) else {
        return Err(invalid(format!(
            "The container {container} does not exist in the task definition."
        )));
    };
    if known.ports.contains(&port) {
        return Ok(());
    }
    Err(invalid(format!(
        "The container {container} did not have a container port {port} defined."
    )))
}

async fn service_of(ecs: &Ecs, context: &Context, arn: &str) -> Result<map::Service, ApiError> {
    let id = arn.rsplit_once(":service/").map(|(_, id)| id.to_owned());
    let id = id.ok_or_else(|| invalid(format!("Invalid registry ARN: {arn}")))?;
    let found = ecs
        .neighbours
        .names
        .get_service(context, map::GetServiceRequest { id })
        .await;
    match found {
        Ok(found) => Ok(found.service.unwrap_or_default()),
        Err(error) if error.code == "ServiceNotFound" => {
            Err(client(format!("Unable to find the service registry {arn}.")))
        }
        Err(error) => Err(error),
    }
}

fn port(given: Option<i32>, what: &str) -> Result<Option<u16>, ApiError> {
    let parse = |port: i32| {
        let parsed = u16::try_from(port).ok().filter(|it| *it > 0);
        parsed.ok_or_else(|| invalid(format!("{what} must be between 1 and 65535.")))
    };
    given.map(parse).transpose()
}

async fn connect(
    ecs: &Ecs,
    context: &Context,
    definition: &TaskDefinition,
    given: ServiceConnectConfiguration,
    default_namespace: Option<&str>,
) -> Result<Connect, ApiError> {
    refuse_unserved(&[
        (
            given.log_configuration.is_some(),
            "serviceConnectConfiguration.logConfiguration",
        ),
        (
            given.access_log_configuration.is_some(),
            "serviceConnectConfiguration.accessLogConfiguration",
        ),
    ])?;
    if definition.spec.network_mode != "awsvpc" {
        return Err(crate::error::unsupported(
            "Service Connect of tasks without networkMode=awsvpc",
        ));
    }
    let namespace = given.namespace.filter(|it| !it.is_empty());
    let namespace = namespace.or_else(|| default_namespace.map(str::to_owned)).ok_or_else(|| {
        invalid("Service Connect needs a namespace: name one in the service or in the cluster's serviceConnectDefaults.")
    })?;
    let (namespace_id, namespace_name) = namespace_of(ecs, context, &namespace).await?;
    let services = given.services.unwrap_or_default();
    if services.len() > SERVERS_MAX {
        return Err(invalid(format!(
            "serviceConnectConfiguration services can have at most {SERVERS_MAX} items."
        )));
    }
    let mut servers: Vec<Server> = Vec::new();
    for one in services {
        let mut server = server(definition, one)?;
        if servers.iter().any(|it| it.name() == server.name()) {
            return Err(invalid(format!(
                "The discoveryName {} is used more than once.",
                server.name()
            )));
        }
        server.registry = ensure(ecs, context, &namespace_id, server.name()).await?;
        servers.push(server);
    }
    Ok(Connect {
        namespace,
        namespace_id,
        namespace_name,
        servers,
    })
}

/// A new task definition may give the same port name another port.
fn renewed(before: &Connect, definition: &TaskDefinition) -> Result<Connect, ApiError> {
    let mut connect = before.clone();
    for server in &mut connect.servers {
        (server.port, server.http) = named_port(definition, &server.port_name)?;
    }
    Ok(connect)
}

fn server(definition: &TaskDefinition, given: ServiceConnectService) -> Result<Server, ApiError> {
    refuse_unserved(&[
        (given.tls.is_some(), "serviceConnectConfiguration.services.tls"),
        (
            given.timeout.is_some(),
            "serviceConnectConfiguration.services.timeout",
        ),
        (
            given.ingress_port_override.is_some(),
            "serviceConnectConfiguration.services.ingressPortOverride",
        ),
    ])?;
    let (port, http) = named_port(definition, &given.port_name)?;
    let aliases = given.client_aliases.unwrap_or_default();
    if aliases.len() > ALIASES_MAX {
        return Err(invalid(format!(
            "clientAliases can have at most {ALIASES_MAX} items."
        )));
    }
    let alias = |it: aws_shape::ecs::ServiceConnectClientAlias| {
        Ok(Alias {
            port: self::port(Some(it.port), "clientAliases port")?.unwrap_or_default(),
            name: it.dns_name.filter(|name| !name.is_empty()),
        })
    };
    Ok(Server {
        port_name: given.port_name,
        discovery_name: given.discovery_name.filter(|it| !it.is_empty()),
        port,
        http,
        registry: String::new(),
        aliases: aliases.into_iter().map(alias).collect::<Result<_, ApiError>>()?,
    })
}

/// The container port of this name, and whether it speaks HTTP.
fn named_port(definition: &TaskDefinition, name: &str) -> Result<(u16, bool), ApiError> {
    let request = view::definition_request(definition)?;
    let ports = request.container_definitions.into_iter();
    let ports = ports.flat_map(|it| it.port_mappings.unwrap_or_default());
    let named = ports.into_iter().find(|it| it.name.as_deref() == Some(name));
    let port = named
        .as_ref()
        .and_then(|it| u16::try_from(it.container_port?).ok());
    match (named, port) {
        (Some(named), Some(port)) => Ok((port, named.app_protocol == Some(ApplicationProtocol::Http))),
        _ => Err(invalid(format!(
            "portName({name}) does not refer to any named PortMapping in the task definition."
        ))),
    }
}

/// Id and name of a namespace that is given by name or ARN.
async fn namespace_of(ecs: &Ecs, context: &Context, given: &str) -> Result<(String, String), ApiError> {
    let found = find_namespace(ecs, context, given)
        .await?
        .ok_or_else(no_namespace)?;
    Ok((found.id.unwrap_or_default(), found.name.unwrap_or_default()))
}

fn no_namespace() -> ApiError {
    with_code(
        "NamespaceNotFoundException",
        "The specified namespace wasn't found.",
    )
}

async fn find_namespace(
    ecs: &Ecs,
    context: &Context,
    given: &str,
) -> Result<Option<map::NamespaceSummary>, ApiError> {
    let mut token = None;
    loop {
        let input = map::ListNamespacesRequest {
            next_token: token,
            ..Default::default()
        };
        let page = ecs.neighbours.names.list_namespaces(context, input).await?;
        let fits = |it: &map::NamespaceSummary| {
            it.name.as_deref() == Some(given) || it.arn.as_deref() == Some(given)
        };
        if let Some(found) = page.namespaces.unwrap_or_default().into_iter().find(fits) {
            return Ok(Some(found));
        }
        token = page.next_token;
        if token.is_none() {
            return Ok(None);
        }
    }
}

/// The ARN of a cluster's namespace; one that is given by a name that nobody has is made, as in AWS.
pub(super) async fn default_namespace(ecs: &Ecs, context: &Context, given: &str) -> Result<String, ApiError> {
    if let Some(found) = find_namespace(ecs, context, given).await? {
        return Ok(found.arn.unwrap_or_default());
    }
    if given.starts_with("arn:") {
        return Err(no_namespace());
    }
    let input = map::CreateHttpNamespaceRequest {
        name: given.to_owned(),
        ..Default::default()
    };
    ecs.neighbours.names.create_http_namespace(context, input).await?;
    let made = find_namespace(ecs, context, given).await?;
    made.and_then(|it| it.arn).ok_or_else(no_namespace)
}

/// The service of Cloud Map of this name, made if it is not there.
async fn ensure(ecs: &Ecs, context: &Context, namespace: &str, name: &str) -> Result<String, ApiError> {
    let names = &ecs.neighbours.names;
    let input = map::CreateServiceRequest {
        name: name.to_owned(),
        namespace_id: Some(namespace.to_owned()),
        type_: Some(map::ServiceTypeOption::Http),
        description: Some("Managed by Amazon ECS Service Connect".to_owned()),
        ..Default::default()
    };
    match names.create_service(context, input).await {
        Ok(made) => return Ok(made.service.and_then(|it| it.arn).unwrap_or_default()),
        Err(error) if error.code == "ServiceAlreadyExists" => {}
        Err(error) => return Err(error),
    }
    let mut token = None;
    loop {
        let input = map::ListServicesRequest {
            next_token: token,
            filters: Some(vec![map::ServiceFilter {
                name: map::ServiceFilterName::NamespaceId,
                values: vec![namespace.to_owned()],
                condition: Some(map::FilterCondition::Eq),
            }]),
            ..Default::default()
        };
        let page = names.list_services(context, input).await?;
        let services = page.services.unwrap_or_default();
        if let Some(found) = services.into_iter().find(|it| it.name.as_deref() == Some(name)) {
            return Ok(found.arn.unwrap_or_default());
        }
        token = page.next_token;
        if token.is_none() {
            return Err(client(format!(
                "The service {name} of Cloud Map went away meanwhile."
            )));
        }
    }
}
