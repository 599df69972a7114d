//! Health checks.

use aws_protocol::{ApiError, Context};
use aws_shape::route53::*;
use base_store::Snapshot;

use super::{Edit, PAGE_ITEMS_MAX, max_items, page_by_id};
use crate::error::{invalid, unserved, with_code};
use crate::health::served;
use crate::model::{self, HealthConfig};
use crate::table::{self, CHECKS, RECORDS, key};
use crate::{Route53, name};

const UUID_CHARS: usize = 36;

fn parse(given: HealthCheckConfig) -> Result<HealthConfig, ApiError> {
    match given.type_ {
        HealthCheckType::CloudwatchMetric => return Err(unserved("health checks of CloudWatch alarms")),
        HealthCheckType::RecoveryControl => return Err(unserved("health checks of recovery controls")),
        _ => {}
    }
    let config = HealthConfig {
        kind: given.type_.as_str().to_owned(),
        address: given.ip_address.filter(|it| !it.is_empty()),
        port: port(given.port)?,
        path: given.resource_path.filter(|it| !it.is_empty()),
        host: given.fully_qualified_domain_name.filter(|it| !it.is_empty()),
        search: given.search_string.filter(|it| !it.is_empty()),
        interval_seconds: given.request_interval.and_then(|it| it.try_into().ok()),
        failure_threshold: given.failure_threshold.and_then(|it| it.try_into().ok()),
        measure_latency: given.measure_latency == Some(true),
        inverted: given.inverted == Some(true),
        disabled: given.disabled == Some(true),
        health_threshold: given.health_threshold.and_then(|it| it.try_into().ok()),
        children: given.child_health_checks.unwrap_or_default(),
        sni: given.enable_sni,
        regions: regions(given.regions),
    };
    if config.measure_latency {
        return Err(unserved("latency graphs of health checks (MeasureLatency)"));
    }
    Ok(config.complete())
}

fn port(given: Option<i32>) -> Result<Option<u16>, ApiError> {
    let parse = |port: i32| u16::try_from(port).ok().filter(|it| *it > 0);
    given
        .map(|port| {
            parse(port).ok_or_else(|| invalid("Invalid parameter : Port must be between 1 and 65535."))
        })
        .transpose()
}

fn regions(given: Option<Vec<HealthCheckRegion>>) -> Vec<String> {
    let given = given.unwrap_or_default().into_iter();
    given.map(|it| it.as_str().to_owned()).collect()
}

fn check(snapshot: &Snapshot, context: &Context, config: &HealthConfig, own: &str) -> Result<(), ApiError> {
    let wrong = config.wrong();
    if !wrong.is_empty() {
        return Err(invalid(wrong.join("; ")));
    }
    for child in &config.children {
        let found = table::check(snapshot, context, child);
        let known = found.map_err(|_| invalid(format!("Child health check {child} does not exist.")))?;
        if known.id == own || known.config.is_calculated() {
            return Err(invalid(format!(
                "Child health check {child} is a calculated health check; those cannot watch one another."
            )));
        }
    }
    Ok(())
}

pub(super) async fn create_health_check(
    route53: &Route53,
    context: &Context,
    input: CreateHealthCheckRequest,
) -> Result<CreateHealthCheckResponse, ApiError> {
    let config = parse(input.health_check_config)?;
    let linked = (context.principal_arn == "servicediscovery.amazonaws.com").then(|| {
        let text = "Health check managed by AWS Cloud Map.";
        (context.principal_arn.clone(), text.to_owned())
    });
    let new = model::HealthCheck {
        id: route53.ids.uuid(),
        caller_reference: input.caller_reference,
        version: 1,
        config,
        linked,
        tags: Default::default(),
    };
    let snapshot = route53.store.snapshot();
    let all = snapshot.prefix(CHECKS, &key(context, ""));
    if let Some((_, old)) = all
        .iter()
        .find(|(_, it)| it.caller_reference == new.caller_reference)
    {
        if old.config == new.config {
            return Ok(created(old));
        }
        return Err(with_code(
            "HealthCheckAlreadyExists",
            format!(
                "A health check with caller reference {} and different settings already exists.",
                new.caller_reference
            ),
        ));
    }
    let (row, _) = route53
        .change(context, None, move |tx, context| {
            check(&tx.snapshot(), context, &new.config, &new.id)?;
            tx.put(CHECKS, &key(context, &new.id), new.clone());
            let made = served(&new);
            let edit: Edit = Box::new(move |journal| journal.put_check(made));
            Ok((new, edit))
        })
        .await?;
    Ok(created(&row))
}

