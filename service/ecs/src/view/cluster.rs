//! How a cluster looks to a caller.

use std::sync::Arc;

use aws_shape::ecs as shape;
use base_id::Scope;
use base_store::Snapshot;
use contract::task::TaskPhase;

use super::{seen, tags};
use crate::model::cluster::{Cluster, PROVIDERS};
use crate::model::provider::Provider;
use crate::model::service::{Service, State};
use crate::model::task::{Launch, Task};
use crate::table::{self, SERVICES};

pub(crate) fn cluster(
    scope: &Scope,
    cluster: &Cluster,
    snapshot: &Snapshot,
    include: &[shape::ClusterField],
) -> shape::Cluster {
    let tasks = table::tasks(snapshot, scope, &cluster.name);
    let instances = table::instances(snapshot, scope, &cluster.name);
    let is = |task: &Task, running: bool| {
        let phase = seen(snapshot, task).map(|seen| seen.phase);
        !task.is_stopped() && (phase == Some(TaskPhase::Running)) == running && task.stop.is_none()
    };
    let services = snapshot.prefix(SERVICES, &table::key(scope, &format!("{}/", cluster.name)));
    let settings = cluster
        .settings
        .iter()
        .map(|(name, value)| shape::ClusterSetting {
            name: Some(name.as_str().into()),
            value: Some(value.clone()),
        });
    let strategy = cluster.default_strategy.iter();
    let strategy = strategy.map(|(provider, base, weight)| shape::CapacityProviderStrategyItem {
        capacity_provider: provider.clone(),
        base: Some(*base),
        weight: Some(*weight),
    });
    let wanted = |field: shape::ClusterField| include.contains(&field);
    shape::Cluster {
        cluster_arn: Some(cluster.arn.clone()),
        service_connect_defaults: cluster.namespace.clone().map(|namespace| {
            shape::ClusterServiceConnectDefaults {
                namespace: Some(namespace),
            }
        }),
        cluster_name: Some(cluster.name.clone()),
        status: Some(if cluster.inactive { "INACTIVE" } else { "ACTIVE" }.to_owned()),
        registered_container_instances_count: Some(instances.len() as i32),
        running_tasks_count: Some(tasks.iter().filter(|task| is(task, true)).count() as i32),
        pending_tasks_count: Some(tasks.iter().filter(|task| is(task, false)).count() as i32),
        active_services_count: Some(
            services
                .iter()
                .filter(|(_, it)| it.state == State::Active)
                .count() as i32,
        ),
        statistics: Some(if wanted(shape::ClusterField::Statistics) {
            statistics(snapshot, &tasks, &services)
        } else {
            vec![]
        }),
        tags: Some(if wanted(shape::ClusterField::Tags) {
            tags(&cluster.tags)
        } else {
            vec![]
        }),
        settings: Some(if wanted(shape::ClusterField::Settings) {
            settings.collect()
        } else {
            vec![]
        }),
        capacity_providers: Some(cluster.capacity_providers.clone()),
        default_capacity_provider_strategy: Some(strategy.collect()),
        attachments: wanted(shape::ClusterField::Attachments).then(|| attachments(snapshot, scope, cluster)),
        // What is attached is attached at once.
        attachments_status: cluster
            .capacity_providers
            .iter()
            .any(|name| !PROVIDERS.contains(&name.as_str()))
            .then(|| "UPDATE_COMPLETE".to_owned()),
        ..Default::default()
    }
}

/// What ECS has added to the Auto Scaling groups of a cluster's capacity providers.
fn attachments(snapshot: &Snapshot, scope: &Scope, cluster: &Cluster) -> Vec<shape::Attachment> {
    let rows = cluster.capacity_providers.iter();
    let rows = rows.filter_map(|name| snapshot.get(table::PROVIDERS, &table::key(scope, name)));
    let attachment = |row: &Provider, kind: &str| shape::Attachment {
        id: Some(format!("{}-{kind}", row.name)),
        type_: Some(kind.to_owned()),
        status: Some("CREATED".to_owned()),
        details: Some(vec![shape::KeyValuePair {
            name: Some("capacityProviderName".to_owned()),
            value: Some(row.name.clone()),
        }]),
    };
    rows.flat_map(|row| {
        let scaling = row.scaling.enabled.then(|| attachment(&row, "as_policy"));
        let draining = row.draining.then(|| attachment(&row, "managed_draining"));
        scaling.into_iter().chain(draining).collect::<Vec<_>>()
    })
    .collect()
}

/// Numbers by launch type, as text, as in AWS.
fn statistics(
    snapshot: &Snapshot,
    tasks: &[Arc<Task>],
    services: &[(String, Arc<Service>)],
) -> Vec<shape::KeyValuePair> {
    let mut all = Vec::new();
    for (name, launch) in [
        ("EC2", Launch::Ec2),
        ("Fargate", Launch::Fargate),
        ("External", Launch::External),
    ] {
        let count = |running: bool| {
            let of = |task: &&Arc<Task>| {
                let phase = seen(snapshot, task).map(|seen| seen.phase);
                let alive = !task.is_stopped() && task.stop.is_none() && task.launch == launch;
                alive && (phase == Some(TaskPhase::Running)) == running
            };
            tasks.iter().filter(of).count()
        };
        let of_state = |state: State| {
            let of = |service: &&Service| service.launch == launch && service.state == state;
            services.iter().map(|(_, it)| &**it).filter(of).count()
        };
        all.extend([
            (format!("running{name}TasksCount"), count(true)),
            (format!("pending{name}TasksCount"), count(false)),
            (format!("active{name}ServiceCount"), of_state(State::Active)),
            (format!("draining{name}ServiceCount"), of_state(State::Draining)),
        ]);
    }
    let pair = |(name, count): (String, usize)| shape::KeyValuePair {
        name: Some(name),
        value: Some(count.to_string()),
    };
    all.into_iter().map(pair).collect()
}
