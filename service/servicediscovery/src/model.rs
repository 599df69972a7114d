//! Namespaces, services, instances and operations as they are stored.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Namespace {
    pub(crate) id: String,
    pub(crate) name: String,
    /// What it is found by over the API; its name, unless another namespace has that already.
    pub(crate) http_name: String,
    pub(crate) kind: NamespaceKind,
    pub(crate) description: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) creator_request_id: String,
    pub(crate) tags: BTreeMap<String, String>,
    /// `false` until the operation that makes it has succeeded.
    pub(crate) ready: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum NamespaceKind {
    Http,
    Dns {
        /// The network that its names are answered in; all the world if absent.
        vpc: Option<String>,
        /// The hosted zone, once it is made.
        zone: Option<String>,
        soa_ttl_seconds: i64,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Service {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) description: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) creator_request_id: String,
    pub(crate) dns: Option<Dns>,
    pub(crate) check: Option<Check>,
    /// Somebody else says how well instances are; the threshold that was given is told, and has no effect, as in AWS.
    pub(crate) custom_check: Option<Option<i32>>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) attributes: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Dns {
    pub(crate) policy: Policy,
    /// Each kind once, in the order in which they were given, with its time to live in seconds.
    pub(crate) records: Vec<(Kind, i64)>,
}

impl Dns {
    pub(crate) fn ttl_seconds(&self, kind: Kind) -> Option<i64> {
        let mut records = self.records.iter();
        records.find(|(it, _)| *it == kind).map(|(_, ttl)| *ttl)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Policy {
    Multivalue,
    Weighted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Kind {
    A,
    Aaaa,
    Cname,
    Srv,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Cname => "CNAME",
            Self::Srv => "SRV",
        }
    }
}

/// Of Route 53, one for each instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Check {
    /// `HTTP`, `HTTPS` or `TCP`.
    pub(crate) protocol: String,
    pub(crate) path: Option<String>,
    pub(crate) failure_threshold: i32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Instance {
    pub(crate) id: String,
    pub(crate) creator_request_id: Option<String>,
    pub(crate) attributes: BTreeMap<String, String>,
    /// As told by whoever may; counts where the service has a custom check.
    pub(crate) healthy: bool,
    /// On its way out: not told of any more, its row goes when its records are gone.
    pub(crate) leaving: bool,
    /// What the hosted zone has of it, as far as this is known.
    pub(crate) published: Vec<Record>,
    /// The health check that was made for it in Route 53, and what from.
    pub(crate) check: Option<(String, CheckTarget)>,
}

/// What a health check looks at. One that looks at something else is another health check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CheckTarget {
    pub(crate) check: Check,
    pub(crate) address: String,
    pub(crate) port: i32,
}

/// A record set, as far as Cloud Map makes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Fully qualified, with the dot at the end.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The instance, where several share a name.
    pub(crate) set: Option<(String, Policy)>,
    pub(crate) data: Data,
    pub(crate) check: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Data {
    Value {
        ttl_seconds: i64,
        value: String,
    },
    /// A load balancer's name.
    Alias(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) kind: OperationKind,
    pub(crate) status: Status,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    /// `NAMESPACE`, `SERVICE` or `INSTANCE`, and its id.
    pub(crate) targets: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum OperationKind {
    CreateNamespace,
    DeleteNamespace,
    UpdateNamespace,
    UpdateService,
    RegisterInstance,
    DeregisterInstance,
}

impl OperationKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::CreateNamespace => "CREATE_NAMESPACE",
            Self::DeleteNamespace => "DELETE_NAMESPACE",
            Self::UpdateNamespace => "UPDATE_NAMESPACE",
            Self::UpdateService => "UPDATE_SERVICE",
            Self::RegisterInstance => "REGISTER_INSTANCE",
            Self::DeregisterInstance => "DEREGISTER_INSTANCE",
        }
    }

    /// As sentences have it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CreateNamespace => "CreateNamespace",
            Self::DeleteNamespace => "DeleteNamespace",
            Self::UpdateNamespace => "UpdateNamespace",
            Self::UpdateService => "UpdateService",
            Self::RegisterInstance => "RegisterInstance",
            Self::DeregisterInstance => "DeregisterInstance",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    Pending,
    Success,
    Fail { code: String, message: String },
}

impl Status {
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Success => "SUCCESS",
            Self::Fail { .. } => "FAIL",
        }
    }
}

/// What is left to do of an operation. Under its namespace or service, so that what concerns one is done together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Work {
    CreateZone,
    DeleteZone,
    /// The row has the new values; these are the old ones, should it fail.
    UpdateZone {
        before: Box<Namespace>,
    },
    /// All instances are looked at again.
    Service {
        before: Box<Service>,
    },
    Register {
        instance: String,
        before: Option<Box<Instance>>,
    },
    Deregister {
        instance: String,
    },
    /// Not an operation of its own: an instance's health was told.
    Health {
        instance: String,
    },
}
