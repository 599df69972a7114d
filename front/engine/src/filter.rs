//! Filters of lists of images, as `docker images` and `docker image prune` send them.

use std::collections::BTreeMap;

use contract::image::ImageSummary;
use jiff::Timestamp;
use serde::Deserialize;

use crate::Api;
use crate::answer::{Refusal, full_repository, repository};
use crate::query::Query;

/// A filter's values: a set, or (older clients) a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum Values {
    Set(BTreeMap<String, bool>),
    List(Vec<String>),
}

impl Values {
    fn into_vec(self) -> Vec<String> {
        match self {
            Self::Set(set) => set
                .into_iter()
                .filter(|(_, wanted)| *wanted)
                .map(|(value, _)| value)
                .collect(),
            Self::List(list) => list,
        }
    }
}

/// Filters that were read; an image must pass all of them.
#[derive(Default)]
pub(crate) struct Filters {
    references: Option<Vec<String>>,
    pub dangling: Option<bool>,
    labels: Vec<String>,
    without_labels: Vec<String>,
    before: Option<Timestamp>,
    since: Option<Timestamp>,
}

impl Filters {
    /// Reads the parameter `filters`, of which `known` are served.
    pub async fn parse(api: &Api, query: &Query, known: &[&str]) -> Result<Self, Refusal> {
        let mut filters = Self::default();
        for (name, values) in query.map::<Values>("filters")? {
            if !known.contains(&name.as_str()) {
                return Err(Refusal::bad(format!(
                    "invalid filter '{name}'; those that are served are {}",
                    known.join(", ")
                )));
            }
            let values = values.into_vec();
            match name.as_str() {
                "reference" => filters.references.get_or_insert_default().extend(values),
                "label" => filters.labels.extend(values),
                "label!" => filters.without_labels.extend(values),
                "dangling" => filters.dangling = values.first().map(|value| truth(value)).transpose()?,
                "before" => filters.before = created(api, values).await?,
                "since" => filters.since = created(api, values).await?,
                _ => filters.before = values.first().map(|value| until(api, value)).transpose()?,
            }
        }
        if let Some(name) = query.get("filter") {
            filters.references.get_or_insert_default().push(name.to_owned());
        }
        Ok(filters)
    }

    /// The image with the names that are asked for, if it is asked for at all.
    pub fn apply(&self, mut image: ImageSummary) -> Option<ImageSummary> {
        if let Some(references) = &self.references {
            image
                .names
                .retain(|name| references.iter().any(|reference| is_meant(name, reference)));
            if image.names.is_empty() {
                return None;
            }
        }
        let created = image.created.unwrap_or(Timestamp::UNIX_EPOCH);
        let fits = self
            .dangling
            .is_none_or(|wanted| wanted == image.names.is_empty())
            && self.labels.iter().all(|label| has_label(&image, label))
            && !self.without_labels.iter().any(|label| has_label(&image, label))
            && self.before.is_none_or(|before| created < before)
            && self.since.is_none_or(|since| created > since);
        fits.then_some(image)
    }
}

fn truth(value: &str) -> Result<bool, Refusal> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        other => Err(Refusal::bad(format!("invalid filter 'dangling=[{other}]'"))),
    }
}

/// When the image that a filter names was made.
async fn created(api: &Api, values: Vec<String>) -> Result<Option<Timestamp>, Refusal> {
    let Some(name) = values.first() else {
        return Ok(None);
    };
    let created = api.engine.inspect(name).await?.summary.created;
    Ok(Some(created.unwrap_or(Timestamp::UNIX_EPOCH)))
}

/// A point in time, or a span before now such as `24h`.
fn until(api: &Api, value: &str) -> Result<Timestamp, Refusal> {
    let wrong = || {
        Refusal::bad(format!(
            "invalid filter 'until=[{value}]': neither a time nor a duration"
        ))
    };
    if let Ok(seconds) = value.parse::<i64>() {
        return Timestamp::from_second(seconds).map_err(|_| wrong());
    }
    if let Ok(at) = value.parse::<Timestamp>() {
        return Ok(at);
    }
    let span: jiff::SignedDuration = value.parse().map_err(|_| wrong())?;
    api.clock.now().checked_sub(span).map_err(|_| wrong())
}

fn has_label(image: &ImageSummary, label: &str) -> bool {
    image
        .labels
        .iter()
        .any(|(name, value)| match label.split_once('=') {
            Some((wanted, wanted_value)) => name == wanted && value == wanted_value,
            None => name == label,
        })
}

/// A reference is a repository or a repository with tag, where `*` stands for any characters but `/`.
fn is_meant(name: &str, reference: &str) -> bool {
    let full_name = full_repository(name);
    let full_reference = full_repository(reference);
    let candidates = [name, repository(name), &full_name, repository(&full_name)];
    candidates
        .iter()
        .any(|candidate| matches(candidate, reference) || matches(candidate, &full_reference))
}

fn matches(text: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(rest) = text.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let mut rest = rest;
    let parts: Vec<&str> = parts.collect();
    for (number, part) in parts.iter().enumerate() {
        let is_last = number + 1 == parts.len();
        let at = if is_last {
            rest.len()
                .checked_sub(part.len())
                .filter(|at| rest.ends_with(part) && rest.is_char_boundary(*at))
        } else {
            rest.find(part)
        };
        match at {
            Some(at) if !rest[..at].contains('/') => rest = &rest[at + part.len()..],
            _ => return false,
        }
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests;
