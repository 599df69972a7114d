//! Connections and their bytes are counted where they belong.

use super::*;

async fn seen(proxy: &Running, wanted: impl Fn(&[Flow]) -> bool) -> Vec<Flow> {
    for _ in 0..1000 {
        let flows = proxy.state.meter.read().flows;
        if wanted(&flows) {
            return flows;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never came; last seen {:?}", proxy.state.meter.read());
}

/// Asks over a connection that stays; how many bytes went over it.
async fn ask(stream: &mut TcpStream, host: &str) -> u64 {
    let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"a true") {
        let mut piece = [0; 1024];
        let count = stream.read(&mut piece).await.unwrap();
        assert!(count > 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&piece[..count]);
    }
    (request.len() + answer.len()) as u64
}

#[tokio::test]
async fn connections_and_bytes_are_their_listeners() {
    let proxy = start().await;
    let a = app("a", Duration::ZERO).await;
    proxy.apply(1, &[(a.address, false)]);
    proxy.until_healthy(1).await;
    let mut own = TcpStream::connect((Ipv4Addr::new(127, 0, 0, 2), proxy.port))
        .await
        .unwrap();
    let mut named = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port))
        .await
        .unwrap();
    let mut bytes = 0;
    for _ in 0..3 {
        bytes += ask(&mut own, "x").await;
        bytes += ask(&mut named, "web.elb.localhost").await;
    }
    // The last bytes are counted when they have been handed over, which the client may hear of first.
    let flows = seen(&proxy, |flows| flows.len() == 2 && flows[0].bytes == bytes).await;
    let [clients, targets] = &flows[..] else {
        unreachable!()
    };
    assert_eq!((clients.new_connections, clients.open_connections), (2, 2));
    assert_eq!((targets.requests, targets.target_group.as_str()), (6, "g"));
    let to_targets = targets.new_connections;
    assert!((1..=2).contains(&to_targets), "{to_targets}");
    assert_eq!(targets.open_connections, to_targets);
    drop((own, named));
    seen(&proxy, |flows| flows[0].open_connections == 0).await;
    // Kept for others, until the target is gone.
    assert_eq!(proxy.state.meter.read().flows[1].open_connections, to_targets);
    proxy.apply(2, &[]);
    seen(&proxy, |flows| flows[1].open_connections == 0).await;
}

#[tokio::test]
async fn what_the_proxy_could_not_do_is_counted_by_status() {
    let proxy = start().await;
    proxy.apply(1, &[]);
    assert_eq!(proxy.get().await.0, 503);
    let flows = seen(&proxy, |flows| flows.iter().any(|it| it.own_answers[3] > 0)).await;
    assert_eq!(flows[0].own_failures, [0, 0, 1, 0]);
}

#[tokio::test]
async fn a_client_that_asks_nothing_is_kept_as_long_as_the_listener_says() {
    let proxy = start().await;
    let a = app("a", Duration::ZERO).await;
    let mut table = table(1, proxy.port, &[(a.address, false)]);
    table.listeners[0].idle_timeout_seconds = 1;
    assert!(proxy.state.apply(table));
    proxy.until_healthy(1).await;
    let mut stream = TcpStream::connect((Ipv4Addr::new(127, 0, 0, 2), proxy.port))
        .await
        .unwrap();
    ask(&mut stream, "x").await;
    let mut more = [0; 1];
    let closed = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut more)).await;
    assert_eq!(closed.expect("it is closed").unwrap(), 0);
    seen(&proxy, |flows| flows[0].open_connections == 0).await;
}
