//! Sessions that have expired are forgotten.

use async_trait::async_trait;
use aws_protocol::ApiError;
use base_reconcile::{Outcome, Reconciler};

use crate::{CREDENTIALS, Iam};

/// Removes credentials whose time is over.
pub struct Sessions(Iam);

impl Sessions {
    /// What wakes it.
    pub const READS: &[&str] = &[Iam::CREDENTIAL_TABLE];

    pub fn new(iam: Iam) -> Self {
        Self(iam)
    }
}

#[async_trait]
impl Reconciler for Sessions {
    fn name(&self) -> &'static str {
        "iam sessions"
    }

    async fn activate(&self) -> Result<Outcome, String> {
        let now = self.0.clock.now();
        let rows = self.0.store.snapshot().list(CREDENTIALS);
        match rows.iter().filter_map(|(_, row)| row.expires_at).min() {
            None => Ok(Outcome::Settled),
            Some(at) if at > now => Ok(Outcome::Until(at)),
            Some(_) => {
                let removed = self.0.store.write(move |tx| {
                    for (key, row) in tx.list(CREDENTIALS) {
                        if row.expires_at.is_some_and(|at| at <= now) {
                            tx.delete(CREDENTIALS, &key);
                        }
                    }
                    Ok::<_, ApiError>(())
                });
                removed.await.map_err(|error| error.to_string())?;
                Ok(Outcome::Again)
            }
        }
    }
}
