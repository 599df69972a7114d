//! Who is handed to whom: the services, their neighbours, and the reconcilers.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use base_clock::{Clock, SystemClock};
use base_id::{IdSource, RandomIds};
use base_reconcile::Reconciler;
use base_store::Store;
use contract::agent;
use contract::log::LogStore;
use contract::metric::MetricStore;
use contract::route::TrafficMeter;
use contract::usage::Usage;
use dataplane_authority::LocalAuthority;
use dataplane_blobs::{BlobStore, Mirror, RemoteConfig};
use dataplane_logs::LogDirectory;
use dataplane_metrics::MetricFile;
use dataplane_runtime::Runtime;
use ipnet::Ipv4Net;
use service_acm::{Acm, Validations};
use service_appscaling::AppScaling;
use service_autoscaling::{Autoscaling, Groups};
use service_cloudwatch::{Actions, Alarms, CloudWatch};
use service_ec2::{Ec2, Instances, Networks};
use service_ecr::Ecr;
use service_ecs::{Agent, Ecs, Neighbours};
use service_elbv2::{Balancers, Elbv2, Routes};
use service_iam::{Iam, Sessions};
use service_logs::{Logs, MetricFilters, Retention, Subscriptions};
use service_route53::Route53;
use service_secrets::{Deletions, KEY_BYTES, Key, Secrets};
use service_servicediscovery::{Operations, ServiceDiscovery};
use tokio::sync::watch;

use super::Order;
use super::guest::Consoles;
use crate::settings::write_private;

/// How often a reconciler looks although nothing woke it.
const TIMER: Duration = Duration::from_secs(30);

/// Everything of the control plane.
pub(super) struct Plane {
    pub(super) store: Store,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: Arc<dyn IdSource>,
    /// For whoever is told of something at an address of HTTP.
    pub(super) http: reqwest::Client,
    pub(super) blobs: BlobStore,
    pub(super) lines: Arc<dyn LogStore>,
    pub(super) metrics: Arc<dyn MetricStore>,
    pub(super) acm: Acm,
    pub(super) autoscaling: Autoscaling,
    pub(super) scaling: AppScaling,
    pub(super) cloudwatch: CloudWatch,
    pub(super) ec2: Ec2,
    pub(super) ecr: Ecr,
    pub(super) ecs: Ecs,
    pub(super) elbv2: Elbv2,
    pub(super) iam: Iam,
    pub(super) logs: Logs,
    pub(super) names: ServiceDiscovery,
    pub(super) route53: Route53,
    pub(super) secrets: Secrets,
}

