//! Listeners and their default rule.

use aws_protocol::{ApiError, Context};
use aws_shape::elbv2::*;
use base_id::Scope;
use base_store::Snapshot;

use super::{certificate, page};
use crate::Elbv2;
use crate::error::validation;
use crate::model::attribute::Kind;
use crate::model::{self, Action, action};
use crate::table::{self, LISTENERS, key, listener_key};

/// AWS's quota.
const LISTENERS_PER_BALANCER_MAX: usize = 50;

fn check_port(port: i32) -> Result<u16, ApiError> {
    let port = u16::try_from(port).ok().filter(|port| *port > 0);
    port.ok_or_else(|| validation("Listener port must be between 1 and 65535"))
}

/// The target groups that an action leads to exist, and are of the load balancer's VPC.
fn check_action(snapshot: &Snapshot, scope: &Scope, vpc: &str, action: &Action) -> Result<(), ApiError> {
    let Action::Forward(groups) = action else {
        return Ok(());
    };
    for (arn, _) in groups {
        if table::target_group(snapshot, scope, arn)?.vpc != vpc {
            let message = "The following target groups are in a different VPC than load balancer";
            return Err(crate::error::configuration(format!("{message}: {arn}")));
        }
    }
    Ok(())
}

pub(super) async fn create_listener(
    elb: &Elbv2,
    context: &Context,
    input: CreateListenerInput,
) -> Result<CreateListenerOutput, ApiError> {
    certificate::refuse(input.alpn_policy.as_ref(), input.mutual_authentication.as_ref())?;
    let given = certificate::Given {
        protocol: input.protocol,
        certificates: input.certificates,
        policy: input.ssl_policy,
    };
    let port = check_port(
        input
            .port
            .ok_or_else(|| validation("A listener port must be specified"))?,
    )?;
    let action = action::parse(input.default_actions)?;
    let tls = certificate::tls(elb, &context.scope, given, None)?;
    let (scope, id) = (context.scope.clone(), elb.ids.hex(16));
    let tags = super::tag::parse(input.tags);
    let listener = elb
        .store
        .write(move |tx| {
            let snapshot = tx.snapshot();
            let balancer = table::balancer(&snapshot, &scope, &input.load_balancer_arn)?;
            check_action(&snapshot, &scope, &balancer.vpc, &action)?;
            check_free(&snapshot, &scope, &balancer, port, None)?;
            if table::listeners_of(&snapshot, &scope, &balancer.name).len() >= LISTENERS_PER_BALANCER_MAX {
                let message = format!(
                    "The maximum number of listeners per load balancer is {LISTENERS_PER_BALANCER_MAX}"
                );
                return Err(ApiError::client("TooManyListeners", message));
            }
            let head = balancer.arn.replace(":loadbalancer/", ":listener/");
            let (arn, load_balancer) = (format!("{head}/{id}"), balancer.arn.clone());
            let listener = model::Listener {
                arn,
                load_balancer,
                port,
                action,
                tls,
                attributes: Default::default(),
                tags,
            };
            tx.put(
                LISTENERS,
                &key(&scope, &format!("{}/{id}", balancer.name)),
                listener.clone(),
            );
            Ok::<_, ApiError>(listener)
        })
        .await?;
    Ok(CreateListenerOutput {
        listeners: Some(vec![shape(&listener)]),
    })
}

fn check_free(
    snapshot: &Snapshot,
    scope: &Scope,
    balancer: &model::LoadBalancer,
    port: u16,
    itself: Option<&str>,
) -> Result<(), ApiError> {
    let others = table::listeners_of(snapshot, scope, &balancer.name);
    if others
        .iter()
        .any(|(_, one)| one.port == port && Some(one.arn.as_str()) != itself)
    {
        let message = format!(
            "A listener already exists on this port for this load balancer '{}'",
            balancer.arn
        );
        return Err(ApiError::client("DuplicateListener", message));
    }
    Ok(())
}

pub(super) async fn describe_listeners(
    elb: &Elbv2,
    context: &Context,
    input: DescribeListenersInput,
) -> Result<DescribeListenersOutput, ApiError> {
    let (scope, snapshot) = (&context.scope, elb.store.snapshot());
    let found = match (&input.load_balancer_arn, &input.listener_arns) {
        (Some(arn), None) => {
            let balancer = table::balancer(&snapshot, scope, arn)?;
            table::listeners_of(&snapshot, scope, &balancer.name)
                .into_iter()
                .map(|(_, row)| row)
                .collect()
        }
        (None, Some(arns)) => arns
            .iter()
            .map(|arn| table::listener(&snapshot, scope, arn))
            .collect::<Result<Vec<_>, _>>()?,
        _ => {
            return Err(validation(
                "You must specify either listener ARNs or a load balancer ARN",
            ));
        }
    };
    let shapes = found.iter().map(|row| shape(row)).collect();
    let (listeners, next_marker) = page(shapes, input.page_size, input.marker.as_deref())?;
    Ok(DescribeListenersOutput {
        listeners: Some(listeners),
        next_marker,
    })
}

