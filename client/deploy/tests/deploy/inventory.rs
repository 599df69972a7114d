//! All that an account has, as far as deployments make it.

use std::collections::BTreeMap;

use aws_client::Client;
use aws_shape::{acm, ec2, ecr, ecs, elbv2, iam, logs, route53};

/// Names or ids by kind.
pub type Inventory = BTreeMap<&'static str, Vec<String>>;

pub async fn of(client: &Client) -> Inventory {
    let mut all = Inventory::new();
    network(client, &mut all).await;
    traffic(client, &mut all).await;
    services(client, &mut all).await;
    names(client, &mut all).await;
    all.retain(|_, names| !names.is_empty());
    for names in all.values_mut() {
        names.sort();
    }
    all
}

async fn network(client: &Client, all: &mut Inventory) {
    let (api, context): (&dyn ec2::Api, _) = (client, client.context());
    let found = api.describe_vpcs(&context, Default::default()).await.unwrap();
    all.insert(
        "vpc",
        found
            .vpcs
            .into_iter()
            .flatten()
            .filter_map(|it| it.vpc_id)
            .collect(),
    );
    let found = api.describe_subnets(&context, Default::default()).await.unwrap();
    all.insert(
        "subnet",
        found
            .subnets
            .into_iter()
            .flatten()
            .filter_map(|it| it.subnet_id)
            .collect(),
    );
    let found = api
        .describe_internet_gateways(&context, Default::default())
        .await
        .unwrap();
    let gateways = found.internet_gateways.into_iter().flatten();
    all.insert(
        "gateway",
        gateways.filter_map(|it| it.internet_gateway_id).collect(),
    );
    let found = api
        .describe_route_tables(&context, Default::default())
        .await
        .unwrap();
    let tables = found.route_tables.into_iter().flatten();
    all.insert("route table", tables.filter_map(|it| it.route_table_id).collect());
    let found = api
        .describe_security_groups(&context, Default::default())
        .await
        .unwrap();
    let groups = found.security_groups.into_iter().flatten();
    all.insert("security group", groups.filter_map(|it| it.group_name).collect());
}

async fn traffic(client: &Client, all: &mut Inventory) {
    let (api, context): (&dyn elbv2::Api, _) = (client, client.context());
    let found = api
        .describe_load_balancers(&context, Default::default())
        .await
        .unwrap();
    let balancers: Vec<_> = found.load_balancers.into_iter().flatten().collect();
    for balancer in &balancers {
        let input = elbv2::DescribeListenersInput {
            load_balancer_arn: balancer.load_balancer_arn.clone(),
            ..Default::default()
        };
        let found = api.describe_listeners(&context, input).await.unwrap();
        let ports = found
            .listeners
            .into_iter()
            .flatten()
            .map(|it| it.port.unwrap().to_string());
        all.entry("listener").or_default().extend(ports);
    }
    all.insert(
        "load balancer",
        balancers
            .into_iter()
            .filter_map(|it| it.load_balancer_name)
            .collect(),
    );
    let found = api
        .describe_target_groups(&context, Default::default())
        .await
        .unwrap();
    let groups = found.target_groups.into_iter().flatten();
    all.insert(
        "target group",
        groups.filter_map(|it| it.target_group_name).collect(),
    );
}

async fn names(client: &Client, all: &mut Inventory) {
    let (api, context): (&dyn route53::Api, _) = (client, client.context());
    let found = api.list_hosted_zones(&context, Default::default()).await.unwrap();
    for zone in found.hosted_zones {
        let input = route53::ListResourceRecordSetsRequest {
            hosted_zone_id: zone.id.rsplit('/').next().unwrap().to_owned(),
            ..Default::default()
        };
        let records = api.list_resource_record_sets(&context, input).await.unwrap();
        let records = records.resource_record_sets.iter();
        let records = records.map(|it| format!("{} {} {}", zone.name, it.type_, it.name));
        all.entry("record").or_default().extend(records);
        all.entry("zone").or_default().push(zone.name);
    }
    let api: &dyn acm::Api = client;
    let found = api.list_certificates(&context, Default::default()).await.unwrap();
    let certificates = found.certificate_summary_list.into_iter().flatten();
    all.insert(
        "certificate",
        certificates.filter_map(|it| it.certificate_arn).collect(),
    );
}

async fn services(client: &Client, all: &mut Inventory) {
    let context = client.context();
    let api: &dyn ecs::Api = client;
    let found = api.list_clusters(&context, Default::default()).await.unwrap();
    // What is gone is still listed for a while, as inactive.
    let input = ecs::DescribeClustersRequest {
        clusters: found.cluster_arns,
        include: None,
    };
    let found = api.describe_clusters(&context, input).await.unwrap();
    let clusters = found.clusters.into_iter().flatten();
    let active = clusters.filter(|it| it.status.as_deref() == Some("ACTIVE"));
    let clusters: Vec<String> = active.filter_map(|it| it.cluster_arn).collect();
    for cluster in &clusters {
        let input = ecs::ListServicesRequest {
            cluster: Some(cluster.clone()),
            ..Default::default()
        };
        let services = api.list_services(&context, input).await.unwrap().service_arns;
        let input = ecs::DescribeServicesRequest {
            cluster: Some(cluster.clone()),
            services: services.unwrap_or_default(),
            include: None,
        };
        if input.services.is_empty() {
            continue;
        }
        let found = api.describe_services(&context, input).await.unwrap();
        let services = found.services.into_iter().flatten();
        let active = services.filter(|it| it.status.as_deref() == Some("ACTIVE"));
        all.entry("service")
            .or_default()
            .extend(active.filter_map(|it| it.service_arn));
    }
    all.insert("cluster", clusters);
    let input = ecs::ListTaskDefinitionsRequest {
        status: Some(ecs::TaskDefinitionStatus::Active),
        ..Default::default()
    };
    let found = api.list_task_definitions(&context, input).await.unwrap();
    all.insert("task definition", found.task_definition_arns.unwrap_or_default());
    let api: &dyn ecr::Api = client;
    let found = api
        .describe_repositories(&context, Default::default())
        .await
        .unwrap();
    let repositories = found.repositories.into_iter().flatten();
    all.insert(
        "repository",
        repositories.filter_map(|it| it.repository_name).collect(),
    );
    let api: &dyn logs::Api = client;
    let found = api
        .describe_log_groups(&context, Default::default())
        .await
        .unwrap();
    let groups = found.log_groups.into_iter().flatten();
    all.insert("log group", groups.filter_map(|it| it.log_group_name).collect());
    let api: &dyn iam::Api = client;
    let found = api.list_roles(&context, Default::default()).await.unwrap();
    all.insert("role", found.roles.into_iter().map(|it| it.role_name).collect());
}
