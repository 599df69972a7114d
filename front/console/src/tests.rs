use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use aws_protocol::{ApiError, Context};
use aws_shape::{autoscaling, cloudwatch, ec2, ecs, elbv2, logs, route53};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use base_clock::SystemClock;
use base_id::{RandomIds, Scope};
use base_store::{Store, Table};
use futures::StreamExt as _;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use tokio::sync::watch;
use tower::ServiceExt as _;

use super::*;

const HOSTILE: &str = "<script>alert(1)</script>\u{202e}";

/// Answers every API: one cluster with one service whose events are a stranger's text.
struct Fake;

#[async_trait]
impl ecs::Api for Fake {
    async fn list_clusters(
        &self,
        _: &Context,
        _: ecs::ListClustersRequest,
    ) -> Result<ecs::ListClustersResponse, ApiError> {
        Ok(ecs::ListClustersResponse {
            cluster_arns: Some(vec!["arn:aws:ecs:r:0:cluster/main".to_owned()]),
            ..Default::default()
        })
    }

    async fn list_services(
        &self,
        _: &Context,
        _: ecs::ListServicesRequest,
    ) -> Result<ecs::ListServicesResponse, ApiError> {
        Ok(ecs::ListServicesResponse {
            service_arns: Some(vec!["web".to_owned()]),
            ..Default::default()
        })
    }

    async fn describe_services(
        &self,
        _: &Context,
        _: ecs::DescribeServicesRequest,
    ) -> Result<ecs::DescribeServicesResponse, ApiError> {
        let event = ecs::ServiceEvent {
            message: Some(HOSTILE.to_owned()),
            ..Default::default()
        };
        let service = ecs::Service {
            cluster_arn: Some("arn:aws:ecs:r:0:cluster/main".to_owned()),
            service_name: Some("web".to_owned()),
            task_definition: Some("arn:aws:ecs:r:0:task-definition/web:3".to_owned()),
            events: Some(vec![event]),
            ..Default::default()
        };
        Ok(ecs::DescribeServicesResponse {
            services: Some(vec![service]),
            ..Default::default()
        })
    }

    async fn list_tasks(
        &self,
        _: &Context,
        _: ecs::ListTasksRequest,
    ) -> Result<ecs::ListTasksResponse, ApiError> {
        Ok(ecs::ListTasksResponse::default())
    }

    async fn update_service(
        &self,
        _: &Context,
        input: ecs::UpdateServiceRequest,
    ) -> Result<ecs::UpdateServiceResponse, ApiError> {
        match (input.desired_count, input.force_new_deployment) {
            (Some(2), None) | (None, Some(true)) => Ok(ecs::UpdateServiceResponse::default()),
            other => Err(ApiError::client("Unexpected", format!("{other:?}"))),
        }
    }
}

#[async_trait]
impl logs::Api for Fake {}
#[async_trait]
impl elbv2::Api for Fake {}
#[async_trait]
impl ec2::Api for Fake {}
#[async_trait]
impl autoscaling::Api for Fake {}
#[async_trait]
impl cloudwatch::Api for Fake {
    async fn get_metric_data(
        &self,
        _: &Context,
        input: cloudwatch::GetMetricDataInput,
    ) -> Result<cloudwatch::GetMetricDataOutput, ApiError> {
        let minute = |back: i64| input.end_time - jiff::SignedDuration::from_mins(back);
        let results = input
            .metric_data_queries
            .iter()
            .map(|query| cloudwatch::MetricDataResult {
                id: Some(query.id.clone()),
                // The newest first, as in AWS.
                timestamps: Some(vec![minute(1), minute(2), minute(3)]),
                values: Some(vec![42.5, 20.0, 10.0]),
                ..Default::default()
            });
        Ok(cloudwatch::GetMetricDataOutput {
            metric_data_results: Some(results.collect()),
            ..Default::default()
        })
    }
}
#[async_trait]
impl route53::Api for Fake {}

#[async_trait]
impl Pipelines for Fake {
    async fn runs(&self, _: usize) -> Result<Vec<Run>, String> {
        Ok(Vec::new())
    }

    async fn run(&self, _: u64) -> Option<Run> {
        None
    }

    async fn log(&self, _: u64) -> Vec<LogLine> {
        Vec::new()
    }
}

struct Console {
    router: Router,
    store: Store,
    shutdown: watch::Sender<bool>,
}

fn console(password: Option<&str>) -> Console {
    let store = Store::in_memory();
    let shutdown = watch::Sender::new(false);
    let router = router(Parts {
        source: Source {
            ecs: Arc::new(Fake),
            elbv2: Arc::new(Fake),
            ec2: Arc::new(Fake),
            autoscaling: Arc::new(Fake),
            logs: Arc::new(Fake),
            cloudwatch: Arc::new(Fake),
            route53: Arc::new(Fake),
            clock: Arc::new(SystemClock),
            scope: Scope::new("000000000000", "us-east-1"),
        },
        pipelines: Arc::new(Fake),
        store: store.clone(),
        tables: vec!["test/table"],
        ids: Arc::new(RandomIds),
        password: password.map(Password::new),
        key: [7; 32],
        shutdown: shutdown.subscribe(),
    });
    Console {
        router,
        store,
        shutdown,
    }
}

