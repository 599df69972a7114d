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
use dataplane_authority::LocalAuthority;
use dataplane_blobs::{BlobStore, Mirror, RemoteConfig};
use dataplane_logs::LogFile;
use dataplane_runtime::Runtime;
use ipnet::Ipv4Net;
use service_acm::{Acm, Validations};
use service_autoscaling::{Autoscaling, Groups};
use service_ec2::{Ec2, Instances, Networks};
use service_ecr::Ecr;
use service_ecs::{Agent, Ecs, Neighbours};
use service_elbv2::{Balancers, Elbv2, Routes};
use service_iam::{Iam, Sessions};
use service_logs::{Logs, Retention};
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
    pub(super) blobs: BlobStore,
    pub(super) lines: Arc<dyn LogStore>,
    pub(super) acm: Acm,
    pub(super) autoscaling: Autoscaling,
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
    let lines: Arc<dyn LogStore> = Arc::new(LogFile::open(&layout.logs(), Arc::clone(&clock))?);
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
    Ok(Plane {
        store,
        clock,
        ids,
        blobs,
        lines,
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

/// Starts all reconcilers.
pub(super) fn reconcilers(plane: &Plane, shutdown: &watch::Receiver<bool>) {
    let start = |reconciler: Arc<dyn Reconciler>, reads: &'static [&'static str]| {
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
    };
    start(
        Arc::new(Networks::new(plane.store.clone(), Arc::clone(&plane.clock))),
        Networks::READS,
    );
    start(Arc::new(Instances::new(plane.ec2.clone())), Instances::READS);
    start(Arc::new(Groups::new(plane.autoscaling.clone())), Groups::READS);
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
    start(
        Arc::new(service_ecr::Upkeep::new(plane.ecr.clone())),
        service_ecr::Upkeep::READS,
    );
    start(Arc::new(Operations::new(plane.names.clone())), Operations::READS);
    start(Arc::new(Validations::new(plane.acm.clone())), Validations::READS);
    start(Arc::new(Sessions::new(plane.iam.clone())), Sessions::READS);
    start(Arc::new(Deletions::new(plane.secrets.clone())), Deletions::READS);
}
