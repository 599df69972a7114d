//! Why a deployment did not come about, in words for the person who waits for it.

use std::time::Duration;

use aws_protocol::ApiError;

use crate::foresee::Foreseen;
use crate::rollout::Broken;

#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{doing} failed: {} ({})", error.message, error.code)]
    Aws { doing: String, error: Box<ApiError> },
    /// Nobody answers where AWS, or the local cloud, should be.
    #[error("{}", .0.message)]
    Unreachable(Box<ApiError>),
    #[error("the {what} `{name}` exists already, and wharf did not make it for this application")]
    NotOurs { what: &'static str, name: String },
    #[error("there is no application `{name}` in the cluster `{cluster}`")]
    NoApp { name: String, cluster: String },
    #[error("the application `{name}` has no container `{container}`")]
    NoContainer {
        name: String,
        container: String,
        there: Vec<String>,
    },
    #[error("{}", no_task(name, wanted.as_deref()))]
    NoTask {
        name: String,
        /// How its id was to begin.
        wanted: Option<String>,
        there: Vec<String>,
    },
    #[error("execute command is not enabled for the tasks of `{name}`")]
    ExecNotEnabled {
        name: String,
        cluster: String,
        on_aws: bool,
    },
    /// A session in a container did not begin, or broke off.
    #[error("the session failed: {0}")]
    Session(String),
    #[error("the session is to be encrypted with a KMS key, which is not supported")]
    SessionEncrypted,
    #[error("the task did not start: {0}")]
    NotStarted(String),
    #[error("the application `{0}` has no load balancer")]
    NoBalancer(String),
    /// The builder's own words; a report with file, line and column where it has one.
    #[error("{0}")]
    Build(String),
    #[error("the Docker Engine at {host} {cause}")]
    Engine { host: String, cause: String },
    #[error("the image cannot be pushed to {to}: {cause}")]
    Push { to: String, cause: String },
    #[error("{0}")]
    Network(String),
    /// The domain is led somewhere by a record that was not made here.
    #[error("the domain {domain} has the record {record} already, which does not lead to this application")]
    RecordTaken { domain: String, record: String },
    /// ACM refused, and never takes that back.
    #[error("the certificate for {domain} was not issued: {reason}")]
    Certificate { domain: String, reason: String },
    #[error("the certificate for {domain} is not validated after {} seconds", limit.as_secs())]
    NotValidated {
        domain: String,
        zone: String,
        name_servers: Vec<String>,
        limit: Duration,
    },
    /// It is known already that it cannot work.
    #[error("{0}")]
    Foreseen(Box<Foreseen>),
    #[error(transparent)]
    Rollout(Box<Broken>),
    #[error("gave up after {} seconds: {what}", limit.as_secs())]
    TooLong { what: String, limit: Duration },
    /// A server that does not keep to its model.
    #[error("{from} answered without {what}")]
    Incomplete { from: &'static str, what: &'static str },
}

