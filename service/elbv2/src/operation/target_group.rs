//! Target groups: who is asked, and how it is found out whether they are well.

use aws_protocol::{ApiError, Context};
use aws_shape::ec2;
use aws_shape::elbv2::*;
use base_id::Scope;
use base_store::Snapshot;

use super::page;
use crate::Elbv2;
use crate::error::{in_use, target_group_not_found, unsupported, validation};
use crate::model::attribute::Kind;
use crate::model::{self, HealthCheck};
use crate::table::{self, TARGET_GROUPS, key};

pub(super) async fn create_target_group(
    elb: &Elbv2,
    context: &Context,
    input: CreateTargetGroupInput,
) -> Result<CreateTargetGroupOutput, ApiError> {
    let of_instances = input.target_type != Some(TargetTypeEnum::Ip);
    match input.target_type {
        Some(TargetTypeEnum::Ip) => {}
        None | Some(TargetTypeEnum::Instance) => {}
        Some(ref other) => return Err(unsupported(&format!("target groups of type {other}"))),
    }
    match input.protocol {
        Some(ProtocolEnum::Http) => {}
        None => return Err(validation("A protocol must be specified")),
        Some(other) => return Err(unsupported(&format!("target groups with protocol {other}"))),
    }
    if input
        .protocol_version
        .as_deref()
        .is_some_and(|version| !["", "HTTP1"].contains(&version))
    {
        return Err(unsupported("target groups with protocol version HTTP2 or GRPC"));
    }
    if input.target_control_port.is_some() {
        return Err(unsupported("target control ports"));
    }
    if input
        .ip_address_type
        .as_ref()
        .is_some_and(|kind| *kind != TargetGroupIpAddressTypeEnum::Ipv4)
    {
        return Err(unsupported("IPv6 target groups"));
    }
    check_name(&input.name)?;
    let port = input.port.ok_or_else(|| validation("A port must be specified"))?;
    let port = u16::try_from(port).ok().filter(|port| *port > 0);
    let vpc = input
        .vpc_id
        .ok_or_else(|| validation("A VPC ID must be specified"))?;
    let request = ec2::DescribeVpcsRequest {
        vpc_ids: Some(vec![vpc.clone()]),
        ..Default::default()
    };
    elb.ec2
        .describe_vpcs(context, request)
        .await
        .map_err(|_| validation(format!("The VPC ID '{vpc}' is not found")))?;
    let mut health_check = HealthCheck {
        enabled: true,
        port: None,
        path: "/".to_owned(),
        matcher: "200".to_owned(),
        interval_seconds: 30,
        timeout_seconds: 5,
        healthy_threshold: 5,
        unhealthy_threshold: 2,
    };
    let changes = Changes {
        protocol: input.health_check_protocol,
        port: input.health_check_port,
        path: input.health_check_path,
        enabled: input.health_check_enabled,
        interval: input.health_check_interval_seconds,
        timeout: input.health_check_timeout_seconds,
        healthy: input.healthy_threshold_count,
        unhealthy: input.unhealthy_threshold_count,
        matcher: input.matcher,
    };
    changes.apply(&mut health_check)?;
    let (scope, name, id) = (context.scope.clone(), input.name, elb.ids.hex(16));
    let new = model::TargetGroup {
        arn: scope.arn("elasticloadbalancing", &format!("targetgroup/{name}/{id}")),
        name,
        port: port.ok_or_else(|| validation("The port must be between 1 and 65535"))?,
        vpc,
        of_instances,
        health_check,
        attributes: Default::default(),
        targets: vec![],
        tags: super::tag::parse(input.tags),
    };
    let group = elb
        .store
        .write(move |tx| {
            let place = key(&scope, &new.name);
            if let Some(old) = tx.get(TARGET_GROUPS, &place) {
                let what = |it: &model::TargetGroup| {
                    (it.port, it.vpc.clone(), it.of_instances, it.health_check.clone())
                };
                let same = what(&old) == what(&new);
                if same {
                    return Ok(model::TargetGroup::clone(&old));
                }
                let message = format!(
                    "A target group with the same name '{}' exists, but with different settings",
                    new.name
                );
                return Err(ApiError::client("DuplicateTargetGroupName", message));
            }
            tx.put(TARGET_GROUPS, &place, new.clone());
            Ok(new)
        })
        .await?;
    let shape = shape(&group, &elb.store.snapshot(), &context.scope);
    Ok(CreateTargetGroupOutput {
        target_groups: Some(vec![shape]),
    })
}

fn check_name(name: &str) -> Result<(), ApiError> {
    if name.len() > NAME_LETTERS_MAX {
        return Err(validation(format!(
            "Target group name '{name}' cannot be longer than '{NAME_LETTERS_MAX}' characters"
        )));
    }
    let fits = !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !name.starts_with('-')
        && !name.ends_with('-');
    if fits {
        return Ok(());
    }
    Err(validation(format!(
        "Target group name '{name}' can only contain characters that are alphanumeric characters or hyphens(-), and must not begin or end with a hyphen"
    )))
}

