//! The workflow language from outside: tables of cases from GitHub's documentation, whole files and their problems, and
//! what nobody would write by accident.

mod expressions;
mod files;
mod filters;
mod hostile;
mod matrices;

use base_workflow::{Map, Scope, Status, Value};

/// A scope of values that a test has written down.
pub struct Written {
    pub contexts: Map,
    pub status: Status,
}

impl Written {
    pub fn of(json: &str) -> Self {
        let Value::Map(contexts) = serde_json::from_str(json).unwrap() else {
            panic!("contexts are a mapping");
        };
        Self {
            contexts,
            status: Status::Success,
        }
    }
}

impl Scope for Written {
    fn context(&self, name: &str) -> Option<Value> {
        self.contexts.get(name).cloned()
    }

    fn status(&self) -> Status {
        self.status
    }

    fn hash_files(&self, patterns: &[String]) -> Result<String, String> {
        match patterns[0].as_str() {
            "nothing" => Ok(String::new()),
            "../outside" => Err("the files are outside".to_owned()),
            _ => Ok(format!("hash of {}", patterns.join(" "))),
        }
    }
}
