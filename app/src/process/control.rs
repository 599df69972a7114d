//! The control process: AWS APIs, registry, Docker Engine API, services, reconcilers, and the node that runs tasks.

use std::sync::Arc;
use std::time::Duration;

use aws_protocol::Context;
use aws_signature::{Credentials, Mode, Secret, Verifier};
use axum::Router;
use base_id::Scope;
use base_store::{StoreError, Table};
use contract::dns::{Head, ObservedDns};
use contract::network::{DesiredNetwork, ObservedNetwork};
use contract::route::{ObservedRoutes, RouteTable, TrafficMeter};
use contract::task::{DesiredTask, ObservedTask};
use dataplane_build::{BuildConfig, LocalEngine};
use dataplane_node::Node;
use dataplane_runtime::{Runtime, RuntimeConfig};
use front_api::{Api, Hosts, Reset, Services};
use front_engine::EngineInfo;
use service_elbv2::Elbv2;
use service_iam::Iam;
use tokio::sync::watch;

use super::wire::{self, Plane};
use super::{Order, serve};
use crate::cloud::REGION;
use crate::settings::{ACCOUNT, Keys, write_private};

pub(super) async fn run(order: &Order) -> anyhow::Result<()> {
    let layout = &order.layout;
    let runtime = runtime(order);
    let plane = wire::plane(order, Runtime::new(runtime.clone()))?;
    let network = super::node::network(order)?;
    let node = super::node::new(order, &plane, network.clone(), runtime.clone());
    if order.sweep {
        node.stop_all().await;
        return Ok(());
    }
    let root = plane
        .iam
        .root_credential(ACCOUNT)
        .await
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    let keys = Keys {
        access_key: root.access_key,
        secret_key: root.secret_key,
    };
    write_private(&layout.credentials(), &serde_json::to_vec_pretty(&keys)?)?;
    let endpoint = serve::bind(order.settings.listen).await?;
    let engine_socket = serve::bind_engine(&layout.engine_socket())?;
    let shutdown = watch::Sender::new(false);
    wire::reconcilers(&plane, &shutdown.subscribe());
    let proxies = [
        (layout.proxy_socket(), RouteTable::KEY),
        (layout.connect_socket(), RouteTable::CONNECT),
    ];
    let board = dataplane_proxy::Board::default();
    for (socket, key) in proxies {
        let store = plane.store.clone();
        // Only what goes through load balancers is metered for anybody.
        let board = if key == RouteTable::KEY {
            board.clone()
        } else {
            dataplane_proxy::Board::default()
        };
        let remote = dataplane_proxy::Remote {
            socket,
            store,
            key,
            board,
        };
        tokio::spawn(remote.run(shutdown.subscribe()));
    }
    let names = dataplane_dns::Remote {
        socket: layout.dns_socket(),
        store: plane.store.clone(),
    };
    tokio::spawn(names.run(shutdown.subscribe()));
    tokio::spawn(super::dns::publish(
        plane.store.clone(),
        layout.dns_address(),
        shutdown.subscribe(),
    ));
    let node_end = watch::Sender::new(false);
    let mut running = tokio::spawn({
        let (node, end) = (node.clone(), node_end.subscribe());
        async move { node.run(end).await }
    });
    let board = Arc::new(board);
    wire::meters(
        &plane,
        Arc::new(node.clone()),
        service_ec2::Meters {
            machines: Arc::new(node.clone()),
            gateways: Arc::new(node.clone()),
        },
        board.clone(),
        &shutdown.subscribe(),
    );
    let router = router(order, &plane);
    let machine = super::pipelines::keep(order)?;
    let served = Hosts::new()
        .name(&order.settings.listen.ip().to_string())
        .protect(
            sessions(&plane, &node)
                .merge(metrics(order, &plane, &node, board))
                .merge(super::pipelines::router(order, &plane, &machine)?)
                .merge(router.clone()),
        );
    let served = super::console::attach(served, order, &plane, &machine, shutdown.subscribe())?;
    tokio::spawn(serve::endpoint(endpoint, served));
    let mut doors = super::agent::doors(order, &plane, Arc::new(node.clone()), router);
    doors.push(super::guest::door(&plane));
    tokio::spawn(front_task::keep(
        plane.store.clone(),
        Arc::new(network),
        doors,
        shutdown.subscribe(),
    ));
    let config = BuildConfig {
        cache_dir: layout.build_cache(),
        ca_bundle: order.settings.ca_bundle(),
    };
    let engine = LocalEngine::open(
        plane.blobs.clone(),
        config,
        Arc::new(runtime),
        Arc::clone(&plane.clock),
    )?;
    tokio::spawn(serve::engine(
        engine_socket,
        front_engine::router(
            Arc::new(engine),
            Some(front_engine::ContainerHost {
                containers: Arc::new(node.containers(Arc::clone(&plane.ids))?),
                ids: Arc::clone(&plane.ids),
            }),
            Arc::clone(&plane.clock),
            info(order),
        ),
    ));
    let _ = std::fs::remove_file(layout.failure());
    tracing::info!(endpoint = %order.settings.endpoint(), "ready");
    tokio::select! {
        () = super::told_to_stop() => {}
        ended = &mut running => {
            ended??;
            anyhow::bail!("the node has ended");
        }
    }
    // First nobody wishes for anything any more, then what runs is stopped.
    shutdown.send_replace(true);
    node.stop_all().await;
    node_end.send_replace(true);
    running.await??;
    let _ = std::fs::remove_file(layout.engine_socket());
    Ok(())
}

