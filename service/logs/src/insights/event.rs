//! A line, and the fields that are found in it.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use contract::log::StoredLine;
use serde_json::Value as Json;

use super::value::Value;

/// Fields that one line may have.
const LEAVES_MAX: usize = 200;

/// A line as queries see it.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) account: String,
    pub(crate) group: String,
    pub(crate) line: StoredLine,
    /// What leads back to it.
    pub(crate) pointer: String,
    json: OnceLock<Option<Json>>,
}

impl Event {
    pub(crate) fn new(account: String, group: String, line: StoredLine, pointer: String) -> Self {
        Self {
            account,
            group,
            line,
            pointer,
            json: OnceLock::new(),
        }
    }

    pub(super) fn field(&self, name: &str) -> Value {
        match name {
            "@timestamp" => Value::Time(self.line.at_ms),
            "@ingestionTime" => Value::Time(self.line.stored_at_ms),
            "@message" => Value::Text(self.line.message.clone()),
            "@logStream" => Value::Text(self.line.stream.clone()),
            "@log" => Value::Text(format!("{}:{}", self.account, self.group)),
            "@ptr" => Value::Text(self.pointer.clone()),
            name => self.json().map_or(Value::Null, |json| find(json, name)),
        }
    }

    /// The line as JSON, if it is an object.
    pub(crate) fn json(&self) -> Option<&Json> {
        let json = self.json.get_or_init(|| {
            let text = self.line.message.trim();
            if !text.starts_with('{') {
                return None;
            }
            serde_json::from_str(text).ok()
        });
        json.as_ref()
    }
}

/// The value at `a.b.0.c`; a key may have dots itself.
fn find(json: &Json, path: &str) -> Value {
    let at = |name: &str| match json {
        Json::Object(members) => members.get(name),
        Json::Array(items) => name.parse::<usize>().ok().and_then(|at| items.get(at)),
        _ => None,
    };
    if let Some(found) = at(path).and_then(leaf) {
        return found;
    }
    let dots = path.match_indices('.').map(|(at, _)| at);
    for dot in dots {
        if let Some(inner) = at(&path[..dot]) {
            let found = find(inner, &path[dot + 1..]);
            if !found.is_null() {
                return found;
            }
        }
    }
    Value::Null
}

fn leaf(json: &Json) -> Option<Value> {
    match json {
        Json::String(text) => Some(Value::Text(text.clone())),
        Json::Number(number) => number.as_f64().map(Value::Number),
        Json::Bool(flag) => Some(Value::Bool(*flag)),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// All values with their paths, a certain number at most.
pub(crate) fn leaves(json: &Json) -> BTreeMap<String, String> {
    let (mut found, mut open) = (BTreeMap::new(), vec![(String::new(), json)]);
    while let Some((path, json)) = open.pop() {
        let below = |name: &str| match path.is_empty() {
            true => name.to_owned(),
            false => format!("{path}.{name}"),
        };
        match json {
            Json::Object(members) => open.extend(members.iter().map(|(name, it)| (below(name), it))),
            Json::Array(items) => {
                open.extend(
                    items
                        .iter()
                        .enumerate()
                        .map(|(at, it)| (below(&at.to_string()), it)),
                );
            }
            Json::String(text) => drop(found.insert(path, text.clone())),
            Json::Null => {}
            other => drop(found.insert(path, other.to_string())),
        }
        if found.len() >= LEAVES_MAX {
            break;
        }
    }
    found
}
