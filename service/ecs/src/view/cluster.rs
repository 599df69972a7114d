//! How a cluster looks to a caller.

use aws_shape::ecs as shape;
use base_id::Scope;
use base_store::Snapshot;
use contract::task::TaskPhase;

use super::{seen, tags};
use crate::model::cluster::Cluster;
use crate::model::service::State;
use crate::model::task::Task;
use crate::table::{self, SERVICES};

pub(crate) fn cluster(
    scope: &Scope,
    cluster: &Cluster,
    snapshot: &Snapshot,
    include: &[shape::ClusterField],
) -> shape::Cluster {
    let tasks = table::tasks(snapshot, scope, &cluster.name);
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
        cluster_name: Some(cluster.name.clone()),
        status: Some(if cluster.inactive { "INACTIVE" } else { "ACTIVE" }.to_owned()),
        registered_container_instances_count: Some(0),
        running_tasks_count: Some(tasks.iter().filter(|task| is(task, true)).count() as i32),
        pending_tasks_count: Some(tasks.iter().filter(|task| is(task, false)).count() as i32),
        active_services_count: Some(
            services
                .iter()
                .filter(|(_, it)| it.state == State::Active)
                .count() as i32,
        ),
        statistics: Some(vec![]),
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
        ..Default::default()
    }
}
