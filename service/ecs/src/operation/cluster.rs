//! Clusters.

use aws_protocol::{ApiError, Context, page};
use aws_shape::ecs::*;

use super::{PAGE_ITEMS_MAX, missing};
use crate::Ecs;
use crate::error::{invalid, unsupported};
use crate::model::service::State;
use crate::model::{cluster, name};
use crate::table::{self, CLUSTERS, SERVICES, key};
use crate::view;

const CLUSTERS_PER_CALL_MAX: usize = 100;

/// Creating what is there already answers what is there, as in AWS.
pub(super) async fn create_cluster(
    ecs: &Ecs,
    context: &Context,
    input: CreateClusterRequest,
) -> Result<CreateClusterResponse, ApiError> {
    let name = input.cluster_name.unwrap_or_else(|| "default".to_owned());
    if !name::is_valid(&name) {
        return Err(invalid(
            "Cluster names contain only letters, numbers, hyphens, and underscores.",
        ));
    }
    let fargate = |it: &String| it == "FARGATE" || it == "FARGATE_SPOT";
    if input.capacity_providers.iter().flatten().any(|it| !fargate(it)) {
        return Err(unsupported("capacity providers other than FARGATE"));
    }
    if input.configuration.is_some() || input.service_connect_defaults.is_some() {
        return Err(unsupported(
            "a cluster's configuration and service connect defaults",
        ));
    }
    let strategy = input.default_capacity_provider_strategy.unwrap_or_default();
    if let Some(other) = strategy.iter().find(|it| it.capacity_provider != "FARGATE") {
        return Err(unsupported(&format!(
            "the capacity provider {} in a default strategy",
            other.capacity_provider
        )));
    }
    let strategy = strategy
        .into_iter()
        .map(|it| (it.capacity_provider, it.base.unwrap_or(0), it.weight.unwrap_or(0)));
    let strategy: Vec<(String, i32, i32)> = strategy.collect();
    let settings = input.settings.into_iter().flatten();
    let settings = settings
        .filter_map(|it| Some((it.name?.as_str().to_owned(), it.value?)))
        .collect();
    let scope = context.scope.clone();
    let new = cluster::Cluster {
        arn: view::cluster_arn(&scope, &name),
        name,
        created_at: ecs.clock.now(),
        inactive: false,
        settings,
        capacity_providers: input.capacity_providers.unwrap_or_default(),
        default_strategy: strategy,
        tags: table::tags(input.tags),
    };
    let cluster = ecs
        .store
        .write(move |tx| {
            let place = key(&scope, &new.name);
            if let Some(old) = tx.get(CLUSTERS, &place).filter(|old| !old.inactive) {
                return Ok(cluster::Cluster::clone(&old));
            }
            tx.put(CLUSTERS, &place, new.clone());
            Ok::<_, ApiError>(new)
        })
        .await?;
    let all = [ClusterField::Tags, ClusterField::Settings];
    let cluster = view::cluster(&context.scope, &cluster, &ecs.store.snapshot(), &all);
    Ok(CreateClusterResponse {
        cluster: Some(cluster),
    })
}

pub(super) async fn describe_clusters(
    ecs: &Ecs,
    context: &Context,
    input: DescribeClustersRequest,
) -> Result<DescribeClustersResponse, ApiError> {
    let (scope, snapshot) = (&context.scope, ecs.store.snapshot());
    let names = input
        .clusters
        .filter(|it| !it.is_empty())
        .unwrap_or_else(|| vec!["default".to_owned()]);
    if names.len() > CLUSTERS_PER_CALL_MAX {
        return Err(invalid(format!(
            "Clusters can have at most {CLUSTERS_PER_CALL_MAX} items."
        )));
    }
    let include = input.include.unwrap_or_default();
    let (mut clusters, mut failures) = (Vec::new(), Vec::new());
    for given in names {
        match snapshot.get(CLUSTERS, &key(scope, &name::cluster(Some(&given)))) {
            Some(cluster) => clusters.push(view::cluster(scope, &cluster, &snapshot, &include)),
            None => failures.push(missing(view::cluster_arn(scope, &name::cluster(Some(&given))))),
        }
    }
    Ok(DescribeClustersResponse {
        clusters: Some(clusters),
        failures: Some(failures),
    })
}

pub(super) async fn list_clusters(
    ecs: &Ecs,
    context: &Context,
    input: ListClustersRequest,
) -> Result<ListClustersResponse, ApiError> {
    let rows = ecs.store.snapshot().prefix(CLUSTERS, &key(&context.scope, ""));
    let arns = rows
        .into_iter()
        .filter(|(_, row)| !row.inactive)
        .map(|(_, row)| row.arn.clone())
        .collect();
    let (arns, next_token) = page(
        arns,
        input.max_results,
        PAGE_ITEMS_MAX,
        input.next_token.as_deref(),
    )?;
    Ok(ListClustersResponse {
        cluster_arns: Some(arns),
        next_token,
    })
}

pub(super) async fn delete_cluster(
    ecs: &Ecs,
    context: &Context,
    input: DeleteClusterRequest,
) -> Result<DeleteClusterResponse, ApiError> {
    let scope = context.scope.clone();
    let gone = ecs
        .store
        .write(move |tx| {
            let snapshot = tx.snapshot();
            let cluster = table::cluster(&snapshot, &scope, Some(&input.cluster))?;
            let services = snapshot.prefix(SERVICES, &key(&scope, &format!("{}/", cluster.name)));
            if services.iter().any(|(_, it)| it.state != State::Inactive) {
                let message = "The Cluster cannot be deleted while Services are active.";
                return Err(ApiError::client("ClusterContainsServicesException", message));
            }
            if table::tasks(&snapshot, &scope, &cluster.name)
                .iter()
                .any(|task| !task.is_stopped())
            {
                let message = "The Cluster cannot be deleted while Tasks are active.";
                return Err(ApiError::client("ClusterContainsTasksException", message));
            }
            let gone = cluster::Cluster {
                inactive: true,
                ..cluster::Cluster::clone(&cluster)
            };
            tx.put(CLUSTERS, &key(&scope, &gone.name), gone.clone());
            Ok(gone)
        })
        .await?;
    let cluster = view::cluster(&context.scope, &gone, &ecs.store.snapshot(), &[]);
    Ok(DeleteClusterResponse {
        cluster: Some(cluster),
    })
}
