//! How an operation begins: written down together with what it changes, and with what is left to do, if anything is.

use std::collections::BTreeMap;

use aws_protocol::ApiError;
use base_id::{IdSource, Scope};
use base_store::Transaction;
use jiff::Timestamp;

use crate::error;
use crate::model::{Operation, OperationKind, Status, Work};
use crate::table::{OPERATIONS, PENDING, child, key};

const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// So many digits and small letters; all of the number's where there is room.
fn letters(mut number: u128, count: usize) -> String {
    let mut text = vec![b'0'; count];
    for place in text.iter_mut().rev() {
        *place = DIGITS[(number % 36) as usize];
        number /= 36;
    }
    text.into_iter().map(char::from).collect()
}

/// Such as `ns-` or `srv-` and 16 letters.
pub(super) fn new_id(ids: &dyn IdSource, head: &str) -> String {
    format!("{head}-{}", letters(ids.next(), 16))
}

pub(super) fn operation_id(ids: &dyn IdSource) -> String {
    format!("{}-{}", letters(ids.next(), 32), letters(ids.next(), 8))
}

/// What an operation is and concerns.
pub(super) struct Begin<'a> {
    pub(super) id: String,
    pub(super) kind: OperationKind,
    pub(super) now: Timestamp,
    pub(super) scope: &'a Scope,
    /// `NAMESPACE`, `SERVICE` or `INSTANCE`, and its id.
    pub(super) targets: Vec<(&'static str, String)>,
}

impl Begin<'_> {
    /// Done already, or with something left to do for a namespace or service.
    pub(super) fn write(self, tx: &mut Transaction, left: Option<(&str, Work)>) {
        let status = match &left {
            None => Status::Success,
            Some(_) => Status::Pending,
        };
        if let Some((parent, work)) = left {
            tx.put(PENDING, &child(self.scope, parent, &self.id), work);
        }
        let targets: BTreeMap<String, String> = self
            .targets
            .into_iter()
            .map(|(name, id)| (name.to_owned(), id))
            .collect();
        let place = key(self.scope, &self.id);
        let row = Operation {
            id: self.id,
            kind: self.kind,
            status,
            created_at: self.now,
            updated_at: self.now,
            targets,
        };
        tx.put(OPERATIONS, &place, row);
    }
}

/// Refused while there is something left to do that this collides with.
pub(super) fn check_idle(
    tx: &Transaction,
    scope: &Scope,
    parent: &str,
    collides: impl Fn(&Work) -> bool,
) -> Result<(), ApiError> {
    for (place, work) in tx.prefix(PENDING, &child(scope, parent, "")) {
        if collides(&work) {
            let id = crate::table::id_of(&place);
            let kind = tx.get(OPERATIONS, &key(scope, id)).map(|it| it.kind);
            return Err(error::duplicate(kind.unwrap_or(OperationKind::UpdateService), id));
        }
    }
    Ok(())
}
