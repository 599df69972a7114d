//! Open pages hear which of their parts have changed.
//!
//! One stream for each page. It is woken by changes of the store and, where a page shows what has no such signal, by a
//! timer; the page is made again, and only parts that differ are sent. Who does not read is dropped.

use std::collections::hash_map::{DefaultHasher, HashMap};
use std::convert::Infallible;
use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use base_store::Watch;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;

use crate::page::Page;
use crate::route::State;
use crate::view::View;

/// Streams at a time; one more is told to try later.
pub(crate) const STREAMS_MAX: usize = 64;
/// Parts that wait for a client to take them.
const WAITING_MAX: usize = 16;
/// A client that takes nothing for so long is dropped.
const SLOW_LIMIT: Duration = Duration::from_secs(20);
/// Between two looks at the least, however much changes.
const PAUSE: Duration = Duration::from_millis(250);
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Parts of a page, and what was sent of them last.
type Sent = HashMap<&'static str, u64>;

pub(crate) fn stream(state: Arc<State>, view: View, slot: OwnedSemaphorePermit, token: String) -> Response {
    let (sender, receiver) = mpsc::channel::<Result<Event, Infallible>>(WAITING_MAX);
    tokio::spawn(async move {
        let _slot = slot;
        follow(&state, &view, &token, &sender).await;
    });
    let beat = KeepAlive::new().interval(HEARTBEAT).text("still here");
    Sse::new(ReceiverStream::new(receiver))
        .keep_alive(beat)
        .into_response()
}

async fn follow(
    state: &Arc<State>,
    view: &View,
    token: &str,
    sender: &mpsc::Sender<Result<Event, Infallible>>,
) {
    let mut changes = state.parts.store.watch(&state.parts.tables);
    let mut shutdown = state.parts.shutdown.clone();
    let mut sent = Sent::new();
    loop {
        let begun = Instant::now();
        let page = Page::make(state, view, token).await;
        let every = page.every;
        for event in changed(page, &mut sent) {
            let taken = tokio::time::timeout(SLOW_LIMIT, sender.send(Ok(event))).await;
            if !matches!(taken, Ok(Ok(()))) {
                return;
            }
        }
        tokio::select! {
            () = woken(&mut changes, begun, every) => {}
            () = sender.closed() => return,
            () = ended(&mut shutdown) => return,
        }
    }
}

/// Never sooner than [`PAUSE`] after the last look, so that a storm of changes costs little.
async fn woken(changes: &mut Watch, begun: Instant, every: Duration) {
    tokio::time::sleep_until(begun + PAUSE).await;
    tokio::select! {
        () = changes.changed() => {}
        () = tokio::time::sleep_until(begun + every) => {}
    }
}

async fn ended(shutdown: &mut watch::Receiver<bool>) {
    // Also when nobody can say it any more.
    let _ = shutdown.wait_for(|is_over| *is_over).await;
}

fn changed(page: Page, sent: &mut Sent) -> Vec<Event> {
    let mut events = Vec::new();
    for (id, part) in page.parts {
        let text = part.into_string();
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let hash = hasher.finish();
        if sent.insert(id, hash) != Some(hash) {
            events.push(Event::default().event("part").id(id).data(text));
        }
    }
    events
}
