//! A batch of changes against a zone: which may be made, all or none. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_shape::route53::ChangeAction;
use contract::dns::{AliasTarget, Data, Policy, RecordKey, RecordSet};

use crate::model::Zone;
use crate::name;
use crate::record::label;

/// One change, parsed.
pub(crate) struct Wish {
    pub(crate) action: ChangeAction,
    pub(crate) record: RecordSet,
}

/// What is there: the record sets of a name.
pub(crate) type There<'a> = &'a dyn Fn(&str) -> Vec<Arc<RecordSet>>;

/// A batch as it is worked through: what is there, with what the changes so far have made of it.
pub(crate) struct Batch<'a> {
    zone: &'a Zone,
    there: There<'a>,
    /// Rows that are new, other or (`None`) gone.
    changed: BTreeMap<RecordKey, Option<RecordSet>>,
    wrong: Vec<String>,
}

/// What of the zone becomes other: each key with its new record set, or `None` if it goes.
///
/// # Errors
/// All that is wrong, in AWS's words.
pub(crate) fn apply(
    zone: &Zone,
    there: There<'_>,
    wishes: Vec<Wish>,
) -> Result<BTreeMap<RecordKey, Option<RecordSet>>, Vec<String>> {
    let mut batch = Batch {
        zone,
        there,
        changed: BTreeMap::new(),
        wrong: Vec::new(),
    };
    // Deletions first, then what is created, then what is put in its place: so AWS works a batch off.
    let mut wishes = wishes;
    wishes.sort_by_key(|wish| match wish.action {
        ChangeAction::Delete => 0,
        ChangeAction::Create => 1,
        _ => 2,
    });
    let mut made = Vec::new();
    for Wish { action, record } in wishes {
        match action {
            ChangeAction::Delete => batch.delete(record),
            action => {
                let key = record.key.clone();
                if made.contains(&key) {
                    batch.wrong.push(format!(
                        "The request contains an invalid set of changes for a resource record set '{} {}'",
                        key.kind,
                        name::shown(&key.name)
                    ));
                }
                batch.put(action == ChangeAction::Create, record);
                made.push(key);
            }
        }
    }
    for key in &made {
        batch.check_conflicts(key);
        batch.check_alias(key);
    }
    batch.check_apex();
    if batch.wrong.is_empty() {
        Ok(batch.changed)
    } else {
        batch.wrong.dedup();
        Err(batch.wrong)
    }
}

