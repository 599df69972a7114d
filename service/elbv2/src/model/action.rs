//! What a listener does with a request.

use aws_protocol::ApiError;
use aws_shape::elbv2 as shape;
use contract::route::Redirect;
use serde::{Deserialize, Serialize};

use crate::error::{unsupported, validation};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Action {
    /// Target group ARNs and weights.
    Forward(Vec<(String, u32)>),
    FixedResponse {
        status: u16,
        content_type: String,
        body: String,
    },
    Redirect(Redirect),
}

/// # Errors
/// When the actions are not exactly one that is served here.
pub(crate) fn parse(actions: Vec<shape::Action>) -> Result<Action, ApiError> {
    let [action] = <[shape::Action; 1]>::try_from(actions).map_err(|_| {
        validation(
            "A listener must have exactly one default action of type forward, redirect or fixed-response",
        )
    })?;
    match action.type_ {
        shape::ActionTypeEnum::Forward => forward(action),
        shape::ActionTypeEnum::FixedResponse => {
            let config = action.fixed_response_config;
            let config =
                config.ok_or_else(|| validation("A fixed-response action needs FixedResponseConfig"))?;
            let status = config
                .status_code
                .parse()
                .ok()
                .filter(|code: &u16| [2, 4, 5].contains(&(code / 100)));
            if let Some(other) = config
                .content_type
                .as_deref()
                .filter(|it| !FIXED_CONTENT_TYPES.contains(it))
            {
                return Err(validation(format!(
                    "'{other}' is not a valid fixed-response content type"
                )));
            }
            if config
                .message_body
                .as_ref()
                .is_some_and(|body| body.len() > FIXED_BODY_BYTES_MAX)
            {
                return Err(validation(format!(
                    "A fixed-response message body has at most {FIXED_BODY_BYTES_MAX} bytes"
                )));
            }
            let refuse = || {
                validation(format!(
                    "'{}' is not a valid fixed-response status code",
                    config.status_code
                ))
            };
            Ok(Action::FixedResponse {
                status: status.ok_or_else(refuse)?,
                content_type: config.content_type.unwrap_or_else(|| "text/plain".to_owned()),
                body: config.message_body.unwrap_or_default(),
            })
        }
        shape::ActionTypeEnum::Redirect => redirect(action.redirect_config).map(Action::Redirect),
        other => Err(unsupported(&format!("actions of type {other}"))),
    }
}

fn redirect(config: Option<shape::RedirectActionConfig>) -> Result<Redirect, ApiError> {
    let config = config.ok_or_else(|| validation("A redirect action needs RedirectConfig"))?;
    let status = match config.status_code {
        shape::RedirectActionStatusCodeEnum::Http301 => 301,
        shape::RedirectActionStatusCodeEnum::Http302 => 302,
        other => {
            return Err(validation(format!(
                "'{other}' is not a valid redirect status code: HTTP_301, HTTP_302"
            )));
        }
    };
    let part = |given: Option<String>, default: &str| given.unwrap_or_else(|| default.to_owned());
    let to = Redirect {
        status,
        protocol: part(config.protocol, "#{protocol}"),
        host: part(config.host, "#{host}"),
        port: part(config.port, "#{port}"),
        path: part(config.path, "/#{path}"),
        query: part(config.query, "#{query}"),
    };
    if !["#{protocol}", "HTTP", "HTTPS"].contains(&to.protocol.as_str()) {
        return Err(validation(
            "The redirect protocol must be HTTP, HTTPS or #{protocol}",
        ));
    }
    if to.port != "#{port}" && to.port.parse::<u16>().is_err() {
        return Err(validation("The redirect port must be from 1 to 65535 or #{port}"));
    }
    if !to.path.starts_with('/') {
        return Err(validation("The redirect path must begin with '/'"));
    }
    let same = to.protocol == "#{protocol}" && to.host == "#{host}" && to.port == "#{port}";
    if same && to.path == "/#{path}" {
        return Err(ApiError::client(
            "InvalidLoadBalancerAction",
            "The redirect configuration is not valid because it creates a loop.",
        ));
    }
    Ok(to)
}