pub(super) async fn modify_listener(
    elb: &Elbv2,
    context: &Context,
    input: ModifyListenerInput,
) -> Result<ModifyListenerOutput, ApiError> {
    certificate::refuse(input.alpn_policy.as_ref(), input.mutual_authentication.as_ref())?;
    let given = certificate::Given {
        protocol: input.protocol,
        certificates: input.certificates,
        policy: input.ssl_policy,
    };
    let port = input.port.map(check_port).transpose()?;
    let action = input.default_actions.map(action::parse).transpose()?;
    let (scope, asked) = (context.scope.clone(), elb.clone());
    let listener = elb
        .store
        .write(move |tx| {
            let snapshot = tx.snapshot();
            let mut listener =
                model::Listener::clone(&*table::listener(&snapshot, &scope, &input.listener_arn)?);
            let balancer = table::balancer(&snapshot, &scope, &listener.load_balancer)?;
            if let Some(port) = port {
                check_free(&snapshot, &scope, &balancer, port, Some(&listener.arn))?;
                listener.port = port;
            }
            if let Some(action) = action {
                check_action(&snapshot, &scope, &balancer.vpc, &action)?;
                listener.action = action;
            }
            listener.tls = certificate::tls(&asked, &scope, given, listener.tls.as_ref())?;
            if let Some(place) = listener_key(&scope, &listener.arn) {
                tx.put(LISTENERS, &place, listener.clone());
            }
            Ok::<_, ApiError>(listener)
        })
        .await?;
    Ok(ModifyListenerOutput {
        listeners: Some(vec![shape(&listener)]),
    })
}

pub(super) async fn delete_listener(
    elb: &Elbv2,
    context: &Context,
    input: DeleteListenerInput,
) -> Result<DeleteListenerOutput, ApiError> {
    let scope = context.scope.clone();
    elb.store
        .write(move |tx| {
            table::listener(&tx.snapshot(), &scope, &input.listener_arn)?;
            if let Some(place) = listener_key(&scope, &input.listener_arn) {
                tx.delete(LISTENERS, &place);
            }
            Ok::<_, ApiError>(())
        })
        .await?;
    Ok(DeleteListenerOutput {})
}

/// Every listener has its default rule; others cannot be made yet.
pub(super) async fn describe_rules(
    elb: &Elbv2,
    context: &Context,
    input: DescribeRulesInput,
) -> Result<DescribeRulesOutput, ApiError> {
    let snapshot = elb.store.snapshot();
    let listener_of = |rule: &String| {
        let (head, _) = rule.rsplit_once('/').unwrap_or_default();
        head.replace(":listener-rule/", ":listener/")
    };
    let arns: Vec<String> = match (input.listener_arn, input.rule_arns) {
        (Some(arn), None) => vec![arn],
        (None, Some(rules)) => rules.iter().map(listener_of).collect(),
        _ => {
            return Err(validation(
                "You must specify either listener rule ARNs or a listener ARN",
            ));
        }
    };
    let mut rules = Vec::new();
    for arn in arns {
        let listener = table::listener(&snapshot, &context.scope, &arn)?;
        rules.push(Rule {
            rule_arn: Some(format!(
                "{}/default",
                arn.replace(":listener/", ":listener-rule/")
            )),
            priority: Some("default".to_owned()),
            conditions: Some(vec![]),
            actions: Some(vec![action::shape(&listener.action)]),
            is_default: Some(true),
            transforms: None,
        });
    }
    Ok(DescribeRulesOutput {
        rules: Some(rules),
        next_marker: None,
    })
}

fn shape(listener: &model::Listener) -> Listener {
    let (certificates, ssl_policy) = certificate::shape(listener);
    Listener {
        certificates,
        ssl_policy,
        listener_arn: Some(listener.arn.clone()),
        load_balancer_arn: Some(listener.load_balancer.clone()),
        port: Some(listener.port.into()),
        protocol: Some(match listener.tls {
            Some(_) => ProtocolEnum::Https,
            None => ProtocolEnum::Http,
        }),
        default_actions: Some(vec![action::shape(&listener.action)]),
        ..Default::default()
    }
}

pub(super) async fn describe_listener_attributes(
    elb: &Elbv2,
    context: &Context,
    input: DescribeListenerAttributesInput,
) -> Result<DescribeListenerAttributesOutput, ApiError> {
    let listener = table::listener(&elb.store.snapshot(), &context.scope, &input.listener_arn)?;
    Ok(DescribeListenerAttributesOutput {
        attributes: Some(attributes(&listener)),
    })
}

fn attributes(listener: &model::Listener) -> Vec<ListenerAttribute> {
    let all = Kind::Listener.all(&listener.attributes).into_iter();
    all.map(|(key, value)| ListenerAttribute {
        key: Some(key),
        value: Some(value),
    })
    .collect()
}

pub(super) async fn modify_listener_attributes(
    elb: &Elbv2,
    context: &Context,
    input: ModifyListenerAttributesInput,
) -> Result<ModifyListenerAttributesOutput, ApiError> {
    let scope = context.scope.clone();
    let listener = elb
        .store
        .write(move |tx| {
            let found = table::listener(&tx.snapshot(), &scope, &input.listener_arn)?;
            let mut listener = model::Listener::clone(&found);
            for ListenerAttribute { key, value } in input.attributes {
                let (key, value) = (key.unwrap_or_default(), value.unwrap_or_default());
                Kind::Listener.set(&mut listener.attributes, &key, &value)?;
            }
            if let Some(place) = listener_key(&scope, &listener.arn) {
                tx.put(LISTENERS, &place, listener.clone());
            }
            Ok::<_, ApiError>(listener)
        })
        .await?;
    Ok(ModifyListenerAttributesOutput {
        attributes: Some(attributes(&listener)),
    })
}
