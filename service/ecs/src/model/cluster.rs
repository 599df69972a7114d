//! Clusters: a name under which services and tasks are grouped.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Tags;
use super::task::Launch;

/// Capacity providers with base and weight.
pub(crate) type Strategy = Vec<(String, i32, i32)>;

/// The capacity providers that every account has: they need no instances.
pub(crate) const PROVIDERS: [&str; 2] = ["FARGATE", "FARGATE_SPOT"];

/// The capacity provider of the nth task, from 0: first every base is filled, then tasks are shared out by weight.
pub(crate) fn provider(strategy: &Strategy, nth: usize) -> Option<&str> {
    let mut before = 0;
    for (name, base, _) in strategy {
        before += usize::try_from(*base).unwrap_or_default();
        if nth < before {
            return Some(name);
        }
    }
    let mut given = vec![0_u64; strategy.len()];
    let mut last = None;
    for _ in before..=nth {
        let least = |at: &usize| {
            let weight = u64::try_from(strategy[*at].2).unwrap_or_default();
            (weight > 0).then(|| ((given[*at] + 1) * 1_000_000 / weight, *at))
        };
        let (_, next) = (0..strategy.len()).filter_map(|at| least(&at)).min()?;
        given[next] += 1;
        last = Some(next);
    }
    last.map(|at| strategy[at].0.as_str())
}

/// Where tasks of a strategy run; no strategy mixes the kinds.
pub(crate) fn launch(strategy: &Strategy) -> Launch {
    match strategy
        .iter()
        .any(|(name, ..)| PROVIDERS.contains(&name.as_str()))
    {
        true => Launch::Fargate,
        false => Launch::Ec2,
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cluster {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) created_at: Timestamp,
    /// Deleted; kept for those who ask what became of it.
    pub(crate) inactive: bool,
    /// `containerInsights` and what it was set to.
    pub(crate) settings: Vec<(String, String)>,
    #[serde(default)]
    pub(crate) capacity_providers: Vec<String>,
    /// For requests that name neither capacity providers nor a launch type.
    #[serde(default)]
    pub(crate) default_strategy: Strategy,
    pub(crate) tags: Tags,
    /// The ARN of the namespace in which its services find each other, unless they say another.
    #[serde(default)]
    pub(crate) namespace: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_shared_out_by_base_and_weight() {
        let strategy = vec![("FARGATE".to_owned(), 2, 1), ("FARGATE_SPOT".to_owned(), 0, 3)];
        let names: Vec<&str> = (0..10).filter_map(|nth| provider(&strategy, nth)).collect();
        let spots = names.iter().filter(|name| **name == "FARGATE_SPOT").count();
        assert_eq!(names[..2], ["FARGATE", "FARGATE"]);
        assert_eq!(spots, 6, "of eight, three quarters: {names:?}");
        assert_eq!(provider(&vec![], 0), None);
        assert_eq!(provider(&vec![("FARGATE".to_owned(), 1, 0)], 1), None);
    }
}