pub(super) fn plane(order: &Order, runtime: Runtime) -> anyhow::Result<Plane> {
    let layout = &order.layout;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ids: Arc<dyn IdSource> = Arc::new(RandomIds);
    let store = Store::open(&layout.store()).context("the state store")?;
    let logs = LogDirectory::open(&layout.logs(), Arc::clone(&clock))?;
    logs.take_over(&layout.old_logs())?;
    let lines: Arc<dyn LogStore> = Arc::new(logs);
    let metrics: Arc<dyn MetricStore> = Arc::new(MetricFile::open(&layout.metrics())?);
    let cloudwatch = CloudWatch::new(
        store.clone(),
        Arc::clone(&clock),
        Arc::clone(&ids),
        Arc::clone(&metrics),
    );
    let blobs = BlobStore::open_with(layout.images(), remote(order)?)?;
    let registry = order.settings.listen.to_string();
    let iam = Iam::new(store.clone(), Arc::clone(&clock), Arc::clone(&ids))
        .with_issuers(super::pipelines::issuers(order));
    let ec2 = Ec2::new(store.clone(), Arc::clone(&clock), Arc::clone(&ids))
        .with_pool(public(&order.settings.instance))
        .with_iam(Arc::new(iam.clone()))
        .with_consoles(Arc::new(Consoles(runtime)));
    let shared: Arc<dyn contract::image::Blobs> = Arc::new(blobs.clone());
    let ecr = Ecr::new(
        store.clone(),
        Arc::clone(&clock),
        Arc::clone(&ids),
        shared,
        registry.clone(),
    );
    let asker: Arc<dyn contract::dns::Ask> = Arc::new(dataplane_dns::Asker { store: store.clone() });
    let authority = LocalAuthority::open(&layout.authority(), "Wharf", clock.now())?;
    let acm = Acm::new(
        store.clone(),
        Arc::clone(&clock),
        Arc::clone(&ids),
        service_acm::Neighbours {
            authority: Arc::new(authority),
            dns: Arc::clone(&asker),
        },
    );
    let certificates = acm.clone();
    let addresses = loopback(&order.settings.instance);
    let elbv2 = Elbv2::new(
        store.clone(),
        Arc::clone(&clock),
        Arc::clone(&ids),
        Arc::new(ec2.clone()),
        addresses,
    )
    .with_certificates(Arc::new(move |arn| certificates.material(arn)));
    let route53 = Route53::new(
        store.clone(),
        Arc::clone(&clock),
        Arc::clone(&ids),
        service_route53::Neighbours {
            ec2: Arc::new(ec2.clone()),
            dns: asker,
        },
    );
    let names = ServiceDiscovery::new(
        store.clone(),
        Arc::clone(&clock),
        Arc::clone(&ids),
        service_servicediscovery::Neighbours {
            route53: Arc::new(route53.clone()),
            ec2: Arc::new(ec2.clone()),
        },
    );
    let logs = Logs::new(store.clone(), Arc::clone(&clock), Arc::clone(&lines));
    let secrets = Secrets::new(
        store.clone(),
        Arc::clone(&clock),
        Arc::clone(&ids),
        secrets_key(&layout.secrets_key())?,
    )
    .with_ec2(Arc::new(ec2.clone()));
    let autoscaling = Autoscaling::new(
        store.clone(),
        Arc::clone(&clock),
        Arc::clone(&ids),
        service_autoscaling::Neighbours {
            cloudwatch: Arc::new(cloudwatch.clone()),
            ec2: Arc::new(ec2.clone()),
            elbv2: Arc::new(elbv2.clone()),
        },
    );
    let neighbours = Neighbours {
        autoscaling: Arc::new(autoscaling.clone()),
        ec2: Arc::new(ec2.clone()),
        ecr: Arc::new(ecr.clone()),
        elbv2: Arc::new(elbv2.clone()),
        logs: Arc::new(logs.clone()),
        names: Arc::new(names.clone()),
        secrets: Arc::new(secrets.clone()),
        parameters: Arc::new(secrets.clone()),
        registry,
        agent: Agent {
            metadata: format!("http://{}", agent::ADDRESS),
            endpoint: super::agent::endpoint(order),
            sessions: format!("ws://{}", order.settings.listen),
        },
    };
    let ecs = Ecs::new(store.clone(), Arc::clone(&clock), Arc::clone(&ids), neighbours);
    let scaling = AppScaling::new(
        store.clone(),
        Arc::clone(&clock),
        Arc::clone(&ids),
        service_appscaling::Neighbours {
            cloudwatch: Arc::new(cloudwatch.clone()),
            ecs: Arc::new(ecs.clone()),
        },
    );
    let tls = aws_client::tls(None)?;
    let http = reqwest::Client::builder()
        .tls_backend_preconfigured(rustls::ClientConfig::clone(&tls))
        .build()?;
    Ok(Plane {
        http,
        store,
        clock,
        ids,
        blobs,
        lines,
        metrics,
        scaling,
        cloudwatch,
        autoscaling,
        acm,
        ec2,
        ecr,
        ecs,
        elbv2,
        iam,
        logs,
        names,
        route53,
        secrets,
    })
}

