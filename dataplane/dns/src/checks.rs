//! The checkers: one in each region of each check, each with its own rhythm.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use base_clock::Clock;
use contract::dns::{CheckerResult, EndpointProbe, HealthCheck, Probe};
use hickory_proto::rr::{RData, RecordType};
use tokio_util::sync::CancellationToken;

use crate::answer::{Asker, Outcome, answer};
use crate::state::State;
use crate::{name, probe};

/// What runs for one check.
struct Running {
    check: Arc<HealthCheck>,
    cancelled: CancellationToken,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.cancelled.cancel();
    }
}

pub(crate) struct Checks {
    pub(crate) state: Arc<State>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) region: String,
    pub(crate) local: Ipv4Addr,
}

impl Checks {
    /// Follows the checks for ever.
    pub(crate) async fn run(self) {
        let this = Arc::new(self);
        let mut running: HashMap<String, Running> = HashMap::new();
        loop {
            let checks = this.state.known().table.checks.clone();
            running.retain(|id, one| {
                let stays = checks.get(id).is_some_and(|check| *check == one.check);
                if !stays {
                    this.state.forget(id);
                }
                stays
            });
            for (id, check) in &checks {
                if !running.contains_key(id) {
                    running.insert(id.clone(), this.start(check));
                }
            }
            this.state.checks_changed.notified().await;
        }
    }

    fn start(self: &Arc<Self>, check: &Arc<HealthCheck>) -> Running {
        let cancelled = CancellationToken::new();
        if let (Probe::Endpoint(probe), false) = (&check.probe, check.disabled) {
            let count = u32::try_from(probe.regions.len()).unwrap_or(u32::MAX).max(1);
            for (number, region) in (0..count).zip(&probe.regions) {
                let mind = Mind::new(self.state.enter(&check.id, region));
                let (this, probe) = (Arc::clone(self), probe.clone());
                let (id, region, cancelled) = (check.id.clone(), region.clone(), cancelled.clone());
                let wait = interval(&probe) / count * number;
                tokio::spawn(async move {
                    tokio::select! {
                        () = this.look_for_ever(&id, &region, &probe, (wait, mind)) => {}
                        () = cancelled.cancelled() => {}
                    }
                });
            }
        }
        Running {
            check: Arc::clone(check),
            cancelled,
        }
    }

    async fn look_for_ever(
        &self,
        id: &str,
        region: &str,
        probe: &EndpointProbe,
        (wait, mut mind): (Duration, Mind),
    ) {
        self.clock.sleep(wait).await;
        loop {
            let begun = tokio::time::Instant::now();
            let (well, text) = probe::look(probe, id, self.resolve(probe)).await;
            let healthy = mind.hear(well, probe.failure_threshold);
            let result = CheckerResult {
                region: region.to_owned(),
                at_seconds: self.clock.now().as_second(),
                failed: !well,
                text,
            };
            self.state.report(id, region, healthy, Some(result));
            self.clock
                .sleep(interval(probe).saturating_sub(begun.elapsed()))
                .await;
        }
    }

    /// By what is known here, or else by the machine's own means. Route 53 uses IPv4 alone for names.
    async fn resolve(&self, probe: &EndpointProbe) -> Result<IpAddr, String> {
        let host = probe
            .host
            .as_deref()
            .ok_or("the check has neither an address nor a name")?;
        if let Some(found) = self.resolve_here(host)? {
            return Ok(found);
        }
        let found = tokio::net::lookup_host((host.trim_end_matches('.'), probe.port)).await;
        let found = found.map_err(|_| "DNS response error code NXDOMAIN".to_owned())?;
        let first = found.map(|address| address.ip()).find(IpAddr::is_ipv4);
        first.ok_or_else(|| "the name has no IPv4 address".to_owned())
    }

    fn resolve_here(&self, host: &str) -> Result<Option<IpAddr>, String> {
        let asker = Asker {
            network: None,
            region: self.region.clone(),
            local: self.local,
        };
        let name = name::to_name(&name::parse(host)?);
        let mut chance = |below: usize| rand::random_range(0..below.max(1));
        let Outcome::Answer(answer) = answer(&self.state.known(), &asker, &name, RecordType::A, &mut chance)
        else {
            return Ok(None);
        };
        let address = answer.answers.iter().find_map(|record| match &record.data {
            RData::A(address) => Some(IpAddr::V4(address.0)),
            _ => None,
        });
        match (address, answer.rest, answer.code) {
            (Some(address), ..) => Ok(Some(address)),
            (None, Some(_), _) => Ok(None),
            (None, None, Some(code)) => {
                Err(format!("DNS response error code {}", crate::ask::code_text(code)))
            }
            (None, None, None) => Err("the name has no IPv4 address".to_owned()),
        }
    }
}

fn interval(probe: &EndpointProbe) -> Duration {
    Duration::from_secs(u64::from(probe.interval_seconds.max(1)))
}

/// A checker changes its mind after so many results in a row that say otherwise.
pub(crate) struct Mind {
    unhealthy: bool,
    in_a_row: u32,
}

impl Mind {
    /// Who has never looked takes it to be well.
    pub(crate) fn new(healthy: bool) -> Self {
        Self {
            unhealthy: !healthy,
            in_a_row: 0,
        }
    }

    /// What it thinks now.
    pub(crate) fn hear(&mut self, well: bool, threshold: u32) -> bool {
        if well == self.unhealthy {
            self.in_a_row += 1;
        } else {
            self.in_a_row = 0;
        }
        if self.in_a_row >= threshold.max(1) {
            self.unhealthy = !self.unhealthy;
            self.in_a_row = 0;
        }
        !self.unhealthy
    }
}

#[cfg(test)]
mod tests;
