//! Who is refused while still sending reads the refusal only when all is sent: a client whose connection breaks under it
//! says "broken pipe" instead. What is left of a request is therefore read before its answer ends, up to a limit, and
//! thrown away.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, BodyDataStream};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use futures::{Stream, StreamExt as _};

/// More than this is not waited for.
const DRAINED_BYTES_MAX: usize = 1 << 30;

/// A body that two may read from, one after the other.
type Shared = Arc<Mutex<BodyDataStream>>;

fn reader(shared: &Shared) -> impl Stream<Item = Result<Bytes, axum::Error>> + Send + Unpin + 'static {
    let shared = Arc::clone(shared);
    futures::stream::poll_fn(move |context| {
        let mut stream = shared.lock().unwrap_or_else(PoisonError::into_inner);
        stream.poll_next_unpin(context)
    })
}

async fn drain(shared: Shared) {
    let mut left_bytes = DRAINED_BYTES_MAX;
    let mut rest = reader(&shared);
    while let Some(Ok(bytes)) = rest.next().await {
        match left_bytes.checked_sub(bytes.len()) {
            Some(left) => left_bytes = left,
            None => return,
        }
    }
}

pub(crate) async fn unread(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let shared: Shared = Arc::new(Mutex::new(body.into_data_stream()));
    let request = Request::from_parts(parts, Body::from_stream(reader(&shared)));
    let response = next.run(request).await;
    if response.status().is_client_error() || response.status().is_server_error() {
        drain(shared).await;
        return response;
    }
    // A long answer may fail at any time, and says so in its last lines.
    let end = futures::stream::once(drain(shared)).filter_map(|()| std::future::ready(None));
    response.map(|body| Body::from_stream(body.into_data_stream().chain(end)))
}
