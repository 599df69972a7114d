//! What an instance is told, with and without a token.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use async_trait::async_trait;
use axum::body::Body;
use base_clock::ManualClock;
use http::Request;
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use tower::ServiceExt as _;

use super::*;

struct Fake {
    tokens_required: bool,
    enabled: bool,
}

#[async_trait]
impl HostAgent for Fake {
    async fn facts(&self, caller: &Caller) -> Option<HostFacts> {
        let pairs = [
            ("meta-data/instance-id", "i-1"),
            ("meta-data/placement/region", "eu-west-1"),
            ("meta-data/public-keys/0/openssh-key", "ssh-rsa AAAA me"),
            ("meta-data/public-keys/0/name", "me"),
            ("dynamic/instance-identity/document", "{}"),
        ];
        let owned = pairs.map(|(path, text)| (path.to_owned(), text.to_owned()));
        (caller.address == Ipv4Addr::new(10, 0, 1, 10)).then(|| HostFacts {
            enabled: self.enabled,
            tokens_required: self.tokens_required,
            documents: BTreeMap::from(owned),
            user_data: Some(b"#!/bin/sh\n".to_vec()),
            role: Some("web".to_owned()),
        })
    }

    async fn credentials(&self, _: &Caller) -> Result<String, AgentError> {
        Ok("{\"Code\": \"Success\"}".to_owned())
    }
}

struct World {
    clock: Arc<ManualClock>,
    router: Router,
}

fn world(tokens_required: bool, enabled: bool) -> World {
    let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    let fake = Fake {
        tokens_required,
        enabled,
    };
    World {
        router: router(Arc::new(fake), Arc::<ManualClock>::clone(&clock), &[7; KEY_BYTES]),
        clock,
    }
}

impl World {
    async fn ask(&self, last: u8, method: &str, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(Caller {
            network: "vpc-1".to_owned(),
            address: Ipv4Addr::new(10, 0, 1, last),
        });
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn get(&self, path: &str) -> (u16, String) {
        self.ask(10, "GET", path, &[]).await
    }

    async fn token(&self, life: &str) -> (u16, String) {
        self.ask(10, "PUT", "/latest/api/token", &[(TOKEN_LIFE, life)])
            .await
    }
}

#[tokio::test]
async fn documents_and_directories() {
    let world = world(false, true);
    for (path, expected) in [
        ("/latest/meta-data/instance-id", "i-1"),
        ("/2021-07-15/meta-data/instance-id", "i-1"),
        ("/latest", "dynamic/\nmeta-data/\nuser-data"),
        (
            "/latest/meta-data/",
            "iam/\ninstance-id\nplacement/\npublic-keys/",
        ),
        ("/latest/meta-data/placement/", "region"),
        ("/latest/meta-data/public-keys/", "0=me"),
        ("/latest/meta-data/iam/security-credentials/", "web"),
        (
            "/latest/meta-data/iam/security-credentials/web",
            "{\"Code\": \"Success\"}",
        ),
        ("/latest/user-data", "#!/bin/sh\n"),
    ] {
        assert_eq!(world.get(path).await, (200, expected.to_owned()), "{path}");
    }
    for path in [
        "/latest/meta-data/none",
        "/1999-01-01/meta-data/instance-id",
        "/latest/meta-data/iam/security-credentials/other",
        "/x/y/z",
    ] {
        let (status, body) = world.get(path).await;
        assert_eq!(status, 404, "{path}");
        assert!(body.contains("404 - Not Found"), "{body}");
    }
}

#[tokio::test]
async fn tokens_are_of_one_instance_and_end() {
    let world = world(true, true);
    let path = "/latest/meta-data/instance-id";
    assert_eq!(world.get(path).await.0, 401);
    let (status, token) = world.token("60").await;
    assert_eq!(status, 200);
    let with = [(TOKEN, token.as_str())];
    assert_eq!(world.ask(10, "GET", path, &with).await, (200, "i-1".to_owned()));
    assert_eq!(world.ask(10, "GET", path, &[(TOKEN, "nonsense")]).await.0, 401);
    let mut other = token.clone();
    other.replace_range(..2, "__");
    assert_eq!(
        world.ask(10, "GET", path, &[(TOKEN, other.as_str())]).await.0,
        401
    );
    world.clock.advance(std::time::Duration::from_secs(60));
    assert_eq!(world.ask(10, "GET", path, &with).await.0, 401);
}

#[tokio::test]
async fn who_gets_no_token() {
    let asked = world(true, true);
    for life in ["0", "21601", "-1", "soon"] {
        assert_eq!(asked.token(life).await.0, 400, "{life}");
    }
    assert_eq!(asked.ask(10, "PUT", "/latest/api/token", &[]).await.0, 400);
    let forwarded = [(TOKEN_LIFE, "60"), ("x-forwarded-for", "192.0.2.1")];
    assert_eq!(asked.ask(10, "PUT", "/latest/api/token", &forwarded).await.0, 403);
    // A task's address, not an instance's.
    assert_eq!(
        asked
            .ask(11, "PUT", "/latest/api/token", &[(TOKEN_LIFE, "60")])
            .await
            .0,
        404
    );
    let closed = world(false, false);
    assert_eq!(closed.token("60").await.0, 403);
    assert_eq!(closed.get("/latest/meta-data/").await.0, 403);
}
