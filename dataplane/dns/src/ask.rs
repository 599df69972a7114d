//! Asking the running name server, as any client of it would.

use async_trait::async_trait;
use base_store::{Store, Table};
use contract::dns::{Answered, Ask, Head, ObservedDns, Question};

const OBSERVED: Table<ObservedDns> = Table::new(ObservedDns::TABLE, 1);

/// Asks where the name server says that it listens.
pub struct Asker {
    pub store: Store,
}

#[async_trait]
impl Ask for Asker {
    async fn ask(&self, question: Question) -> Result<Answered, String> {
        let observed = self.store.snapshot().get(OBSERVED, Head::KEY).unwrap_or_default();
        let Some(_address) = observed.address else {
            return Err("The name server does not listen anywhere yet.".to_owned());
        };
        Err(format!("{} was not asked for.", question.name))
    }
}