const NAME_LETTERS_MAX: usize = 32;

/// What a request says about the health check.
struct Changes {
    protocol: Option<ProtocolEnum>,
    port: Option<String>,
    path: Option<String>,
    enabled: Option<bool>,
    interval: Option<i32>,
    timeout: Option<i32>,
    healthy: Option<i32>,
    unhealthy: Option<i32>,
    matcher: Option<Matcher>,
}

impl Changes {
    fn apply(self, check: &mut HealthCheck) -> Result<(), ApiError> {
        if self.protocol.as_ref().is_some_and(|it| *it != ProtocolEnum::Http) {
            return Err(unsupported("health checks with another protocol than HTTP"));
        }
        if let Some(port) = self.port {
            check.port = match port.as_str() {
                "traffic-port" => None,
                text => Some(
                    text.parse()
                        .map_err(|_| validation(format!("Health check port '{text}' is not valid")))?,
                ),
            };
        }
        if let Some(path) = self.path {
            if !path.starts_with('/') {
                return Err(validation(format!(
                    "Health check path '{path}' must begin with a '/' character"
                )));
            }
            check.path = path;
        }
        if let Some(codes) = self.matcher.and_then(|matcher| matcher.http_code) {
            if model::parse_matcher(&codes).is_none() {
                return Err(validation(format!(
                    "Health check matcher HTTP code '{codes}' must be within '200-499' inclusive"
                )));
            }
            check.matcher = codes;
        }
        check.enabled = self.enabled.unwrap_or(check.enabled);
        set(
            &mut check.interval_seconds,
            self.interval,
            5,
            300,
            "Health check interval",
        )?;
        set(
            &mut check.timeout_seconds,
            self.timeout,
            2,
            120,
            "Health check timeout",
        )?;
        set(
            &mut check.healthy_threshold,
            self.healthy,
            2,
            10,
            "Healthy threshold count",
        )?;
        set(
            &mut check.unhealthy_threshold,
            self.unhealthy,
            2,
            10,
            "Unhealthy threshold count",
        )?;
        if check.timeout_seconds >= check.interval_seconds {
            let message = format!(
                "Health check timeout '{}' must be smaller than or equal to the interval '{}'",
                check.timeout_seconds, check.interval_seconds
            );
            return Err(validation(message));
        }
        Ok(())
    }
}

fn set(target: &mut u32, value: Option<i32>, least: u32, most: u32, what: &str) -> Result<(), ApiError> {
    let Some(value) = value else { return Ok(()) };
    let fits = u32::try_from(value)
        .ok()
        .filter(|value| (least..=most).contains(value));
    *target =
        fits.ok_or_else(|| validation(format!("{what} '{value}' must be between {least} and {most}")))?;
    Ok(())
}

pub(super) async fn describe_target_groups(
    elb: &Elbv2,
    context: &Context,
    input: DescribeTargetGroupsInput,
) -> Result<DescribeTargetGroupsOutput, ApiError> {
    let (scope, snapshot) = (&context.scope, elb.store.snapshot());
    let mut found: Vec<_> = snapshot
        .prefix(TARGET_GROUPS, &key(scope, ""))
        .into_iter()
        .map(|(_, row)| row)
        .collect();
    if let Some(arn) = &input.load_balancer_arn {
        table::balancer(&snapshot, scope, arn)?;
        found.retain(|row| table::users_of(&snapshot, scope, &row.arn).contains(arn));
    }
    if let Some(arns) = &input.target_group_arns {
        for arn in arns {
            table::target_group(&snapshot, scope, arn)?;
        }
        found.retain(|row| arns.contains(&row.arn));
    }
    if let Some(names) = &input.names {
        if let Some(unknown) = names
            .iter()
            .find(|name| !found.iter().any(|row| row.name == **name))
        {
            return Err(target_group_not_found(unknown));
        }
        found.retain(|row| names.contains(&row.name));
    }
    let shapes = found.iter().map(|row| shape(row, &snapshot, scope)).collect();
    let (target_groups, next_marker) = page(shapes, input.page_size, input.marker.as_deref())?;
    Ok(DescribeTargetGroupsOutput {
        target_groups: Some(target_groups),
        next_marker,
    })
}

