//! What is stored: zones, changes, delegation sets and health checks under `<account>/<id>`; records, and all that the
//! name server reads, as `contract::dns` says.

use std::sync::Arc;

use aws_protocol::{ApiError, Context};
use base_store::{Snapshot, Table, Transaction};
use contract::dns::{
    self, Change, Head, ObservedDns, RecordKey, RecordSet, UPDATES_KEPT, Update, Visibility,
};
use jiff::Timestamp;

use crate::error::{managed, no_check, no_delegation_set, no_zone};
use crate::model::{ChangeInfo, DelegationSet, HealthCheck, Zone};
use crate::name;

pub(crate) const ZONES: Table<Zone> = Table::new("route53/zone", 1);
pub(crate) const CHANGES: Table<ChangeInfo> = Table::new("route53/change", 1);
pub(crate) const DELEGATION_SETS: Table<DelegationSet> = Table::new("route53/delegation_set", 1);
pub(crate) const CHECKS: Table<HealthCheck> = Table::new("route53/health_check", 1);
pub(crate) const RECORDS: Table<RecordSet> = Table::new(RecordSet::TABLE, 1);
pub(crate) const OBSERVED: Table<ObservedDns> = Table::new(ObservedDns::TABLE, 1);
const SERVED_ZONES: Table<dns::Zone> = Table::new(dns::Zone::TABLE, 1);
const SERVED_CHECKS: Table<dns::HealthCheck> = Table::new(dns::HealthCheck::TABLE, 1);
const HEAD: Table<Head> = Table::new(Head::TABLE, 1);
const UPDATES: Table<Update> = Table::new(Update::TABLE, 1);

/// Change infos older than this many updates are forgotten.
const CHANGES_KEPT: u64 = 10_000;

/// Zones are the same in all regions.
pub(crate) fn key(context: &Context, id: &str) -> String {
    format!("{}/{id}", context.scope.account)
}

pub(crate) fn zone(snapshot: &Snapshot, context: &Context, given: &str) -> Result<Arc<Zone>, ApiError> {
    let id = name::id(given);
    snapshot.get(ZONES, &key(context, id)).ok_or_else(|| no_zone(id))
}

/// A zone that the caller may change.
pub(crate) fn own_zone(snapshot: &Snapshot, context: &Context, given: &str) -> Result<Arc<Zone>, ApiError> {
    let zone = zone(snapshot, context, given)?;
    match &zone.linked {
        Some((service, _)) if *service != context.principal_arn => Err(managed("hostedzone", &zone.id)),
        _ => Ok(zone),
    }
}

pub(crate) fn zones(snapshot: &Snapshot, context: &Context) -> Vec<Arc<Zone>> {
    let all = snapshot.prefix(ZONES, &key(context, ""));
    all.into_iter().map(|(_, zone)| zone).collect()
}

pub(crate) fn check(
    snapshot: &Snapshot,
    context: &Context,
    given: &str,
) -> Result<Arc<HealthCheck>, ApiError> {
    let id = name::id(given);
    snapshot
        .get(CHECKS, &key(context, id))
        .ok_or_else(|| no_check(id))
}

/// A check that the caller may change.
pub(crate) fn own_check(
    snapshot: &Snapshot,
    context: &Context,
    given: &str,
) -> Result<Arc<HealthCheck>, ApiError> {
    let check = check(snapshot, context, given)?;
    match &check.linked {
        Some((service, _)) if *service != context.principal_arn => Err(managed("healthcheck", &check.id)),
        _ => Ok(check),
    }
}

pub(crate) fn delegation_set(
    snapshot: &Snapshot,
    context: &Context,
    given: &str,
) -> Result<Arc<DelegationSet>, ApiError> {
    let id = name::id(given);
    let found = snapshot.get(DELEGATION_SETS, &key(context, id));
    found.ok_or_else(|| no_delegation_set(id))
}

/// Record sets of a zone with this name; all kinds and sets.
pub(crate) fn records_at(snapshot: &Snapshot, zone: &str, name: &str) -> Vec<Arc<RecordSet>> {
    let prefix = format!("{zone}/{} ", dns::reversed(name));
    let found = snapshot.prefix(RECORDS, &prefix);
    found.into_iter().map(|(_, record)| record).collect()
}

/// What a transaction changes for the name server: rows now, the update and the head at the end.
pub(crate) struct Journal<'a> {
    tx: &'a mut Transaction,
    changes: Vec<Change>,
}

impl<'a> Journal<'a> {
    pub(crate) fn new(tx: &'a mut Transaction) -> Self {
        Self {
            tx,
            changes: Vec::new(),
        }
    }

    pub(crate) fn put_zone(&mut self, zone: &Zone) {
        let served = dns::Zone {
            id: zone.id.clone(),
            name: zone.name.clone(),
            visibility: if zone.private {
                Visibility::Networks(zone.vpcs.iter().map(|it| it.id.clone()).collect())
            } else {
                Visibility::Public
            },
        };
        self.tx.put(SERVED_ZONES, &zone.id, served.clone());
        self.changes.push(Change::Zone(served));
    }

    /// With its records.
    pub(crate) fn delete_zone(&mut self, id: &str) {
        for (row, _) in self.tx.prefix(RECORDS, &format!("{id}/")) {
            self.tx.delete(RECORDS, &row);
        }
        self.tx.delete(SERVED_ZONES, id);
        self.changes.push(Change::NoZone(id.to_owned()));
    }

    pub(crate) fn put_record(&mut self, record: RecordSet) {
        self.tx.put(RECORDS, &record.key.row(), record.clone());
        self.changes.push(Change::Records(record));
    }

    pub(crate) fn delete_record(&mut self, key: RecordKey) {
        self.tx.delete(RECORDS, &key.row());
        self.changes.push(Change::NoRecords(key));
    }

    pub(crate) fn put_check(&mut self, check: dns::HealthCheck) {
        self.tx.put(SERVED_CHECKS, &check.id, check.clone());
        self.changes.push(Change::Check(check));
    }

    pub(crate) fn delete_check(&mut self, id: &str) {
        self.tx.delete(SERVED_CHECKS, id);
        self.changes.push(Change::NoCheck(id.to_owned()));
    }

    /// The number of the update that says all of it.
    pub(crate) fn close(self) -> u64 {
        let head = self.tx.get(HEAD, Head::KEY).map_or(0, |it| it.sequence);
        let sequence = head + 1;
        let update = Update {
            sequence,
            changes: self.changes,
        };
        self.tx.put(UPDATES, &Update::key(sequence), update);
        self.tx.put(HEAD, Head::KEY, Head { sequence });
        if let Some(old) = sequence.checked_sub(UPDATES_KEPT) {
            self.tx.delete(UPDATES, &Update::key(old));
        }
        sequence
    }
}

/// Notes a change that callers may ask about.
pub(crate) fn note(
    tx: &mut Transaction,
    context: &Context,
    id: String,
    submitted_at: Timestamp,
    comment: Option<String>,
    sequence: u64,
) -> ChangeInfo {
    let info = ChangeInfo {
        id,
        submitted_at,
        comment,
        sequence,
    };
    tx.put(CHANGES, &key(context, &info.id), info.clone());
    // Now and then, so that it costs little.
    if sequence.is_multiple_of(CHANGES_KEPT / 10) {
        for (row, old) in tx.prefix(CHANGES, &key(context, "")) {
            if old.sequence + CHANGES_KEPT < sequence {
                tx.delete(CHANGES, &row);
            }
        }
    }
    info
}
