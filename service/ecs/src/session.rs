//! Sessions of ExecuteCommand that wait to be joined.

use std::collections::BTreeMap;
use std::sync::Mutex;

use contract::exec::ExecRequest;
use jiff::Timestamp;
use subtle::ConstantTimeEq as _;

/// More than these are never waiting: the oldest goes.
const WAITING_MAX: usize = 1000;

#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) token: String,
    pub(crate) task: String,
    pub(crate) container: String,
    pub(crate) arguments: Vec<String>,
    pub(crate) join_until: Timestamp,
}

/// They live as long as the process: who asked joins within seconds, or asks again.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<BTreeMap<String, Pending>>);

impl Sessions {
    pub(crate) fn add(&self, id: String, pending: Pending, now: Timestamp) {
        let mut waiting = self.0.lock().expect("nothing panics while it holds the lock");
        waiting.retain(|_, one| one.join_until > now);
        while waiting.len() >= WAITING_MAX {
            let oldest = waiting.iter().min_by_key(|(_, one)| one.join_until);
            let Some(oldest) = oldest.map(|(id, _)| id.clone()) else {
                break;
            };
            waiting.remove(&oldest);
        }
        waiting.insert(id, pending);
    }

    /// What shall run in a session, once, for who has its token. A wrong token leaves it waiting.
    pub(crate) fn join(&self, id: &str, token: &str, now: Timestamp) -> Option<ExecRequest> {
        let mut waiting = self.0.lock().expect("nothing panics while it holds the lock");
        let right = waiting.get(id).is_some_and(|one| {
            one.join_until > now && bool::from(one.token.as_bytes().ct_eq(token.as_bytes()))
        });
        let one = right.then(|| waiting.remove(id)).flatten()?;
        Some(ExecRequest {
            task: one.task,
            container: one.container,
            arguments: one.arguments,
            environment: vec![],
            terminal: None,
            user: None,
            working_directory: None,
        })
    }
}

#[cfg(test)]
mod tests;