/// Where people work inside containers; from outside only, not from the tasks themselves.
fn sessions(plane: &Plane, node: &Node) -> Router {
    front_session::router(front_session::Parts {
        sessions: Arc::new(plane.ecs.clone()),
        exec: Arc::new(node.clone()),
        ids: Arc::clone(&plane.ids),
    })
}

/// For Prometheus; only where nobody but this machine can ask.
fn metrics(order: &Order, plane: &Plane, node: &Node, traffic: Arc<dyn TrafficMeter>) -> Router {
    if !order.settings.listen.ip().is_loopback() {
        return Router::new();
    }
    front_metrics::router(front_metrics::Parts {
        ecs: Arc::new(plane.ecs.clone()),
        usage: Arc::new(node.clone()),
        traffic,
        context: Context {
            scope: Scope::new(ACCOUNT, REGION),
            request_id: "metrics".to_owned(),
            principal_arn: format!("arn:aws:iam::{ACCOUNT}:root"),
            access_key: String::new(),
        },
    })
}

fn runtime(order: &Order) -> RuntimeConfig {
    RuntimeConfig {
        shim_command: vec!["/proc/self/exe".into(), "shim".into()],
        state_dir: order.layout.state.clone(),
        instance: order.settings.instance.clone(),
        run_dir: order.layout.run.clone(),
    }
}

/// Everything under the endpoint; who may come in is another question.
fn router(order: &Order, plane: &Plane) -> Router {
    let mode = if order.settings.open {
        Mode::Open
    } else {
        Mode::Sigv4
    };
    let api = Api {
        services: Services {
            acm: Arc::new(plane.acm.clone()),
            applicationautoscaling: Arc::new(plane.scaling.clone()),
            autoscaling: Arc::new(plane.autoscaling.clone()),
            cloudwatch: Arc::new(plane.cloudwatch.clone()),
            ec2: Arc::new(plane.ec2.clone()),
            ecr: Arc::new(plane.ecr.clone()),
            ecs: Arc::new(plane.ecs.clone()),
            elbv2: Arc::new(plane.elbv2.clone()),
            iam: Arc::new(plane.iam.clone()),
            logs: Arc::new(plane.logs.clone()),
            route53: Arc::new(plane.route53.clone()),
            servicediscovery: Arc::new(plane.names.clone()),
            secretsmanager: Arc::new(plane.secrets.clone()),
            ssm: Arc::new(plane.secrets.clone()),
            sts: Arc::new(plane.iam.clone()),
        },
        verifier: Verifier::new(Arc::new(Keyring(plane.iam.clone())), mode),
        clock: Arc::clone(&plane.clock),
        ids: Arc::clone(&plane.ids),
        reset: reset(plane),
    };
    let registry = front_registry::router(
        Arc::new(plane.blobs.clone()),
        Arc::new(plane.ecr.clone()),
        Arc::clone(&plane.clock),
    );
    registry.merge(api.router())
}

