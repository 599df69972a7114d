//! Capacity providers and the clusters that have them.

use aws_protocol::{ApiError, Context, page};
use aws_shape::ecs::*;

use super::missing;
use super::service_option::{provider, strategy};
use crate::Ecs;
use crate::model::cluster::{self, PROVIDERS};
use crate::model::service::State;
use crate::table::{self, CLUSTERS, SERVICES, key};
use crate::view;

const PROVIDERS_PER_PAGE_MAX: usize = 10;

pub(super) async fn put_cluster_capacity_providers(
    ecs: &Ecs,
    context: &Context,
    input: PutClusterCapacityProvidersRequest,
) -> Result<PutClusterCapacityProvidersResponse, ApiError> {
    let (scope, snapshot) = (context.scope.clone(), ecs.store.snapshot());
    let mut providers = Vec::new();
    for given in &input.capacity_providers {
        let name = provider(&snapshot, &scope, given)?;
        if !providers.contains(&name) {
            providers.push(name);
        }
    }
    let default = strategy(
        &input.default_capacity_provider_strategy,
        &providers,
        (&snapshot, &scope),
    )?;
    let row = ecs
        .store
        .write(move |tx| {
            let snapshot = tx.snapshot();
            let old = table::cluster(&snapshot, &scope, Some(&input.cluster))?;
            let services = snapshot.prefix(SERVICES, &key(&scope, &format!("{}/", old.name)));
            let used = services
                .iter()
                .filter(|(_, it)| it.state != State::Inactive)
                .flat_map(|(_, it)| &it.strategy);
            let mut lost = used.filter(|(name, ..)| !providers.contains(name));
            if lost.next().is_some() {
                return Err(ApiError::client(
                    "ResourceInUseException",
                    "The specified capacity provider is in use and cannot be removed.",
                ));
            }
            let row = cluster::Cluster {
                capacity_providers: providers,
                default_strategy: default,
                ..cluster::Cluster::clone(&old)
            };
            tx.put(CLUSTERS, &key(&scope, &row.name), row.clone());
            Ok(row)
        })
        .await?;
    let all = [ClusterField::Tags, ClusterField::Settings];
    let cluster = view::cluster(&context.scope, &row, &ecs.store.snapshot(), &all);
    Ok(PutClusterCapacityProvidersResponse {
        cluster: Some(cluster),
    })
}

pub(super) async fn describe_capacity_providers(
    ecs: &Ecs,
    context: &Context,
    input: DescribeCapacityProvidersRequest,
) -> Result<DescribeCapacityProvidersResponse, ApiError> {
    let (scope, snapshot) = (&context.scope, ecs.store.snapshot());
    let mut names: Vec<String> = PROVIDERS.map(str::to_owned).to_vec();
    let own = snapshot.prefix(table::PROVIDERS, &key(scope, ""));
    names.extend(own.into_iter().map(|(_, row)| row.name.clone()));
    if let Some(given) = &input.cluster {
        let cluster = table::cluster(&snapshot, scope, Some(given))?;
        names.retain(|name| cluster.capacity_providers.contains(name));
    }
    let mut failures = Vec::new();
    let wanted = input.capacity_providers.unwrap_or_default();
    if !wanted.is_empty() {
        let known = std::mem::take(&mut names);
        for given in wanted {
            let found = provider(&snapshot, scope, &given).ok();
            match found.filter(|name| known.contains(name)) {
                Some(name) => names.push(name),
                None => failures.push(missing(given)),
            }
        }
    }
    let (names, next_token) = page(
        names,
        input.max_results,
        PROVIDERS_PER_PAGE_MAX,
        input.next_token.as_deref(),
    )?;
    let with_tags = input
        .include
        .unwrap_or_default()
        .contains(&CapacityProviderField::Tags);
    let shape = |name: String| match snapshot.get(table::PROVIDERS, &key(scope, &name)) {
        Some(row) => view::provider(&row, with_tags),
        None => CapacityProvider {
            capacity_provider_arn: Some(scope.arn("ecs", &format!("capacity-provider/{name}"))),
            status: Some(CapacityProviderStatus::Active),
            type_: Some(name.as_str().into()),
            tags: Some(vec![]),
            name: Some(name),
            ..Default::default()
        },
    };
    Ok(DescribeCapacityProvidersResponse {
        capacity_providers: Some(names.into_iter().map(shape).collect()),
        failures: Some(failures),
        next_token,
    })
}
