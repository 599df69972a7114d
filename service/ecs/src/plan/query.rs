//! The cluster query language: which container instances are meant, such as
//! `attribute:ecs.instance-type =~ t3.* and not(task:group == service:web)`.

mod read;

use std::collections::BTreeMap;

use jiff::Timestamp;
use regex::Regex;

pub(crate) use read::parse;

/// A whole question.
#[derive(Clone, Debug)]
pub(crate) enum Query {
    And(Box<Query>, Box<Query>),
    Or(Box<Query>, Box<Query>),
    Not(Box<Query>),
    Is(Subject, Test),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Attribute(String),
    AgentConnected,
    AgentVersion,
    Ec2InstanceId,
    RegisteredAt,
    RunningTasksCount,
    TaskGroup,
}

#[derive(Clone, Debug)]
pub(crate) enum Test {
    Exists,
    Compare(Comparison, String),
    In(Vec<String>),
    Matches(Regex),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// What is known of a container instance.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// Some have no value.
    pub(crate) attributes: BTreeMap<String, Option<String>>,
    pub(crate) agent_connected: bool,
    pub(crate) agent_version: Option<String>,
    pub(crate) ec2_instance: String,
    pub(crate) registered_at: Timestamp,
    pub(crate) running_tasks: usize,
    /// Groups of its tasks.
    pub(crate) groups: Vec<String>,
}

impl Query {
    pub(crate) fn holds(&self, facts: &Facts) -> bool {
        match self {
            Self::And(a, b) => a.holds(facts) && b.holds(facts),
            Self::Or(a, b) => a.holds(facts) || b.holds(facts),
            Self::Not(inner) => !inner.holds(facts),
            Self::Is(subject, test) => test.holds(subject, facts),
        }
    }
}

impl Subject {
    /// Its values: one, none, or as many as there are tasks.
    fn values(&self, facts: &Facts) -> Vec<String> {
        match self {
            Self::Attribute(name) => {
                let value = facts.attributes.get(name);
                value
                    .map(|it| it.clone().unwrap_or_default())
                    .into_iter()
                    .collect()
            }
            Self::AgentConnected => vec![facts.agent_connected.to_string()],
            Self::AgentVersion => facts.agent_version.clone().into_iter().collect(),
            Self::Ec2InstanceId => vec![facts.ec2_instance.clone()],
            Self::RegisteredAt => vec![facts.registered_at.to_string()],
            Self::RunningTasksCount => vec![facts.running_tasks.to_string()],
            Self::TaskGroup => facts.groups.clone(),
        }
    }
}

impl Test {
    fn holds(&self, subject: &Subject, facts: &Facts) -> bool {
        let values = subject.values(facts);
        match self {
            Self::Exists => !values.is_empty(),
            Self::Compare(how, wanted) => values.iter().any(|value| how.holds(subject, value, wanted)),
            Self::In(list) => values.iter().any(|value| list.contains(value)),
            Self::Matches(pattern) => values.iter().any(|value| pattern.is_match(value)),
        }
    }
}

impl Comparison {
    fn holds(self, subject: &Subject, value: &str, wanted: &str) -> bool {
        let order = match subject {
            Subject::RegisteredAt => match (instant(value), instant(wanted)) {
                (Some(value), Some(wanted)) => value.cmp(&wanted),
                _ => return false,
            },
            Subject::AgentVersion => version(value).cmp(&version(wanted)),
            _ => match (value.parse::<f64>(), wanted.parse::<f64>()) {
                (Ok(a), Ok(b)) => a.total_cmp(&b),
                _ => value.cmp(wanted),
            },
        };
        match self {
            Self::Equal => order.is_eq(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
        }
    }
}

fn instant(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// `1.89.2` as numbers, so that 1.9 is below 1.10.
fn version(text: &str) -> Vec<u64> {
    text.trim_start_matches('v')
        .split('.')
        .map(|part| part.parse().unwrap_or_default())
        .collect()
}

#[cfg(test)]
mod tests;
