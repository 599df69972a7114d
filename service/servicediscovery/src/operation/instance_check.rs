//! What an instance's attributes must be, for its service.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use aws_protocol::ApiError;

use crate::error::refuse;
use crate::model::{Kind, Namespace, NamespaceKind, Policy, Service};
use crate::plan::{ALIAS, CNAME, EC2_INSTANCE, INIT_HEALTH, IPV4, IPV6, PORT};

const ATTRIBUTES_MAX: usize = 30;
/// Of all names and values together.
const CHARACTERS_MAX: usize = 5000;

type Attributes = BTreeMap<String, String>;

/// All that is wrong is told at once.
pub(super) fn check(
    namespace: &Namespace,
    service: &Service,
    attributes: &Attributes,
) -> Result<(), ApiError> {
    let mut problems = Vec::new();
    sizes(attributes, &mut problems);
    forms(attributes, &mut problems);
    if attributes.contains_key(ALIAS) {
        alias(service, attributes, &mut problems);
    } else {
        required(service, attributes, &mut problems);
    }
    if attributes.contains_key(EC2_INSTANCE) {
        if namespace.kind != NamespaceKind::Http {
            problems.push(format!(
                "{EC2_INSTANCE} can be specified only for HTTP namespaces."
            ));
        }
        if attributes
            .keys()
            .any(|it| it != EC2_INSTANCE && it != INIT_HEALTH && it != IPV4)
        {
            let sentence = format!(
                "If {EC2_INSTANCE} is specified, then the only other attribute that can be specified is {INIT_HEALTH}."
            );
            problems.push(sentence);
        }
    }
    refuse(problems)
}

fn sizes(attributes: &Attributes, problems: &mut Vec<String>) {
    if attributes.len() > ATTRIBUTES_MAX {
        problems.push(format!(
            "An instance can have at most {ATTRIBUTES_MAX} attributes."
        ));
    }
    let characters: usize = attributes
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if characters > CHARACTERS_MAX {
        let sentence =
            format!("The total size of all instance attributes can't exceed {CHARACTERS_MAX} characters.");
        problems.push(sentence);
    }
}

fn forms(attributes: &Attributes, problems: &mut Vec<String>) {
    let mut form = |name: &str, what: &str, fits: &dyn Fn(&str) -> bool| {
        if let Some(value) = attributes.get(name)
            && !fits(value)
        {
            problems.push(format!("The value '{value}' of {name} is not {what}."));
        }
    };
    form(IPV4, "an IPv4 address", &|it| it.parse::<Ipv4Addr>().is_ok());
    form(IPV6, "an IPv6 address", &|it| it.parse::<Ipv6Addr>().is_ok());
    form(PORT, "a port", &|it| {
        it.parse::<u16>().is_ok_and(|port| port > 0) && !it.starts_with('+')
    });
    form(CNAME, "a domain name", &is_domain);
    form(ALIAS, "a domain name", &is_domain);
    form(INIT_HEALTH, "HEALTHY or UNHEALTHY", &|it| {
        ["HEALTHY", "UNHEALTHY"].contains(&it)
    });
}

fn is_domain(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    let label = |it: &str| {
        (1..=63).contains(&it.len())
            && it
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_*".contains(&byte))
    };
    text.len() <= 253 && text.split('.').all(label)
}

fn alias(service: &Service, attributes: &Attributes, problems: &mut Vec<String>) {
    let others = [IPV4, IPV6, CNAME, PORT];
    if others.iter().any(|it| attributes.contains_key(*it)) {
        problems.push(format!(
            "If {ALIAS} is specified, values for the AWS_INSTANCE attributes can't be specified."
        ));
    }
    let Some(dns) = &service.dns else {
        return;
    };
    if dns.policy != Policy::Weighted {
        problems.push(format!(
            "The routing policy of the service must be WEIGHTED if {ALIAS} is specified."
        ));
    }
    if dns
        .records
        .iter()
        .any(|(kind, _)| !matches!(kind, Kind::A | Kind::Aaaa))
    {
        problems.push(format!(
            "The service must have settings for A or AAAA records, and no others, if {ALIAS} is specified."
        ));
    }
    if service.check.is_some() {
        problems.push(format!(
            "{ALIAS} can't be specified for a service with HealthCheckConfig."
        ));
    }
}

fn required(service: &Service, attributes: &Attributes, problems: &mut Vec<String>) {
    let mut reasons: Vec<(&str, String)> = Vec::new();
    let records = service.dns.iter().flat_map(|it| &it.records);
    for (kind, _) in records {
        let name = match kind {
            Kind::A => IPV4,
            Kind::Aaaa => IPV6,
            Kind::Cname => CNAME,
            Kind::Srv => PORT,
        };
        reasons.push((name, format!("{} records", kind.as_str())));
    }
    if service.check.is_some() {
        reasons.push((PORT, "a health check".to_owned()));
    }
    for (name, why) in reasons {
        if !attributes.contains_key(name) {
            problems.push(format!(
                "{name} is required because the service has settings for {why}."
            ));
        }
    }
    let with_srv = service
        .dns
        .as_ref()
        .is_some_and(|it| it.ttl_seconds(Kind::Srv).is_some());
    let has_address = attributes.contains_key(IPV4) || attributes.contains_key(IPV6);
    if (with_srv || service.check.is_some()) && !has_address {
        problems.push(format!(
            "{IPV4}, {IPV6} or both are required because the service has settings for SRV records or a health check."
        ));
    }
}
