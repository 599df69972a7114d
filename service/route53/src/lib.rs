//! Route 53: hosted zones, record sets, health checks.
//!
//! A zone's records are stored once, as the name server reads them (`contract::dns`): an operation writes rows, what has
//! changed and the new head in one transaction (`table::Journal`). Which change of a batch is allowed is decided in
//! `batch.rs`, without I/O.

mod batch;
mod error;
mod health;
mod model;
mod name;
mod operation;
mod record;
mod table;
mod value;

use std::sync::Arc;
use std::time::Duration;

use base_clock::Clock;
use base_id::IdSource;
use base_store::Store;
use contract::dns::{Ask, Head};

use crate::table::OBSERVED;

/// Whom Route 53 asks.
#[derive(Clone)]
pub struct Neighbours {
    pub ec2: Arc<dyn aws_shape::ec2::Api>,
    /// The running name server.
    pub dns: Arc<dyn Ask>,
}

/// The service; cheap to clone.
#[derive(Clone)]
pub struct Route53 {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    neighbours: Neighbours,
}

/// How long an operation looks whether the name server has heard of its change, so that what a caller asks next is
/// answered from it. It answers the same whether or not it has.
const HEARD_WITHIN: Duration = Duration::from_millis(200);

impl Route53 {
    pub fn new(store: Store, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>, neighbours: Neighbours) -> Self {
        Self {
            store,
            clock,
            ids,
            neighbours,
        }
    }

    /// What the name server answers from.
    fn served(&self) -> u64 {
        let seen = self.store.snapshot().get(OBSERVED, Head::KEY);
        seen.map_or(0, |it| it.sequence)
    }

    async fn heard(&self, sequence: u64) {
        let mut news = self.store.watch(&[OBSERVED.name]);
        let heard = async {
            while self.served() < sequence {
                news.changed().await;
            }
        };
        let enough = self.clock.sleep(HEARD_WITHIN);
        futures::future::select(std::pin::pin!(heard), std::pin::pin!(enough)).await;
    }
}

#[cfg(test)]
mod tests;
