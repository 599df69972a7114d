//! What is stored: each resource under `<account>/<region>/<id>`.

use std::sync::Arc;

use base_id::Scope;
use base_store::{Snapshot, Table, Transaction};
use contract::network::{DesiredNetwork, ObservedNetwork};
use contract::task::{DesiredTask, ObservedTask};

use crate::error::{Error, group_not_found, interface_not_found, not_found, with_code};
use crate::model::instance::Instance;
use crate::model::key_pair::KeyPair;
use crate::model::launch_template::LaunchTemplate;
use crate::model::{Defaults, ElasticAddress, NatGateway, NetworkAcl};
use crate::model::{Interface, InternetGateway, RouteTable, SecurityGroup, Subnet, Vpc};

pub(crate) const VPCS: Table<Vpc> = Table::new("ec2/vpc", 1);
pub(crate) const SUBNETS: Table<Subnet> = Table::new("ec2/subnet", 1);
pub(crate) const GATEWAYS: Table<InternetGateway> = Table::new("ec2/internet_gateway", 1);
pub(crate) const ROUTE_TABLES: Table<RouteTable> = Table::new("ec2/route_table", 1);
pub(crate) const GROUPS: Table<SecurityGroup> = Table::new("ec2/security_group", 1);
pub(crate) const INTERFACES: Table<Interface> = Table::new("ec2/network_interface", 1);

pub(crate) const ACLS: Table<NetworkAcl> = Table::new("ec2/network_acl", 1);
pub(crate) const ADDRESSES: Table<ElasticAddress> = Table::new("ec2/elastic_address", 1);
pub(crate) const NAT_GATEWAYS: Table<NatGateway> = Table::new("ec2/nat_gateway", 1);

/// By scope: what was made without asking.
pub(crate) const DEFAULTS: Table<Defaults> = Table::new("ec2/default", 1);
/// The public address that was given out last, under one key.
pub(crate) const LAST_PUBLIC: Table<u32> = Table::new("ec2/last_public_address", 1);

pub(crate) const DESIRED: Table<DesiredNetwork> = Table::new(DesiredNetwork::TABLE, 1);
pub(crate) const OBSERVED: Table<ObservedNetwork> = Table::new(ObservedNetwork::TABLE, 1);

pub(crate) const INSTANCES: Table<Instance> = Table::new("ec2/instance", 1);
pub(crate) const KEY_PAIRS: Table<KeyPair> = Table::new("ec2/key_pair", 1);
pub(crate) const LAUNCH_TEMPLATES: Table<LaunchTemplate> = Table::new("ec2/launch_template", 1);
pub(crate) const DESIRED_TASKS: Table<DesiredTask> = Table::new(DesiredTask::TABLE, 1);
pub(crate) const OBSERVED_TASKS: Table<ObservedTask> = Table::new(ObservedTask::TABLE, 1);

pub(crate) fn key(scope: &Scope, id: &str) -> String {
    format!("{}/{id}", scope.key())
}

/// The head of the keys of everything in a scope.
pub(crate) fn prefix(scope: &Scope) -> String {
    format!("{}/", scope.key())
}

/// All resources of one kind in a scope.
pub(crate) fn all<T: Clone + serde::Serialize + serde::de::DeserializeOwned + Send + Sync + 'static>(
    transaction: &Transaction,
    table: Table<T>,
    scope: &Scope,
) -> Vec<T> {
    transaction
        .prefix(table, &prefix(scope))
        .into_iter()
        .map(|(_, row)| T::clone(&row))
        .collect()
}

pub(crate) fn vpc(transaction: &Transaction, scope: &Scope, id: &str) -> Result<Vpc, Error> {
    let found = transaction.get(VPCS, &key(scope, id));
    found
        .map(|row| Vpc::clone(&row))
        .ok_or_else(|| not_found("Vpc", "vpc", id))
}

pub(crate) fn subnet(transaction: &Transaction, scope: &Scope, id: &str) -> Result<Subnet, Error> {
    let found = transaction.get(SUBNETS, &key(scope, id));
    found
        .map(|row| Subnet::clone(&row))
        .ok_or_else(|| not_found("Subnet", "subnet", id))
}

pub(crate) fn gateway(transaction: &Transaction, scope: &Scope, id: &str) -> Result<InternetGateway, Error> {
    let found = transaction.get(GATEWAYS, &key(scope, id));
    found
        .map(|row| InternetGateway::clone(&row))
        .ok_or_else(|| not_found("InternetGateway", "internetGateway", id))
}

pub(crate) fn route_table(transaction: &Transaction, scope: &Scope, id: &str) -> Result<RouteTable, Error> {
    let found = transaction.get(ROUTE_TABLES, &key(scope, id));
    found
        .map(|row| RouteTable::clone(&row))
        .ok_or_else(|| not_found("RouteTable", "routeTable", id))
}

pub(crate) fn group(transaction: &Transaction, scope: &Scope, id: &str) -> Result<SecurityGroup, Error> {
    let found = transaction.get(GROUPS, &key(scope, id));
    found
        .map(|row| SecurityGroup::clone(&row))
        .ok_or_else(|| group_not_found(id))
}

/// The instances of a scope, or those with these ids, in this order.
pub(crate) fn instances(
    snapshot: &Snapshot,
    scope: &Scope,
    ids: Option<&[String]>,
) -> Result<Vec<Arc<Instance>>, Error> {
    let Some(ids) = ids.filter(|ids| !ids.is_empty()) else {
        let rows = snapshot.prefix(INSTANCES, &prefix(scope));
        return Ok(rows.into_iter().map(|(_, row)| row).collect());
    };
    if let Some(bad) = ids.iter().find(|id| !is_instance_id(id)) {
        return Err(with_code(
            "InvalidInstanceID.Malformed",
            format!("Invalid id: \"{bad}\""),
        ));
    }
    let found: Vec<_> = ids
        .iter()
        .map(|id| snapshot.get(INSTANCES, &key(scope, id)).ok_or(id.as_str()))
        .collect();
    let unknown: Vec<&str> = found.iter().filter_map(|it| it.as_ref().err().copied()).collect();
    match unknown.as_slice() {
        [] => Ok(found.into_iter().flatten().collect()),
        [one] => Err(not_found("Instance", "instance", one)),
        several => {
            let message = format!("The instance IDs '{}' do not exist", several.join(", "));
            Err(with_code("InvalidInstanceID.NotFound", message))
        }
    }
}

/// `i-` and 8 or 17 hexadecimal digits.
fn is_instance_id(id: &str) -> bool {
    let digits = id.strip_prefix("i-").unwrap_or_default();
    matches!(digits.len(), 8 | 17) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

pub(crate) fn acl(transaction: &Transaction, scope: &Scope, id: &str) -> Result<NetworkAcl, Error> {
    let found = transaction.get(ACLS, &key(scope, id));
    found
        .map(|row| NetworkAcl::clone(&row))
        .ok_or_else(|| not_found("NetworkAcl", "networkAcl", id))
}

pub(crate) fn interface(transaction: &Transaction, scope: &Scope, id: &str) -> Result<Interface, Error> {
    let found = transaction.get(INTERFACES, &key(scope, id));
    found
        .map(|row| Interface::clone(&row))
        .ok_or_else(|| interface_not_found(id))
}
