//! Where what a run has deployed answers: the load balancers of services that were deployed since it began.

use std::collections::BTreeSet;

use aws_client::{Client, Keys, Overrides};
use aws_shape::{ecs, elbv2};
use jiff::Timestamp;

use crate::machine::{Cloud, Machine};

/// Services that one call describes.
const SERVICES_PER_CALL: usize = 10;

/// Empty when nothing was deployed, or nobody can say.
pub(crate) async fn urls(machine: &Machine, since: Timestamp, regions: &BTreeSet<String>) -> Vec<String> {
    let Some(cloud) = &machine.cloud else {
        return Vec::new();
    };
    let mut urls = Vec::new();
    for region in regions {
        if let Some(found) = of_region(cloud, region, since).await {
            urls.extend(found);
        }
    }
    urls
}

async fn of_region(cloud: &Cloud, region: &str, since: Timestamp) -> Option<Vec<String>> {
    let overrides = Overrides {
        endpoint: Some(cloud.endpoint.clone()),
        region: Some(region.to_owned()),
        credentials: Some(Keys {
            access_key: cloud.access_key.clone(),
            secret_key: cloud.secret_key.clone(),
            session_token: None,
        }),
        ..Overrides::default()
    };
    let client = Client::from_environment(overrides).await.ok()?;
    let mut found = Vec::new();
    for cluster in clusters(&client).await? {
        for service in services(&client, &cluster).await.unwrap_or_default() {
            let is_new = service.deployments.iter().flatten().any(|deployment| {
                deployment.status.as_deref() == Some("PRIMARY")
                    && deployment.created_at.is_some_and(|at| at >= since)
            });
            if !is_new {
                continue;
            }
            for group in service.load_balancers.into_iter().flatten().filter_map(|it| it.target_group_arn) {
                found.extend(addresses(&client, group).await.unwrap_or_default());
            }
        }
    }
    Some(found)
}

async fn clusters(client: &Client) -> Option<Vec<String>> {
    use ecs::Api as _;
    let context = client.context();
    let listed = client.list_clusters(&context, ecs::ListClustersRequest::default());
    listed.await.ok()?.cluster_arns
}

async fn services(client: &Client, cluster: &str) -> Option<Vec<ecs::Service>> {
    use ecs::Api as _;
    let context = client.context();
    let request = ecs::ListServicesRequest {
        cluster: Some(cluster.to_owned()),
        max_results: Some(100),
        ..Default::default()
    };
    let arns = client.list_services(&context, request).await.ok()?.service_arns?;
    let mut all = Vec::new();
    for part in arns.chunks(SERVICES_PER_CALL) {
        let request = ecs::DescribeServicesRequest {
            cluster: Some(cluster.to_owned()),
            services: part.to_vec(),
            ..Default::default()
        };
        all.extend(client.describe_services(&context, request).await.ok()?.services?);
    }
    Some(all)
}

/// Of every listener of the group's load balancers.
async fn addresses(client: &Client, group: String) -> Option<Vec<String>> {
    use elbv2::Api as _;
    let context = client.context();
    let request = elbv2::DescribeTargetGroupsInput {
        target_group_arns: Some(vec![group]),
        ..Default::default()
    };
    let groups = client.describe_target_groups(&context, request).await.ok()?.target_groups?;
    let mut urls = Vec::new();
    for arn in groups.into_iter().flat_map(|it| it.load_balancer_arns.unwrap_or_default()) {
        let request = elbv2::DescribeLoadBalancersInput {
            load_balancer_arns: Some(vec![arn.clone()]),
            ..Default::default()
        };
        let balancers = client.describe_load_balancers(&context, request).await.ok()?.load_balancers?;
        let request = elbv2::DescribeListenersInput {
            load_balancer_arn: Some(arn),
            ..Default::default()
        };
        let listeners = client.describe_listeners(&context, request).await.ok()?.listeners?;
        for balancer in &balancers {
            urls.extend(listeners.iter().filter_map(|listener| url(balancer, listener)));
        }
    }
    Some(urls)
}

/// A local cloud's load balancers are told by address, as not every program resolves names below `localhost`.
fn url(balancer: &elbv2::LoadBalancer, listener: &elbv2::Listener) -> Option<String> {
    let zones = balancer.availability_zones.iter().flatten();
    let address = zones
        .flat_map(|zone| zone.load_balancer_addresses.iter().flatten())
        .find_map(|it| it.ip_address.clone());
    let host = address.or_else(|| balancer.dns_name.clone())?;
    let scheme = listener.protocol.as_ref().map_or("http".to_owned(), |it| it.to_string().to_lowercase());
    let port = match (listener.port, scheme.as_str()) {
        (Some(80), "http") | (Some(443), "https") | (None, _) => String::new(),
        (Some(port), _) => format!(":{port}"),
    };
    Some(format!("{scheme}://{host}{port}/"))
}
