//! Attributes: names, defaults, and which of them have an effect here.

use std::collections::BTreeMap;

use aws_protocol::ApiError;

use crate::error::{configuration, unsupported};

/// A known attribute.
struct Attribute {
    key: &'static str,
    default: &'static str,
    /// The values that may be set; only the default when it has no effect here.
    accepts: fn(&str) -> bool,
}

const fn fixed(key: &'static str, default: &'static str) -> Attribute {
    Attribute {
        key,
        default,
        accepts: |_| false,
    }
}

/// The application's cookie beside which the load balancer sets its own.
pub(crate) const APP_COOKIE: &str = "stickiness.app_cookie.cookie_name";

/// A cookie's name that is not one of the load balancer's own.
fn is_cookie_name(value: &str) -> bool {
    let own = ["AWSALB", "AWSALBAPP", "AWSALBTG"];
    let sign = |c: char| c.is_ascii_graphic() && !"()<>@,;:\\\"/[]?={}".contains(c);
    !value.is_empty() && value.chars().all(sign) && !own.iter().any(|head| value.starts_with(head))
}

fn is_boolean(value: &str) -> bool {
    ["true", "false"].contains(&value)
}

const LOAD_BALANCER: &[Attribute] = &[
    fixed("access_logs.s3.bucket", ""),
    fixed("access_logs.s3.enabled", "false"),
    fixed("access_logs.s3.prefix", ""),
    fixed("client_keep_alive.seconds", "3600"),
    fixed("connection_logs.s3.bucket", ""),
    fixed("connection_logs.s3.enabled", "false"),
    fixed("connection_logs.s3.prefix", ""),
    Attribute {
        key: "deletion_protection.enabled",
        default: "false",
        accepts: is_boolean,
    },
    fixed("health_check_logs.s3.bucket", ""),
    fixed("health_check_logs.s3.enabled", "false"),
    fixed("health_check_logs.s3.prefix", ""),
    Attribute {
        key: "idle_timeout.timeout_seconds",
        default: "60",
        accepts: |value| within(value, 1, 4000),
    },
    fixed("load_balancing.cross_zone.enabled", "true"),
    fixed("routing.http.desync_mitigation_mode", "defensive"),
    fixed("routing.http.drop_invalid_header_fields.enabled", "false"),
    fixed("routing.http.preserve_host_header.enabled", "false"),
    fixed(
        "routing.http.x_amzn_tls_version_and_cipher_suite.enabled",
        "false",
    ),
    fixed("routing.http.xff_client_port.enabled", "false"),
    fixed("routing.http.xff_header_processing.mode", "append"),
    fixed("routing.http2.enabled", "true"),
    fixed("waf.fail_open.enabled", "false"),
    fixed("zonal_shift.config.enabled", "false"),
    fixed("ipv6.deny_all_igw_traffic", "false"),
];

const TARGET_GROUP: &[Attribute] = &[
    Attribute {
        key: "deregistration_delay.timeout_seconds",
        default: "300",
        accepts: |value| within(value, 0, 3600),
    },
    fixed("load_balancing.algorithm.anomaly_mitigation", "off"),
    fixed("load_balancing.algorithm.type", "round_robin"),
    fixed(
        "load_balancing.cross_zone.enabled",
        "use_load_balancer_configuration",
    ),
    fixed("slow_start.duration_seconds", "0"),
    Attribute {
        key: APP_COOKIE,
        default: "",
        accepts: is_cookie_name,
    },
    Attribute {
        key: "stickiness.app_cookie.duration_seconds",
        default: "86400",
        accepts: |value| within(value, 1, 604_800),
    },
    Attribute {
        key: "stickiness.enabled",
        default: "false",
        accepts: is_boolean,
    },
    Attribute {
        key: "stickiness.lb_cookie.duration_seconds",
        default: "86400",
        accepts: |value| within(value, 1, 604_800),
    },
    Attribute {
        key: "stickiness.type",
        default: "lb_cookie",
        accepts: |value| ["lb_cookie", "app_cookie"].contains(&value),
    },
    fixed(
        "target_group_health.dns_failover.minimum_healthy_targets.count",
        "1",
    ),
    fixed(
        "target_group_health.dns_failover.minimum_healthy_targets.percentage",
        "off",
    ),
    fixed(
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count",
        "1",
    ),
    fixed(
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage",
        "off",
    ),
];

