//! Connections whose bytes nobody looks at: joined with a target's, both ways, until one side has had enough.

use std::net::SocketAddrV4;

use contract::route::Listener;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::serve::dial;
use crate::state::{Group, InFlight, State};

/// Targets tried when connections are refused.
const TARGETS_TRIED_MAX: usize = 3;

/// It counts as in flight; when the target's draining has taken too long, or the listener goes away, it is cut off.
pub(crate) async fn run(state: &State, listener: &Listener, mut client: TcpStream, close: CancellationToken) {
    let group = state.routing.load().choose(&listener.default_action);
    let Some(group) = group else { return };
    let Some((in_flight, mut target)) = reach(state, &group).await else {
        tracing::info!(
            listener = listener.id,
            reason = group.shortage(),
            "a connection leads nowhere"
        );
        return;
    };
    let gone = in_flight.0.gone.clone();
    tokio::select! {
        ended = tokio::io::copy_bidirectional(&mut client, &mut target) => {
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
        }
        () = gone.cancelled() => {}
        () = close.cancelled() => {}
    }
}

async fn reach(state: &State, group: &Group) -> Option<(InFlight, TcpStream)> {
    let mut tried: Vec<SocketAddrV4> = Vec::new();
    while tried.len() < TARGETS_TRIED_MAX {
        let target = group.acquire_for(None, &tried)?;
        match dial(state, group, &target).await {
            Ok(stream) => return Some((target, stream)),
            Err(error) => {
                tracing::info!(target = %target.0.address, %error, "a target does not accept connections");
                tried.push(target.0.address);
            }
        }
    }
    None
}
