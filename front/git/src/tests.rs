use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{Request, StatusCode, header};
use tower::ServiceExt as _;

use crate::{Asked, Host, router};

fn asked(path: &str) -> Option<(String, String)> {
    Asked::parse(&path.parse().unwrap()).map(|asked| (asked.repository, asked.rest))
}

#[test]
fn only_what_git_asks_for_has_a_place() {
    let found = |repository: &str, rest: &str| Some((repository.to_owned(), rest.to_owned()));
    assert_eq!(
        asked("/git/a/b.git/info/refs?service=git-upload-pack"),
        found("a/b", "info/refs")
    );
    assert_eq!(
        asked("/git/a/b/git-receive-pack"),
        found("a/b", "git-receive-pack")
    );
    for path in [
        "/git/a/b.git",
        "/git/a/b.git/config",
        "/git/a/b.git/objects/info/packs",
        "/git/../b.git/info/refs",
        "/git/a/..git/info/refs",
        "/git/a%2f../b.git/info/refs",
        "/git/a/-b.git/info/refs",
        "/git/a/b.git/../../x/info/refs",
    ] {
        assert_eq!(asked(path), None, "{path}");
    }
}

#[tokio::test]
async fn nobody_comes_in_without_the_key_and_a_push_makes_the_repository() {
    let folder = tempfile::tempdir().unwrap();
    let path = std::env::var("PATH").unwrap();
    let host = Host {
        repositories: folder.path().join("repositories"),
        hooks: folder.path().join("hooks"),
        environment: BTreeMap::from([("PATH".to_owned(), path)]),
        doorkeeper: Arc::new(|user, password| (user, password) == ("key", "secret")),
    };
    let ask = async |service: &str, keys: &str| {
        let request = Request::get(format!("/git/a/b.git/info/refs?service={service}")).header(
            header::AUTHORIZATION,
            format!("Basic {}", BASE64_STANDARD.encode(keys)),
        );
        let answer = router(host.clone())
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        let kind = answer.headers().get(header::CONTENT_TYPE).cloned();
        (
            answer.status(),
            kind.and_then(|kind| Some(kind.to_str().ok()?.to_owned())),
        )
    };
    assert_eq!(
        ask("git-receive-pack", "key:wrong").await.0,
        StatusCode::UNAUTHORIZED
    );
    assert!(!folder.path().join("repositories").exists());
    assert_eq!(
        ask("git-upload-pack", "key:secret").await.0,
        StatusCode::NOT_FOUND
    );
    let (status, kind) = ask("git-receive-pack", "key:secret").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        kind.as_deref(),
        Some("application/x-git-receive-pack-advertisement")
    );
    assert_eq!(ask("git-upload-pack", "key:secret").await.0, StatusCode::OK);
}
