//! Container instances: looking at them, draining them, letting them go.

use aws_protocol::{ApiError, Context, page};
use aws_shape::ecs::*;
use base_id::Scope;

use super::{PAGE_ITEMS_MAX, missing};
use crate::Ecs;
use crate::error::invalid;
use crate::lodging::{self, House};
use crate::model::instance::Instance;
use crate::model::placement;
use crate::model::task::StopCode;
use crate::table::{self, INSTANCES, key};
use crate::view;

const INSTANCES_PER_CALL_MAX: usize = 100;
const STATE_CHANGES_MAX: usize = 10;

pub(super) fn not_found() -> ApiError {
    invalid("The referenced container instance was not found.")
}

pub(super) async fn list_container_instances(
    ecs: &Ecs,
    context: &Context,
    input: ListContainerInstancesRequest,
) -> Result<ListContainerInstancesResponse, ApiError> {
    let (scope, snapshot) = (&context.scope, ecs.store.snapshot());
    let cluster = table::cluster(&snapshot, scope, input.cluster.as_deref())?;
    let status = match &input.status {
        Some(ContainerInstanceStatus::Other(other)) => {
            return Err(invalid(format!(
                "status should be one of [ACTIVE,DRAINING,REGISTERING,DEREGISTERING,REGISTRATION_FAILED], not {other}"
            )));
        }
        status => status.as_ref().map(ContainerInstanceStatus::as_str),
    };
    let query = input.filter.as_deref().filter(|text| !text.is_empty());
    let query = query.map(placement::expression).transpose()?;
    let wanted = |house: &House| {
        status.is_none_or(|status| house.instance.status() == status)
            && query
                .as_ref()
                .is_none_or(|query| query.holds(&house.facts(&snapshot)))
    };
    let houses = lodging::houses(&snapshot, scope, &cluster.name);
    let arns = houses.iter().filter(|house| wanted(house));
    let arns = arns.map(|house| house.instance.arn.clone()).collect();
    let (arns, next_token) = page(
        arns,
        input.max_results,
        PAGE_ITEMS_MAX,
        input.next_token.as_deref(),
    )?;
    Ok(ListContainerInstancesResponse {
        container_instance_arns: Some(arns),
        next_token,
    })
}

/// The instances that a request names, and those that are not there.
fn named(houses: Vec<House>, given: &[String], scope: &Scope, cluster: &str) -> (Vec<House>, Vec<Failure>) {
    let mut houses: Vec<Option<House>> = houses.into_iter().map(Some).collect();
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for one in given {
        let id = one.rsplit('/').next().unwrap_or(one);
        let mut slots = houses.iter_mut();
        let slot = slots.find(|it| it.as_ref().is_some_and(|it| it.instance.id == id));
        match slot.and_then(Option::take) {
            Some(house) => found.push(house),
            None => failures.push(missing(view::instance_arn(scope, cluster, id))),
        }
    }
    (found, failures)
}

pub(super) async fn describe_container_instances(
    ecs: &Ecs,
    context: &Context,
    input: DescribeContainerInstancesRequest,
) -> Result<DescribeContainerInstancesResponse, ApiError> {
    let (scope, snapshot) = (&context.scope, ecs.store.snapshot());
    let cluster = table::cluster(&snapshot, scope, input.cluster.as_deref())?;
    if input.container_instances.is_empty() {
        return Err(invalid("Container Instances cannot be empty."));
    }
    if input.container_instances.len() > INSTANCES_PER_CALL_MAX {
        return Err(invalid(format!(
            "Container Instances can have at most {INSTANCES_PER_CALL_MAX} items."
        )));
    }
    let houses = lodging::houses(&snapshot, scope, &cluster.name);
    let (found, failures) = named(houses, &input.container_instances, scope, &cluster.name);
    let include = input.include.unwrap_or_default();
    let shape = |house: &House| view::instance(scope, house, &snapshot, &include);
    Ok(DescribeContainerInstancesResponse {
        container_instances: Some(found.iter().map(shape).collect()),
        failures: Some(failures),
    })
}

pub(super) async fn update_container_instances_state(
    ecs: &Ecs,
    context: &Context,
    input: UpdateContainerInstancesStateRequest,
) -> Result<UpdateContainerInstancesStateResponse, ApiError> {
    let draining = match &input.status {
        ContainerInstanceStatus::Active => false,
        ContainerInstanceStatus::Draining => true,
        _ => {
            return Err(invalid(
                "Container instance status should be one of [ACTIVE,DRAINING]",
            ));
        }
    };
    if input.container_instances.is_empty() {
        return Err(invalid("Container Instances cannot be empty."));
    }
    if input.container_instances.len() > STATE_CHANGES_MAX {
        return Err(invalid(format!(
            "Container Instances can have at most {STATE_CHANGES_MAX} items."
        )));
    }
    let scope = context.scope.clone();
    let (given, cluster) = (input.container_instances.clone(), input.cluster.clone());
    let cluster = ecs
        .store
        .write(move |tx| {
            let cluster = table::cluster(&tx.snapshot(), &scope, cluster.as_deref())?;
            for one in &given {
                let Some(row) = table::instance(&tx.snapshot(), &scope, &cluster.name, one) else {
                    continue;
                };
                if row.draining != draining {
                    let row = Instance {
                        draining,
                        // Whoever makes it active again wants to keep it.
                        leaving: row.leaving && draining,
                        version: row.version + 1,
                        ..Instance::clone(&row)
                    };
                    tx.put(INSTANCES, &key(&scope, &row.path()), row);
                }
            }
            Ok::<_, ApiError>(cluster)
        })
        .await?;
    let (scope, snapshot) = (&context.scope, ecs.store.snapshot());
    let houses = lodging::houses(&snapshot, scope, &cluster.name);
    let (found, failures) = named(houses, &input.container_instances, scope, &cluster.name);
    let shape = |house: &House| view::instance(scope, house, &snapshot, &[]);
    Ok(UpdateContainerInstancesStateResponse {
        container_instances: Some(found.iter().map(shape).collect()),
        failures: Some(failures),
    })
}

pub(super) async fn deregister_container_instance(
    ecs: &Ecs,
    context: &Context,
    input: DeregisterContainerInstanceRequest,
) -> Result<DeregisterContainerInstanceResponse, ApiError> {
    let (scope, now) = (context.scope.clone(), ecs.clock.now());
    let shape = ecs
        .store
        .write(move |tx| {
            let snapshot = tx.snapshot();
            let cluster = table::cluster(&snapshot, &scope, input.cluster.as_deref())?;
            let row = table::instance(&snapshot, &scope, &cluster.name, &input.container_instance)
                .ok_or_else(not_found)?;
            let houses = lodging::houses(&snapshot, &scope, &cluster.name);
            let house = houses.into_iter().find(|it| it.instance.id == row.id);
            let house = house.ok_or_else(not_found)?;
            if !house.tasks.is_empty() && input.force != Some(true) {
                return Err(invalid("Found running tasks on the instance."));
            }
            let reason = "Container instance deregistration forced by user";
            lodging::evict(tx, &scope, &house.tasks, (StopCode::UserInitiated, reason), now);
            tx.delete(INSTANCES, &key(&scope, &row.path()));
            let shape = view::instance(&scope, &house, &snapshot, &[]);
            Ok::<_, ApiError>(ContainerInstance {
                status: Some("INACTIVE".to_owned()),
                agent_connected: Some(false),
                ..shape
            })
        })
        .await?;
    Ok(DeregisterContainerInstanceResponse {
        container_instance: Some(shape),
    })
}