/// Access keys, as the verifier wants them.
struct Keyring(Iam);

impl Credentials for Keyring {
    fn find(&self, access_key: &str) -> Option<Secret> {
        self.0.credential(access_key).map(|found| Secret {
            secret_key: found.secret_key,
            session_token: found.session_token,
            account: found.account,
            principal_arn: found.principal_arn,
            expires: found.expires_at,
        })
    }
}

/// How long a reset may take before it says that something does not go away.
const RESET_LIMIT: Duration = Duration::from_secs(10);
const RESET_LOOK_EVERY: Duration = Duration::from_millis(5);

/// Removes everything but keys and what the data plane still has to take down; returns when that is gone too.
fn reset(plane: &Plane) -> Reset {
    let (store, lines, metrics) = (
        plane.store.clone(),
        Arc::clone(&plane.lines),
        Arc::clone(&plane.metrics),
    );
    Arc::new(move || {
        let (store, lines, metrics) = (store.clone(), Arc::clone(&lines), Arc::clone(&metrics));
        Box::pin(async move {
            store
                .write(|tx| {
                    tx.clear(&[
                        Iam::CREDENTIAL_TABLE,
                        Elbv2::ROUTE_TABLE,
                        ObservedRoutes::TABLE,
                        ObservedTask::TABLE,
                        ObservedNetwork::TABLE,
                        ObservedDns::TABLE,
                    ]);
                    Ok::<_, StoreError>(())
                })
                .await
                .map_err(|error| error.to_string())?;
            let gone = async {
                while !is_bare(&store) {
                    tokio::time::sleep(RESET_LOOK_EVERY).await;
                }
            };
            tokio::time::timeout(RESET_LIMIT, gone)
                .await
                .map_err(|_| "something of the data plane does not go away".to_owned())?;
            metrics.clear().await.map_err(|error| error.to_string())?;
            lines.clear().await.map_err(|error| error.to_string())
        })
    })
}

fn is_bare(store: &base_store::Store) -> bool {
    let snapshot = store.snapshot();
    let desired: Table<DesiredTask> = Table::new(DesiredTask::TABLE, 1);
    let networks: Table<DesiredNetwork> = Table::new(DesiredNetwork::TABLE, 1);
    let tasks: Table<ObservedTask> = Table::new(ObservedTask::TABLE, 1);
    let seen_networks: Table<ObservedNetwork> = Table::new(ObservedNetwork::TABLE, 1);
    let routes: Table<RouteTable> = Table::new(RouteTable::TABLE, 1);
    let names: Table<ObservedDns> = Table::new(ObservedDns::TABLE, 1);
    snapshot.list(desired).is_empty()
        && snapshot.list(networks).is_empty()
        && snapshot.list(tasks).is_empty()
        && snapshot.list(seen_networks).is_empty()
        && snapshot
            .get(routes, RouteTable::KEY)
            .is_none_or(|table| table.listeners.is_empty())
        && snapshot
            .get(names, Head::KEY)
            .is_none_or(|seen| seen.sequence == 0)
}

fn info(order: &Order) -> EngineInfo {
    let kernel = nix::sys::utsname::uname().ok();
    let text = |value: Option<&std::ffi::OsStr>| {
        value
            .map(|it| it.to_string_lossy().into_owned())
            .unwrap_or_default()
    };
    EngineInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        kernel: text(kernel.as_ref().map(|it| it.release())),
        host_name: text(kernel.as_ref().map(|it| it.nodename())),
        root_dir: order.layout.images().display().to_string(),
        cpus: std::thread::available_parallelism().map_or(1, |count| count.get() as u64),
        memory_bytes: memory_bytes().unwrap_or_default(),
    }
}

fn memory_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
    line.split_whitespace()
        .nth(1)?
        .parse::<u64>()
        .ok()
        .map(|kib| kib * 1024)
}
