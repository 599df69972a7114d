//! From what the kernel counts to the metrics of AWS/NATGateway. Pure.

use std::collections::BTreeMap;

use contract::metric::{Datum, Series, Summary};
use contract::usage::GatewayUsage;
use jiff::Timestamp;

const NAMESPACE: &str = "AWS/NATGateway";
const MINUTE_SECONDS: i64 = 60;
/// Sums are told of minutes that were seen from so near their beginning, or that of the gateway.
const MISSED_SECONDS_MAX: i64 = 15;

/// What was counted for one gateway.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Account and region.
    pub(crate) scope: String,
    pub(crate) gateway: String,
    pub(crate) made: Timestamp,
    /// `None`: it could not be counted this time.
    pub(crate) usage: Option<GatewayUsage>,
}

#[derive(Clone, Debug)]
struct Window {
    start_seconds: i64,
    is_whole: bool,
    at: Timestamp,
    scope: String,
    gateway: String,
    last: GatewayUsage,
    /// What has come together since the minute began.
    sum: GatewayUsage,
    /// The most in a second, on the average between two looks.
    peak_bytes: f64,
    peak_packets: f64,
}

/// Of the gateways that there are, by gateway.
#[derive(Debug, Default)]
pub(crate) struct Windows(BTreeMap<String, Window>);

impl Windows {
    /// Takes in what was counted; of the minutes that have ended, what there is to say about them.
    pub(crate) fn take(&mut self, seen: Vec<Seen>, now: Timestamp) -> Vec<Datum> {
        let second = now.as_second();
        let start = second - second.rem_euclid(MINUTE_SECONDS);
        let mut before = std::mem::take(&mut self.0);
        let mut told = Vec::new();
        for seen in seen {
            let id = seen.gateway.clone();
            let window = match (before.remove(&id), seen.usage.clone()) {
                (None, None) => continue,
                // It goes on from here when it can be counted again.
                (Some(window), None) => window,
                (None, Some(usage)) => Window::new(seen, usage, start, now),
                (Some(window), Some(usage)) => {
                    let window = window.goes_on(usage, now);
                    if window.start_seconds < start {
                        told.extend(window.data());
                        window.next(start)
                    } else {
                        window
                    }
                }
            };
            self.0.insert(id, window);
        }
        // Those that are gone have said all.
        told.extend(before.values().flat_map(Window::data));
        told
    }
}

/// A count that has become less began anew.
fn rise(now: u64, then: u64) -> u64 {
    now.checked_sub(then).unwrap_or(now)
}

impl Window {
    fn new(seen: Seen, usage: GatewayUsage, start_seconds: i64, now: Timestamp) -> Self {
        let begin = start_seconds.max(seen.made.as_second());
        let is_new = seen.made.as_second() >= start_seconds;
        Self {
            start_seconds,
            is_whole: now.as_second() - begin <= MISSED_SECONDS_MAX,
            at: now,
            // One that was made in this minute has counted from nothing.
            sum: if is_new {
                usage.clone()
            } else {
                GatewayUsage::default()
            },
            last: usage,
            scope: seen.scope,
            gateway: seen.gateway,
            peak_bytes: 0.0,
            peak_packets: 0.0,
        }
    }

    fn next(self, start_seconds: i64) -> Self {
        Self {
            start_seconds,
            is_whole: true,
            sum: GatewayUsage::default(),
            peak_bytes: 0.0,
            peak_packets: 0.0,
            ..self
        }
    }

    fn goes_on(mut self, now: GatewayUsage, at: Timestamp) -> Self {
        let then = &self.last;
        let step = GatewayUsage {
            sent_bytes: rise(now.sent_bytes, then.sent_bytes),
            sent_packets: rise(now.sent_packets, then.sent_packets),
            received_bytes: rise(now.received_bytes, then.received_bytes),
            received_packets: rise(now.received_packets, then.received_packets),
            attempted_connections: rise(now.attempted_connections, then.attempted_connections),
            established_connections: rise(now.established_connections, then.established_connections),
        };
        let seconds = at.duration_since(self.at).as_secs_f64();
        if seconds > 0.0 {
            let bytes = (step.sent_bytes + step.received_bytes) as f64 / seconds;
            let packets = (step.sent_packets + step.received_packets) as f64 / seconds;
            self.peak_bytes = self.peak_bytes.max(bytes);
            self.peak_packets = self.peak_packets.max(packets);
        }
        self.sum.sent_bytes += step.sent_bytes;
        self.sum.sent_packets += step.sent_packets;
        self.sum.received_bytes += step.received_bytes;
        self.sum.received_packets += step.received_packets;
        self.sum.attempted_connections += step.attempted_connections;
        self.sum.established_connections += step.established_connections;
        (self.last, self.at) = (now, at);
        self
    }

    fn data(&self) -> Vec<Datum> {
        if !self.is_whole {
            return vec![];
        }
        let sum = &self.sum;
        // All that comes in on one side goes out on the other: what is refused is refused before it is counted.
        let all = [
            ("BytesInFromSource", "Bytes", sum.sent_bytes as f64),
            ("BytesOutToDestination", "Bytes", sum.sent_bytes as f64),
            ("BytesInFromDestination", "Bytes", sum.received_bytes as f64),
            ("BytesOutToSource", "Bytes", sum.received_bytes as f64),
            ("PacketsInFromSource", "Count", sum.sent_packets as f64),
            ("PacketsOutToDestination", "Count", sum.sent_packets as f64),
            ("PacketsInFromDestination", "Count", sum.received_packets as f64),
            ("PacketsOutToSource", "Count", sum.received_packets as f64),
            (
                "ConnectionAttemptCount",
                "Count",
                sum.attempted_connections as f64,
            ),
            (
                "ConnectionEstablishedCount",
                "Count",
                sum.established_connections as f64,
            ),
            ("PeakBytesPerSecond", "Count", self.peak_bytes),
            ("PeakPacketsPerSecond", "Count", self.peak_packets),
        ];
        let datum = |(name, unit, value): (&str, &str, f64)| Datum {
            series: Series {
                scope: self.scope.clone(),
                namespace: NAMESPACE.to_owned(),
                name: name.to_owned(),
                dimensions: vec![("NatGatewayId".to_owned(), self.gateway.clone())],
            },
            at_seconds: self.start_seconds,
            unit: unit.to_owned(),
            is_high_resolution: false,
            summary: Summary::of(value, 1.0),
        };
        all.into_iter().map(datum).collect()
    }
}

#[cfg(test)]
mod tests;
