use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// Answers one connection with these bytes, and gives back what was asked.
async fn one(answer: &'static [u8]) -> (u16, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = vec![0; 4096];
        let length = stream.read(&mut buffer).await.unwrap();
        stream.write_all(answer).await.unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    });
    (port, asked)
}

fn probe(port: u16, search: Option<&str>) -> EndpointProbe {
    EndpointProbe {
        protocol: ProbeProtocol::Http {
            tls: false,
            sni: false,
            path: "/health?a=b".to_owned(),
            search: search.map(str::to_owned),
        },
        address: Some([127, 0, 0, 1].into()),
        host: Some("app.example.com.".to_owned()),
        port,
        interval_seconds: 30,
        failure_threshold: 3,
        regions: Vec::new(),
    }
}

async fn never() -> Result<IpAddr, String> {
    panic!("an address is not looked up")
}

#[tokio::test]
async fn answers_are_judged_by_status_and_text() {
    for (answer, search, expected) in [
        (
            &b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"[..],
            None,
            "Success: HTTP Status Code 200, OK",
        ),
        (
            b"HTTP/1.1 301 X\r\ncontent-length: 0\r\n\r\n",
            None,
            "Success: HTTP Status Code 301, Moved Permanently",
        ),
        (
            b"HTTP/1.1 404 X\r\ncontent-length: 0\r\n\r\n",
            None,
            "Failure: HTTP Status Code 404, Not Found",
        ),
        (
            b"HTTP/1.1 599 X\r\ncontent-length: 0\r\n\r\n",
            None,
            "Failure: HTTP Status Code 599",
        ),
        (
            b"HTTP/1.1 200 OK\r\n\r\nall is well",
            Some("is well"),
            "Success: HTTP Status Code 200, OK",
        ),
        (
            b"HTTP/1.1 200 OK\r\n\r\nall is lost",
            Some("is well"),
            "Failure: HTTP Status Code 200, OK. The search string was not found in the first 5120 bytes of the response body",
        ),
        (b"", None, "Failure: The connection was closed by the endpoint."),
        (
            b"SSH-2.0-x\r\n",
            None,
            "Failure: The connection was closed by the endpoint.",
        ),
    ] {
        let (port, asked) = one(answer).await;
        let (well, text) = look(&probe(port, search), "check-1", never()).await;
        assert_eq!(text, expected);
        assert_eq!(well, expected.starts_with("Success"));
        let asked = asked.await.unwrap();
        assert!(asked.starts_with("GET /health?a=b HTTP/1.1\r\n"), "{asked}");
        assert!(
            asked.contains(&format!("host: app.example.com:{port}\r\n")),
            "{asked}"
        );
        assert!(
            asked.contains("Amazon-Route-53-Health-Check-Service (ref check-1;"),
            "{asked}"
        );
    }
}

#[tokio::test]
async fn only_the_beginning_of_a_body_is_searched() {
    static BODY: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
        let mut answer = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
        answer.extend([b'x'; 5117]);
        answer.extend(b"needle");
        answer
    });
    for (search, expected) in [("xxnee", true), ("needle", false)] {
        let (port, _asked) = one(&BODY).await;
        assert_eq!(
            look(&probe(port, Some(search)), "check-1", never()).await.0,
            expected,
            "{search}"
        );
    }
}

#[tokio::test]
async fn names_are_resolved_and_told() {
    let (port, _asked) = one(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let mut probe = probe(port, None);
    probe.address = None;
    let found = look(&probe, "check-1", async { Ok([127, 0, 0, 1].into()) }).await;
    assert_eq!(
        found,
        (
            true,
            "Success: HTTP Status Code 200, OK. Resolved IP: 127.0.0.1".to_owned()
        )
    );
    let found = look(&probe, "check-1", async {
        Err("DNS response error code NXDOMAIN".to_owned())
    })
    .await;
    assert_eq!(
        found,
        (
            false,
            "Failure: DNS resolution failed: DNS response error code NXDOMAIN".to_owned()
        )
    );
}

#[tokio::test]
async fn whoever_says_nothing_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let _silent = tokio::spawn(async move {
        let _stream = listener.accept().await;
        std::future::pending::<()>().await;
    });
    let found = look(&probe(port, None), "check-1", never()).await;
    assert_eq!(
        found,
        (
            false,
            "Failure: The endpoint did not respond to the request within 2 seconds.".to_owned()
        )
    );
}
