//! What is stored: each resource under `<account>/<region>/<id>`.

use base_id::Scope;
use base_store::{Table, Transaction};
use contract::network::{DesiredNetwork, ObservedNetwork};

use crate::error::{Error, group_not_found, interface_not_found, not_found};
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