fn created(row: &model::HealthCheck) -> CreateHealthCheckResponse {
    CreateHealthCheckResponse {
        location: format!("https://route53.amazonaws.com/2013-04-01/healthcheck/{}", row.id),
        health_check: shape(row),
    }
}

fn shape(row: &model::HealthCheck) -> HealthCheck {
    let config = &row.config;
    let regions = config.regions.iter().map(|it| it.as_str().into());
    HealthCheck {
        id: row.id.clone(),
        caller_reference: row.caller_reference.clone(),
        linked_service: row.linked.as_ref().map(|(service, text)| LinkedService {
            service_principal: Some(service.clone()),
            description: Some(text.clone()),
        }),
        health_check_config: HealthCheckConfig {
            ip_address: config.address.clone(),
            port: config.port.map(i32::from),
            type_: config.kind.as_str().into(),
            resource_path: config.path.clone(),
            fully_qualified_domain_name: config.host.clone(),
            search_string: config.search.clone(),
            request_interval: config.interval_seconds.map(|it| it as i32),
            failure_threshold: config.failure_threshold.map(|it| it as i32),
            measure_latency: (!config.is_calculated()).then_some(config.measure_latency),
            inverted: Some(config.inverted),
            disabled: Some(config.disabled),
            health_threshold: config.health_threshold.map(|it| it as i32),
            child_health_checks: (!config.children.is_empty()).then(|| config.children.clone()),
            enable_sni: (!config.is_calculated()).then_some(config.sni.unwrap_or(false)),
            regions: (!config.regions.is_empty()).then(|| regions.collect()),
            ..Default::default()
        },
        health_check_version: row.version,
        cloud_watch_alarm_configuration: None,
    }
}

pub(super) async fn get_health_check(
    route53: &Route53,
    context: &Context,
    input: GetHealthCheckRequest,
) -> Result<GetHealthCheckResponse, ApiError> {
    let row = table::check(&route53.store.snapshot(), context, &input.health_check_id)?;
    Ok(GetHealthCheckResponse {
        health_check: shape(&row),
    })
}

pub(super) async fn update_health_check(
    route53: &Route53,
    context: &Context,
    input: UpdateHealthCheckRequest,
) -> Result<UpdateHealthCheckResponse, ApiError> {
    if input.alarm_identifier.is_some() || input.insufficient_data_health_status.is_some() {
        return Err(unserved("health checks of CloudWatch alarms"));
    }
    let given_port = port(input.port)?;
    let (row, _) = route53
        .change(context, None, move |tx, context| {
            let snapshot = tx.snapshot();
            let found = table::own_check(&snapshot, context, &input.health_check_id)?;
            if input.health_check_version.is_some_and(|it| it != found.version) {
                return Err(with_code(
                    "HealthCheckVersionMismatch",
                    "The value of HealthCheckVersion in the request doesn't match the value of HealthCheckVersion in the health check.",
                ));
            }
            let mut row = model::HealthCheck::clone(&found);
            row.version += 1;
            update(&mut row.config, input, given_port);
            check(&snapshot, context, &row.config, &row.id)?;
            tx.put(CHECKS, &key(context, &row.id), row.clone());
            let made = served(&row);
            let edit: Edit = Box::new(move |journal| journal.put_check(made));
            Ok((row, edit))
        })
        .await?;
    Ok(UpdateHealthCheckResponse {
        health_check: shape(&row),
    })
}

