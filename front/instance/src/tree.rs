//! Documents by path, and the directories that their paths make.

use std::collections::{BTreeMap, BTreeSet};

use contract::agent::HostFacts;

/// Everything that can be asked for, but for what is made at the moment it is asked for.
pub(crate) fn of(facts: &HostFacts) -> BTreeMap<String, String> {
    let mut documents = facts.documents.clone();
    if facts.user_data.is_some() {
        documents.insert("user-data".to_owned(), String::new());
    }
    if let Some(role) = &facts.role {
        documents.insert(format!("{}/{role}", super::CREDENTIALS), String::new());
    }
    documents
}

/// A document, or the names in a directory.
pub(crate) fn look(documents: &BTreeMap<String, String>, path: &str) -> Option<String> {
    if let Some(found) = documents.get(path) {
        return Some(found.clone());
    }
    let head = match path {
        "" => String::new(),
        path => format!("{path}/"),
    };
    let below = documents.keys().filter_map(|name| name.strip_prefix(&head));
    let names: BTreeSet<String> = below
        .map(|rest| match rest.split_once('/') {
            // A key's number is listed with its name, in the place of a directory.
            Some((name, _)) if path == "meta-data/public-keys" => {
                let called = documents.get(&format!("{path}/{name}/name"));
                format!("{name}={}", called.map(String::as_str).unwrap_or_default())
            }
            Some((name, _)) => format!("{name}/"),
            None => rest.to_owned(),
        })
        .collect();
    (!names.is_empty()).then(|| names.into_iter().collect::<Vec<_>>().join("\n"))
}
