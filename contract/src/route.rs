//! What the load balancer serves: listeners, target groups, targets; and how healthy those are.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::certificate::Material;

/// Everything the proxy needs, whole: there are no partial updates. Kept on disk by the proxy, so that it serves
/// before and without anybody else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteTable {
    /// A table with a lower generation than the one in use is refused.
    pub generation: u64,
    pub listeners: Vec<Listener>,
    pub target_groups: Vec<TargetGroup>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    pub id: String,
    /// Where it listens: the load balancer's own loopback address.
    pub bind: SocketAddr,
    /// The network in which that address is; the machine's own if empty.
    #[serde(default)]
    pub network: String,
    /// Where the socket is, if connections to `bind` are led elsewhere in that network (see `agent::ALIASES`).
    #[serde(default)]
    pub behind: Option<SocketAddr>,
    #[serde(default)]
    pub protocol: ListenerProtocol,
    /// Names under `localhost` by which the same listener answers on 127.0.0.1 with the same port, chosen by
    /// the Host header, for browsers that resolve every `*.localhost` to that address.
    pub names: Vec<String>,
    pub default_action: Action,
    pub idle_timeout_seconds: u32,
}

/// Where to, in parts that may have `#{protocol}`, `#{host}`, `#{port}`, `#{path}` (without its first slash) and
/// `#{query}` of the request in them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirect {
    /// 301 or 302.
    pub status: u16,
    pub protocol: String,
    pub host: String,
    pub port: String,
    /// With its first slash.
    pub path: String,
    pub query: String,
}

/// What is spoken there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ListenerProtocol {
    #[default]
    Http,
    /// HTTP in TLS, with the first of these certificates whose names fit what the client asks for, else with the
    /// first one.
    Https {
        certificates: Vec<Material>,
        /// TLS 1.3 and nothing older.
        only_newest: bool,
    },
    /// Bytes both ways; the default action leads to target groups.
    Tcp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// By weight; the target groups' ids.
    Forward(Vec<WeightedGroup>),
    FixedResponse {
        status: u16,
        content_type: String,
        body: String,
    },
    Redirect(Redirect),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightedGroup {
    pub target_group: String,
    pub weight: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetGroup {
    pub id: String,
    /// The network in which the targets' addresses mean something.
    pub network: String,
    /// Own addresses inside that network from which connections are made; any if empty.
    pub feet: Vec<Ipv4Addr>,
    pub health_check: HealthCheck,
    pub targets: Vec<Target>,
    /// How long a draining target may finish what it has begun.
    pub deregistration_delay_seconds: u32,
    /// Whether a client stays with the target that has answered it.
    #[serde(default)]
    pub stickiness: Option<Stickiness>,
}

/// By a cookie that the load balancer sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stickiness {
    pub cookie: StickyCookie,
    /// How long a client keeps it.
    pub duration_seconds: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StickyCookie {
    /// Set with every answer.
    Own,
    /// Set with answers that set this cookie of the application.
    Application(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    pub enabled: bool,
    /// The target's own port if absent.
    pub port: Option<u16>,
    pub path: String,
    /// Status codes that count as healthy, both ends included.
    pub matcher: Vec<(u16, u16)>,
    pub interval_seconds: u32,
    pub timeout_seconds: u32,
    pub healthy_threshold: u32,
    pub unhealthy_threshold: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    pub address: Ipv4Addr,
    pub port: u16,
    /// Gets no new requests; those in flight may finish.
    pub draining: bool,
}

/// What the proxy has seen, whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedRoutes {
    /// Of the table in use.
    pub generation: u64,
    pub listeners: Vec<ObservedListener>,
    pub targets: Vec<ObservedTarget>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedListener {
    pub id: String,
    /// `None` when it accepts connections, else a sentence that says why not.
    pub failure: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedTarget {
    pub target_group: String,
    pub address: Ipv4Addr,
    pub port: u16,
    pub health: TargetHealth,
    /// Requests (or upgraded connections) that are being served now.
    pub in_flight: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TargetHealth {
    /// Not enough checks yet.
    Initial,
    Healthy,
    Unhealthy(Unhealthy),
    /// `done` when nothing is in flight any more or the delay is over.
    Draining {
        done: bool,
    },
    /// Health checks are disabled.
    Unchecked,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unhealthy {
    Timeout,
    /// The connection was refused or reset; the system's words.
    Connection(String),
    /// A status that the matcher does not allow.
    Status(u16),
}

/// What the proxy says: one of these a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum News {
    Observed(ObservedRoutes),
    Traffic(Traffic),
}

/// What went through the proxy since it was started.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Traffic {
    /// Another one for each start of the proxy: its counts begin anew.
    pub boot: String,
    pub flows: Vec<Flow>,
}

/// From one listener to one target group; counts only rise, but for one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Flow {
    pub listener: String,
    /// Empty: answered by the proxy itself.
    pub target_group: String,
    /// For which a target was chosen.
    pub requests: u64,
    /// Answers of targets by the first digit of their status: 2, 3, 4, 5.
    pub target_answers: [u64; 4],
    /// Answers that the proxy gave itself because something was wrong, likewise.
    pub own_answers: [u64; 4],
    /// Answers that the listener says itself, and redirects.
    pub fixed_answers: u64,
    pub redirects: u64,
    pub refused_connections: u64,
    /// Seconds until a target began to answer: altogether, and how many fell into which `metric::bucket`.
    pub response_seconds: f64,
    pub response_buckets: std::collections::BTreeMap<i32, u64>,
    /// Of `own_answers` those with 500, 502, 503 and 504.
    #[serde(default)]
    pub own_failures: [u64; 4],
    /// Connections that targets took; where `target_group` is empty, those that clients made.
    #[serde(default)]
    pub new_connections: u64,
    /// Of these, open now. The one number that falls.
    #[serde(default)]
    pub open_connections: u64,
    /// What went over these connections, both ways; of HTTPS what was in it.
    #[serde(default)]
    pub bytes: u64,
    /// Clients with whom TLS could not be agreed upon.
    #[serde(default)]
    pub tls_failures: u64,
}

/// Who knows what went through.
pub trait TrafficMeter: Send + Sync {
    /// The last that was heard of each start of the proxy, oldest first; nothing before it has said anything.
    fn traffic(&self) -> Vec<Traffic>;
}

impl RouteTable {
    /// Name of the table; it has a row for each of the two that write one.
    pub const TABLE: &'static str = "dataplane/route_table";
    /// Load balancers.
    pub const KEY: &'static str = "routes";
    /// What tasks reach others by: listeners inside the tasks' own networks.
    pub const CONNECT: &'static str = "connect";
}

impl ObservedRoutes {
    /// Name of the table; its rows have the keys of the tables that were seen.
    pub const TABLE: &'static str = "dataplane/observed_routes";
}