/// The key that values of secrets are sealed with, made when there is none yet.
fn secrets_key(path: &Path) -> anyhow::Result<Key> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut bytes = Vec::with_capacity(KEY_BYTES);
            while bytes.len() < KEY_BYTES {
                bytes.extend(RandomIds.next().to_ne_bytes());
            }
            write_private(path, &bytes)?;
            bytes
        }
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
    };
    let bytes = bytes.try_into().ok();
    let bytes = bytes.with_context(|| format!("{} has not {KEY_BYTES} bytes", path.display()))?;
    Ok(Key::new(&bytes))
}

fn remote(order: &Order) -> anyhow::Result<RemoteConfig> {
    let mut remote = RemoteConfig::default();
    for text in &order.settings.registry_mirrors {
        let (prefix, host) = text
            .split_once('=')
            .with_context(|| format!("{text} is not of the form PREFIX=HOST"))?;
        remote.mirrors.push(Mirror {
            prefix: prefix.to_owned(),
            hosts: vec![host.to_owned()],
        });
    }
    Ok(remote)
}

/// 254 loopback addresses for load balancers, different for different clouds on one machine.
fn loopback(instance: &str) -> Ipv4Net {
    let number = u32::from_str_radix(instance, 16).unwrap_or_default();
    let (second, third) = (64 + (number >> 8) % 128, number % 256);
    Ipv4Net::new_assert(Ipv4Addr::new(127, second as u8, third as u8, 0), 24)
}

/// 1022 public addresses, different for different clouds on one machine as well.
fn public(instance: &str) -> Ipv4Net {
    let number = u32::from_str_radix(instance, 16).unwrap_or_default() % 128;
    let first = u32::from(Ipv4Addr::new(198, 18, 0, 0)) + (number << 10);
    Ipv4Net::new_assert(Ipv4Addr::from(first), 22)
}

/// Starts what follows the lines of the log store.
fn follow_lines(plane: &Plane, shutdown: &watch::Receiver<bool>) {
    let follow = |reconciler: Arc<dyn Reconciler>, reads| {
        let (clock, lines) = (Arc::clone(&plane.clock), Arc::clone(&plane.lines));
        let store = plane.store.clone();
        tokio::spawn(service_logs::follow(
            reconciler,
            store,
            clock,
            lines,
            reads,
            shutdown.clone(),
        ));
    };
    let counted = MetricFilters::new(
        plane.store.clone(),
        Arc::clone(&plane.clock),
        Arc::clone(&plane.lines),
        Arc::new(plane.cloudwatch.clone()),
    );
    follow(Arc::new(counted), MetricFilters::READS);
    let sent = Subscriptions::new(
        plane.store.clone(),
        Arc::clone(&plane.clock),
        Arc::clone(&plane.lines),
        Arc::new(service_logs::Http::default()),
    );
    follow(Arc::new(sent), Subscriptions::READS);
}

/// Starts a reconciler.
fn start(
    plane: &Plane,
    shutdown: &watch::Receiver<bool>,
    reconciler: Arc<dyn Reconciler>,
    reads: &'static [&'static str],
) {
    let changes = Arc::new(tokio::sync::Mutex::new(plane.store.watch(reads)));
    let woken = move || {
        let changes = Arc::clone(&changes);
        async move { changes.lock().await.changed().await }
    };
    let status = watch::Sender::new(base_reconcile::Status::default());
    let clock = Arc::clone(&plane.clock);
    tokio::spawn(base_reconcile::run(
        reconciler,
        clock,
        TIMER,
        woken,
        shutdown.clone(),
        status,
    ));
}

