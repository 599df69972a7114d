//! Instances: registered, deregistered, told.

use std::collections::BTreeMap;

use aws_protocol::{ApiError, Context, page};
use aws_shape::ec2;
use aws_shape::servicediscovery::*;

use super::begin::{Begin, check_idle, operation_id};
use super::instance_check;
use super::namespace::PAGE_MAX;
use crate::ServiceDiscovery;
use crate::error::{bad_token, invalid, limit};
use crate::model::{self, OperationKind, Work};
use crate::plan::{EC2_INSTANCE, INIT_HEALTH, IPV4};
use crate::table::{self, INSTANCES, child};

const INSTANCES_MAX: usize = 1000;

/// The work that an instance already waits for.
fn concerns<'a>(id: &'a str) -> impl Fn(&Work) -> bool + 'a {
    move |work| match work {
        Work::Register { instance, .. } | Work::Deregister { instance } => instance == id,
        _ => false,
    }
}

pub(super) async fn register_instance(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    input: RegisterInstanceRequest,
) -> Result<RegisterInstanceResponse, ApiError> {
    let scope = context.scope.clone();
    let service_id = table::id_of(&input.service_id).to_owned();
    let mut attributes = input.attributes;
    check(servicediscovery, context, &service_id, &mut attributes).await?;
    let operation = operation_id(&*servicediscovery.ids);
    let now = servicediscovery.clock.now();
    let (answered, parent) = (operation.clone(), service_id.clone());
    let written = servicediscovery.store.write(move |tx| {
        let snapshot = tx.snapshot();
        let service = table::service(&snapshot, &scope, &service_id)?;
        check_idle(tx, &scope, &service_id, concerns(&input.instance_id))?;
        let place = child(&scope, &service_id, &input.instance_id);
        let before = tx.get(INSTANCES, &place);
        if before.is_none() && table::all_instances(&snapshot, &scope, &service_id).len() >= INSTANCES_MAX {
            let message = format!(
                "The resource can't be created because you've reached the quota on the number of instances per \
                 service ({INSTANCES_MAX})."
            );
            return Err(limit(message));
        }
        let begin = Begin {
            id: operation,
            kind: OperationKind::RegisterInstance,
            now,
            scope: &scope,
            targets: vec![
                ("INSTANCE", input.instance_id.clone()),
                ("SERVICE", service_id.clone()),
            ],
        };
        // One that is known keeps what was told of its health.
        let told = before.as_ref().map(|it| it.healthy);
        let initial = attributes.get(INIT_HEALTH).map(String::as_str) != Some("UNHEALTHY");
        let row = model::Instance {
            id: input.instance_id.clone(),
            creator_request_id: input.creator_request_id,
            healthy: told.unwrap_or(initial),
            attributes,
            leaving: false,
            published: before.as_ref().map_or_else(Vec::new, |it| it.published.clone()),
            check: before.as_ref().and_then(|it| it.check.clone()),
        };
        let changed = before.as_ref().is_none_or(|it| it.attributes != row.attributes);
        let left = (changed && (service.dns.is_some() || service.check.is_some())).then(|| {
            let before = before.map(|it| Box::new(model::Instance::clone(&it)));
            let instance = input.instance_id;
            (service_id.as_str(), Work::Register { instance, before })
        });
        begin.write(tx, left);
        tx.put(INSTANCES, &place, row);
        if changed {
            table::raise_revision(tx, &scope, &service_id);
        }
        Ok::<_, ApiError>(())
    });
    written.await?;
    let _ = servicediscovery.converge(&context.scope, &parent).await;
    Ok(RegisterInstanceResponse {
        operation_id: Some(answered),
    })
}

