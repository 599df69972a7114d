use std::io::Read as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use aws_shape::logs::*;
use base_reconcile::{Outcome, Reconciler as _};
use flate2::read::GzDecoder;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::world::*;
use crate::{Deliver, Http, Subscriptions};

/// A target that remembers, or refuses while it is told to.
#[derive(Default)]
struct Target {
    taken: Mutex<Vec<Value>>,
    down: Mutex<bool>,
}

#[async_trait]
impl Deliver for Target {
    async fn deliver(&self, _: &str, body: Vec<u8>) -> Result<(), String> {
        if *self.down.lock().unwrap() {
            return Err("down".to_owned());
        }
        self.taken.lock().unwrap().push(read(&body));
        Ok(())
    }
}

fn read(body: &[u8]) -> Value {
    let mut text = String::new();
    GzDecoder::new(body).read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

impl Target {
    /// `stream: messages`, of each delivery.
    fn take(&self) -> Vec<String> {
        let taken = std::mem::take(&mut *self.taken.lock().unwrap());
        let line = |message: &Value| {
            let events = message["logEvents"].as_array().unwrap().iter();
            let events: Vec<_> = events.filter_map(|it| it["message"].as_str()).collect();
            format!(
                "{}: {}",
                message["logStream"].as_str().unwrap(),
                events.join(", ")
            )
        };
        taken.iter().map(line).collect()
    }
}

fn filter(destination: &str) -> PutSubscriptionFilterRequest {
    PutSubscriptionFilterRequest {
        log_group_name: "/app".into(),
        filter_name: "errors".into(),
        filter_pattern: "ERROR".into(),
        destination_arn: destination.into(),
        ..Default::default()
    }
}

async fn begin() -> (World, Arc<Target>, Subscriptions) {
    let mut world = world();
    let target = Arc::new(Target::default());
    world.logs = world.logs.clone().with_delivery(target.clone());
    world.group().await.unwrap();
    for stream in ["one", "two"] {
        world.stream(stream).await.unwrap();
    }
    world
        .put("one", vec![event(world.now(), "ERROR before")])
        .await
        .unwrap();
    world
        .logs
        .put_subscription_filter(&world.context, filter("http://127.0.0.1:1/"))
        .await
        .unwrap();
    let sending = Subscriptions::new(
        world.store.clone(),
        world.clock.clone(),
        world.lines.clone(),
        target.clone(),
    );
    (world, target, sending)
}

#[tokio::test]
async fn lines_that_match_are_sent_stream_by_stream() {
    let (world, target, sending) = begin().await;
    assert_eq!(
        target.take(),
        [": CWL CONTROL MESSAGE: Checking health of destination."]
    );
    let now = world.now();
    world
        .put("two", vec![event(now, "ERROR 1"), event(now, "fine")])
        .await
        .unwrap();
    world.put("one", vec![event(now, "ERROR 2")]).await.unwrap();
    world.put("two", vec![event(now, "ERROR 3")]).await.unwrap();
    assert_eq!(sending.activate().await.unwrap(), Outcome::Settled);
    let first = target.taken.lock().unwrap()[0].clone();
    assert_eq!(first["messageType"], "DATA_MESSAGE");
    assert_eq!(first["owner"], "000000000000");
    assert_eq!(first["logGroup"], "/app");
    assert_eq!(first["subscriptionFilters"][0], "errors");
    assert_eq!(first["logEvents"][0]["timestamp"], now);
    assert_eq!(target.take(), ["one: ERROR 2", "two: ERROR 1, ERROR 3"]);
    sending.activate().await.unwrap();
    assert!(target.take().is_empty());
}

#[tokio::test]
async fn a_target_that_refuses_is_tried_again_for_a_day() {
    let (world, target, sending) = begin().await;
    target.take();
    *target.down.lock().unwrap() = true;
    world
        .put("one", vec![event(world.now(), "ERROR 1")])
        .await
        .unwrap();
    let mut pauses = Vec::new();
    for _ in 0..12 {
        let Outcome::Until(next) = sending.activate().await.unwrap() else {
            panic!("it is not tried again");
        };
        let pause = next.as_millisecond() - world.now();
        pauses.push(pause / 1000);
        // Not before its time.
        assert_eq!(sending.activate().await.unwrap(), Outcome::Until(next));
        world.clock.advance(Duration::from_millis(pause as u64));
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
    *target.down.lock().unwrap() = false;
    world
        .put("one", vec![event(world.now(), "ERROR 2")])
        .await
        .unwrap();
    sending.activate().await.unwrap();
    assert_eq!(target.take(), ["one: ERROR 1, ERROR 2"]);
    *target.down.lock().unwrap() = true;
    world
        .put("one", vec![event(world.now(), "ERROR 3")])
        .await
        .unwrap();
    sending.activate().await.unwrap();
    world.clock.advance(Duration::from_secs(24 * 60 * 60));
    assert_eq!(sending.activate().await.unwrap(), Outcome::Settled);
    *target.down.lock().unwrap() = false;
    sending.activate().await.unwrap();
    assert!(target.take().is_empty(), "after a day it is given up");
}

#[tokio::test]
async fn a_group_has_two_filters_and_destinations_that_exist() {
    let (world, target, _) = begin().await;
    let put = async |input| code(world.logs.put_subscription_filter(&world.context, input).await);
    for destination in [
        "arn:aws:lambda:us-east-1:000000000000:function:f",
        "arn:aws:kinesis:us-east-1:000000000000:stream/s",
        "ftp://host/",
        "nothing",
    ] {
        assert_eq!(put(filter(destination)).await, "InvalidParameterException");
    }
    *target.down.lock().unwrap() = true;
    assert_eq!(
        put(filter("http://127.0.0.1:1/")).await,
        "InvalidParameterException"
    );
    *target.down.lock().unwrap() = false;
    let named = |name: &str| PutSubscriptionFilterRequest {
        filter_name: name.into(),
        ..filter("https://example.com/in")
    };
    world
        .logs
        .put_subscription_filter(&world.context, named("second"))
        .await
        .unwrap();
    assert_eq!(put(named("third")).await, "LimitExceededException");
    let describe = DescribeSubscriptionFiltersRequest {
        log_group_name: "/app".into(),
        ..Default::default()
    };
    let found = world
        .logs
        .describe_subscription_filters(&world.context, describe)
        .await
        .unwrap();
    let found = found.subscription_filters.unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(
        found[1].destination_arn.as_deref(),
        Some("https://example.com/in")
    );
    assert_eq!(found[1].distribution, Some(Distribution::ByLogStream));
    let delete = DeleteSubscriptionFilterRequest {
        log_group_name: "/app".into(),
        filter_name: "second".into(),
    };
    world
        .logs
        .delete_subscription_filter(&world.context, delete.clone())
        .await
        .unwrap();
    let again = world
        .logs
        .delete_subscription_filter(&world.context, delete)
        .await;
    assert_eq!(code(again), "ResourceNotFoundException");
}

/// Answers one request with this status, and says what came.
async fn target(status: &'static str) -> (String, tokio::task::JoinHandle<Vec<u8>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/in", listener.local_addr().unwrap());
    let answered = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
        loop {
            let count = socket.read(&mut buffer).await.unwrap();
            request.extend_from_slice(&buffer[..count]);
            let text = String::from_utf8_lossy(&request).to_lowercase();
            let head = text.find("\r\n\r\n").map(|at| at + 4);
            let length = text
                .split("content-length: ")
                .nth(1)
                .and_then(|it| it.lines().next()?.parse::<usize>().ok());
            // The head is ASCII: its length in characters is that in bytes.
            if let (Some(head), Some(length)) = (head, length)
                && request.len() >= head + length
            {
                break;
            }
        }
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        socket.write_all(answer.as_bytes()).await.unwrap();
        request
    });
    (url, answered)
}

#[tokio::test]
async fn a_delivery_is_a_post_of_gzip() {
    let (url, answered) = target("204 No Content").await;
    let body = crate::delivery::control_message(5).unwrap();
    Http::default().deliver(&url, body).await.unwrap();
    let request = answered.await.unwrap();
    let head_end = request.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&request[..head_end]).to_lowercase();
    assert!(head.starts_with("post /in http/1.1"), "{head}");
    assert!(head.contains("content-encoding: gzip"), "{head}");
    assert_eq!(read(&request[head_end + 4..])["messageType"], "CONTROL_MESSAGE");
    let (url, _answered) = target("503 Service Unavailable").await;
    let refused = Http::default().deliver(&url, vec![0]).await.unwrap_err();
    assert!(refused.contains("503"), "{refused}");
    let nobody = Http::default()
        .deliver("http://127.0.0.1:1/", Vec::new())
        .await
        .unwrap_err();
    assert!(nobody.contains("cannot be reached"), "{nobody}");
}
