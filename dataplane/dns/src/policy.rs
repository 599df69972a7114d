//! Which of the record sets of one name and type answer, as Route 53's policies say.

use std::collections::HashMap;
use std::sync::Arc;

use contract::dns::{Alias, Data, Policy};
use hickory_proto::rr::RecordType;

use crate::region;
use crate::table::{Set, Table, Target, ZoneTable};

/// More are not given in one answer.
const MULTIVALUE_MAX: usize = 8;
/// Aliases that lead to aliases.
pub(crate) const ALIASES_MAX: usize = 8;

/// What choosing depends on besides the sets.
pub(crate) struct Circumstances<'a> {
    pub(crate) table: &'a Table,
    /// By check; a check that is not in here counts as healthy.
    pub(crate) health: &'a HashMap<String, bool>,
    pub(crate) region: &'a str,
}

/// A number below the one given.
pub(crate) type Chance<'a> = dyn FnMut(usize) -> usize + 'a;

impl Circumstances<'_> {
    pub(crate) fn choose<'s>(
        &self,
        zone: &ZoneTable,
        kind: RecordType,
        sets: &'s [Arc<Set>],
        chance: &mut Chance<'_>,
    ) -> Vec<&'s Set> {
        let all: Vec<&Set> = sets.iter().map(|set| &**set).collect();
        let Some(&first) = all.first() else { return all };
        if all.len() == 1 || first.record.policy == Policy::Simple {
            return vec![first];
        }
        let mut fit: Vec<&Set> = all
            .iter()
            .copied()
            .filter(|set| self.is_healthy(zone, kind, set, 0))
            .collect();
        let nobody = fit.is_empty();
        if nobody {
            fit = all;
        }
        match &first.record.policy {
            Policy::Simple => fit,
            Policy::Weighted(_) => weighted(&fit, chance).into_iter().collect(),
            Policy::Primary | Policy::Secondary => {
                let primary = fit.iter().find(|set| set.record.policy == Policy::Primary);
                primary.or(fit.first()).copied().into_iter().collect()
            }
            Policy::Latency(_) => self.nearest(&fit).into_iter().collect(),
            Policy::Multivalue => {
                shuffle(&mut fit, chance);
                fit.truncate(MULTIVALUE_MAX);
                fit
            }
        }
    }

    fn nearest<'s>(&self, sets: &[&'s Set]) -> Option<&'s Set> {
        let distance = |set: &Set| match &set.record.policy {
            Policy::Latency(region) => region::distance(self.region, region),
            _ => f64::MAX,
        };
        sets.iter()
            .copied()
            .min_by(|a, b| distance(a).total_cmp(&distance(b)))
    }

    /// A set's own check, and its target's health where the alias asks for it.
    fn is_healthy(&self, zone: &ZoneTable, kind: RecordType, set: &Set, depth: usize) -> bool {
        let checked = set
            .record
            .check
            .as_ref()
            .and_then(|check| self.health.get(check))
            .copied();
        if checked == Some(false) {
            return false;
        }
        match (&set.record.data, &set.target) {
            (
                Data::Alias(Alias {
                    evaluate_health: true,
                    ..
                }),
                Some(target),
            ) => depth < ALIASES_MAX && self.is_target_healthy(zone, kind, target, depth + 1),
            _ => true,
        }
    }

    fn is_target_healthy(&self, zone: &ZoneTable, kind: RecordType, target: &Target, depth: usize) -> bool {
        match target {
            Target::Endpoint(key) => self
                .table
                .endpoints
                .get(key)
                .is_some_and(|endpoint| endpoint.healthy),
            Target::Name(key) => {
                let sets = zone
                    .node(key)
                    .and_then(|node| node.sets(kind))
                    .unwrap_or_default();
                sets.iter().any(|set| self.is_healthy(zone, kind, set, depth))
            }
        }
    }
}

/// In proportion to the weights; those of weight 0 only when there are no others, and then all alike.
fn weighted<'s>(sets: &[&'s Set], chance: &mut Chance<'_>) -> Option<&'s Set> {
    let weight = |set: &Set| match set.record.policy {
        Policy::Weighted(weight) => usize::from(weight),
        _ => 0,
    };
    let total: usize = sets.iter().map(|set| weight(set)).sum();
    if total == 0 {
        return sets.get(chance(sets.len().max(1))).copied();
    }
    let mut left = chance(total);
    sets.iter().copied().find(|set| {
        let reached = left < weight(set);
        left = left.saturating_sub(weight(set));
        reached
    })
}

pub(crate) fn shuffle<T>(list: &mut [T], chance: &mut Chance<'_>) {
    for end in (1..list.len()).rev() {
        list.swap(end, chance(end + 1));
    }
}

#[cfg(test)]
mod tests;
