//! Who is refused while still sending reads the refusal only when all is sent: a client whose connection breaks under it
//! says "broken pipe" instead. What comes after a refusal is therefore read, up to a limit, and thrown away.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use futures::StreamExt as _;

/// More than this is not waited for.
const DRAINED_BYTES_MAX: usize = 1 << 30;

pub(crate) async fn refused(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let shared = Arc::new(Mutex::new(body.into_data_stream()));
    let theirs = Arc::clone(&shared);
    let stream = futures::stream::poll_fn(move |context| {
        let mut stream = theirs.lock().unwrap_or_else(PoisonError::into_inner);
        stream.poll_next_unpin(context)
    });
    let response = next
        .run(Request::from_parts(parts, Body::from_stream(stream)))
        .await;
    if response.status().is_client_error() || response.status().is_server_error() {
        let mut left_bytes = DRAINED_BYTES_MAX;
        let rest = futures::stream::poll_fn(move |context| {
            let mut stream = shared.lock().unwrap_or_else(PoisonError::into_inner);
            stream.poll_next_unpin(context)
        });
        futures::pin_mut!(rest);
        while let Some(Ok(bytes)) = rest.next().await {
            match left_bytes.checked_sub(bytes.len()) {
                Some(left) => left_bytes = left,
                None => break,
            }
        }
    }
    response
}
