//! Runs a reconciler that follows the lines of the store: woken by each line that comes, and by changes of its tables.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base_clock::Clock;
use base_reconcile::{Reconciler, Status};
use base_store::Store;
use contract::log::LogStore;
use tokio::sync::{Mutex, watch};

/// How often it looks although nothing woke it.
const TIMER: Duration = Duration::from_secs(30);
/// Lines come in thousands; a look at each alone would cost more than it tells.
const GATHER: Duration = Duration::from_millis(200);

/// Runs until `shutdown` says true. `reads` are the tables whose changes wake it.
pub async fn follow(
    reconciler: Arc<dyn Reconciler>,
    store: Store,
    clock: Arc<dyn Clock>,
    lines: Arc<dyn LogStore>,
    reads: &'static [&'static str],
    shutdown: watch::Receiver<bool>,
) {
    let changes = Arc::new(Mutex::new(store.watch(reads)));
    let seen = Arc::new(AtomicU64::new(lines.newest().await.unwrap_or_default()));
    let pause = Arc::clone(&clock);
    let woken = move || {
        let (changes, seen) = (Arc::clone(&changes), Arc::clone(&seen));
        let (lines, pause) = (Arc::clone(&lines), Arc::clone(&pause));
        async move {
            let arrived = async {
                match lines.beyond(seen.load(Ordering::Relaxed)).await {
                    Ok(newest) => {
                        pause.sleep(GATHER).await;
                        seen.store(newest, Ordering::Relaxed);
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the log store cannot be followed; the next look is by the timer");
                        std::future::pending().await
                    }
                }
            };
            let changed = async { changes.lock().await.changed().await };
            tokio::select! {
                () = arrived => {}
                () = changed => {}
            }
        }
    };
    let status = watch::Sender::new(Status::default());
    base_reconcile::run(reconciler, clock, TIMER, woken, shutdown, status).await;
}
