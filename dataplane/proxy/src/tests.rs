mod count;
mod stick;

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use contract::route::*;
use futures::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// A small application: answers `name` to every request, keeps connections open, and can be slow or sick.
struct App {
    address: SocketAddrV4,
    requests: Arc<AtomicU32>,
    connections: Arc<AtomicU32>,
    sick: Arc<AtomicBool>,
}

async fn app(name: &'static str, delay: Duration) -> App {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let std::net::SocketAddr::V4(address) = socket.local_addr().unwrap() else {
        unreachable!()
    };
    let app = App {
        address,
        requests: Arc::default(),
        connections: Arc::default(),
        sick: Arc::default(),
    };
    let (requests, connections, sick) = (app.requests.clone(), app.connections.clone(), app.sick.clone());
    tokio::spawn(async move {
        loop {
            let (stream, _) = socket.accept().await.unwrap();
            let (requests, connections, sick) = (requests.clone(), connections.clone(), sick.clone());
            tokio::spawn(async move {
                connections.fetch_add(1, Ordering::SeqCst);
                let service =
                    hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
                        let (requests, sick) = (requests.clone(), sick.clone());
                        async move {
                            let probe = request.uri().path() == "/health";
                            if !probe {
                                requests.fetch_add(1, Ordering::SeqCst);
                                tokio::time::sleep(delay).await;
                            }
                            let forwarded = request.headers().get("x-forwarded-for").is_some();
                            let status = if sick.load(Ordering::SeqCst) && probe {
                                500
                            } else {
                                200
                            };
                            let body =
                                http_body_util::Full::new(bytes::Bytes::from(format!("{name} {forwarded}")));
                            Ok::<_, std::convert::Infallible>(
                                http::Response::builder()
                                    .status(status)
                                    .header("set-cookie", "session=1; Path=/")
                                    .body(body)
                                    .unwrap(),
                            )
                        }
                    });
                let io = hyper_util::rt::TokioIo::new(stream);
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(io, service)
                    .await;
            });
        }
    });
    app
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.2:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

fn table(generation: u64, port: u16, targets: &[(SocketAddrV4, bool)]) -> RouteTable {
    RouteTable {
        generation,
        listeners: vec![Listener {
            id: "l".into(),
            bind: (Ipv4Addr::new(127, 0, 0, 2), port).into(),
            network: String::new(),
            behind: None,
            protocol: Default::default(),
            names: vec!["web.elb.localhost".into()],
            default_action: Action::Forward(vec![WeightedGroup {
                target_group: "g".into(),
                weight: 1,
            }]),
            idle_timeout_seconds: 60,
        }],
        target_groups: vec![TargetGroup {
            id: "g".into(),
            network: String::new(),
            feet: vec![],
            health_check: HealthCheck {
                enabled: true,
                port: None,
                path: "/health".into(),
                matcher: vec![(200, 200)],
                interval_seconds: 1,
                timeout_seconds: 1,
                healthy_threshold: 2,
                unhealthy_threshold: 2,
            },
            targets: targets
                .iter()
                .map(|(at, draining)| Target {
                    address: *at.ip(),
                    port: at.port(),
                    draining: *draining,
                })
                .collect(),
            deregistration_delay_seconds: 1,
            stickiness: None,
        }],
    }
}

struct Running {
    state: Arc<state::State>,
    port: u16,
    stop: watch::Sender<bool>,
}

async fn start() -> Running {
    let state = Arc::new(state::State::new(dial::Dialer::new("/nonexistent".into())));
    let stop = watch::Sender::new(false);
    tokio::spawn(listen::run(state.clone(), stop.subscribe()));
    Running {
        state,
        port: free_port(),
        stop,
    }
}

impl Running {
    fn apply(&self, generation: u64, targets: &[(SocketAddrV4, bool)]) {
        assert!(self.state.apply(table(generation, self.port, targets)));
    }

