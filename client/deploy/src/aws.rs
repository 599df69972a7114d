//! The services, and the tags by which their resources are known as ours.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_protocol::Context;
use aws_shape::{acm, ec2, ecr, ecs, elbv2, iam, logs, route53, secretsmanager, ssm, sts};

use crate::name::AppName;

/// The application that something belongs to.
pub(crate) const APP_TAG: &str = "wharf:app";
/// The cluster that the application is in: load balancers know none, and the same name may be in two.
pub(crate) const CLUSTER_TAG: &str = "wharf:cluster";
/// The network that all applications share.
pub(crate) const NETWORK_TAG: &str = "wharf:network";
pub(crate) const NETWORK_NAME: &str = "wharf";
/// On everything that is made here.
pub(crate) const MADE_TAG: &str = "wharf:created-by";
const MADE_BY: &str = "wharf";
/// On a load balancer: the domain that leads to it.
pub(crate) const DOMAIN_TAG: &str = "wharf:domain";
/// On a load balancer, while another domain takes the place of this one.
pub(crate) const DOMAIN_BEFORE_TAG: &str = "wharf:domain-before";
/// On task definitions: the same for the same definition.
pub(crate) const FINGERPRINT_TAG: &str = "wharf:fingerprint";

/// One account in one region.
#[derive(Clone)]
pub(crate) struct Aws {
    pub ecs: Arc<dyn ecs::Api>,
    pub ecr: Arc<dyn ecr::Api>,
    pub elb: Arc<dyn elbv2::Api>,
    pub ec2: Arc<dyn ec2::Api>,
    pub zones: Arc<dyn route53::Api>,
    pub certificates: Arc<dyn acm::Api>,
    pub logs: Arc<dyn logs::Api>,
    pub iam: Arc<dyn iam::Api>,
    pub secrets: Arc<dyn secretsmanager::Api>,
    pub parameters: Arc<dyn ssm::Api>,
    pub sts: Arc<dyn sts::Api>,
    pub context: Context,
    pub region: String,
    /// Such as `https://api.ecr.eu-west-3.amazonaws.com/`.
    pub endpoint: String,
}

impl Aws {
    pub fn new(client: &aws_client::Client) -> Self {
        let shared = Arc::new(client.clone());
        Self {
            ecs: shared.clone(),
            ecr: shared.clone(),
            elb: shared.clone(),
            ec2: shared.clone(),
            zones: shared.clone(),
            certificates: shared.clone(),
            logs: shared.clone(),
            iam: shared.clone(),
            secrets: shared.clone(),
            parameters: shared.clone(),
            sts: shared,
            context: client.context(),
            region: client.region().to_owned(),
            endpoint: client.endpoint(&ecr::SERVICE).unwrap_or_default(),
        }
    }
}

impl Aws {
    /// Whether something else answers in AWS's place: a local cloud, or a test's.
    pub fn is_stand_in(&self) -> bool {
        !is_aws_host(&host_of(&self.endpoint))
    }
}

/// The host of an address, with or without a scheme; without its port.
pub(crate) fn host_of(address: &str) -> String {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or_default();
    host.rsplit_once(':').map_or(host, |(host, _)| host).to_owned()
}