fn update(config: &mut HealthConfig, input: UpdateHealthCheckRequest, port: Option<u16>) {
    let number = |it: i32| u32::try_from(it).ok();
    for reset in input.reset_elements.into_iter().flatten() {
        match reset {
            ResettableElementName::FullyQualifiedDomainName => config.host = None,
            ResettableElementName::Regions => config.regions.clear(),
            ResettableElementName::ResourcePath => config.path = None,
            ResettableElementName::ChildHealthChecks => config.children.clear(),
            _ => {}
        }
    }
    let given = |new: Option<String>, old: &mut Option<String>| {
        if new.is_some() {
            *old = new.filter(|it| !it.is_empty());
        }
    };
    given(input.ip_address, &mut config.address);
    given(input.resource_path, &mut config.path);
    given(input.fully_qualified_domain_name, &mut config.host);
    given(input.search_string, &mut config.search);
    config.port = port.or(config.port);
    config.failure_threshold = input
        .failure_threshold
        .and_then(number)
        .or(config.failure_threshold);
    config.health_threshold = input
        .health_threshold
        .and_then(number)
        .or(config.health_threshold);
    config.inverted = input.inverted.unwrap_or(config.inverted);
    config.disabled = input.disabled.unwrap_or(config.disabled);
    config.sni = input.enable_sni.or(config.sni);
    if let Some(children) = input.child_health_checks {
        config.children = children;
    }
    if let Some(new) = input.regions {
        config.regions = regions(Some(new));
    }
}

pub(super) async fn delete_health_check(
    route53: &Route53,
    context: &Context,
    input: DeleteHealthCheckRequest,
) -> Result<DeleteHealthCheckResponse, ApiError> {
    let id = name::id(&input.health_check_id).to_owned();
    route53
        .change(context, None, move |tx, context| {
            let snapshot = tx.snapshot();
            let row = table::own_check(&snapshot, context, &id)?;
            let all = snapshot.prefix(CHECKS, &key(context, ""));
            let watched = all.iter().any(|(_, it)| it.config.children.contains(&row.id));
            if watched || is_used(&snapshot, context, &row.id) {
                return Err(with_code(
                    "HealthCheckInUse",
                    format!("The health check {} is still referenced from a resource record set or by a calculated health check.", row.id),
                ));
            }
            tx.delete(CHECKS, &key(context, &row.id));
            let id = row.id.clone();
            let edit: Edit = Box::new(move |journal| journal.delete_check(&id));
            Ok(((), edit))
        })
        .await?;
    Ok(DeleteHealthCheckResponse {})
}

/// Whether a record set answers by it.
fn is_used(snapshot: &Snapshot, context: &Context, id: &str) -> bool {
    debug_assert_eq!(id.len(), UUID_CHARS);
    let zones = table::zones(snapshot, context);
    let mut records = zones
        .iter()
        .flat_map(|zone| snapshot.prefix(RECORDS, &format!("{}/", zone.id)));
    records.any(|(_, record)| record.check.as_deref() == Some(id))
}

pub(super) async fn list_health_checks(
    route53: &Route53,
    context: &Context,
    input: ListHealthChecksRequest,
) -> Result<ListHealthChecksResponse, ApiError> {
    let (count, shown) = max_items(input.max_items.as_deref(), PAGE_ITEMS_MAX)?;
    let marker = input.marker.unwrap_or_default();
    let all = route53.store.snapshot().prefix(CHECKS, &key(context, ""));
    let (page, next) = page_by_id(all, |(_, it)| &it.id, &marker, count);
    Ok(ListHealthChecksResponse {
        health_checks: page.iter().map(|(_, it)| shape(it)).collect(),
        marker,
        is_truncated: next.is_some(),
        next_marker: next,
        max_items: shown,
    })
}

pub(super) async fn get_health_check_count(
    route53: &Route53,
    context: &Context,
    _: GetHealthCheckCountRequest,
) -> Result<GetHealthCheckCountResponse, ApiError> {
    let all = route53.store.snapshot().prefix(CHECKS, &key(context, ""));
    Ok(GetHealthCheckCountResponse {
        health_check_count: all.len() as i64,
    })
}