    async fn until(&self, what: &str, wanted: impl Fn(&ObservedRoutes) -> bool) {
        for _ in 0..1000 {
            if wanted(&self.state.observed()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("never came: {what}; last seen {:?}", self.state.observed());
    }

    async fn until_healthy(&self, count: usize) {
        let healthy = |seen: &ObservedRoutes| {
            seen.targets
                .iter()
                .filter(|t| t.health == TargetHealth::Healthy)
                .count()
        };
        self.until("healthy targets", |seen| healthy(seen) == count).await;
    }

    async fn get(&self) -> (u16, String) {
        get(&format!("127.0.0.2:{}", self.port), "x").await
    }
}

async fn get(address: &str, host: &str) -> (u16, String) {
    let mut stream = loop {
        match TcpStream::connect(address).await {
            Ok(stream) => break stream,
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split("\r\n\r\n").nth(1).unwrap().to_owned())
}

#[tokio::test]
async fn requests_go_round_and_connections_are_kept() {
    let proxy = start().await;
    let (a, b) = (app("a", Duration::ZERO).await, app("b", Duration::ZERO).await);
    proxy.apply(1, &[(a.address, false), (b.address, false)]);
    proxy.until_healthy(2).await;
    let before = a.connections.load(Ordering::SeqCst) + b.connections.load(Ordering::SeqCst);
    for _ in 0..40 {
        assert_eq!(proxy.get().await.0, 200);
    }
    assert_eq!(
        (
            a.requests.load(Ordering::SeqCst),
            b.requests.load(Ordering::SeqCst)
        ),
        (20, 20)
    );
    let opened = a.connections.load(Ordering::SeqCst) + b.connections.load(Ordering::SeqCst) - before;
    assert!(
        opened <= 4,
        "40 requests one after the other opened {opened} connections (probes included)"
    );
    let routing = proxy.state.routing.load();
    let reused: u64 = routing.groups["g"]
        .targets
        .iter()
        .map(|t| t.pool.reused.load(Ordering::Relaxed))
        .sum();
    assert_eq!(reused, 38);
}

#[tokio::test]
async fn without_targets_the_answer_says_why() {
    let proxy = start().await;
    proxy.apply(1, &[]);
    let (status, body) = proxy.get().await;
    assert_eq!(status, 503);
    assert!(body.contains("no target is registered"), "{body}");
    let dead = SocketAddrV4::new(Ipv4Addr::LOCALHOST, free_port());
    proxy.apply(2, &[(dead, false)]);
    assert!(
        proxy
            .get()
            .await
            .1
            .contains("no target has passed a health check yet")
    );
}

#[tokio::test]
async fn an_older_table_is_refused() {
    let proxy = start().await;
    proxy.apply(7, &[]);
    assert!(!proxy.state.apply(table(6, proxy.port, &[])));
}

#[tokio::test]
async fn a_sick_target_gets_no_requests_until_it_is_well() {
    let proxy = start().await;
    let (a, b) = (app("a", Duration::ZERO).await, app("b", Duration::ZERO).await);
    proxy.apply(1, &[(a.address, false), (b.address, false)]);
    proxy.until_healthy(2).await;
    a.sick.store(true, Ordering::SeqCst);
    proxy
        .until("unhealthy", |seen| {
            seen.targets
                .iter()
                .any(|t| t.health == TargetHealth::Unhealthy(Unhealthy::Status(500)))
        })
        .await;
    for _ in 0..10 {
        assert_eq!(proxy.get().await.1, "b true");
    }
    b.sick.store(true, Ordering::SeqCst);
    proxy.until_healthy(0).await;
    assert_eq!(proxy.get().await.0, 200, "when all are unhealthy all are asked");
    a.sick.store(false, Ordering::SeqCst);
    proxy.until_healthy(1).await;
}

#[tokio::test]
async fn draining_lets_requests_finish_and_sends_no_new_ones() {
    let proxy = start().await;
    let (old, new) = (
        app("old", Duration::from_millis(300)).await,
        app("new", Duration::ZERO).await,
    );
    proxy.apply(1, &[(old.address, false)]);
    proxy.until_healthy(1).await;
    let port = proxy.port;
    let slow = tokio::spawn(async move { get(&format!("127.0.0.2:{port}"), "x").await });
    proxy
        .until("in flight", |seen| seen.targets[0].in_flight == 1)
        .await;
    proxy.apply(2, &[(old.address, true), (new.address, false)]);
    proxy.until_healthy(1).await;
    assert_eq!(proxy.get().await.1, "new true");
    assert_eq!(slow.await.unwrap(), (200, "old true".into()));
    proxy
        .until("drained", |seen| {
            seen.targets[0].health == TargetHealth::Draining { done: true }
        })
        .await;
}

#[tokio::test]
async fn switching_back_and_forth_under_load_fails_no_request() {
    let proxy = start().await;
    let (a, b) = (
        app("a", Duration::from_millis(2)).await,
        app("b", Duration::from_millis(2)).await,
    );
    proxy.apply(1, &[(a.address, false)]);
    proxy.until_healthy(1).await;
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let (stop, port) = (stop.clone(), proxy.port);
            tokio::spawn(async move {
                let mut count = 0;
                while !stop.load(Ordering::SeqCst) {
                    let (status, body) = get(&format!("127.0.0.2:{port}"), "x").await;
                    assert_eq!(status, 200, "{body}");
                    count += 1;
                }
                count
            })
        })
        .collect();
    for round in 0..10 {
        let (new, old) = if round % 2 == 0 { (&b, &a) } else { (&a, &b) };
        proxy.apply(2 + 3 * round, &[(old.address, false), (new.address, false)]);
        proxy.until_healthy(2).await;
        proxy.apply(3 + 3 * round, &[(old.address, true), (new.address, false)]);
        proxy
            .until("drained", |seen| {
                seen.targets[0].health == TargetHealth::Draining { done: true }
            })
            .await;
        proxy.apply(4 + 3 * round, &[(new.address, false)]);
    }
    stop.store(true, Ordering::SeqCst);
    let mut total = 0;
    for client in clients {
        total += client.await.unwrap();
    }
    assert!(total > 100, "only {total} requests were made during the switches");
}

#[tokio::test]
async fn a_name_under_localhost_finds_its_load_balancer() {
    let proxy = start().await;
    let a = app("a", Duration::ZERO).await;
    proxy.apply(1, &[(a.address, false)]);
    proxy.until_healthy(1).await;
    let edge = format!("127.0.0.1:{}", proxy.port);
    assert_eq!(
        get(&edge, &format!("web.elb.localhost:{}", proxy.port)).await,
        (200, "a true".into())
    );
    assert_eq!(get(&edge, "other.localhost").await.0, 404);
}

#[tokio::test]
async fn a_web_socket_is_tunnelled_and_cut_when_draining_takes_too_long() {
    let proxy = start().await;
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let std::net::SocketAddr::V4(address) = socket.local_addr().unwrap() else {
        unreachable!()
    };
    tokio::spawn(async move {
        loop {
            let (stream, _) = socket.accept().await.unwrap();
            tokio::spawn(async move {
                let mut peek = [0; 11];
                stream.peek(&mut peek).await.unwrap();
                if peek.starts_with(b"GET /health") {
                    let mut stream = stream;
                    let _ = stream.read(&mut [0; 1024]).await;
                    stream
                        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                        .await
                        .unwrap();
                    return;
                }
                let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
                while let Some(Ok(message)) = socket.next().await {
                    let _ = socket.send(message).await;
                }
            });
        }
    });
    proxy.apply(1, &[(address, false)]);
    proxy.until_healthy(1).await;
    let url = format!("ws://127.0.0.2:{}/stream", proxy.port);
    let (mut client, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    client.send("hello".into()).await.unwrap();
    assert_eq!(
        client.next().await.unwrap().unwrap().into_text().unwrap(),
        "hello"
    );
    proxy.apply(2, &[(address, true)]);
    client.send("still here".into()).await.unwrap();
    assert_eq!(
        client.next().await.unwrap().unwrap().into_text().unwrap(),
        "still here"
    );
    proxy
        .until("drained", |seen| {
            seen.targets[0].health == TargetHealth::Draining { done: true }
        })
        .await;
    assert!(!matches!(
        client.next().await,
        Some(Ok(tokio_tungstenite::tungstenite::Message::Text(_)))
    ));
}

#[tokio::test]
async fn the_table_on_disk_is_served_before_anybody_calls() {
    let folder = tempfile::tempdir().unwrap();
    let a = app("a", Duration::ZERO).await;
    let port = free_port();
    let config = ProxyConfig {
        table_file: folder.path().join("routes.json"),
        socket: folder.path().join("proxy.sock"),
        namespaces: folder.path().to_owned(),
    };
    disk::save(&config.table_file, &table(3, port, &[(a.address, false)])).unwrap();
    let stop = watch::Sender::new(false);
    let running = tokio::spawn(run(config, stop.subscribe()));
    while get(&format!("127.0.0.2:{port}"), "x").await.0 != 200 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stop.send_replace(true);
    running.await.unwrap().unwrap();
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}
