//! Clusters.

use aws_protocol::{ApiError, Context, page};
use aws_shape::ecs::*;

use super::service_discovery;
use super::service_option::{provider, strategy};
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
    refuse_unserved(input.configuration.is_some())?;
    let snapshot = ecs.store.snapshot();
    let providers: Vec<String> = input
        .capacity_providers
        .iter()
        .flatten()
        .map(|given| provider(&snapshot, &context.scope, given))
        .collect::<Result<_, _>>()?;
    let strategy = strategy(
        &input.default_capacity_provider_strategy.unwrap_or_default(),
        &providers,
        (&snapshot, &context.scope),
    )?;
    let scope = context.scope.clone();
    // What the account says of Container Insights holds for new clusters.
    let insights = super::account::container_insights(&ecs.store.snapshot(), context);
    let before = [(
        ClusterSettingName::ContainerInsights.as_str().to_owned(),
        insights,
    )];
    let settings = settings(&before, input.settings.unwrap_or_default())?;
    let new = cluster::Cluster {
        arn: view::cluster_arn(&scope, &name),
        name,
        created_at: ecs.clock.now(),
        inactive: false,
        settings,
        capacity_providers: providers,
        default_strategy: strategy,
        tags: table::tags(input.tags),
        namespace: namespace(ecs, context, input.service_connect_defaults)
            .await?
            .flatten(),
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

fn refuse_unserved(configuration: bool) -> Result<(), ApiError> {
    if configuration {
        return Err(unsupported("a cluster's configuration"));
    }
    Ok(())
}

/// The namespace in which the cluster's services find each other; an empty name takes it away.
async fn namespace(
    ecs: &Ecs,
    context: &Context,
    given: Option<ClusterServiceConnectDefaultsRequest>,
) -> Result<Option<Option<String>>, ApiError> {
    match given {
        None => Ok(None),
        Some(given) if given.namespace.is_empty() => Ok(Some(None)),
        Some(given) => service_discovery::default_namespace(ecs, context, &given.namespace)
            .await
            .map(|arn| Some(Some(arn))),
    }
}

/// The settings there were, with those that are given instead.
fn settings(
    before: &[(String, String)],
    given: Vec<ClusterSetting>,
) -> Result<Vec<(String, String)>, ApiError> {
    let mut settings = before.to_vec();
    for one in given {
        let name = one.name.unwrap_or_else(|| "".into());
        if name != ClusterSettingName::ContainerInsights {
            return Err(invalid("Setting name should be one of [containerInsights]"));
        }
        let value = one.value.unwrap_or_default();
        if !["enabled", "disabled", "enhanced"].contains(&value.as_str()) {
            return Err(invalid(
                "Invalid value for setting containerInsights: it should be one of [enabled,disabled,enhanced]",
            ));
        }
        settings.retain(|(other, _)| other != name.as_str());
        settings.push((name.as_str().to_owned(), value));
    }
    Ok(settings)
}

pub(super) async fn update_cluster(
    ecs: &Ecs,
    context: &Context,
    input: UpdateClusterRequest,
) -> Result<UpdateClusterResponse, ApiError> {
    refuse_unserved(input.configuration.is_some())?;
    let namespace = namespace(ecs, context, input.service_connect_defaults).await?;
    let settings = input.settings.unwrap_or_default();
    let cluster = change_settings(ecs, context, &input.cluster, settings, namespace).await?;
    Ok(UpdateClusterResponse {
        cluster: Some(cluster),
    })
}

pub(super) async fn update_cluster_settings(
    ecs: &Ecs,
    context: &Context,
    input: UpdateClusterSettingsRequest,
) -> Result<UpdateClusterSettingsResponse, ApiError> {
    if input.settings.is_empty() {
        return Err(invalid("Settings cannot be empty."));
    }
    let cluster = change_settings(ecs, context, &input.cluster, input.settings, None).await?;
    Ok(UpdateClusterSettingsResponse {
        cluster: Some(cluster),
    })
}

async fn change_settings(
    ecs: &Ecs,
    context: &Context,
    given: &str,
    new: Vec<ClusterSetting>,
    namespace: Option<Option<String>>,
) -> Result<Cluster, ApiError> {
    let (scope, given) = (context.scope.clone(), given.to_owned());
    let row = ecs
        .store
        .write(move |tx| {
            let old = table::cluster(&tx.snapshot(), &scope, Some(&given))?;
            let row = cluster::Cluster {
                settings: settings(&old.settings, new)?,
                namespace: namespace.unwrap_or_else(|| old.namespace.clone()),
                ..cluster::Cluster::clone(&old)
            };
            tx.put(CLUSTERS, &key(&scope, &row.name), row.clone());
            Ok::<_, ApiError>(row)
        })
        .await?;
    let all = [ClusterField::Tags, ClusterField::Settings];
    Ok(view::cluster(&context.scope, &row, &ecs.store.snapshot(), &all))
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
            if !table::instances(&snapshot, &scope, &cluster.name).is_empty() {
                let message =
                    "The Cluster cannot be deleted while Container Instances are active or draining.";
                return Err(ApiError::client(
                    "ClusterContainsContainerInstancesException",
                    message,
                ));
            }
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
