//! One prober per target: asks the target itself, as the load balancer would.

use std::net::SocketAddrV4;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use contract::route::{HealthCheck, TargetHealth, Unhealthy};
use http::{Request, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use crate::state::{Group, State, TargetState};

/// A new target is asked again after this, then twice as long, and so on up to `FIRST_PAUSE_MAX`: an application that
/// needs 300 ms to start shall not wait 30 s for its first request.
const FIRST_PAUSE_MIN: Duration = Duration::from_millis(20);
const FIRST_PAUSE_MAX: Duration = Duration::from_secs(1);
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Probes until the target is gone. The check's settings are read anew each time.
pub(crate) async fn watch(state: Arc<State>, group: String, target: Arc<TargetState>) {
    let gone = target.gone.clone();
    tokio::select! {
        () = probe_for_ever(&state, &group, &target) => {}
        () = gone.cancelled() => {}
    }
}

async fn probe_for_ever(state: &State, group: &str, target: &TargetState) {
    let begun = Instant::now();
    let (mut good, mut bad, mut pause) = (0_u32, 0_u32, FIRST_PAUSE_MIN);
    loop {
        let Some(group) = current(state, group, target) else {
            // The table that names this target is taken into use right after the prober starts.
            tokio::time::sleep(FIRST_PAUSE_MIN).await;
            continue;
        };
        let check = &group.config.health_check;
        let interval = Duration::from_secs(check.interval_seconds.max(1).into());
        if !check.enabled {
            report(state, target, TargetHealth::Unchecked);
            tokio::time::sleep(interval).await;
            continue;
        }
        let result = probe(state, &group, target.address).await;
        let known = target
            .health
            .lock()
            .expect("no holder of this lock panics")
            .clone();
        match result {
            Ok(()) => (good, bad) = (good + 1, 0),
            Err(_) => (good, bad) = (0, bad + 1),
        }
        let next = match (&known, result) {
            // A newly registered target needs one success; one that was unhealthy needs several.
            (TargetHealth::Initial | TargetHealth::Unchecked, Ok(())) => Some(TargetHealth::Healthy),
            (TargetHealth::Unhealthy(_), Ok(())) if good >= check.healthy_threshold => {
                Some(TargetHealth::Healthy)
            }
            (TargetHealth::Healthy, Err(why)) if bad >= check.unhealthy_threshold => {
                Some(TargetHealth::Unhealthy(why))
            }
            (TargetHealth::Unhealthy(_), Err(why)) => Some(TargetHealth::Unhealthy(why)),
            (TargetHealth::Initial | TargetHealth::Unchecked, Err(why))
                if begun.elapsed() >= interval * check.unhealthy_threshold =>
            {
                Some(TargetHealth::Unhealthy(why))
            }
            _ => None,
        };
        if let Some(next) = next {
            report(state, target, next);
        }
        let undecided =
            *target.health.lock().expect("no holder of this lock panics") == TargetHealth::Initial;
        tokio::time::sleep(if undecided { pause.min(interval) } else { interval }).await;
        pause = (pause * 2).min(FIRST_PAUSE_MAX);
    }
}

fn current(state: &State, group: &str, target: &TargetState) -> Option<Arc<Group>> {
    let group = state.routing.load().groups.get(group).cloned()?;
    group
        .targets
        .iter()
        .any(|one| std::ptr::eq(&**one, target))
        .then_some(group)
}

fn report(state: &State, target: &TargetState, health: TargetHealth) {
    if target.set_health(health.clone()) {
        tracing::info!(target = %target.address, ?health, "health of a target changed");
        state.news.notify_one();
    }
}

async fn probe(state: &State, group: &Group, target: SocketAddrV4) -> Result<(), Unhealthy> {
    let check = &group.config.health_check;
    let address = SocketAddrV4::new(*target.ip(), check.port.unwrap_or(target.port()));
    let limit = Duration::from_secs(check.timeout_seconds.max(1).into());
    let foot = group.config.feet.first().copied();
    let asked = async {
        let stream = state
            .dialer
            .connect(&group.config.network, foot, address)
            .await
            .map_err(|error| Unhealthy::Connection(error.to_string()))?;
        ask(stream, address, check).await
    };
    tokio::time::timeout(limit, asked)
        .await
        .unwrap_or(Err(Unhealthy::Timeout))
}

async fn ask(
    stream: tokio::net::TcpStream,
    address: SocketAddrV4,
    check: &HealthCheck,
) -> Result<(), Unhealthy> {
    let refused = |error: hyper::Error| Unhealthy::Connection(error.to_string());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(refused)?;
    let running = tokio::spawn(connection);
    let request = Request::get(&check.path)
        .header(header::HOST, address.to_string())
        .header(header::USER_AGENT, "ELB-HealthChecker/2.0")
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| Unhealthy::Connection(format!("the health check's path is no path: {error}")))?;
    let response = sender.send_request(request).await.map_err(refused)?;
    let status = response.status().as_u16();
    // Read to the end, so that the application does not see its answer refused.
    let _ = Limited::new(response.into_body(), ANSWER_BYTES_MAX)
        .collect()
        .await;
    running.abort();
    if check
        .matcher
        .iter()
        .any(|(from, to)| (*from..=*to).contains(&status))
    {
        Ok(())
    } else {
        Err(Unhealthy::Status(status))
    }
}