impl Batch<'_> {
    /// The record sets of a name as they are after the changes so far.
    fn at(&self, name: &str) -> Vec<RecordSet> {
        let mut now: BTreeMap<RecordKey, RecordSet> = (self.there)(name)
            .into_iter()
            .map(|record| (record.key.clone(), RecordSet::clone(&record)))
            .collect();
        for (key, record) in self.changed.iter().filter(|(key, _)| key.name == name) {
            match record {
                Some(record) => drop(now.insert(key.clone(), record.clone())),
                None => drop(now.remove(key)),
            }
        }
        now.into_values().collect()
    }

    fn get(&self, key: &RecordKey) -> Option<RecordSet> {
        self.at(&key.name).into_iter().find(|it| it.key == *key)
    }

    fn delete(&mut self, record: RecordSet) {
        let what = label(&record.key);
        match self.get(&record.key) {
            None => self.wrong.push(format!(
                "Tried to delete resource record set {what} but it was not found"
            )),
            Some(now) if !is_same(&now, &record) => self.wrong.push(format!(
                "Tried to delete resource record set {what} but the values provided do not match the current values"
            )),
            Some(_) => drop(self.changed.insert(record.key, None)),
        }
    }

    fn put(&mut self, create: bool, record: RecordSet) {
        if create && self.get(&record.key).is_some() {
            self.wrong.push(format!(
                "Tried to create resource record set {} but it already exists",
                label(&record.key)
            ));
            return;
        }
        self.changed.insert(record.key.clone(), Some(record));
    }

    fn check_conflicts(&mut self, key: &RecordKey) {
        let (zone, shown) = (&self.zone.name, name::shown(&key.name));
        let all = self.at(&key.name);
        let Some(own) = all.iter().find(|it| it.key == *key) else {
            return;
        };
        if key.kind == "CNAME" && key.name == *zone {
            self.wrong.push(format!(
                "RRSet of type CNAME with DNS name {shown} is not permitted at apex in zone {zone}"
            ));
        }
        if key.kind == "SOA" && key.name != *zone {
            self.wrong.push(format!(
                "RRSet of type SOA with DNS name {shown} is not permitted in zone {zone}: it belongs to the apex"
            ));
        }
        let other = all
            .iter()
            .find(|it| it.key.kind != key.kind && (key.kind == "CNAME" || it.key.kind == "CNAME"));
        if let Some(other) = other {
            self.wrong.push(format!(
                "RRSet of type {} with DNS name {shown} is not permitted because a conflicting RRSet of type {} with the same DNS name already exists in zone {zone}",
                key.kind, other.key.kind
            ));
        }
        let mut siblings = all.iter().filter(|it| it.key.kind == key.kind && it.key != *key);
        if let Some(wrong) = siblings.find_map(|it| mixed(own, it)) {
            self.wrong.push(wrong);
        }
    }

    /// What it leads to is there, of the same type.
    fn check_alias(&mut self, key: &RecordKey) {
        let Some(RecordSet {
            data: Data::Alias(alias),
            ..
        }) = self.get(key)
        else {
            return;
        };
        let AliasTarget::Name(target) = &alias.target else {
            return;
        };
        let what = format!(
            "Tried to create an alias that targets {}, type {} in zone {}",
            name::shown(target),
            key.kind,
            self.zone.id
        );
        if !name::is_in(target, &self.zone.name) {
            self.wrong.push(format!(
                "{what}, but the alias target name does not lie within the target zone"
            ));
            return;
        }
        if ["NS", "SOA"].contains(&key.kind.as_str()) {
            self.wrong
                .push(format!("{what}, but {} record sets cannot be aliases", key.kind));
        }
        if *target == key.name {
            self.wrong
                .push(format!("{what}, but an alias cannot target itself"));
        } else if !self.at(target).iter().any(|it| it.key.kind == key.kind) {
            self.wrong.push(format!("{what}, but that target was not found"));
        }
    }

    fn check_apex(&mut self) {
        let apex = self.at(&self.zone.name);
        if !apex.iter().any(|it| it.key.kind == "SOA") {
            self.wrong
                .push("A HostedZone must contain exactly one SOA record.".to_owned());
        }
        if !apex.iter().any(|it| it.key.kind == "NS") {
            self.wrong
                .push("A HostedZone must contain at least one NS record for the zone itself.".to_owned());
        }
    }
}

/// For a deletion everything must be as it is; the order of values is nothing.
fn is_same(a: &RecordSet, b: &RecordSet) -> bool {
    let sorted = |record: &RecordSet| {
        let mut record = record.clone();
        if let Data::Values { values, .. } = &mut record.data {
            values.sort();
        }
        record
    };
    sorted(a) == sorted(b)
}

/// Why two record sets of one name and type cannot be there together.
fn mixed(new: &RecordSet, there: &RecordSet) -> Option<String> {
    let what = format!(
        "RRSet with DNS name {}, type {}, SetIdentifier {}",
        name::shown(&new.key.name),
        new.key.kind,
        new.key.set.as_deref().unwrap_or("null")
    );
    let kind = |policy: &Policy| match policy {
        Policy::Simple => "simple",
        Policy::Weighted(_) => "weighted",
        Policy::Primary | Policy::Secondary => "failover",
        Policy::Latency(_) => "latency",
        Policy::Multivalue => "multivalue answer",
    };
    let (own, other) = (kind(&new.policy), kind(&there.policy));
    if own == "simple" || other == "simple" {
        return Some(format!(
            "{what} cannot be created as other RRSets exist with the same name and type."
        ));
    }
    if own != other {
        return Some(format!(
            "{what} cannot be created because a non {own} rrset exists with the same name and type."
        ));
    }
    match (&new.policy, &there.policy) {
        (Policy::Primary, Policy::Primary) | (Policy::Secondary, Policy::Secondary) => Some(format!(
            "{what}, Failover {} cannot be created as a failover RRSet with the same role already exists with the same name and type.",
            if new.policy == Policy::Primary {
                "PRIMARY"
            } else {
                "SECONDARY"
            }
        )),
        (Policy::Latency(a), Policy::Latency(b)) if a == b => Some(format!(
            "{what}, Region Name={a} cannot be created because a latency rrset with the same region already exists with the same name and type."
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
