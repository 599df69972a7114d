//! A Cloud Map that only remembers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use aws_protocol::{ApiError, Context};
use aws_shape::servicediscovery::*;

pub(super) const NAMESPACE: &str = "arn:aws:servicediscovery:us-east-1:000000000000:namespace/ns-a";

/// Attributes of instances, by service id and instance id.
type Instances = BTreeMap<(String, String), BTreeMap<String, String>>;

#[derive(Clone, Default)]
pub(super) struct Map {
    /// Names by id.
    pub(super) services: Arc<Mutex<BTreeMap<String, String>>>,
    pub(super) instances: Arc<Mutex<Instances>>,
}

impl Map {
    /// A service with A records; its ARN.
    pub(super) fn add(&self, name: &str) -> String {
        let id = format!("srv-{name}");
        self.services.lock().unwrap().insert(id.clone(), name.to_owned());
        arn(&id)
    }

    /// Addresses that are found under a service.
    pub(super) fn found(&self, id: &str) -> Vec<String> {
        let instances = self.instances.lock().unwrap();
        let of = instances.iter().filter(|((service, _), _)| service == id);
        of.map(|(_, attributes)| attributes["AWS_INSTANCE_IPV4"].clone())
            .collect()
    }
}

fn arn(id: &str) -> String {
    format!("arn:aws:servicediscovery:us-east-1:000000000000:service/{id}")
}

fn service(id: &str, name: &str) -> Service {
    Service {
        id: Some(id.to_owned()),
        arn: Some(arn(id)),
        name: Some(name.to_owned()),
        dns_config: Some(DnsConfig {
            dns_records: vec![DnsRecord {
                type_: RecordType::A,
                ttl: 2,
            }],
            ..Default::default()
        }),
        ..Default::default()
    }
}

#[async_trait]
impl Api for Map {
    async fn list_namespaces(
        &self,
        _: &Context,
        _: ListNamespacesRequest,
    ) -> Result<ListNamespacesResponse, ApiError> {
        let own = NamespaceSummary {
            id: Some("ns-a".to_owned()),
            arn: Some(NAMESPACE.to_owned()),
            name: Some("shop.local".to_owned()),
            ..Default::default()
        };
        Ok(ListNamespacesResponse {
            namespaces: Some(vec![own]),
            next_token: None,
        })
    }

    async fn create_service(
        &self,
        _: &Context,
        input: CreateServiceRequest,
    ) -> Result<CreateServiceResponse, ApiError> {
        let id = format!("srv-{}", input.name);
        if self.services.lock().unwrap().contains_key(&id) {
            return Err(ApiError::client("ServiceAlreadyExists", "there is one"));
        }
        self.add(&input.name);
        Ok(CreateServiceResponse {
            service: Some(service(&id, &input.name)),
        })
    }

    async fn list_services(
        &self,
        _: &Context,
        _: ListServicesRequest,
    ) -> Result<ListServicesResponse, ApiError> {
        let services = self.services.lock().unwrap();
        let summary = |(id, name): (&String, &String)| ServiceSummary {
            arn: Some(arn(id)),
            id: Some(id.clone()),
            name: Some(name.clone()),
            ..Default::default()
        };
        Ok(ListServicesResponse {
            services: Some(services.iter().map(summary).collect()),
            next_token: None,
        })
    }

    async fn get_service(
        &self,
        _: &Context,
        input: GetServiceRequest,
    ) -> Result<GetServiceResponse, ApiError> {
        let services = self.services.lock().unwrap();
        let name = services.get(&input.id);
        let name = name.ok_or_else(|| ApiError::client("ServiceNotFound", "there is none"))?;
        Ok(GetServiceResponse {
            service: Some(service(&input.id, name)),
        })
    }

    async fn delete_service(
        &self,
        _: &Context,
        input: DeleteServiceRequest,
    ) -> Result<DeleteServiceResponse, ApiError> {
        if !self.found(&input.id).is_empty() {
            return Err(ApiError::client("ResourceInUse", "it has instances"));
        }
        self.services.lock().unwrap().remove(&input.id);
        Ok(DeleteServiceResponse {})
    }

    async fn register_instance(
        &self,
        _: &Context,
        input: RegisterInstanceRequest,
    ) -> Result<RegisterInstanceResponse, ApiError> {
        let key = (input.service_id, input.instance_id);
        self.instances.lock().unwrap().insert(key, input.attributes);
        Ok(RegisterInstanceResponse::default())
    }

    async fn deregister_instance(
        &self,
        _: &Context,
        input: DeregisterInstanceRequest,
    ) -> Result<DeregisterInstanceResponse, ApiError> {
        let key = (input.service_id, input.instance_id);
        match self.instances.lock().unwrap().remove(&key) {
            Some(_) => Ok(DeregisterInstanceResponse::default()),
            None => Err(ApiError::client("InstanceNotFound", "there is none")),
        }
    }
}