const GROUPS_PER_ACTION_MAX: usize = 5;
const WEIGHT_MAX: u32 = 999;
const FIXED_BODY_BYTES_MAX: usize = 1024;
const FIXED_CONTENT_TYPES: [&str; 5] = [
    "text/plain",
    "text/css",
    "text/html",
    "application/javascript",
    "application/json",
];

fn weight(given: Option<i32>) -> Result<u32, ApiError> {
    let fits = u32::try_from(given.unwrap_or(1))
        .ok()
        .filter(|weight| *weight <= WEIGHT_MAX);
    fits.ok_or_else(|| validation(format!("Target group weights must be between 0 and {WEIGHT_MAX}")))
}

fn forward(action: shape::Action) -> Result<Action, ApiError> {
    let config = action.forward_config.unwrap_or_default();
    let sticky = config
        .target_group_stickiness_config
        .is_some_and(|it| it.enabled == Some(true));
    if sticky {
        return Err(unsupported("target group stickiness"));
    }
    let tuples = config.target_groups.unwrap_or_default();
    let mut groups: Vec<(String, u32)> = tuples
        .into_iter()
        .filter_map(|tuple| Some((tuple.target_group_arn?, weight(tuple.weight))))
        .map(|(arn, weight)| weight.map(|weight| (arn, weight)))
        .collect::<Result<_, _>>()?;
    if groups.len() > GROUPS_PER_ACTION_MAX {
        return Err(validation(format!(
            "A forward action can have at most {GROUPS_PER_ACTION_MAX} target groups"
        )));
    }
    let mut arns: Vec<&String> = groups.iter().map(|(arn, _)| arn).collect();
    arns.sort_unstable();
    if arns.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(validation(
            "A target group may be listed once only in a forward action",
        ));
    }
    match (groups.is_empty(), action.target_group_arn) {
        (true, Some(arn)) => groups.push((arn, 1)),
        (true, None) => return Err(validation("A target group ARN must be specified")),
        (false, Some(arn)) if groups.iter().all(|(known, _)| *known != arn) => {
            return Err(validation(
                "TargetGroupArn must match the target group in ForwardConfig",
            ));
        }
        _ => {}
    }
    Ok(Action::Forward(groups))
}

pub(crate) fn shape(action: &Action) -> shape::Action {
    match action {
        Action::Forward(groups) => {
            let tuples = groups.iter().map(|(arn, weight)| shape::TargetGroupTuple {
                target_group_arn: Some(arn.clone()),
                weight: Some(*weight as i32),
            });
            shape::Action {
                type_: shape::ActionTypeEnum::Forward,
                // With several groups AWS leaves the single member out.
                target_group_arn: (groups.len() == 1).then(|| groups[0].0.clone()),
                order: Some(1),
                forward_config: Some(shape::ForwardActionConfig {
                    target_groups: Some(tuples.collect()),
                    target_group_stickiness_config: Some(shape::TargetGroupStickinessConfig {
                        enabled: Some(false),
                        duration_seconds: None,
                    }),
                }),
                ..Default::default()
            }
        }
        Action::FixedResponse {
            status,
            content_type,
            body,
        } => shape::Action {
            type_: shape::ActionTypeEnum::FixedResponse,
            order: Some(1),
            fixed_response_config: Some(shape::FixedResponseActionConfig {
                status_code: status.to_string(),
                content_type: Some(content_type.clone()),
                message_body: Some(body.clone()),
            }),
            ..Default::default()
        },
        Action::Redirect(to) => shape::Action {
            type_: shape::ActionTypeEnum::Redirect,
            order: Some(1),
            redirect_config: Some(shape::RedirectActionConfig {
                protocol: Some(to.protocol.clone()),
                port: Some(to.port.clone()),
                host: Some(to.host.clone()),
                path: Some(to.path.clone()),
                query: Some(to.query.clone()),
                status_code: match to.status {
                    301 => shape::RedirectActionStatusCodeEnum::Http301,
                    _ => shape::RedirectActionStatusCodeEnum::Http302,
                },
            }),
            ..Default::default()
        },
    }
}
