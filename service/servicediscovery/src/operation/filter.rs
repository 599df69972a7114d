//! Filters of lists.

use aws_protocol::ApiError;
use aws_shape::servicediscovery::FilterCondition;

use crate::error::invalid;

/// Whether a fact passes.
pub(super) fn passes(
    name: &str,
    condition: Option<&FilterCondition>,
    values: &[String],
    allowed: &[FilterCondition],
    fact: &str,
) -> Result<bool, ApiError> {
    let condition = condition.unwrap_or(&FilterCondition::Eq);
    if !allowed.contains(condition) {
        let message = format!("The condition {condition} is not valid for the filter {name}.");
        return Err(invalid(message));
    }
    let exactly = |count: usize| {
        if values.len() == count {
            return Ok(());
        }
        let message = format!("The filter {name} with the condition {condition} takes {count} value(s).");
        Err(invalid(message))
    };
    match condition {
        FilterCondition::In => Ok(values.iter().any(|it| it == fact)),
        FilterCondition::BeginsWith => {
            exactly(1)?;
            Ok(fact.starts_with(values[0].as_str()))
        }
        FilterCondition::Between => {
            exactly(2)?;
            Ok((values[0].as_str()..=values[1].as_str()).contains(&fact))
        }
        _ => {
            exactly(1)?;
            Ok(values[0] == fact)
        }
    }
}

/// The condition that most filters have.
pub(super) const EQ: &[FilterCondition] = &[FilterCondition::Eq];
pub(super) const EQ_IN: &[FilterCondition] = &[FilterCondition::Eq, FilterCondition::In];
pub(super) const EQ_BEGINS_WITH: &[FilterCondition] = &[FilterCondition::Eq, FilterCondition::BeginsWith];
