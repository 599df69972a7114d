//! Waking whoever cares about some tables.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

/// One counter per table, raised by every commit that touches it.
#[derive(Default)]
pub(crate) struct Counters(Mutex<HashMap<Arc<str>, watch::Sender<u64>>>);

impl Counters {
    pub(crate) fn raise(&self, table: Arc<str>) {
        let mut counters = self.0.lock().expect("no holder of this lock panics");
        counters
            .entry(table)
            .or_default()
            .send_modify(|count| *count += 1);
    }

    pub(crate) fn watch(&self, tables: &[&'static str]) -> Watch {
        let mut counters = self.0.lock().expect("no holder of this lock panics");
        let receivers = tables
            .iter()
            .map(|&table| counters.entry(table.into()).or_default().subscribe())
            .collect();
        Watch { receivers }
    }
}

/// Changes of some tables. Changes that happen between two looks are one.
pub struct Watch {
    receivers: Vec<watch::Receiver<u64>>,
}

impl Watch {
    /// Returns when one of the tables has changed since the last return; at once if that was already so. It may be
    /// dropped at any await without missing a change. Waits for ever when the store is gone.
    pub async fn changed(&mut self) {
        let waits = self.receivers.iter_mut().map(|receiver| {
            Box::pin(async {
                if receiver.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            })
        });
        first_of(waits.collect()).await;
    }
}

async fn first_of(mut waits: Vec<std::pin::Pin<Box<impl Future<Output = ()>>>>) {
    std::future::poll_fn(|context| {
        for wait in &mut waits {
            if wait.as_mut().poll(context).is_ready() {
                return std::task::Poll::Ready(());
            }
        }
        std::task::Poll::Pending
    })
    .await;
}
