//! Answers follow what real probes find.

use std::sync::atomic::{AtomicU16, Ordering};

use contract::dns::{EndpointProbe, Probe, ProbeProtocol};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

fn check(id: &str, port: u16, protocol: ProbeProtocol) -> Change {
    Change::Check(HealthCheck {
        id: id.to_owned(),
        probe: Probe::Endpoint(EndpointProbe {
            protocol,
            address: Some([127, 0, 0, 1].into()),
            host: None,
            port,
            interval_seconds: 1,
            failure_threshold: 2,
            regions: vec![
                "us-east-1".to_owned(),
                "eu-west-1".to_owned(),
                "ap-southeast-1".to_owned(),
            ],
        }),
        inverted: false,
        disabled: false,
    })
}

fn page() -> ProbeProtocol {
    ProbeProtocol::Http {
        tls: false,
        sni: false,
        path: "/health".to_owned(),
        search: None,
    }
}

/// Answers with the status that it is told to.
async fn application(status: Arc<AtomicU16>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 1024];
            let _ = stream.read(&mut buffer).await;
            let status = status.load(Ordering::Relaxed);
            let _ = stream
                .write_all(format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n").as_bytes())
                .await;
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secondary_answers_while_the_primary_is_down_and_control_is_away() {
    let status = Arc::new(AtomicU16::new(200));
    let port = application(Arc::clone(&status)).await;
    let both = start(
        "zone Z1 example.com. public\nf A set=p primary check=web 5 192.0.2.1\nf A set=s secondary 5 192.0.2.2",
    )
    .await;
    let store = both.control.store.clone();
    commit(&store, vec![check("web", port, page())]).await;
    let observed = seen(&store, |observed| {
        observed.checks.iter().any(|check| check.results.len() == 3)
    })
    .await;
    assert!(observed.checks[0].healthy);
    for result in &observed.checks[0].results {
        assert_eq!(result.text, "Success: HTTP Status Code 200, OK");
    }
    assert_eq!(both.ask("f.example.com.", "A").await, "NOERROR 192.0.2.1");
    // Without anybody who could tell: the server finds out by itself.
    let Both {
        directory,
        _server: server,
        control,
        address,
    } = both;
    drop(control);
    status.store(503, Ordering::Relaxed);
    answered(&store, "f.example.com.", "A", "NOERROR 192.0.2.2").await;
    // Nor does one that is started again send anybody there, not even before it has looked.
    drop(server);
    free(address).await;
    let _server = serve(directory.path(), &address.to_string());
    let first = loop {
        let first = ask(&store, "f.example.com.", "A").await;
        if first.starts_with("NOERROR") {
            break first;
        }
    };
    assert_eq!(first, "NOERROR 192.0.2.2");
    let _control = self::control(directory.path(), store.clone());
    let observed = seen(&store, |observed| {
        observed.checks.iter().any(|check| !check.healthy)
    })
    .await;
    for failure in &observed.checks[0].last_failures {
        assert_eq!(failure.text, "Failure: HTTP Status Code 503, Service Unavailable");
    }
    status.store(200, Ordering::Relaxed);
    answered(&store, "f.example.com.", "A", "NOERROR 192.0.2.1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_port_fails_a_check_of_connections() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let both = start(
        "zone Z1 example.com. public\nm A set=a multi check=tcp 5 192.0.2.1\nm A set=b multi 5 192.0.2.2",
    )
    .await;
    let store = &both.control.store;
    assert_eq!(
        both.ask("m.example.com.", "A").await,
        "NOERROR 192.0.2.1 192.0.2.2"
    );
    commit(store, vec![check("tcp", port, ProbeProtocol::Tcp)]).await;
    answered(store, "m.example.com.", "A", "NOERROR 192.0.2.2").await;
    let observed = seen(store, |observed| !observed.checks[0].last_failures.is_empty()).await;
    assert_eq!(
        observed.checks[0].last_failures[0].text,
        "Failure: Connection refused"
    );
    commit(store, vec![Change::NoCheck("tcp".to_owned())]).await;
    answered(store, "m.example.com.", "A", "NOERROR 192.0.2.1 192.0.2.2").await;
}