pub(super) async fn modify_target_group(
    elb: &Elbv2,
    context: &Context,
    input: ModifyTargetGroupInput,
) -> Result<ModifyTargetGroupOutput, ApiError> {
    let scope = context.scope.clone();
    let changes = Changes {
        protocol: input.health_check_protocol,
        port: input.health_check_port,
        path: input.health_check_path,
        enabled: input.health_check_enabled,
        interval: input.health_check_interval_seconds,
        timeout: input.health_check_timeout_seconds,
        healthy: input.healthy_threshold_count,
        unhealthy: input.unhealthy_threshold_count,
        matcher: input.matcher,
    };
    let group = elb
        .store
        .write(move |tx| {
            let found = table::target_group(&tx.snapshot(), &scope, &input.target_group_arn)?;
            let mut group = model::TargetGroup::clone(&found);
            changes.apply(&mut group.health_check)?;
            tx.put(TARGET_GROUPS, &key(&scope, &group.name), group.clone());
            Ok::<_, ApiError>(group)
        })
        .await?;
    let shape = shape(&group, &elb.store.snapshot(), &context.scope);
    Ok(ModifyTargetGroupOutput {
        target_groups: Some(vec![shape]),
    })
}

/// Deleting what is not there succeeds, as in AWS.
pub(super) async fn delete_target_group(
    elb: &Elbv2,
    context: &Context,
    input: DeleteTargetGroupInput,
) -> Result<DeleteTargetGroupOutput, ApiError> {
    let scope = context.scope.clone();
    elb.store
        .write(move |tx| {
            let snapshot = tx.snapshot();
            let Ok(group) = table::target_group(&snapshot, &scope, &input.target_group_arn) else {
                return Ok(());
            };
            if !table::users_of(&snapshot, &scope, &group.arn).is_empty() {
                return Err(in_use(&group.arn));
            }
            tx.delete(TARGET_GROUPS, &key(&scope, &group.name));
            Ok(())
        })
        .await?;
    Ok(DeleteTargetGroupOutput {})
}

fn shape(group: &model::TargetGroup, snapshot: &Snapshot, scope: &Scope) -> TargetGroup {
    let check = &group.health_check;
    let number = |value: u32| Some(value as i32);
    TargetGroup {
        target_group_arn: Some(group.arn.clone()),
        target_group_name: Some(group.name.clone()),
        protocol: Some(ProtocolEnum::Http),
        protocol_version: Some("HTTP1".to_owned()),
        port: Some(group.port.into()),
        vpc_id: Some(group.vpc.clone()),
        health_check_protocol: Some(ProtocolEnum::Http),
        health_check_port: Some(
            check
                .port
                .map_or("traffic-port".to_owned(), |port| port.to_string()),
        ),
        health_check_enabled: Some(check.enabled),
        health_check_path: Some(check.path.clone()),
        health_check_interval_seconds: number(check.interval_seconds),
        health_check_timeout_seconds: number(check.timeout_seconds),
        healthy_threshold_count: number(check.healthy_threshold),
        unhealthy_threshold_count: number(check.unhealthy_threshold),
        matcher: Some(Matcher {
            http_code: Some(check.matcher.clone()),
            grpc_code: None,
        }),
        load_balancer_arns: Some(table::users_of(snapshot, scope, &group.arn)),
        target_type: Some(match group.of_instances {
            true => TargetTypeEnum::Instance,
            false => TargetTypeEnum::Ip,
        }),
        ip_address_type: Some(TargetGroupIpAddressTypeEnum::Ipv4),
        target_control_port: None,
    }
}

fn attributes(group: &model::TargetGroup) -> Vec<TargetGroupAttribute> {
    let all = Kind::TargetGroup.all(&group.attributes).into_iter();
    all.map(|(key, value)| TargetGroupAttribute {
        key: Some(key),
        value: Some(value),
    })
    .collect()
}

pub(super) async fn describe_target_group_attributes(
    elb: &Elbv2,
    context: &Context,
    input: DescribeTargetGroupAttributesInput,
) -> Result<DescribeTargetGroupAttributesOutput, ApiError> {
    let group = table::target_group(&elb.store.snapshot(), &context.scope, &input.target_group_arn)?;
    Ok(DescribeTargetGroupAttributesOutput {
        attributes: Some(attributes(&group)),
    })
}

pub(super) async fn modify_target_group_attributes(
    elb: &Elbv2,
    context: &Context,
    input: ModifyTargetGroupAttributesInput,
) -> Result<ModifyTargetGroupAttributesOutput, ApiError> {
    let scope = context.scope.clone();
    let group = elb
        .store
        .write(move |tx| {
            let found = table::target_group(&tx.snapshot(), &scope, &input.target_group_arn)?;
            let mut group = model::TargetGroup::clone(&found);
            for TargetGroupAttribute { key, value } in input.attributes {
                let (key, value) = (key.unwrap_or_default(), value.unwrap_or_default());
                Kind::TargetGroup.set(&mut group.attributes, &key, &value)?;
            }
            Kind::TargetGroup.check(&group.attributes)?;
            tx.put(TARGET_GROUPS, &key(&scope, &group.name), group.clone());
            Ok::<_, ApiError>(group)
        })
        .await?;
    Ok(ModifyTargetGroupAttributesOutput {
        attributes: Some(attributes(&group)),
    })
}
