//! Which service and operation a request is for.

use aws_protocol::query::Form;
use aws_protocol::{ApiError, OperationSchema, Protocol, ServiceSchema, cbor, rest};
use aws_signature::{Claim, SignatureError};
use bytes::Bytes;
use http::request::Parts;

use crate::service::SCHEMAS;

/// How much of a path that nobody knows is repeated in the answer.
const PATH_MAX_CHARS: usize = 200;

/// A request before its signature is checked.
pub struct Route {
    pub service: &'static ServiceSchema,
    /// In which it is answered, also when something is wrong.
    pub protocol: Protocol,
    pub operation: Result<&'static OperationSchema, ApiError>,
    pub claim: Result<Claim, SignatureError>,
    /// The input's bytes.
    pub message: Bytes,
}

/// Nobody can tell what a request wants: it is no request to AWS.
#[derive(Debug)]
pub struct Unroutable(pub String);

impl Route {
    /// `sent` is the body as it came, `body` what it says.
    pub fn find(parts: &Parts, sent: &[u8], body: Bytes) -> Result<Self, Unroutable> {
        let query = parts.uri.query().unwrap_or_default();
        let claim = Claim::parse(&crate::handle::signed(parts, sent));
        if let Some(target) = parts.headers.get("x-amz-target") {
            let target = target
                .to_str()
                .map_err(|_| Unroutable("X-Amz-Target is not text.".to_owned()))?;
            let (prefix, name) = target.rsplit_once('.').unwrap_or(("", target));
            return by_target(Protocol::Json, prefix, name, claim, body);
        }
        if parts
            .headers
            .get("smithy-protocol")
            .is_some_and(|it| it == cbor::PROTOCOL)
            && let Some((prefix, name)) = cbor::target(parts.method.as_str(), parts.uri.path())
        {
            return by_target(Protocol::Cbor, prefix, name, claim, body);
        }
        if parts.uri.path() != "/" {
            if let Some(service) = by_path(&claim, parts) {
                return Ok(rest(service, claim, parts, body));
            }
            return Err(Unroutable(not_served(&claim, parts)));
        }
        // GET, and a presigned POST, have everything in the query string.
        let message = if body.is_empty() {
            Bytes::copy_from_slice(query.as_bytes())
        } else {
            body
        };
        let form = Form::parse(&message).unwrap_or_default();
        let Some(action) = form.get("Action") else {
            let message =
                "The request has neither an X-Amz-Target header nor an Action parameter.".to_owned();
            return Err(Unroutable(message));
        };
        let version = form.get("Version");
        let service = match &claim {
            Ok(claim) => {
                by_signing_name(&claim.service).ok_or_else(|| Unroutable(not_served_name(&claim.service)))?
            }
            // Without a signature the version is all there is; STS answers for what is left.
            Err(_) => SCHEMAS
                .iter()
                .find(|it| {
                    matches!(it.protocol, Protocol::Query | Protocol::Ec2) && Some(it.api_version) == version
                })
                .unwrap_or(&&aws_shape::sts::SERVICE),
        };
        let operation = match version {
            Some(version) if version != service.api_version => Err(no_version(service, action, version)),
            _ => service
                .operation(action)
                .ok_or_else(|| service.unknown_operation(action)),
        };
        Ok(Self {
            service,
            protocol: service.protocol,
            operation,
            claim,
            message,
        })
    }
}

/// A REST service's paths begin with its version.
fn by_path(claim: &Result<Claim, SignatureError>, parts: &Parts) -> Option<&'static ServiceSchema> {
    let rest = |it: &&'static ServiceSchema| it.protocol == Protocol::RestXml;
    match claim {
        Ok(claim) => by_signing_name(&claim.service).filter(rest),
        Err(_) => SCHEMAS.iter().copied().filter(rest).find(|it| {
            let path = parts.uri.path().trim_start_matches('/');
            path.split('/').next() == Some(it.api_version)
        }),
    }
}

fn rest(
    service: &'static ServiceSchema,
    claim: Result<Claim, SignatureError>,
    parts: &Parts,
    message: Bytes,
) -> Route {
    let (method, path) = (parts.method.as_str(), parts.uri.path());
    let operation = rest::find(service, method, path).ok_or_else(|| {
        let path: String = path.chars().take(PATH_MAX_CHARS).collect();
        let message = format!(
            "Wharf serves no operation {method} {path} of {}.",
            service.service_id
        );
        ApiError::client("InvalidAction", message)
    });
    Route {
        service,
        protocol: service.protocol,
        operation,
        claim,
        message,
    }
}

/// By the names that awsJson has in a header and rpc-v2-cbor in the path.
fn by_target(
    protocol: Protocol,
    prefix: &str,
    name: &str,
    claim: Result<Claim, SignatureError>,
    message: Bytes,
) -> Result<Route, Unroutable> {
    let is_spoken = |it: &ServiceSchema| protocol == Protocol::Json || it.protocol != Protocol::Json;
    let service = SCHEMAS
        .iter()
        .find(|it| !prefix.is_empty() && it.target_prefix == prefix && is_spoken(it));
    let Some(service) = service else {
        return Err(Unroutable(match &claim {
            Ok(claim) => not_served_name(&claim.service),
            Err(_) => format!("Wharf serves nothing under the target {prefix} yet."),
        }));
    };
    let operation = service
        .operation(name)
        .ok_or_else(|| service.unknown_operation(name));
    Ok(Route {
        service,
        protocol,
        operation,
        claim,
        message,
    })
}

fn by_signing_name(name: &str) -> Option<&'static ServiceSchema> {
    SCHEMAS
        .iter()
        .copied()
        .find(|it| it.signing_name == name && it.protocol != Protocol::Json)
}

fn no_version(service: &ServiceSchema, action: &str, version: &str) -> ApiError {
    let version: String = version.chars().take(32).collect();
    match service.protocol {
        Protocol::Ec2 => ApiError::client(
            "NoSuchVersion",
            format!("The requested version ({version}) of service AmazonEC2 does not exist"),
        ),
        _ => {
            let action: String = action.chars().take(100).collect();
            ApiError::client(
                "InvalidAction",
                format!("Could not find operation {action} for version {version}"),
            )
        }
    }
}

fn not_served(claim: &Result<Claim, SignatureError>, parts: &Parts) -> String {
    match claim {
        Ok(claim) if by_signing_name(&claim.service).is_none() => not_served_name(&claim.service),
        _ => format!("There is nothing at {} {}.", parts.method, parts.uri.path()),
    }
}

fn not_served_name(service: &str) -> String {
    let service: String = service.chars().take(100).collect();
    if SCHEMAS.iter().any(|it| it.signing_name == service) {
        return format!("The service {service} does not speak this protocol.");
    }
    format!("Wharf does not serve the service {service} yet.")
}