const LISTENER: &[Attribute] = &[
    fixed(
        "routing.http.response.access_control_allow_credentials.header_value",
        "",
    ),
    fixed(
        "routing.http.response.access_control_allow_headers.header_value",
        "",
    ),
    fixed(
        "routing.http.response.access_control_allow_methods.header_value",
        "",
    ),
    fixed(
        "routing.http.response.access_control_allow_origin.header_value",
        "",
    ),
    fixed(
        "routing.http.response.access_control_expose_headers.header_value",
        "",
    ),
    fixed("routing.http.response.access_control_max_age.header_value", ""),
    fixed("routing.http.response.content_security_policy.header_value", ""),
    fixed("routing.http.response.server.enabled", "true"),
    fixed("routing.http.response.strict_transport_security.header_value", ""),
    fixed("routing.http.response.x_content_type_options.header_value", ""),
    fixed("routing.http.response.x_frame_options.header_value", ""),
];

fn within(value: &str, least: u32, most: u32) -> bool {
    value
        .parse::<u32>()
        .is_ok_and(|number| (least..=most).contains(&number))
}

/// Which kind of resource the attributes are of.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    LoadBalancer,
    Listener,
    TargetGroup,
}

impl Kind {
    fn known(self) -> &'static [Attribute] {
        match self {
            Self::LoadBalancer => LOAD_BALANCER,
            Self::Listener => LISTENER,
            Self::TargetGroup => TARGET_GROUP,
        }
    }

    /// All attributes with their present values, by key.
    pub(crate) fn all(self, set: &BTreeMap<String, String>) -> Vec<(String, String)> {
        let value = |it: &Attribute| set.get(it.key).cloned().unwrap_or_else(|| it.default.to_owned());
        self.known()
            .iter()
            .map(|it| (it.key.to_owned(), value(it)))
            .collect()
    }

    /// Sets one.
    ///
    /// # Errors
    /// When the key is unknown or the value is not one that is served here.
    pub(crate) fn set(
        self,
        set: &mut BTreeMap<String, String>,
        key: &str,
        value: &str,
    ) -> Result<(), ApiError> {
        let known = self.known().iter().find(|it| it.key == key);
        let known = known.ok_or_else(|| configuration(format!("The key '{key}' is not valid")))?;
        if value == known.default {
            set.remove(key);
        } else if (known.accepts)(value) {
            set.insert(key.to_owned(), value.to_owned());
        } else {
            return Err(unsupported(&format!("'{value}' for the attribute {key}")));
        }
        Ok(())
    }

    /// Attributes that do not go together.
    ///
    /// # Errors
    /// When clients shall stay by a cookie that nobody has named.
    pub(crate) fn check(self, set: &BTreeMap<String, String>) -> Result<(), ApiError> {
        let by_application = self.text(set, "stickiness.enabled") == "true"
            && self.text(set, "stickiness.type") == "app_cookie";
        if by_application && self.text(set, APP_COOKIE).is_empty() {
            return Err(configuration(
                "You must specify a value for the attribute 'stickiness.app_cookie.cookie_name' when the stickiness type is app_cookie",
            ));
        }
        Ok(())
    }

    /// An attribute's present value.
    pub(crate) fn text(self, set: &BTreeMap<String, String>, key: &str) -> String {
        let known = self.known().iter().find(|it| it.key == key);
        let default = known.map(|it| it.default).unwrap_or_default();
        set.get(key).cloned().unwrap_or_else(|| default.to_owned())
    }

    /// A numeric attribute's present value.
    pub(crate) fn number(self, set: &BTreeMap<String, String>, key: &str) -> u32 {
        let known = self.known().iter().find(|it| it.key == key);
        let text = set.get(key).map(String::as_str).or(known.map(|it| it.default));
        text.and_then(|text| text.parse().ok()).unwrap_or_default()
    }
}