impl Console {
    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response<Body> {
        let peer: SocketAddr = "127.0.0.1:9".parse().unwrap();
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .extension(ConnectInfo(peer));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Cookie and token of a new session, from a page with a form.
    async fn session(&self, path: &str) -> (String, String) {
        let answer = self.ask("GET", path, &[], "").await;
        let cookie = answer.headers()["set-cookie"].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let page = text(answer).await;
        let (_, rest) = page.split_once("name=\"token\" value=\"").unwrap();
        (cookie, rest.split('"').next().unwrap().to_owned())
    }
}

async fn text(answer: Response<Body>) -> String {
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn every_page_answers_with_the_policy_and_without_anything_from_elsewhere() {
    let console = console(None);
    for path in [
        "",
        "/apps/main/web",
        "/map",
        "/pipelines",
        "/logs",
        "/logs?group=x",
        "/alarms",
    ] {
        let answer = console.ask("GET", &format!("/console{path}"), &[], "").await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let policy = answer.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'"),
            "{policy}"
        );
        let page = text(answer).await;
        assert!(
            !page.contains("style=") && !page.contains("<style") && !page.contains("onclick"),
            "{path}"
        );
        assert!(
            page.matches("<script").count() == 1 && !page.contains("//cdn"),
            "{path}"
        );
    }
    for path in ["/apps/main/none", "/nothing", "/pipelines/7"] {
        let answer = console.ask("GET", &format!("/console{path}"), &[], "").await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_strangers_text_is_text() {
    let page = text(console(None).ask("GET", "/console/apps/main/web", &[], "").await).await;
    assert!(
        page.contains("&lt;script&gt;alert(1)&lt;/script&gt;⟨U+202E⟩"),
        "{page}"
    );
}

#[tokio::test]
async fn a_form_needs_its_sessions_token_and_its_own_page() {
    let console = console(None);
    let (cookie, token) = console.session("/console/apps/main/web").await;
    let post = async |headers: &[(&str, &str)], body: &str| {
        let answer = console.ask("POST", "/console/apps/main/web", headers, body).await;
        answer.status().as_u16()
    };
    let own = [
        ("cookie", cookie.as_str()),
        ("host", "127.0.0.1:4566"),
        ("origin", "http://127.0.0.1:4566"),
    ];
    let good = format!("action=scale&count=2&token={token}");
    assert_eq!(post(&own, &good).await, 303);
    assert_eq!(post(&own, &format!("action=redeploy&token={token}")).await, 303);
    assert_eq!(post(&own, "action=scale&count=2").await, 403);
    assert_eq!(post(&own[1..], &good).await, 403);
    let (_, other) = console.session("/console/apps/main/web").await;
    assert_eq!(
        post(&own, &format!("action=scale&count=2&token={other}")).await,
        403
    );
    let foreign = [own[0], own[1], ("origin", "http://127.0.0.1:80")];
    assert_eq!(post(&foreign, &good).await, 403);
    assert_eq!(
        post(&own, &format!("action=scale&count=-1&token={token}")).await,
        400
    );
    assert_eq!(
        post(&own, &format!("action=scale&count=3&token={token}")).await,
        400
    );
}

#[tokio::test]
async fn with_a_password_nothing_is_shown_before_it_is_given() {
    let console = console(Some("open sesame"));
    for path in ["/console", "/console/map", "/console/live?page=/console"] {
        let answer = console.ask("GET", path, &[], "").await;
        assert!(matches!(answer.status().as_u16(), 303 | 401), "{path}");
    }
    let (cookie, token) = console.session("/console/login").await;
    let log_in = async |password: &str| {
        let body = format!("token={token}&password={password}");
        console
            .ask("POST", "/console/login", &[("cookie", &cookie)], &body)
            .await
    };
    assert_eq!(log_in("wrong").await.status(), StatusCode::UNAUTHORIZED);
    let answer = log_in("open+sesame").await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let entered = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(entered.contains("HttpOnly; SameSite=Strict"));
    let entered = entered.split(';').next().unwrap();
    let page = console.ask("GET", "/console", &[("cookie", entered)], "").await;
    assert_eq!(page.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_stream_sends_what_has_changed_and_ends_at_shutdown() {
    let console = console(None);
    let answer = console.ask("GET", "/console/live?page=%2Fconsole", &[], "").await;
    let mut stream = answer.into_body().into_data_stream();
    let first = stream.next().await.unwrap().unwrap();
    let first = String::from_utf8(first.to_vec()).unwrap();
    assert!(first.starts_with("event: part\nid: summary\ndata: "), "{first}");
    // Nothing has changed but the table: no part is sent again.
    let changed = |tx: &mut base_store::Transaction| {
        tx.put(Table::<u32>::new("test/table", 1), "a", 1);
        Ok::<_, base_store::StoreError>(())
    };
    console.store.write(changed).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    console.shutdown.send_replace(true);
    let mut rest = String::new();
    while let Some(bytes) = stream.next().await {
        rest.push_str(&String::from_utf8_lossy(&bytes.unwrap()));
    }
    assert_eq!(rest.matches("event: part").count(), 2, "{rest}");
}

#[tokio::test]
async fn measurements_are_drawn_and_told() {
    let page = text(
        console(None)
            .ask("GET", "/console/apps/main/web?zoom=3h", &[], "")
            .await,
    )
    .await;
    assert!(
        page.contains("aria-label=\"CPU: average now 42.5 %, at most 42.5 %;\""),
        "{page}"
    );
    assert!(
        page.contains("<polyline class=\"line line-0\" points=\"39"),
        "{page}"
    );
}
