//! What an instance is launched from: the parameters of RunInstances, or of a launch template's version, or both.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::Tags;
use super::instance::Shutdown;

/// Everything that was said; what is absent was not said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Spec {
    pub(crate) image: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) key_name: Option<String>,
    /// Ids.
    pub(crate) groups: Vec<String>,
    pub(crate) group_names: Vec<String>,
    pub(crate) subnet: Option<String>,
    pub(crate) address: Option<Ipv4Addr>,
    pub(crate) interface: Option<InterfaceSpec>,
    pub(crate) zone: Option<String>,
    /// Base64.
    pub(crate) user_data: Option<String>,
    pub(crate) profile: Option<ProfileSpec>,
    /// By kind of resource.
    pub(crate) tags: BTreeMap<String, Tags>,
    pub(crate) metadata: MetadataSpec,
    pub(crate) monitoring: Option<bool>,
    pub(crate) disks: Vec<DiskSpec>,
    pub(crate) shutdown: Option<Shutdown>,
    pub(crate) termination_protection: Option<bool>,
    pub(crate) stop_protection: Option<bool>,
    pub(crate) ebs_optimized: Option<bool>,
    /// `standard` or `unlimited`.
    pub(crate) credits: Option<String>,
}

/// The interface at device index 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct InterfaceSpec {
    pub(crate) device_index: Option<i32>,
    pub(crate) subnet: Option<String>,
    pub(crate) groups: Vec<String>,
    pub(crate) address: Option<Ipv4Addr>,
    pub(crate) public: Option<bool>,
    pub(crate) delete_on_termination: Option<bool>,
    pub(crate) description: Option<String>,
}

/// An instance profile, by ARN or by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ProfileSpec {
    pub(crate) arn: Option<String>,
    pub(crate) name: Option<String>,
}

/// Of the metadata service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct MetadataSpec {
    /// `optional` or `required`.
    pub(crate) tokens: Option<String>,
    pub(crate) hop_limit: Option<i32>,
    pub(crate) endpoint: Option<bool>,
    pub(crate) tags: Option<bool>,
}

/// A disk under a device name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct DiskSpec {
    pub(crate) device: Option<String>,
    pub(crate) size_gib: Option<i32>,
    pub(crate) kind: Option<String>,
    pub(crate) iops: Option<i32>,
    pub(crate) throughput: Option<i32>,
    pub(crate) encrypted: Option<bool>,
    pub(crate) delete_on_termination: Option<bool>,
}

impl Spec {
    /// What `self` says, and where it says nothing, what the template says.
    pub(crate) fn over(self, template: Self) -> Self {
        fn list<T>(own: Vec<T>, other: Vec<T>) -> Vec<T> {
            if own.is_empty() { other } else { own }
        }
        let mut tags = template.tags;
        for (kind, own) in self.tags {
            tags.entry(kind).or_default().extend(own);
        }
        let mut interface = self.interface.or(template.interface);
        // A subnet that the request names is the one of the template's interface too: Auto Scaling spreads so.
        if let (Some(interface), Some(subnet)) = (&mut interface, &self.subnet) {
            interface.subnet = Some(subnet.clone());
        }
        Self {
            image: self.image.or(template.image),
            kind: self.kind.or(template.kind),
            key_name: self.key_name.or(template.key_name),
            groups: list(self.groups, template.groups),
            group_names: list(self.group_names, template.group_names),
            subnet: self.subnet.or(template.subnet),
            address: self.address.or(template.address),
            interface,
            zone: self.zone.or(template.zone),
            user_data: self.user_data.or(template.user_data),
            profile: self.profile.or(template.profile),
            tags,
            metadata: MetadataSpec {
                tokens: self.metadata.tokens.or(template.metadata.tokens),
                hop_limit: self.metadata.hop_limit.or(template.metadata.hop_limit),
                endpoint: self.metadata.endpoint.or(template.metadata.endpoint),
                tags: self.metadata.tags.or(template.metadata.tags),
            },
            monitoring: self.monitoring.or(template.monitoring),
            disks: list(self.disks, template.disks),
            shutdown: self.shutdown.or(template.shutdown),
            termination_protection: self.termination_protection.or(template.termination_protection),
            stop_protection: self.stop_protection.or(template.stop_protection),
            ebs_optimized: self.ebs_optimized.or(template.ebs_optimized),
            credits: self.credits.or(template.credits),
        }
    }

    /// As a new version of a launch template that is made from another: what is said replaces what was said there.
    pub(crate) fn replacing(self, source: Self) -> Self {
        let (tags, metadata) = (self.tags.clone(), self.metadata.clone());
        let merged = self.over(source.clone());
        Self {
            tags: if tags.is_empty() { source.tags } else { tags },
            metadata: if metadata == MetadataSpec::default() {
                source.metadata
            } else {
                metadata
            },
            ..merged
        }
    }
}
