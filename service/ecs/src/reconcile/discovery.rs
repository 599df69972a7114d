//! Telling Cloud Map who can be found: tasks that run and are well are instances of their registries, those that shall
//! stop are none any more.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_protocol::{ApiError, Context};
use aws_shape::servicediscovery as map;
use base_id::Scope;
use base_store::Snapshot;
use contract::task::{Health, TaskPhase};

use crate::model::discovery::{Discovery, Presence, Registry, Until};
use crate::model::name;
use crate::model::service::{LoadBalancer, Service, State};
use crate::model::task::{self, Task};
use crate::table::{self, SERVICES, TASKS};
use crate::{Ecs, event};

/// Lists and unlists as the tasks of one service need it.
pub(super) async fn follow(
    ecs: &Ecs,
    snapshot: &Snapshot,
    place: &str,
    service: &Service,
) -> Result<(), ApiError> {
    let scope = Scope::of_key(place);
    let context = Ecs::own_context(&scope, "ecs-tasks");
    let tasks = table::tasks(snapshot, &scope, &service.cluster);
    let mine: Vec<Arc<Task>> = tasks
        .into_iter()
        .filter(|task| task.service() == Some(&service.name) && !task.discovery.is_empty())
        .collect();
    let (mut said, mut failure) = (Vec::new(), None);
    for task in &mine {
        let well = is_well(snapshot, &scope, task);
        let done = match (&task.presence, well) {
            (Presence::Listed, true) | (Presence::NotYet | Presence::Left { .. }, false) => continue,
            (_, true) => list(ecs, &context, task)
                .await
                .map(|()| event::listed(service, &task.id)),
            (_, false) => unlist(ecs, &context, task)
                .await
                .map(|()| event::unlisted(service, &task.id)),
        };
        // One that cannot be done keeps none of the others.
        match done {
            Ok(sentence) => said.push(sentence),
            Err(error) => failure = Some(error),
        }
    }
    if service.state != State::Active
        && mine
            .iter()
            .all(|task| task.may_be_found().is_none_or(|it| matches!(it, Until::At(_))))
    {
        forget(ecs, &context, service).await?;
    }
    if !said.is_empty() {
        super::registration::say(ecs, place, said).await?;
    }
    failure.map_or(Ok(()), Err)
}

/// Noted first: what is noted and not done is taken back without harm.
async fn list(ecs: &Ecs, context: &Context, task: &Task) -> Result<(), ApiError> {
    note(ecs, &context.scope, task, Presence::Listing).await?;
    for registry in registries(&task.discovery) {
        register(ecs, context, task, &registry).await?;
    }
    note(ecs, &context.scope, task, Presence::Listed).await
}

async fn unlist(ecs: &Ecs, context: &Context, task: &Task) -> Result<(), ApiError> {
    for registry in registries(&task.discovery) {
        deregister(ecs, context, task, &registry).await?;
    }
    let at = ecs.clock.now();
    note(ecs, &context.scope, task, Presence::Left { at }).await
}

fn is_well(snapshot: &Snapshot, scope: &Scope, task: &Task) -> bool {
    let Some(seen) = table::observed(snapshot, task) else {
        return false;
    };
    let definition = table::definition_of(snapshot, scope, &task.task_definition);
    let judges = definition
        .as_ref()
        .map(|it| task::judges(&it.spec))
        .unwrap_or_default();
    let well = judges.is_empty() || task::health(Some(&seen), &judges) == Health::Healthy;
    task.stop.is_none() && !task.is_stopped() && seen.phase == TaskPhase::Running && well
}

/// All services of Cloud Map in which a task is an instance; those of Service Connect with the port that it serves.
fn registries(discovery: &Discovery) -> Vec<Registry> {
    let connected = discovery.servers().iter().map(|server| Registry {
        arn: server.registry.clone(),
        port: Some(server.port),
        container: None,
        container_port: None,
        ttl_seconds: 0,
    });
    discovery.registries.iter().cloned().chain(connected).collect()
}

fn id_of(registry: &Registry) -> String {
    let (_, id) = registry.arn.rsplit_once('/').unwrap_or_default();
    id.to_owned()
}