/// With the address of the EC2 instance that is named, if one is.
async fn check(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    service_id: &str,
    attributes: &mut BTreeMap<String, String>,
) -> Result<(), ApiError> {
    let snapshot = servicediscovery.store.snapshot();
    let service = table::service(&snapshot, &context.scope, service_id)?;
    let namespace = table::namespace(&snapshot, &context.scope, &service.namespace)?;
    instance_check::check(&namespace, &service, attributes)?;
    let Some(id) = attributes.get(EC2_INSTANCE) else {
        return Ok(());
    };
    let input = ec2::DescribeInstancesRequest {
        instance_ids: Some(vec![id.clone()]),
        ..Default::default()
    };
    let ec2 = &servicediscovery.neighbours.ec2;
    let found = match ec2.describe_instances(context, input).await {
        Ok(found) => found,
        Err(error) if error.is_internal() => return Err(error),
        Err(error) => return Err(invalid(error.message)),
    };
    let mut instances = found
        .reservations
        .unwrap_or_default()
        .into_iter()
        .flat_map(|it| it.instances.unwrap_or_default());
    let address = instances.find_map(|it| it.private_ip_address);
    let Some(address) = address else {
        return Err(invalid(format!("The instance {id} has no private IPv4 address.")));
    };
    attributes.insert(IPV4.to_owned(), address);
    Ok(())
}

pub(super) async fn deregister_instance(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    input: DeregisterInstanceRequest,
) -> Result<DeregisterInstanceResponse, ApiError> {
    let operation = operation_id(&*servicediscovery.ids);
    let now = servicediscovery.clock.now();
    let scope = context.scope.clone();
    let service_id = table::id_of(&input.service_id).to_owned();
    let (answered, parent) = (operation.clone(), service_id.clone());
    let written = servicediscovery.store.write(move |tx| {
        table::service(&tx.snapshot(), &scope, &service_id)?;
        check_idle(tx, &scope, &service_id, concerns(&input.instance_id))?;
        let row = table::instance(&tx.snapshot(), &scope, &service_id, &input.instance_id)?;
        let begin = Begin {
            id: operation,
            kind: OperationKind::DeregisterInstance,
            now,
            scope: &scope,
            targets: vec![
                ("INSTANCE", input.instance_id.clone()),
                ("SERVICE", service_id.clone()),
            ],
        };
        let place = child(&scope, &service_id, &input.instance_id);
        if row.published.is_empty() && row.check.is_none() && !is_waited_for(tx, &scope, &service_id) {
            begin.write(tx, None);
            tx.delete(INSTANCES, &place);
        } else {
            let instance = input.instance_id;
            begin.write(tx, Some((&service_id, Work::Deregister { instance })));
            let mut row = model::Instance::clone(&row);
            row.leaving = true;
            tx.put(INSTANCES, &place, row);
        }
        table::raise_revision(tx, &scope, &service_id);
        Ok::<_, ApiError>(())
    });
    written.await?;
    let _ = servicediscovery.converge(&context.scope, &parent).await;
    Ok(DeregisterInstanceResponse {
        operation_id: Some(answered),
    })
}

/// While something is under way for the service, records may be on their way that are not written down yet.
fn is_waited_for(tx: &base_store::Transaction, scope: &base_id::Scope, service: &str) -> bool {
    !tx.prefix(table::PENDING, &child(scope, service, "")).is_empty()
}

pub(super) async fn get_instance(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    input: GetInstanceRequest,
) -> Result<GetInstanceResponse, ApiError> {
    let snapshot = servicediscovery.store.snapshot();
    let scope = &context.scope;
    let service = table::service(&snapshot, scope, &input.service_id)?;
    let row = table::instance(&snapshot, scope, &service.id, &input.instance_id)?;
    Ok(GetInstanceResponse {
        resource_owner: Some(scope.account.clone()),
        instance: Some(Instance {
            id: row.id.clone(),
            creator_request_id: row.creator_request_id.clone(),
            attributes: Some(row.attributes.clone()),
            created_by_account: Some(scope.account.clone()),
        }),
    })
}

pub(super) async fn list_instances(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    input: ListInstancesRequest,
) -> Result<ListInstancesResponse, ApiError> {
    let snapshot = servicediscovery.store.snapshot();
    let scope = &context.scope;
    let service = table::service(&snapshot, scope, &input.service_id)?;
    let found = table::instances(&snapshot, scope, &service.id);
    let (found, next_token) =
        page(found, input.max_results, PAGE_MAX, input.next_token.as_deref()).map_err(bad_token)?;
    let shapes = found.iter().map(|row| InstanceSummary {
        id: Some(row.id.clone()),
        attributes: Some(row.attributes.clone()),
        created_by_account: Some(scope.account.clone()),
    });
    Ok(ListInstancesResponse {
        resource_owner: Some(scope.account.clone()),
        instances: Some(shapes.collect()),
        next_token,
    })
}
