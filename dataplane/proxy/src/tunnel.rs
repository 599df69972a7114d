//! Upgraded connections, WebSocket above all: bytes both ways until one side has had enough.

use http::header::{self, HeaderMap, HeaderValue};
use http::{Request, Version};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use crate::state::InFlight;

/// The protocol that the client wants to change to.
pub(crate) fn wanted(request: &Request<Incoming>) -> Option<HeaderValue> {
    let connection = request.headers().get(header::CONNECTION)?.to_str().ok()?;
    let asks = connection
        .split(',')
        .any(|word| word.trim().eq_ignore_ascii_case("upgrade"));
    (asks && request.version() == Version::HTTP_11)
        .then(|| request.headers().get(header::UPGRADE).cloned())?
}

/// Puts the two headers back that ask for, or grant, a change of protocol.
pub(crate) fn mark(headers: &mut HeaderMap, protocol: HeaderValue) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, protocol);
}

/// Joins both ends. It counts as a request in flight; when the target's draining has taken too long it is cut off.
pub(crate) fn start(client: OnUpgrade, target: OnUpgrade, in_flight: InFlight) {
    tokio::spawn(async move {
        let gone = in_flight.0.gone.clone();
        let (client, target) = match tokio::try_join!(client, target) {
            Ok(ends) => ends,
            Err(error) => return tracing::debug!(%error, "a connection was not upgraded after all"),
        };
        let (mut client, mut target) = (TokioIo::new(client), TokioIo::new(target));
        tokio::select! {
            ended = tokio::io::copy_bidirectional(&mut client, &mut target) => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "an upgraded connection ended early");
                }
            }
            () = gone.cancelled() => {}
        }
        drop(in_flight);
    });
}