async fn register(ecs: &Ecs, context: &Context, task: &Task, registry: &Registry) -> Result<(), ApiError> {
    let Some(attributes) = attributes(context, task, registry) else {
        return Ok(());
    };
    let input = map::RegisterInstanceRequest {
        service_id: id_of(registry),
        instance_id: task.id.clone(),
        creator_request_id: None,
        attributes,
    };
    match ecs.neighbours.names.register_instance(context, input).await {
        // Somebody has removed it: there is nowhere to be found any more.
        Err(error) if error.code == "ServiceNotFound" => Ok(()),
        result => result.map(drop),
    }
}

/// What AWS's scheduler says of a task; `None` when it has no address of its own and no port of its host.
fn attributes(context: &Context, task: &Task, registry: &Registry) -> Option<BTreeMap<String, String>> {
    let named = registry.container.clone().zip(registry.container_port);
    let end = LoadBalancer {
        target_group: String::new(),
        container: named.as_ref().map(|(name, _)| name.clone()).unwrap_or_default(),
        port: named.map(|(_, port)| port).or(registry.port).unwrap_or_default(),
    };
    let (address, port) = task.endpoint(&end)?;
    let family = task.task_definition.rsplit_once('/').map_or("", |(_, it)| it);
    let family = family.split(':').next().unwrap_or_default();
    let mut attributes = BTreeMap::from([
        ("AWS_INSTANCE_IPV4", address.to_string()),
        ("ECS_CLUSTER_NAME", name::cluster(Some(&task.cluster))),
        ("ECS_SERVICE_NAME", task.service().unwrap_or_default().to_owned()),
        ("ECS_TASK_DEFINITION_FAMILY", family.to_owned()),
        ("REGION", context.scope.region.clone()),
    ]);
    if let Some(attachment) = task.attachment() {
        attributes.insert("AVAILABILITY_ZONE", attachment.zone.clone());
    }
    if port != 0 {
        attributes.insert("AWS_INSTANCE_PORT", port.to_string());
    }
    let own = attributes.into_iter();
    Some(own.map(|(name, value)| (name.to_owned(), value)).collect())
}

async fn deregister(ecs: &Ecs, context: &Context, task: &Task, registry: &Registry) -> Result<(), ApiError> {
    let input = map::DeregisterInstanceRequest {
        service_id: id_of(registry),
        instance_id: task.id.clone(),
    };
    match ecs.neighbours.names.deregister_instance(context, input).await {
        Err(error) if ["ServiceNotFound", "InstanceNotFound"].contains(&error.code.as_ref()) => Ok(()),
        result => result.map(drop),
    }
}

async fn note(ecs: &Ecs, scope: &Scope, task: &Task, presence: Presence) -> Result<(), ApiError> {
    let place = table::key(scope, &format!("{}/{}", task.cluster, task.id));
    ecs.store
        .write(move |tx| {
            if let Some(row) = tx.get(TASKS, &place) {
                let mut task = Task::clone(&row);
                task.presence = presence;
                task.version += 1;
                tx.put(TASKS, &place, task);
            }
            Ok(())
        })
        .await
}

/// The services of Cloud Map that stood for its ports go with it, unless others are in them.
async fn forget(ecs: &Ecs, context: &Context, service: &Service) -> Result<(), ApiError> {
    let names = &ecs.neighbours.names;
    let all = ecs
        .store
        .snapshot()
        .prefix(SERVICES, &table::key(&context.scope, ""));
    let used = |registry: &String| {
        let mut others = all.iter().filter(|(_, it)| it.state == State::Active);
        others.any(|(_, it)| {
            it.discovery
                .servers()
                .iter()
                .any(|server| server.registry == *registry)
        })
    };
    for server in service
        .discovery
        .servers()
        .iter()
        .filter(|it| !used(&it.registry))
    {
        let id = server
            .registry
            .rsplit_once('/')
            .map_or("", |(_, id)| id)
            .to_owned();
        let there = names
            .get_service(context, map::GetServiceRequest { id: id.clone() })
            .await;
        match there {
            Err(error) if error.code == "ServiceNotFound" => continue,
            result => drop(result?),
        }
        match names
            .delete_service(context, map::DeleteServiceRequest { id })
            .await
        {
            Err(error) if ["ServiceNotFound", "ResourceInUse"].contains(&error.code.as_ref()) => {}
            result => result.map(drop)?,
        }
    }
    Ok(())
}
