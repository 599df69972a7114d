//! Lifecycle policies: read and checked when they are given, in the words of AWS's answer to one that is wrong.

use aws_protocol::ApiError;
use serde::Deserialize;

use crate::error::invalid_parameter;

/// As in AWS.
const RULES_MAX: usize = 50;
const DESCRIPTION_CHARS_MAX: usize = 256;
/// In one pattern.
const WILDCARDS_MAX: usize = 4;

/// A policy that was checked; its rules by priority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    /// The smallest comes first.
    pub(crate) priority: i32,
    pub(crate) tags: Tags,
    pub(crate) limit: Limit,
}

/// Which images a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tags {
    Any,
    Untagged,
    /// With a tag for each of these patterns.
    Like(Vec<String>),
}

/// Which of those it expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// All but the youngest.
    Count(usize),
    /// Pushed longer ago.
    PushedDays(i64),
    /// Pulled longer ago, or pushed if never pulled.
    PulledDays(i64),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPolicy {
    rules: Vec<RawRule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawRule {
    rule_priority: i64,
    #[serde(default)]
    description: Option<String>,
    selection: RawSelection,
    action: RawAction,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawSelection {
    tag_status: String,
    #[serde(default)]
    tag_prefix_list: Option<Vec<String>>,
    #[serde(default)]
    tag_pattern_list: Option<Vec<String>>,
    #[serde(default)]
    storage_class: Option<String>,
    count_type: String,
    #[serde(default)]
    count_unit: Option<String>,
    count_number: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawAction {
    r#type: String,
}

impl Policy {
    /// # Errors
    /// `InvalidParameterException`
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        Self::read(text).map_err(|reason| {
            let constraint = format!("Lifecycle policy validation failure: {reason}");
            invalid_parameter("LifecyclePolicyText", &constraint)
        })
    }

    fn read(text: &str) -> Result<Self, String> {
        let raw: RawPolicy = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if raw.rules.is_empty() || raw.rules.len() > RULES_MAX {
            return Err(format!("a policy has from 1 to {RULES_MAX} rules"));
        }
        let mut rules = raw.rules.into_iter().map(rule).collect::<Result<Vec<_>, _>>()?;
        rules.sort_by_key(|rule| rule.priority);
        if let Some(pair) = rules.windows(2).find(|pair| pair[0].priority == pair[1].priority) {
            return Err(format!("rulePriority {} is not unique", pair[0].priority));
        }
        let untagged = rules.iter().filter(|rule| rule.tags == Tags::Untagged);
        if untagged.count() > 1 {
            return Err("only one rule may have the tagStatus untagged".to_owned());
        }
        let any = rules.iter().position(|rule| rule.tags == Tags::Any);
        if any.is_some_and(|at| at + 1 != rules.len()) {
            return Err("the rule with the tagStatus any must have the highest rulePriority".to_owned());
        }
        Ok(Self { rules })
    }
}

fn rule(raw: RawRule) -> Result<Rule, String> {
    let priority = i32::try_from(raw.rule_priority)
        .ok()
        .filter(|number| *number >= 1);
    let priority = priority.ok_or_else(|| format!("rulePriority {} is not 1 or more", raw.rule_priority))?;
    if raw
        .description
        .is_some_and(|text| text.chars().count() > DESCRIPTION_CHARS_MAX)
    {
        return Err(format!(
            "a description has at most {DESCRIPTION_CHARS_MAX} characters"
        ));
    }
    match raw.action.r#type.as_str() {
        "expire" => {}
        "transition" => {
            return Err("Wharf has one storage class only and serves the action expire".to_owned());
        }
        other => return Err(format!("the action {other} is not one of [expire]")),
    }
    let selection = raw.selection;
    match selection.storage_class.as_deref() {
        None | Some("standard") => {}
        Some(_) => return Err("Wharf has one storage class only: standard".to_owned()),
    }
    Ok(Rule {
        priority,
        limit: limit(&selection)?,
        tags: tags(selection)?,
    })
}

fn limit(selection: &RawSelection) -> Result<Limit, String> {
    let number = selection.count_number;
    if number < 1 {
        return Err(format!("countNumber {number} is not 1 or more"));
    }
    let (kind, unit) = (selection.count_type.as_str(), selection.count_unit.as_deref());
    match (kind, unit) {
        ("imageCountMoreThan", None) => Ok(Limit::Count(usize::try_from(number).unwrap_or(usize::MAX))),
        ("imageCountMoreThan", Some(_)) => {
            Err("countUnit is not for the countType imageCountMoreThan".to_owned())
        }
        ("sinceImagePushed", Some("days")) => Ok(Limit::PushedDays(number)),
        ("sinceImagePulled", Some("days")) => Ok(Limit::PulledDays(number)),
        ("sinceImagePushed" | "sinceImagePulled", _) => {
            Err(format!("the countType {kind} needs the countUnit days"))
        }
        _ => Err(format!(
            "the countType {kind} is not one of [imageCountMoreThan, sinceImagePushed, sinceImagePulled]"
        )),
    }
}

fn tags(selection: RawSelection) -> Result<Tags, String> {
    let lists = (selection.tag_prefix_list, selection.tag_pattern_list);
    match (selection.tag_status.as_str(), lists) {
        ("any", (None, None)) => Ok(Tags::Any),
        ("untagged", (None, None)) => Ok(Tags::Untagged),
        ("any" | "untagged", _) => {
            Err("tagPrefixList and tagPatternList are for the tagStatus tagged".to_owned())
        }
        ("tagged", (Some(prefixes), None)) if is_list(&prefixes) => Ok(Tags::Like(
            prefixes.into_iter().map(|it| format!("{it}*")).collect(),
        )),
        ("tagged", (None, Some(patterns))) if is_list(&patterns) => {
            match patterns.iter().find(|it| it.matches('*').count() > WILDCARDS_MAX) {
                Some(wrong) => Err(format!(
                    "the pattern {wrong} has more than {WILDCARDS_MAX} wildcards"
                )),
                None => Ok(Tags::Like(patterns)),
            }
        }
        ("tagged", _) => {
            Err("the tagStatus tagged needs either tagPrefixList or tagPatternList, with names".to_owned())
        }
        (other, _) => Err(format!(
            "the tagStatus {other} is not one of [tagged, untagged, any]"
        )),
    }
}

fn is_list(names: &[String]) -> bool {
    !names.is_empty() && names.iter().all(|name| !name.is_empty())
}

#[cfg(test)]
mod tests;
