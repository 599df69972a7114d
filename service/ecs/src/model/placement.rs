//! Where callers want their tasks: constraints that must hold and strategies that prefer, echoed as they were written.

use aws_protocol::ApiError;
use aws_shape::ecs as shape;
use serde::{Deserialize, Serialize};

use crate::error::invalid;
use crate::plan::placement::{self, ZONE};
use crate::plan::query;

const CONSTRAINTS_MAX: usize = 10;
const STRATEGIES_MAX: usize = 5;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Placement {
    pub(crate) constraints: Vec<Constraint>,
    pub(crate) strategies: Vec<Strategy>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Constraint {
    DistinctInstance,
    /// An expression that can be read.
    MemberOf(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Strategy {
    /// `spread`, `binpack`, `random`
    pub(crate) kind: String,
    pub(crate) field: Option<String>,
}

/// # Errors
/// In AWS's words.
pub(crate) fn constraints(given: &[shape::PlacementConstraint]) -> Result<Vec<Constraint>, ApiError> {
    if given.len() > CONSTRAINTS_MAX {
        return Err(invalid(format!(
            "placement constraints can have at most {CONSTRAINTS_MAX} items."
        )));
    }
    let one = |it: &shape::PlacementConstraint| match &it.type_ {
        Some(shape::PlacementConstraintType::DistinctInstance) => {
            if it.expression.as_ref().is_some_and(|text| !text.is_empty()) {
                return Err(invalid(
                    "Expression is not allowed for placement constraint type distinctInstance.",
                ));
            }
            Ok(Constraint::DistinctInstance)
        }
        Some(shape::PlacementConstraintType::MemberOf) => {
            let text = it.expression.clone().unwrap_or_default();
            expression(&text)?;
            Ok(Constraint::MemberOf(text))
        }
        _ => Err(invalid(
            "Placement constraint type should be one of [memberOf,distinctInstance]",
        )),
    };
    given.iter().map(one).collect()
}

/// # Errors
/// When the text is no expression of the cluster query language.
pub(crate) fn expression(text: &str) -> Result<query::Query, ApiError> {
    query::parse(text).map_err(invalid)
}

/// # Errors
/// In AWS's words.
pub(crate) fn strategies(given: &[shape::PlacementStrategy]) -> Result<Vec<Strategy>, ApiError> {
    if given.len() > STRATEGIES_MAX {
        return Err(invalid(format!(
            "placement strategies can have at most {STRATEGIES_MAX} items."
        )));
    }
    let one = |it: &shape::PlacementStrategy| {
        let field = it.field.clone().filter(|field| !field.is_empty());
        let kind = it.type_.as_ref().map(|kind| kind.as_str().to_owned());
        let strategy = Strategy {
            kind: kind.unwrap_or_default(),
            field,
        };
        match (strategy.kind.as_str(), strategy.field.as_deref()) {
            ("random", _) => {}
            ("binpack", Some(field)) if ["cpu", "memory"].contains(&field.to_lowercase().as_str()) => {}
            ("spread", Some(field))
                if is_instance(field)
                    || field.strip_prefix("attribute:").is_some_and(|it| !it.is_empty()) => {}
            ("spread" | "binpack", field) => {
                return Err(invalid(format!(
                    "Invalid field '{}' for placement strategy type {}.",
                    field.unwrap_or_default(),
                    strategy.kind
                )));
            }
            _ => {
                return Err(invalid(
                    "Placement strategy type should be one of [random,spread,binpack]",
                ));
            }
        }
        Ok(strategy)
    };
    given.iter().map(one).collect()
}

fn is_instance(field: &str) -> bool {
    field.eq_ignore_ascii_case("instanceId") || field.eq_ignore_ascii_case("host")
}

impl Strategy {
    fn planned(&self, seed: u64) -> placement::Strategy {
        let field = self.field.as_deref().unwrap_or_default();
        match self.kind.as_str() {
            "binpack" if field.eq_ignore_ascii_case("cpu") => placement::Strategy::BinpackCpu,
            "binpack" => placement::Strategy::BinpackMemory,
            "spread" => match field.strip_prefix("attribute:") {
                Some(name) => placement::Strategy::SpreadAttribute(name.to_owned()),
                None => placement::Strategy::SpreadInstances,
            },
            _ => placement::Strategy::Random(seed),
        }
    }
}

impl Placement {
    /// As the planner wants them. A service without strategies is spread over zones, then over instances, as AWS does; a
    /// task on its own goes anywhere.
    pub(crate) fn planned(&self, of_service: bool, seed: u64) -> Vec<placement::Strategy> {
        if !self.strategies.is_empty() {
            return self.strategies.iter().map(|it| it.planned(seed)).collect();
        }
        if of_service {
            return vec![
                placement::Strategy::SpreadAttribute(ZONE.to_owned()),
                placement::Strategy::SpreadInstances,
            ];
        }
        vec![placement::Strategy::Random(seed)]
    }

    /// Whether zones come first when its tasks are spread.
    pub(crate) fn balances_zones(&self) -> bool {
        let zone = format!("attribute:{ZONE}");
        self.strategies
            .first()
            .is_none_or(|it| it.kind == "spread" && it.field.as_ref() == Some(&zone))
    }

    pub(crate) fn shapes(&self) -> (Vec<shape::PlacementConstraint>, Vec<shape::PlacementStrategy>) {
        let constraint = |it: &Constraint| match it {
            Constraint::DistinctInstance => shape::PlacementConstraint {
                type_: Some(shape::PlacementConstraintType::DistinctInstance),
                expression: None,
            },
            Constraint::MemberOf(text) => shape::PlacementConstraint {
                type_: Some(shape::PlacementConstraintType::MemberOf),
                expression: Some(text.clone()),
            },
        };
        let strategy = |it: &Strategy| shape::PlacementStrategy {
            type_: Some(it.kind.as_str().into()),
            field: it.field.clone(),
        };
        (
            self.constraints.iter().map(constraint).collect(),
            self.strategies.iter().map(strategy).collect(),
        )
    }
}

impl Constraint {
    pub(crate) fn planned(&self) -> Option<placement::Constraint> {
        match self {
            Self::DistinctInstance => Some(placement::Constraint::DistinctInstance),
            // It could be read when it was stored.
            Self::MemberOf(text) => query::parse(text).ok().map(placement::Constraint::MemberOf),
        }
    }
}
