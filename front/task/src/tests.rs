//! What a caller is answered, and what not.

use std::net::Ipv4Addr;

use async_trait::async_trait;
use axum::body::Body;
use contract::usage::{ContainerUsage, Counters, InterfaceUsage, TaskUsage};
use http::Request;
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use tower::ServiceExt as _;

use super::*;

const OWN: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 10);

/// Knows one task, at one address.
struct Fake;

fn found(caller: &Caller, right: bool) -> Result<(), AgentError> {
    (caller.address == OWN && right)
        .then_some(())
        .ok_or_else(|| AgentError::NotFound("no".to_owned()))
}

#[async_trait]
impl TaskAgent for Fake {
    async fn asking(&self, caller: &Caller) -> Option<Asking> {
        found(caller, true).ok()?;
        Some(Asking {
            task: "t".to_owned(),
            containers: vec![
                ("t-1".to_owned(), "web".to_owned()),
                ("t-2".to_owned(), "log".to_owned()),
            ],
        })
    }

    async fn metadata(&self, caller: &Caller, container: &str, about: About) -> Result<String, AgentError> {
        found(caller, container == "t-1")?;
        Ok(format!("\"{about:?}\""))
    }

    async fn credentials(&self, caller: &Caller, id: &str) -> Result<String, AgentError> {
        if id == "untrusted" {
            return Err(AgentError::Refused(
                "ECS was unable to assume the role".to_owned(),
            ));
        }
        found(caller, id == "c")?;
        Ok("{}".to_owned())
    }

    async fn protection(
        &self,
        caller: &Caller,
        container: &str,
        change: Option<&str>,
    ) -> Result<String, AgentError> {
        found(caller, container == "t-1")?;
        Ok(change.unwrap_or("\"as it was\"").to_owned())
    }
}

#[async_trait]
impl Usage for Fake {
    async fn task(&self, task: &str) -> Option<TaskUsage> {
        let web = ContainerUsage {
            name: "web".to_owned(),
            cpu_nanoseconds: 5,
            memory_bytes: 7,
            ..Default::default()
        };
        (task == "t").then(|| TaskUsage {
            at: Timestamp::from_second(100).unwrap(),
            containers: vec![web],
            interface: Some(InterfaceUsage::default()),
            storage_bytes: 0,
        })
    }

    async fn counters(&self, _: &str) -> Option<Counters> {
        unreachable!("not asked for here")
    }
}

async fn ask(method: &str, path: &str, address: Ipv4Addr, body: &str) -> (u16, Value) {
    let caller = Caller {
        network: "vpc-1".to_owned(),
        address,
    };
    let router = router(Answers {
        agent: Arc::new(Fake),
        usage: Arc::new(Fake),
        cpus: 2,
    });
    let request = Request::builder()
        .method(method)
        .uri(path)
        .body(Body::from(body.to_owned()))
        .unwrap();
    let response = router.layer(Extension(caller)).oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

async fn get(path: &str) -> (u16, Value) {
    ask("GET", path, OWN, "").await
}

#[tokio::test]
async fn each_path_is_about_something_of_the_callers() {
    for (path, about) in [
        ("/v4/t-1", "Container"),
        ("/v4/t-1/task", "Task"),
        ("/v4/t-1/taskWithTags", "TaskWithTags"),
        ("/v3/t-1", "Container"),
        ("/v3/t-1/task", "Task"),
        ("/v2/metadata", "Task"),
    ] {
        assert_eq!(get(path).await, (200, json!(about)), "{path}");
    }
    for path in [
        "/v4/other",
        "/v4/t-1/other",
        "/",
        "/v4/other/task/stats",
        "/v4/t-2/stats",
    ] {
        assert_eq!(get(path).await.0, 404, "{path}");
    }
    let stranger = Ipv4Addr::new(10, 0, 1, 11);
    for path in [
        "/v4/t-1",
        "/v2/metadata",
        "/v4/t-1/stats",
        "/v4/t-1/task/stats",
        "/v2/stats",
    ] {
        assert_eq!(ask("GET", path, stranger, "").await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn credentials_are_told_apart_from_what_is_not_the_callers() {
    assert_eq!(get("/v2/credentials/c").await, (200, json!({})));
    let missing = json!({ "code": "InvalidIdInRequest", "message": "no", "HTTPErrorCode": 400 });
    assert_eq!(get("/v2/credentials/d").await, (400, missing.clone()));
    let stranger = Ipv4Addr::new(10, 0, 1, 11);
    assert_eq!(
        ask("GET", "/v2/credentials/c", stranger, "").await,
        (400, missing)
    );
    let (status, refused) = get("/v2/credentials/untrusted").await;
    assert_eq!((status, &refused["code"]), (400, &json!("AccessDenied")));
}

#[tokio::test]
async fn statistics_are_of_containers_that_run() {
    let (status, one) = get("/v4/t-1/stats").await;
    assert_eq!(status, 200);
    assert_eq!(one["cpu_stats"]["cpu_usage"]["total_usage"], 5);
    let (_, all) = get("/v4/t-2/task/stats").await;
    assert_eq!(all["t-1"]["memory_stats"]["usage"], 7);
    assert_eq!(all["t-2"], Value::Null);
}

#[tokio::test]
async fn protection_is_read_and_changed() {
    let path = "/api/t-1/task-protection/v1/state";
    assert_eq!(get(path).await, (200, json!("as it was")));
    let (status, body) = ask("PUT", path, OWN, r#"{"ProtectionEnabled": true}"#).await;
    assert_eq!((status, body), (200, json!({ "ProtectionEnabled": true })));
    let (status, body) = get("/api/t-9/task-protection/v1/state").await;
    assert_eq!(
        (status, &body["error"]["Code"]),
        (404, &json!("ResourceNotFoundException"))
    );
    let long = "x".repeat(BODY_MAX_BYTES + 1);
    assert_eq!(ask("PUT", path, OWN, &long).await.0, 413);
}
