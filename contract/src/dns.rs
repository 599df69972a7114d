//! What names mean: zones and their records, who may see them, how well their targets are; and a port to ask.
//!
//! Whoever changes a zone writes, in one transaction, the rows themselves ([`Zone`], [`RecordSet`], [`HealthCheck`]),
//! an [`Update`] that says what has changed, and the new [`Head`]. The name server follows the updates; when it has
//! missed some it is handed everything. So a change costs what it changes, however large the zone.
//!
//! Names are lower case, fully qualified and end with a dot. Characters other than `a-z0-9-_` are written as `\ooo`
//! (octal); a leading `*` label is written as it is.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use async_trait::async_trait;
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

/// How many updates are kept for a name server that comes back; one that missed more is handed everything.
pub const UPDATES_KEPT: u64 = 1000;

/// The newest update's number. One row under `KEY`; absent before the first update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub sequence: u64,
}

/// What one transaction has changed, in order. Keyed by [`Update::key`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// One more than the update's before; the first is 1.
    pub sequence: u64,
    pub changes: Vec<Change>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    Zone(Zone),
    /// With all its records.
    NoZone(String),
    Records(RecordSet),
    NoRecords(RecordKey),
    Check(HealthCheck),
    NoCheck(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zone {
    pub id: String,
    pub name: String,
    pub visibility: Visibility,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Visibility {
    Public,
    /// In these networks alone.
    Networks(Vec<String>),
}

/// Which record set of a zone. `kind` is a record type such as `AAAA`; `set` tells record sets of the same name and
/// kind apart that share the answers by a policy.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RecordKey {
    pub zone: String,
    pub name: String,
    pub kind: String,
    pub set: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordSet {
    pub key: RecordKey,
    pub policy: Policy,
    /// Answers only while this check is healthy, where the policy knows somebody better.
    pub check: Option<String>,
    pub data: Data,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Data {
    /// Presentation form (RFC 1035, 5.1), one string a record.
    Values {
        ttl_seconds: u32,
        values: Vec<String>,
    },
    Alias(Alias),
}

/// Answers with what another name means at that moment, under the own name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    pub target: AliasTarget,
    /// Counts as unhealthy while its target is.
    pub evaluate_health: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AliasTarget {
    /// A name of the same zone, of the same kind.
    Name(String),
    /// An [`Endpoint`] by its name.
    Endpoint(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Policy {
    Simple,
    /// 0 to 255; 0 answers only when nobody else does.
    Weighted(u8),
    Primary,
    Secondary,
    /// The region nearest to who asks.
    Latency(String),
    /// Up to eight healthy ones at a time.
    Multivalue,
}

/// Probed by the name server itself, so that answers change with or without the control process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    pub id: String,
    pub probe: Probe,
    pub inverted: bool,
    /// Counts as healthy without being probed (unhealthy if inverted).
    pub disabled: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Probe {
    Endpoint(EndpointProbe),
    /// Healthy while at least so many of these checks are.
    Calculated {
        children: Vec<String>,
        at_least: u32,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointProbe {
    pub protocol: ProbeProtocol,
    /// The address of `host`, asked anew each time, if absent.
    pub address: Option<IpAddr>,
    pub host: Option<String>,
    pub port: u16,
    pub interval_seconds: u32,
    /// So many results in a row change a checker's mind, in either direction.
    pub failure_threshold: u32,
    /// One checker in each. Together they say healthy while more than 18 % of them do.
    pub regions: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProbeProtocol {
    /// A connection within 10 s.
    Tcp,
    /// A connection within 4 s, then a status of 200 to 399 within 2 s.
    Http {
        tls: bool,
        /// The host's name is told in the handshake.
        sni: bool,
        path: String,
        /// Must be among the first 5,120 bytes of the body.
        search: Option<String>,
    },
}

/// A name that somebody else serves (a load balancer), which aliases may lead to. Keyed by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// As in DNS, with the dot at the end.
    pub name: String,
    /// For who asks from the machine itself.
    pub addresses: Vec<Ipv4Addr>,
    /// For who asks from inside a network: the addresses by which it is reached from there, if others.
    pub inside: Vec<(String, Vec<Ipv4Addr>)>,
    pub healthy: bool,
}

/// What a network's own resolver knows besides zones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkNames {
    /// The resolver's address inside the network; nobody answers there if absent.
    pub resolver: Option<Ipv4Addr>,
    /// Who asks from here is in this region.
    pub region: String,
    pub ranges: Vec<Ipv4Net>,
    /// Domain under which each address of the ranges has a name `ip-10-0-1-17.DOMAIN`, and the way back; without the
    /// dot at the end.
    pub domain: Option<String>,
}

/// What the name server has seen, whole. One row under `Head::KEY`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedDns {
    /// Answers are made from everything up to this update.
    pub sequence: u64,
    pub checks: Vec<ObservedCheck>,
    /// Where the machine itself can ask.
    pub address: Option<SocketAddr>,
    /// Sentences about sockets that could not be opened.
    pub failures: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedCheck {
    pub id: String,
    pub healthy: bool,
    /// The last result of each checker; none for a calculated check.
    pub results: Vec<CheckerResult>,
    /// The last failure of each checker that had one.
    pub last_failures: Vec<CheckerResult>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckerResult {
    pub region: String,
    /// Seconds since 1970.
    pub at_seconds: i64,
    pub failed: bool,
    /// `Success: HTTP Status Code 200, OK` or `Failure: …`.
    pub text: String,
}

impl Head {
    /// Name of the table.
    pub const TABLE: &'static str = "dataplane/dns_head";
    pub const KEY: &'static str = "dns";
}

impl Update {
    /// Name of the table.
    pub const TABLE: &'static str = "dataplane/dns_update";

    /// Keys sort as their sequences do.
    pub fn key(sequence: u64) -> String {
        format!("{sequence:020}")
    }
}

impl Zone {
    /// Name of the table, keyed by id.
    pub const TABLE: &'static str = "dataplane/dns_zone";
}

impl RecordSet {
    /// Name of the table, keyed by [`RecordKey::row`].
    pub const TABLE: &'static str = "dataplane/dns_records";
}

impl HealthCheck {
    /// Name of the table, keyed by id.
    pub const TABLE: &'static str = "dataplane/dns_check";
}

impl Endpoint {
    /// Name of the table, keyed by name.
    pub const TABLE: &'static str = "dataplane/dns_endpoint";
}

impl ObservedDns {
    /// Name of the table; it has one row, under `Head::KEY`.
    pub const TABLE: &'static str = "dataplane/observed_dns";
}

impl RecordKey {
    /// Sorts as Route 53 lists: by the name's labels from the right, each followed by a dot, then by kind, then by set.
    pub fn row(&self) -> String {
        let set = self.set.as_deref().unwrap_or_default();
        format!("{}/{} {} {set}", self.zone, reversed(&self.name), self.kind)
    }
}

/// `www.example.com.` as `com.example.www.`
pub fn reversed(name: &str) -> String {
    let labels: Vec<&str> = name.trim_end_matches('.').rsplit('.').collect();
    format!("{}.", labels.join("."))
}

/// A way to put a question to the running name server, as a client of it.
#[async_trait]
pub trait Ask: Send + Sync {
    /// The answer's code (`NOERROR`, `NXDOMAIN` …) and the data of its records in presentation form.
    ///
    /// # Errors
    /// A sentence when no answer came.
    async fn ask(&self, question: Question) -> Result<Answered, String>;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub name: String,
    pub kind: String,
    /// For whom: the client subnet of EDNS0.
    pub client: Option<ipnet::IpNet>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answered {
    pub code: String,
    pub records: Vec<String>,
}