pub(crate) fn is_aws_host(host: &str) -> bool {
    [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"]
        .iter()
        .any(|domain| host.ends_with(domain))
}

/// A resource's tags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tags(BTreeMap<String, String>);

impl Tags {
    /// For what belongs to one application.
    pub fn of_app(name: &AppName, cluster: &str) -> Self {
        Self::made()
            .with(APP_TAG, name.as_str())
            .with(CLUSTER_TAG, cluster)
    }

    /// For what all applications share.
    pub fn shared() -> Self {
        Self::made()
    }

    pub fn of_network() -> Self {
        Self::made().with(NETWORK_TAG, NETWORK_NAME)
    }

    fn made() -> Self {
        Self::default().with(MADE_TAG, MADE_BY)
    }

    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.0.insert(key.to_owned(), value.to_owned());
        self
    }

    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Whether it was made here.
    pub fn are_ours(&self) -> bool {
        self.get(MADE_TAG) == Some(MADE_BY)
    }

    /// Whether it was made here for this application.
    pub fn are_of(&self, name: &AppName, cluster: &str) -> bool {
        self.are_ours() && self.get(APP_TAG) == Some(name.as_str()) && self.get(CLUSTER_TAG) == Some(cluster)
    }

    pub fn ecs(&self) -> Vec<ecs::Tag> {
        let tag = |(key, value): (&String, &String)| ecs::Tag {
            key: Some(key.clone()),
            value: Some(value.clone()),
        };
        self.0.iter().map(tag).collect()
    }

    pub fn ecr(&self) -> Vec<ecr::Tag> {
        let tag = |(key, value): (&String, &String)| ecr::Tag {
            key: key.clone(),
            value: value.clone(),
        };
        self.0.iter().map(tag).collect()
    }

    pub fn iam(&self) -> Vec<iam::Tag> {
        let tag = |(key, value): (&String, &String)| iam::Tag {
            key: key.clone(),
            value: value.clone(),
        };
        self.0.iter().map(tag).collect()
    }

    pub fn elb(&self) -> Vec<elbv2::Tag> {
        let tag = |(key, value): (&String, &String)| elbv2::Tag {
            key: key.clone(),
            value: Some(value.clone()),
        };
        self.0.iter().map(tag).collect()
    }

    pub fn ec2(&self, kind: ec2::ResourceType) -> Vec<ec2::TagSpecification> {
        let tag = |(key, value): (&String, &String)| ec2::Tag {
            key: Some(key.clone()),
            value: Some(value.clone()),
        };
        vec![ec2::TagSpecification {
            resource_type: Some(kind),
            tags: Some(self.0.iter().map(tag).collect()),
        }]
    }

    pub fn route53(&self) -> Vec<route53::Tag> {
        let tag = |(key, value): (&String, &String)| route53::Tag {
            key: Some(key.clone()),
            value: Some(value.clone()),
        };
        self.0.iter().map(tag).collect()
    }

    pub fn acm(&self) -> Vec<acm::Tag> {
        let tag = |(key, value): (&String, &String)| acm::Tag {
            key: key.clone(),
            value: Some(value.clone()),
        };
        self.0.iter().map(tag).collect()
    }

    pub fn map(&self) -> BTreeMap<String, String> {
        self.0.clone()
    }
}

impl From<Option<Vec<ecs::Tag>>> for Tags {
    fn from(tags: Option<Vec<ecs::Tag>>) -> Self {
        let pairs = tags.into_iter().flatten();
        Self(
            pairs
                .filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())))
                .collect(),
        )
    }
}

impl From<Option<Vec<ec2::Tag>>> for Tags {
    fn from(tags: Option<Vec<ec2::Tag>>) -> Self {
        let pairs = tags.into_iter().flatten();
        Self(
            pairs
                .filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())))
                .collect(),
        )
    }
}

impl From<Option<Vec<route53::Tag>>> for Tags {
    fn from(tags: Option<Vec<route53::Tag>>) -> Self {
        let pairs = tags.into_iter().flatten();
        Self(
            pairs
                .filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())))
                .collect(),
        )
    }
}

impl From<Option<Vec<acm::Tag>>> for Tags {
    fn from(tags: Option<Vec<acm::Tag>>) -> Self {
        let pairs = tags.into_iter().flatten();
        Self(
            pairs
                .map(|tag| (tag.key, tag.value.unwrap_or_default()))
                .collect(),
        )
    }
}

impl From<Option<Vec<ecr::Tag>>> for Tags {
    fn from(tags: Option<Vec<ecr::Tag>>) -> Self {
        Self(
            tags.into_iter()
                .flatten()
                .map(|tag| (tag.key, tag.value))
                .collect(),
        )
    }
}

impl From<Option<Vec<iam::Tag>>> for Tags {
    fn from(tags: Option<Vec<iam::Tag>>) -> Self {
        Self(
            tags.into_iter()
                .flatten()
                .map(|tag| (tag.key, tag.value))
                .collect(),
        )
    }
}

impl From<Option<Vec<elbv2::Tag>>> for Tags {
    fn from(tags: Option<Vec<elbv2::Tag>>) -> Self {
        let pairs = tags.into_iter().flatten();
        Self(
            pairs
                .map(|tag| (tag.key, tag.value.unwrap_or_default()))
                .collect(),
        )
    }
}

impl From<Option<BTreeMap<String, String>>> for Tags {
    fn from(tags: Option<BTreeMap<String, String>>) -> Self {
        Self(tags.unwrap_or_default())
    }
}

/// An EC2 filter with one value.
pub(crate) fn filter(name: &str, value: &str) -> ec2::Filter {
    ec2::Filter {
        name: Some(name.to_owned()),
        values: Some(vec![value.to_owned()]),
    }
}

/// A filter for a tag's value.
pub(crate) fn tagged(key: &str, value: &str) -> ec2::Filter {
    filter(&format!("tag:{key}"), value)
}
