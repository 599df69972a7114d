//! From what checkers think to what counts as healthy.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use contract::dns::{CheckerResult, HealthCheck, Probe};

/// Route 53 considers an endpoint healthy while more checkers than this say so.
const HEALTHY_PERCENT_ABOVE: usize = 18;
/// Calculated checks of calculated checks.
const CALCULATED_DEPTH_MAX: usize = 8;

/// What the checkers of one check think. One that has not made up its mind counts as healthy.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Opinions(BTreeMap<String, Opinion>);

#[derive(Clone, Debug, PartialEq)]
struct Opinion {
    healthy: bool,
    last: Option<CheckerResult>,
    last_failure: Option<CheckerResult>,
}

impl Opinion {
    fn new() -> Self {
        Self {
            healthy: true,
            last: None,
            last_failure: None,
        }
    }
}

impl Opinions {
    /// Whether the opinion is another one.
    pub(crate) fn put(&mut self, region: &str, healthy: bool, result: Option<CheckerResult>) -> bool {
        let opinion = self.0.entry(region.to_owned()).or_insert(Opinion::new());
        if let Some(result) = result {
            if result.failed {
                opinion.last_failure = Some(result.clone());
            }
            opinion.last = Some(result);
        }
        std::mem::replace(&mut opinion.healthy, healthy) != healthy
    }

    /// There is such a checker; what it thought before, it thinks still.
    pub(crate) fn enter(&mut self, region: &str) -> bool {
        let opinion = self.0.entry(region.to_owned()).or_insert(Opinion::new());
        opinion.healthy
    }

    /// The regions whose checkers say that it is not well.
    pub(crate) fn against(&self) -> Vec<String> {
        let against = self.0.iter().filter(|(_, opinion)| !opinion.healthy);
        against.map(|(region, _)| region.clone()).collect()
    }

    pub(crate) fn results(&self) -> Vec<CheckerResult> {
        self.0
            .values()
            .filter_map(|opinion| opinion.last.clone())
            .collect()
    }

    pub(crate) fn last_failures(&self) -> Vec<CheckerResult> {
        self.0
            .values()
            .filter_map(|opinion| opinion.last_failure.clone())
            .collect()
    }

    fn is_healthy(&self) -> bool {
        let healthy = self.0.values().filter(|opinion| opinion.healthy).count();
        self.0.is_empty() || healthy * 100 > self.0.len() * HEALTHY_PERCENT_ABOVE
    }
}

/// The health of all checks.
pub(crate) fn judge(
    checks: &imbl::HashMap<String, Arc<HealthCheck>>,
    opinions: &HashMap<String, Opinions>,
) -> HashMap<String, bool> {
    checks
        .keys()
        .map(|id| (id.clone(), is_healthy(id, checks, opinions, 0)))
        .collect()
}

fn is_healthy(
    id: &str,
    checks: &imbl::HashMap<String, Arc<HealthCheck>>,
    opinions: &HashMap<String, Opinions>,
    depth: usize,
) -> bool {
    // A check that does not exist any more holds nobody back.
    let Some(check) = checks.get(id) else { return true };
    let healthy = match &check.probe {
        _ if check.disabled => true,
        Probe::Endpoint(_) => opinions.get(id).is_none_or(Opinions::is_healthy),
        Probe::Calculated { children, at_least } => {
            let healthy = |child: &&String| {
                depth < CALCULATED_DEPTH_MAX && is_healthy(child, checks, opinions, depth + 1)
            };
            children.iter().filter(healthy).count() >= usize::try_from(*at_least).unwrap_or(usize::MAX)
        }
    };
    healthy != check.inverted
}

#[cfg(test)]
mod tests;