impl Failure {
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unreachable(_) => "see whether it runs: wharf cloud status; for AWS, look at the network and the region".to_owned(),
            Self::NotOurs { .. } => "choose another name with --name, or remove what is there".to_owned(),
            Self::NoApp { .. } => "wharf status lists what is there".to_owned(),
            Self::NoBalancer(_) => "wharf up makes one".to_owned(),
            Self::Engine { .. } => "wharf cloud start brings one along; DOCKER_HOST selects another".to_owned(),
            Self::Network(_) => "name a VPC with --vpc and two of its subnets with --subnets".to_owned(),
            Self::RecordTaken { .. } => "choose another domain, or delete the record".to_owned(),
            Self::Certificate { .. } => "the same command again asks for another one, once the reason is gone".to_owned(),
            Self::NotValidated { zone, name_servers, .. } => delegate(zone, name_servers),
            Self::Foreseen(foreseen) => foreseen.hint.clone(),
            Self::NoContainer { there, .. } => format!("there are: {}", there.join(", ")),
            Self::NoTask { there, .. } if there.is_empty() => "wharf status NAME shows why; wharf run NAME starts a task of its own".to_owned(),
            Self::NoTask { there, .. } => format!("these run: {}", there.join(", ")),
            Self::ExecNotEnabled { name, cluster, on_aws } => enable_exec(name, cluster, *on_aws),
            Self::SessionEncrypted => "AWS's own session-manager-plugin can, with `aws ecs execute-command`; or take the key out of the cluster's executeCommandConfiguration".to_owned(),
            Self::NotStarted(_) => "wharf logs NAME shows what the application itself prints".to_owned(),
            Self::Rollout(broken) => return broken.hint(),
            Self::Aws { error, .. } if is_about_credentials(&error.code) => {
                "look at the credentials: AWS_PROFILE or --profile, AWS_ACCESS_KEY_ID; for the local cloud: eval \"$(wharf cloud env)\"".to_owned()
            }
            Self::Aws { error, .. } if error.code.contains("AccessDenied") || error.code.contains("Unauthorized") => {
                "these credentials may not do that; ask for the permission that the message names".to_owned()
            }
            Self::TooLong { .. } => "wharf status shows how far it has come; the same command again goes on".to_owned(),
            Self::Aws { .. }
            | Self::Build(_)
            | Self::Push { .. }
            | Self::Session(_)
            | Self::Incomplete { .. } => return None,
        })
    }
}

fn no_task(name: &str, wanted: Option<&str>) -> String {
    match wanted {
        Some(wanted) => {
            format!("the application `{name}` has no running task whose id begins with `{wanted}`")
        }
        None => format!("the application `{name}` has no running task"),
    }
}

/// For tasks that start from then on.
fn enable_exec(name: &str, cluster: &str, on_aws: bool) -> String {
    let enable = format!(
        "aws ecs update-service --cluster {cluster} --service {name} --enable-execute-command --force-new-deployment"
    );
    match on_aws {
        true => format!(
            "{enable}\n      the task role needs the permissions ssmmessages:CreateControlChannel, CreateDataChannel, OpenControlChannel and OpenDataChannel"
        ),
        false => format!("eval \"$(wharf cloud env)\"; {enable}"),
    }
}

/// A zone that nobody leads to proves nothing.
fn delegate(zone: &str, name_servers: &[String]) -> String {
    let records: String = name_servers
        .iter()
        .map(|it| format!("\n      {zone}. NS {it}."))
        .collect();
    format!(
        "whoever asks for {zone} must be led to its zone; its registrar, or the zone above it, needs the records{records}\n      the same command again goes on waiting"
    )
}

fn is_about_credentials(code: &str) -> bool {
    [
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "SignatureDoesNotMatch",
        "ExpiredToken",
        "ExpiredTokenException",
        "MissingAuthenticationToken",
        "AuthFailure",
        "InvalidSignatureException",
        "CredentialsUnavailable",
    ]
    .contains(&code)
}

/// Says what was being done when a service refused.
pub(crate) trait Doing<T> {
    fn doing(self, what: impl Into<String>) -> Result<T, Failure>;

    /// What is not there is no failure.
    fn found(self, missing: &[&str], what: impl Into<String>) -> Result<Option<T>, Failure>;
}

impl<T> Doing<T> for Result<T, ApiError> {
    fn doing(self, what: impl Into<String>) -> Result<T, Failure> {
        self.map_err(|error| {
            if error.code == aws_client::UNREACHABLE {
                return Failure::Unreachable(Box::new(error));
            }
            Failure::Aws {
                doing: what.into(),
                error: Box::new(error),
            }
        })
    }

    fn found(self, missing: &[&str], what: impl Into<String>) -> Result<Option<T>, Failure> {
        match self {
            Ok(found) => Ok(Some(found)),
            Err(error) if missing.contains(&error.code.as_str()) => Ok(None),
            Err(error) => Err(error).doing(what),
        }
    }
}

/// A member that every answer of this kind has.
pub(crate) fn present<T>(value: Option<T>, from: &'static str, what: &'static str) -> Result<T, Failure> {
    value.ok_or(Failure::Incomplete { from, what })
}
