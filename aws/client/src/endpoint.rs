//! Where a service is: as configured, or at AWS.

use std::collections::BTreeMap;

use aws_protocol::{ApiError, ServiceSchema};
use aws_shape::{
    acm, applicationautoscaling, cloudwatch, ec2, ecr, ecs, elbv2, iam, logs, route53, servicediscovery, sts,
};
use aws_types::SdkConfig;
use aws_types::service_config::ServiceConfigKey;
use http::Uri;

use crate::ConfigError;

const SERVICES: [&ServiceSchema; 12] = [
    &acm::SERVICE,
    &applicationautoscaling::SERVICE,
    &cloudwatch::SERVICE,
    &ec2::SERVICE,
    &ecr::SERVICE,
    &ecs::SERVICE,
    &elbv2::SERVICE,
    &iam::SERVICE,
    &logs::SERVICE,
    &route53::SERVICE,
    &servicediscovery::SERVICE,
    &sts::SERVICE,
];

/// A part of AWS with its own names.
struct Partition {
    region_prefix: &'static str,
    suffix: &'static str,
    iam_host: &'static str,
    iam_region: &'static str,
    route53_host: &'static str,
    route53_region: &'static str,
}

/// The last one is for all other regions.
const PARTITIONS: [Partition; 3] = [
    Partition {
        region_prefix: "cn-",
        suffix: "amazonaws.com.cn",
        iam_host: "iam.cn-north-1.amazonaws.com.cn",
        iam_region: "cn-north-1",
        route53_host: "route53.amazonaws.com.cn",
        route53_region: "cn-northwest-1",
    },
    Partition {
        region_prefix: "us-gov-",
        suffix: "amazonaws.com",
        iam_host: "iam.us-gov.amazonaws.com",
        iam_region: "us-gov-west-1",
        route53_host: "route53.us-gov.amazonaws.com",
        route53_region: "us-gov-west-1",
    },
    Partition {
        region_prefix: "",
        suffix: "amazonaws.com",
        iam_host: "iam.amazonaws.com",
        iam_region: "us-east-1",
        route53_host: "route53.amazonaws.com",
        route53_region: "us-east-1",
    },
];

/// Where one service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Ends with a slash.
    pub uri: Uri,
    /// The region that signatures name.
    pub region: String,
    /// On this machine: no proxy in between.
    pub is_local: bool,
}

impl Endpoint {
    /// The address of a path of the service's, which begins with a slash.
    pub fn at(&self, path: &str) -> Result<Uri, ApiError> {
        format!("{}{}", self.uri, path.trim_start_matches('/'))
            .parse()
            .map_err(ApiError::internal)
    }
}

/// Where each service is, by its name.
#[derive(Clone, Debug)]
pub struct Endpoints(BTreeMap<&'static str, Endpoint>);

impl Endpoints {
    /// `endpoint` counts before a service's own configured endpoint, that before the one for all services, and
    /// that before AWS's.
    pub fn new(endpoint: Option<String>, config: &SdkConfig, region: &str) -> Result<Self, ConfigError> {
        let mut found = BTreeMap::new();
        for service in SERVICES {
            let configured = endpoint
                .clone()
                .or_else(|| own(config, service))
                .or_else(|| config.endpoint_url().map(str::to_owned));
            let (standard, region) = standard(service, region);
            let uri = parse(&configured.unwrap_or(standard))?;
            let is_local = uri.host().is_some_and(is_local);
            found.insert(
                service.name,
                Endpoint {
                    uri,
                    region,
                    is_local,
                },
            );
        }
        Ok(Self(found))
    }

    pub fn of(&self, service: &ServiceSchema) -> Option<&Endpoint> {
        self.0.get(service.name)
    }
}

/// `AWS_ENDPOINT_URL_<SERVICE>`, or the profile's section of services.
fn own(config: &SdkConfig, service: &ServiceSchema) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id(service.service_id)
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .ok()?;
    config.service_config()?.load_config(key)
}

/// AWS's own endpoint, and the region that it is signed for.
fn standard(service: &ServiceSchema, region: &str) -> (String, String) {
    let [.., default] = &PARTITIONS;
    let partition = PARTITIONS
        .iter()
        .find(|it| region.starts_with(it.region_prefix))
        .unwrap_or(default);
    // STS has a global endpoint too, which nobody should use any more.
    let global = match service.name {
        "iam" => Some((partition.iam_host, partition.iam_region)),
        "route53" => Some((partition.route53_host, partition.route53_region)),
        _ => None,
    };
    if let Some((host, region)) = global {
        return (format!("https://{host}"), region.to_owned());
    }
    (
        format!(
            "https://{}.{region}.{}",
            service.endpoint_prefix, partition.suffix
        ),
        region.to_owned(),
    )
}

/// An address with a scheme and a host, and a path that ends with a slash.
fn parse(text: &str) -> Result<Uri, ConfigError> {
    let refuse = || ConfigError::Endpoint(text.to_owned());
    let uri: Uri = format!("{}/", text.trim_end_matches('/'))
        .parse()
        .map_err(|_| refuse())?;
    let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
    if is_http && uri.host().is_some_and(|it| !it.is_empty()) && uri.query().is_none() {
        Ok(uri)
    } else {
        Err(refuse())
    }
}

fn is_local(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|it| it.is_loopback())
}

#[cfg(test)]
mod tests;
