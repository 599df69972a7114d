//! Health checks: what is asked for, checked, and what the name server shall probe.

use contract::dns::{EndpointProbe, Probe, ProbeProtocol};

use crate::model::{HealthCheck, HealthConfig};

/// Where AWS's checkers are unless a check says where.
pub(crate) const REGIONS: [&str; 8] = [
    "us-east-1",
    "us-west-1",
    "us-west-2",
    "eu-west-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-northeast-1",
    "sa-east-1",
];
const REGIONS_MIN: usize = 3;
const CHILDREN_MAX: usize = 256;
const SEARCH_CHARS_MAX: usize = 255;
const INTERVALS_SECONDS: [u32; 2] = [10, 30];

impl HealthConfig {
    fn has_host(&self) -> bool {
        self.host.as_ref().is_some_and(|it| !it.is_empty())
    }

    pub(crate) fn is_calculated(&self) -> bool {
        self.kind == "CALCULATED"
    }

    fn is_http(&self) -> bool {
        self.kind.starts_with("HTTP")
    }

    fn is_tls(&self) -> bool {
        self.kind.starts_with("HTTPS")
    }

    /// Fills in what AWS fills in.
    pub(crate) fn complete(mut self) -> Self {
        if self.is_calculated() {
            return self;
        }
        self.interval_seconds.get_or_insert(30);
        self.failure_threshold.get_or_insert(3);
        if self.port.is_none() {
            self.port = match self.kind.as_str() {
                _ if self.is_tls() => Some(443),
                _ if self.is_http() => Some(80),
                _ => None,
            };
        }
        if self.is_tls() {
            self.sni.get_or_insert(true);
        }
        self
    }

    /// All that is wrong with it.
    pub(crate) fn wrong(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut when = |bad: bool, message: &str| {
            if bad {
                wrong.push(message.to_owned());
            }
        };
        if self.is_calculated() {
            when(
                self.children.is_empty(),
                "Child health checks must be specified for calculated health checks.",
            );
            when(
                self.children.len() > CHILDREN_MAX,
                "A calculated health check can have at most 256 child health checks.",
            );
            let own = self.address.is_some() || self.has_host() || self.port.is_some() || self.path.is_some();
            when(
                own,
                "IP address, port, resource path and domain name cannot be specified for calculated health checks.",
            );
            return wrong;
        }
        when(
            !self.children.is_empty() || self.health_threshold.is_some(),
            "Child health checks and a health threshold can only be specified for calculated health checks.",
        );
        when(
            self.address.is_none() && !self.has_host(),
            "Invalid parameter : Either IP address or fully qualified domain name must be specified.",
        );
        when(
            self.address
                .as_ref()
                .is_some_and(|it| it.parse::<std::net::IpAddr>().is_err()),
            "Invalid parameter : IP address is not valid.",
        );
        when(
            self.port.is_none(),
            "Invalid parameter : Port must be specified for TCP health checks.",
        );
        let interval = self.interval_seconds.unwrap_or(30);
        when(
            !INTERVALS_SECONDS.contains(&interval),
            "Invalid parameter : Request interval must be 10 or 30 seconds.",
        );
        when(
            !(1..=10).contains(&self.failure_threshold.unwrap_or(3)),
            "Invalid parameter : Failure threshold must be between 1 and 10.",
        );
        when(
            self.path.is_some() && !self.is_http(),
            "Invalid parameter : Resource path is not supported for TCP health checks.",
        );
        let matches = self.kind.ends_with("STR_MATCH");
        let search = self.search.as_ref().filter(|it| !it.is_empty());
        when(
            matches && search.is_none(),
            "Invalid parameter : Search string must be specified for string matching health checks.",
        );
        when(
            !matches && self.search.is_some(),
            "Invalid parameter : Search string is only supported for string matching health checks.",
        );
        when(
            search.is_some_and(|it| it.chars().count() > SEARCH_CHARS_MAX),
            "Invalid parameter : Search string must not have more than 255 characters.",
        );
        when(
            !self.regions.is_empty() && self.regions.len() < REGIONS_MIN,
            "Invalid parameter : At least three health check regions must be specified.",
        );
        wrong
    }
}

/// What the name server does about it.
pub(crate) fn served(check: &HealthCheck) -> contract::dns::HealthCheck {
    let config = &check.config;
    let probe = if config.is_calculated() {
        Probe::Calculated {
            children: config.children.clone(),
            at_least: config.health_threshold.unwrap_or(config.children.len() as u32),
        }
    } else {
        Probe::Endpoint(EndpointProbe {
            protocol: if config.is_http() {
                ProbeProtocol::Http {
                    tls: config.is_tls(),
                    sni: config.sni.unwrap_or(true),
                    path: path(config.path.as_deref()),
                    search: config.search.clone(),
                }
            } else {
                ProbeProtocol::Tcp
            },
            address: config.address.as_ref().and_then(|it| it.parse().ok()),
            host: config.host.clone().filter(|it| !it.is_empty()),
            port: config.port.unwrap_or(80),
            interval_seconds: config.interval_seconds.unwrap_or(30),
            failure_threshold: config.failure_threshold.unwrap_or(3),
            regions: if config.regions.is_empty() {
                REGIONS.map(str::to_owned).to_vec()
            } else {
                config.regions.clone()
            },
        })
    };
    contract::dns::HealthCheck {
        id: check.id.clone(),
        probe,
        inverted: config.inverted,
        disabled: config.disabled,
    }
}

/// With its first slash, which AWS does not insist on.
fn path(given: Option<&str>) -> String {
    let given = given.unwrap_or_default();
    if given.starts_with('/') {
        given.to_owned()
    } else {
        format!("/{given}")
    }
}
