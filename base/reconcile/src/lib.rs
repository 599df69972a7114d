//! Reconcilers: woken by signal and by timer, given no input, safe to repeat.
//!
//! A failure is recorded in the status and the next activation is the retry; there is no other mechanism for work
//! that takes long.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base_clock::Clock;
use jiff::Timestamp;
use tokio::sync::watch;
use tracing::Instrument as _;

/// After a failure the next activation comes after this, if nothing wakes it before.
const RETRY_AFTER: Duration = Duration::from_secs(1);

#[async_trait]
pub trait Reconciler: Send + Sync {
    /// Such as `ecs services`.
    fn name(&self) -> &'static str;

    /// One activation: load a snapshot, plan, save.
    ///
    /// # Errors
    /// A sentence for the operator.
    async fn activate(&self) -> Result<Outcome, String>;
}

/// How an activation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing to do until something changes.
    Settled,
    /// Something becomes due at this time, even if nothing changes.
    Until(Timestamp),
    /// Did something whose consequences it wants to look at again at once.
    Again,
}

/// What an operator can read about a reconciler.
#[derive(Clone, Debug, Default)]
pub struct Status {
    pub activations: u64,
    pub last_at: Option<Timestamp>,
    /// The sentence of the last activation, if it failed.
    pub failure: Option<String>,
}

/// Runs a reconciler until `shutdown` says true. `woken` resolves when something it reads has changed.
pub async fn run<W, F>(
    reconciler: Arc<dyn Reconciler>,
    clock: Arc<dyn Clock>,
    timer: Duration,
    mut woken: W,
    mut shutdown: watch::Receiver<bool>,
    status: watch::Sender<Status>,
) where
    W: FnMut() -> F,
    F: Future<Output = ()>,
{
    let span = tracing::info_span!("reconcile", name = reconciler.name());
    loop {
        let result = reconciler.activate().instrument(span.clone()).await;
        status.send_modify(|status| {
            status.activations += 1;
            status.last_at = Some(clock.now());
            status.failure = result.as_ref().err().cloned();
        });
        let pause = match result {
            Ok(Outcome::Again) => Duration::ZERO,
            Ok(Outcome::Settled) => timer,
            Ok(Outcome::Until(at)) => {
                let left = Duration::try_from(at.duration_since(clock.now())).unwrap_or(Duration::ZERO);
                left.min(timer)
            }
            Err(failure) => {
                tracing::warn!(name = reconciler.name(), %failure, "an activation failed and will be repeated");
                RETRY_AFTER
            }
        };
        tokio::select! {
            () = clock.sleep(pause) => {}
            () = woken(), if !pause.is_zero() => {}
            _ = shutdown.wait_for(|stop| *stop) => return,
        }
        if *shutdown.borrow() {
            return;
        }
    }
}
