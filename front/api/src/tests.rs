//! What happens before any service is asked.

use std::sync::atomic::{AtomicUsize, Ordering};

use aws_shape::{
    acm, applicationautoscaling, autoscaling, cloudwatch, ec2, ecr, ecs, elbv2, iam, logs, route53,
    secretsmanager, servicediscovery, ssm, sts,
};
use aws_signature::{Credentials, Mode, Secret};
use axum::body::Body;
use base_clock::SystemClock;
use base_id::SequentialIds;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::*;

struct Nothing;
impl acm::Api for Nothing {}
impl route53::Api for Nothing {}
impl servicediscovery::Api for Nothing {}
impl ec2::Api for Nothing {}
impl ecr::Api for Nothing {}
impl ecs::Api for Nothing {}
impl elbv2::Api for Nothing {}
impl iam::Api for Nothing {}
impl logs::Api for Nothing {}
impl applicationautoscaling::Api for Nothing {}
impl autoscaling::Api for Nothing {}
impl cloudwatch::Api for Nothing {}
impl secretsmanager::Api for Nothing {}
impl ssm::Api for Nothing {}
impl sts::Api for Nothing {}
impl Credentials for Nothing {
    fn find(&self, _: &str) -> Option<Secret> {
        None
    }
}

fn api(mode: Mode, reset: Reset) -> Router {
    let nothing = Arc::new(Nothing);
    let services = Services {
        acm: Arc::clone(&nothing) as _,
        route53: Arc::clone(&nothing) as _,
        servicediscovery: Arc::clone(&nothing) as _,
        ec2: Arc::clone(&nothing) as _,
        ecr: Arc::clone(&nothing) as _,
        ecs: Arc::clone(&nothing) as _,
        elbv2: Arc::clone(&nothing) as _,
        iam: Arc::clone(&nothing) as _,
        logs: Arc::clone(&nothing) as _,
        applicationautoscaling: Arc::clone(&nothing) as _,
        autoscaling: Arc::clone(&nothing) as _,
        cloudwatch: Arc::clone(&nothing) as _,
        secretsmanager: Arc::clone(&nothing) as _,
        ssm: Arc::clone(&nothing) as _,
        sts: Arc::clone(&nothing) as _,
    };
    Api {
        services,
        verifier: Verifier::new(nothing, mode),
        clock: Arc::new(SystemClock),
        ids: Arc::new(SequentialIds::default()),
        reset,
    }
    .router()
}

fn no_reset() -> Reset {
    Arc::new(|| Box::pin(async { Err("the disk is on fire".to_owned()) }))
}

async fn send(router: Router, request: Request<Body>) -> (StatusCode, String) {
    let response = router.oneshot(request).await.expect("a router answers");
    let status = response.status();
    let body = response
        .into_body()
        .collect()
        .await
        .expect("a whole body")
        .to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

fn post(path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::post(path).header("host", "localhost");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).expect("a request")
}

#[tokio::test]
async fn a_person_is_greeted() {
    let request = Request::get("/")
        .header("host", "localhost")
        .body(Body::empty())
        .expect("a request");
    let (status, text) = send(api(Mode::Sigv4, no_reset()), request).await;
    assert_eq!(status, StatusCode::OK);
    assert!(text.starts_with("This is Wharf"), "{text}");
}

#[tokio::test]
async fn what_nobody_serves_is_said() {
    for (path, headers, body, part) in [
        (
            "/",
            &[][..],
            "",
            "neither an X-Amz-Target header nor an Action parameter",
        ),
        ("/nowhere", &[], "", "There is nothing at POST /nowhere."),
        (
            "/",
            &[("x-amz-target", "DynamoDB_20120810.ListTables")],
            "{}",
            "under the target DynamoDB_20120810 yet",
        ),
    ] {
        let (status, text) = send(api(Mode::Sigv4, no_reset()), post(path, headers, body)).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{text}");
        assert!(
            text.contains("UnknownOperationException") && text.contains(part),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_request_without_a_signature_is_refused_in_both_modes() {
    let target = [("x-amz-target", "AmazonEC2ContainerServiceV20141113.ListClusters")];
    for mode in [Mode::Sigv4, Mode::Open] {
        let (status, text) = send(api(mode, no_reset()), post("/", &target, "{}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(text.contains("MissingAuthenticationTokenException"), "{text}");
        let form = post("/", &[], "Action=DescribeVpcs&Version=2016-11-15");
        let (status, text) = send(api(mode, no_reset()), form).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(
            text.contains("<Response><Errors><Error><Code>MissingParameter</Code>"),
            "{text}"
        );
        let form = post("/", &[], "Action=ListRoles&Version=2010-05-08");
        let (status, text) = send(api(mode, no_reset()), form).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        assert!(
            text.contains("<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_body_has_a_limit() {
    let (status, text) = send(
        api(Mode::Sigv4, no_reset()),
        post("/", &[], vec![b'x'; BODY_MAX_BYTES + 1]),
    )
    .await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{text}");
}

#[tokio::test]
async fn a_reset_is_there_in_open_mode_alone() {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let reset: Reset = Arc::new(move || {
        counted.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(()) })
    });
    let (status, _) = send(
        api(Mode::Sigv4, Arc::clone(&reset)),
        post("/_wharf/reset", &[], ""),
    )
    .await;
    assert_eq!((status, count.load(Ordering::SeqCst)), (StatusCode::NOT_FOUND, 0));
    let (status, _) = send(api(Mode::Open, reset), post("/_wharf/reset", &[], "")).await;
    assert_eq!((status, count.load(Ordering::SeqCst)), (StatusCode::OK, 1));
    let (status, text) = send(api(Mode::Open, no_reset()), post("/_wharf/reset", &[], "")).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!text.contains("fire"), "{text}");
}

#[tokio::test]
async fn the_guard_stands_before_every_path() {
    for path in ["/", "/_wharf/reset", "/v2/", "/nowhere"] {
        let router = Hosts::new().protect(api(Mode::Open, no_reset()));
        let request = Request::post(path)
            .header("host", "evil.example")
            .body(Body::empty())
            .expect("a request");
        assert_eq!(send(router, request).await.0, StatusCode::FORBIDDEN, "{path}");
    }
}