/// Starts those who measure.
pub(super) fn meters(
    plane: &Plane,
    usage: Arc<dyn Usage>,
    machines: service_ec2::Meters,
    traffic: Arc<dyn TrafficMeter>,
    shutdown: &watch::Receiver<bool>,
) {
    let metrics = || Arc::clone(&plane.metrics);
    let tasks = service_ecs::Metrics::new(plane.ecs.clone(), usage, metrics());
    start(plane, shutdown, Arc::new(tasks), &[]);
    let instances = service_ec2::Metrics::new(plane.ec2.clone(), machines, metrics());
    start(plane, shutdown, Arc::new(instances), &[]);
    let groups = service_autoscaling::Metrics::new(plane.autoscaling.clone(), metrics());
    start(plane, shutdown, Arc::new(groups), &[]);
    let balancers = service_elbv2::Metrics::new(plane.elbv2.clone(), traffic, metrics());
    start(plane, shutdown, Arc::new(balancers), &[]);
}

/// Starts all reconcilers.
pub(super) fn reconcilers(plane: &Plane, shutdown: &watch::Receiver<bool>) {
    let start = |reconciler, reads| start(plane, shutdown, reconciler, reads);
    start(
        Arc::new(Networks::new(plane.store.clone(), Arc::clone(&plane.clock))),
        Networks::READS,
    );
    start(Arc::new(Instances::new(plane.ec2.clone())), Instances::READS);
    start(Arc::new(Groups::new(plane.autoscaling.clone())), Groups::READS);
    start(
        Arc::new(service_autoscaling::Schedules::new(plane.autoscaling.clone())),
        service_autoscaling::Schedules::READS,
    );
    start(Arc::new(Balancers::new(plane.elbv2.clone())), Balancers::READS);
    start(Arc::new(Routes::new(plane.elbv2.clone())), Routes::READS);
    start(
        Arc::new(service_elbv2::Targets::new(plane.elbv2.clone())),
        service_elbv2::Targets::READS,
    );
    start(
        Arc::new(service_ecs::Services::new(plane.ecs.clone())),
        service_ecs::Services::READS,
    );
    start(
        Arc::new(service_ecs::Definitions::new(plane.ecs.clone())),
        service_ecs::Definitions::READS,
    );
    start(
        Arc::new(service_ecs::Tasks::new(plane.ecs.clone())),
        service_ecs::Tasks::READS,
    );
    start(
        Arc::new(service_ecs::Connections::new(plane.ecs.clone())),
        service_ecs::Connections::READS,
    );
    start(
        Arc::new(service_ecs::Capacity::new(plane.ecs.clone())),
        service_ecs::Capacity::READS,
    );
    start(
        Arc::new(service_ecs::Instances::new(plane.ecs.clone())),
        service_ecs::Instances::READS,
    );
    let retention = Retention::new(
        plane.store.clone(),
        Arc::clone(&plane.clock),
        Arc::clone(&plane.lines),
    );
    start(Arc::new(retention), Retention::READS);
    follow_lines(plane, shutdown);
    start(
        Arc::new(service_ecr::Upkeep::new(plane.ecr.clone())),
        service_ecr::Upkeep::READS,
    );
    start(Arc::new(Alarms::new(plane.cloudwatch.clone())), Alarms::READS);
    let actions = Actions::new(
        plane.cloudwatch.clone(),
        vec![
            Arc::new(plane.scaling.clone()),
            Arc::new(plane.autoscaling.clone()),
        ],
        plane.http.clone(),
    );
    start(Arc::new(actions), Actions::READS);
    start(
        Arc::new(service_appscaling::Targets::new(plane.scaling.clone())),
        service_appscaling::Targets::READS,
    );
    start(
        Arc::new(service_cloudwatch::Upkeep::new(plane.cloudwatch.clone())),
        &[],
    );
    start(Arc::new(Operations::new(plane.names.clone())), Operations::READS);
    start(Arc::new(Validations::new(plane.acm.clone())), Validations::READS);
    start(Arc::new(Sessions::new(plane.iam.clone())), Sessions::READS);
    start(Arc::new(Deletions::new(plane.secrets.clone())), Deletions::READS);
}
