//! Cloud Map over a Route 53 that checks every batch, and may fail when told so.

mod fakes;
mod instance;
mod namespace;
mod real;
mod service;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_protocol::{ApiError, Context};
use aws_shape::servicediscovery::*;
use base_clock::ManualClock;
use base_id::{Scope, SequentialIds};
use base_reconcile::Reconciler as _;
use base_store::Store;
use contract::dns::{Head, ObservedCheck, ObservedDns};

use crate::table::OBSERVED_DNS;
use crate::{Neighbours, Operations, ServiceDiscovery};
use fakes::{Names, Networks, Trouble};

struct World {
    map: ServiceDiscovery,
    names: Arc<Names>,
    store: Store,
    clock: Arc<ManualClock>,
    context: Context,
}

fn world() -> World {
    let store = Store::in_memory();
    let clock = Arc::new(ManualClock::new("2026-01-01T12:00:00Z".parse().unwrap()));
    let names = Arc::new(Names::default());
    let neighbours = Neighbours {
        route53: names.clone(),
        ec2: Arc::new(Networks),
    };
    let ids = Arc::new(SequentialIds::default());
    World {
        map: ServiceDiscovery::new(store.clone(), clock.clone(), ids, neighbours),
        names,
        store,
        clock,
        context: Context {
            scope: Scope::new("000000000000", "us-east-1"),
            request_id: "r".into(),
            principal_arn: "arn:aws:iam::000000000000:root".into(),
            access_key: "k".into(),
        },
    }
}

impl World {
    async fn operation(&self, id: Option<String>) -> Operation {
        let input = GetOperationRequest {
            operation_id: id.unwrap(),
            owner_account: None,
        };
        let found = self.map.get_operation(&self.context, input).await.unwrap();
        found.operation.unwrap()
    }

    async fn status(&self, id: Option<String>) -> OperationStatus {
        self.operation(id).await.status.unwrap()
    }

    async fn private(&self, name: &str) -> Result<Option<String>, ApiError> {
        let input = CreatePrivateDnsNamespaceRequest {
            name: name.into(),
            vpc: "vpc-1".into(),
            ..Default::default()
        };
        let made = self
            .map
            .create_private_dns_namespace(&self.context, input)
            .await?;
        Ok(made.operation_id)
    }

    /// A private namespace of this name; its id.
    async fn namespace(&self, name: &str) -> String {
        let operation = self.operation(self.private(name).await.unwrap()).await;
        assert_eq!(operation.status, Some(OperationStatus::Success), "{operation:?}");
        operation.targets.unwrap()["NAMESPACE"].clone()
    }

    async fn service(&self, input: CreateServiceRequest) -> String {
        let made = self.map.create_service(&self.context, input).await.unwrap();
        made.service.unwrap().id.unwrap()
    }

    /// A service `web` with these records in a private namespace `corp`.
    async fn web(&self, records: &[(&str, i64)], policy: &str) -> String {
        let namespace = self.namespace("corp").await;
        self.service(request(&namespace, records, policy)).await
    }

    async fn register(
        &self,
        service: &str,
        id: &str,
        attributes: &[(&str, &str)],
    ) -> Result<Option<String>, ApiError> {
        let input = RegisterInstanceRequest {
            service_id: service.into(),
            instance_id: id.into(),
            creator_request_id: None,
            attributes: map(attributes),
        };
        let done = self.map.register_instance(&self.context, input).await?;
        Ok(done.operation_id)
    }

    async fn deregister(&self, service: &str, id: &str) -> Result<Option<String>, ApiError> {
        let input = DeregisterInstanceRequest {
            service_id: service.into(),
            instance_id: id.into(),
        };
        let done = self.map.deregister_instance(&self.context, input).await?;
        Ok(done.operation_id)
    }

    async fn discover(&self, input: DiscoverInstancesRequest) -> Vec<String> {
        let found = self.map.discover_instances(&self.context, input).await.unwrap();
        let all = found.instances.unwrap().into_iter();
        all.map(|it| it.instance_id.unwrap()).collect()
    }

    async fn tell(&self, service: &str, id: &str, status: CustomHealthStatus) -> Result<(), ApiError> {
        let input = UpdateInstanceCustomHealthStatusRequest {
            service_id: service.into(),
            instance_id: id.into(),
            status,
        };
        self.map
            .update_instance_custom_health_status(&self.context, input)
            .await
    }

    /// How well the instances are, in the order of their ids.
    async fn told(&self, service: &str) -> Vec<HealthStatus> {
        let input = GetInstancesHealthStatusRequest {
            service_id: service.into(),
            ..Default::default()
        };
        let told = self
            .map
            .get_instances_health_status(&self.context, input)
            .await
            .unwrap();
        told.status.unwrap().into_values().collect()
    }

    /// The name server has probed this health check.
    async fn see(&self, check: &str, healthy: bool) {
        let seen = ObservedDns {
            checks: vec![ObservedCheck {
                id: check.into(),
                healthy,
                results: vec![],
                last_failures: vec![],
            }],
            ..Default::default()
        };
        let written = self.store.write(|tx| {
            tx.put(OBSERVED_DNS, Head::KEY, seen);
            Ok::<_, ApiError>(())
        });
        written.await.unwrap();
    }

    async fn reconcile(&self) -> Result<(), String> {
        self.clock.advance(Duration::from_secs(1));
        Operations::new(self.map.clone()).activate().await.map(drop)
    }
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn records(given: &[(&str, i64)]) -> Vec<DnsRecord> {
    let record = |&(kind, ttl): &(&str, i64)| DnsRecord {
        type_: kind.into(),
        ttl,
    };
    given.iter().map(record).collect()
}

fn request(namespace: &str, given: &[(&str, i64)], policy: &str) -> CreateServiceRequest {
    CreateServiceRequest {
        name: "web".into(),
        namespace_id: Some(namespace.into()),
        dns_config: Some(DnsConfig {
            namespace_id: None,
            routing_policy: Some(policy.into()),
            dns_records: records(given),
        }),
        ..Default::default()
    }
}

fn found(service: &str) -> DiscoverInstancesRequest {
    DiscoverInstancesRequest {
        namespace_name: "corp".into(),
        service_name: service.into(),
        ..Default::default()
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, ApiError>) -> String {
    result.unwrap_err().code
}
