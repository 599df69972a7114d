//! Secrets whose recovery window has ended are removed for good.

use async_trait::async_trait;
use aws_protocol::ApiError;
use base_reconcile::{Outcome, Reconciler};

use crate::{SECRETS, Secrets, secret};

/// Carries out deletions when they are due.
pub struct Deletions(Secrets);

impl Deletions {
    /// What wakes it.
    pub const READS: &[&str] = &[SECRETS.name];

    pub fn new(secrets: Secrets) -> Self {
        Self(secrets)
    }
}

#[async_trait]
impl Reconciler for Deletions {
    fn name(&self) -> &'static str {
        "secrets deletions"
    }

    async fn activate(&self) -> Result<Outcome, String> {
        let now = self.0.clock.now();
        let due = self.0.store.snapshot().list(SECRETS);
        let next = due.iter().filter_map(|(_, secret)| secret.deletion_at).min();
        match next {
            None => Ok(Outcome::Settled),
            Some(at) if at > now => Ok(Outcome::Until(at)),
            Some(_) => {
                let removed = self.0.store.write(move |tx| {
                    for (key, secret) in tx.list(SECRETS) {
                        if secret.deletion_at.is_some_and(|at| at <= now) {
                            secret::remove(tx, &key);
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
