use axum::body::Body;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use contract::container::{
    ContainerError, ContainerInput, ContainerRecord, ContainerView, Exit, OutputPieces, OutputWish, Until,
};

use super::*;

/// Knows no image and does nothing.
struct Nothing;

#[async_trait::async_trait]
impl Engine for Nothing {
    async fn images(&self) -> Result<Vec<contract::image::ImageSummary>, contract::image::EngineError> {
        Ok(Vec::new())
    }

    async fn inspect(
        &self,
        name: &str,
    ) -> Result<contract::image::ImageDetail, contract::image::EngineError> {
        Err(contract::image::EngineError::NotFound(format!(
            "No such image: {name}"
        )))
    }

    async fn tag(&self, _: &str, _: &str) -> Result<(), contract::image::EngineError> {
        Ok(())
    }

    async fn remove(
        &self,
        _: &str,
        _: bool,
    ) -> Result<contract::image::Removed, contract::image::EngineError> {
        Ok(contract::image::Removed::default())
    }

    async fn login(
        &self,
        _: &str,
        _: &contract::image::Credentials,
    ) -> Result<(), contract::image::EngineError> {
        Ok(())
    }

    async fn pull(
        &self,
        name: &str,
        credentials: Option<&contract::image::Credentials>,
        _: contract::image::ProgressSink,
    ) -> Result<String, contract::image::EngineError> {
        let user = credentials.map_or("nobody", |credentials| credentials.user.as_str());
        Err(contract::image::EngineError::Failed(format!("{name} for {user}")))
    }

    async fn push(
        &self,
        _: &str,
        _: Option<&contract::image::Credentials>,
        _: contract::image::ProgressSink,
    ) -> Result<contract::image::Pushed, contract::image::EngineError> {
        Err(contract::image::EngineError::Failed("no".to_owned()))
    }

    async fn load(
        &self,
        _: contract::image::ByteStream,
    ) -> Result<Vec<String>, contract::image::EngineError> {
        Ok(Vec::new())
    }

    async fn save(&self, _: &[String]) -> Result<contract::image::ByteStream, contract::image::EngineError> {
        Err(contract::image::EngineError::NotFound("no".to_owned()))
    }

    async fn build(
        &self,
        request: contract::image::BuildRequest,
        _: contract::image::ByteStream,
        events: contract::image::BuildSink,
    ) -> Result<String, contract::image::EngineError> {
        // The crab comes in two pieces.
        let crab = "🦀".as_bytes();
        events(contract::image::BuildEvent::Output(
            bytes::Bytes::copy_from_slice(&crab[..2]),
        ));
        events(contract::image::BuildEvent::Output(
            bytes::Bytes::copy_from_slice(&crab[2..]),
        ));
        Err(contract::image::EngineError::Invalid(format!(
            "{:?} {:?} {:?} {} {:?}",
            request.tags, request.build_args, request.secrets, request.offline, request.hosts
        )))
    }
}

/// Has none and makes none.
struct NoContainers;

#[async_trait::async_trait]
impl contract::exec::Exec for NoContainers {
    async fn exec(
        &self,
        _: contract::exec::ExecRequest,
    ) -> Result<contract::exec::ExecSession, contract::exec::ExecError> {
        Err(contract::exec::ExecError::Failed("no".to_owned()))
    }
}

fn none<T>(name: &str) -> Result<T, ContainerError> {
    Err(ContainerError::NotFound(format!("No such container: {name}")))
}

#[async_trait::async_trait]
impl Containers for NoContainers {
    fn list(&self) -> Vec<ContainerView> {
        Vec::new()
    }

    fn find(&self, name: &str) -> Result<ContainerView, ContainerError> {
        none(name)
    }

    async fn create(&self, new: ContainerRecord) -> Result<ContainerRecord, ContainerError> {
        Ok(new)
    }

    async fn start(&self, id: &str) -> Result<bool, ContainerError> {
        none(id)
    }

    async fn signal(&self, id: &str, _: Option<String>) -> Result<(), ContainerError> {
        none(id)
    }

    async fn remove(&self, id: &str) -> Result<(), ContainerError> {
        none(id)
    }

    async fn rename(&self, id: &str, _: &str) -> Result<(), ContainerError> {
        none(id)
    }

    async fn wait(&self, id: &str, _: Until) -> Result<Exit, ContainerError> {
        none(id)
    }

    async fn output(&self, id: &str, _: OutputWish) -> Result<OutputPieces, ContainerError> {
        none(id)
    }

    async fn input(&self, id: &str, _: bool) -> Result<Box<dyn ContainerInput>, ContainerError> {
        none(id)
    }

    async fn resize(&self, id: &str, _: contract::exec::TerminalSize) -> Result<(), ContainerError> {
        none(id)
    }
}

async fn answer(method: &str, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let info = EngineInfo {
        version: "1".to_owned(),
        kernel: "6".to_owned(),
        host_name: "here".to_owned(),
        root_dir: "/".to_owned(),
        cpus: 1,
        memory_bytes: 1,
    };
    let mut request = http::Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).unwrap();
    let ids = Arc::new(base_id::SequentialIds::default());
    let clock = Arc::new(base_clock::SystemClock);
    let response = router(
        Arc::new(Nothing),
        Some(crate::ContainerHost {
            containers: Arc::new(NoContainers),
            ids,
        }),
        clock,
        info,
    )
    .oneshot(request)
    .await
    .unwrap();
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn paths_have_a_version_or_none() {
    for path in ["/_ping", "/v1.24/_ping", "/v1.51/_ping"] {
        assert_eq!(answer("GET", path, &[]).await, (200, "OK".to_owned()), "{path}");
    }
    assert_eq!(
        answer("GET", "/v1.41/images/json?all=0", &[]).await,
        (200, "[]".to_owned())
    );
    assert_eq!(answer("GET", "/images/127.0.0.1:1/a/b:c/json", &[]).await.0, 404);
}

#[tokio::test]
async fn what_is_not_served_says_why() {
    for (method, path, status) in [
        ("POST", "/containers/create", 400),
        ("POST", "/containers/x/pause", 501),
        ("POST", "/session", 501),
        ("GET", "/containers/x/json", 404),
        ("GET", "/v1.41/networks/x", 404),
        ("DELETE", "/build", 501),
        ("POST", "/build?version=2", 400),
        ("POST", "/build?platform=linux/arm64", 400),
        ("POST", "/build?remote=https://example.com/x.git", 400),
        ("POST", "/build?buildargs=x", 400),
    ] {
        let (found, text) = answer(method, path, &[]).await;
        assert_eq!(found, status, "{method} {path}: {text}");
        assert!(text.starts_with("{\"message\":\""), "{text}");
    }
}

#[tokio::test]
async fn a_build_gets_what_was_asked_for_and_tells_what_happens() {
    let path = "/build?t=a&t=b%3A1&buildargs=%7B%22X%22%3Anull%2C%22Y%22%3A%221%22%7D";
    let (status, text) = answer("POST", path, &[]).await;
    assert_eq!(status, 200);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], r#"{"stream":"🦀"}"#);
    assert!(
        lines[1].contains(r#"[\"a\", \"b:1\"] [(\"X\", None), (\"Y\", Some(\"1\"))]"#),
        "{text}"
    );
    assert!(lines[1].contains("errorDetail"));
}

#[tokio::test]
async fn secrets_come_in_a_header_and_are_never_shown() {
    // {"token":"czNjcjN0"}, which is `s3cr3t`
    let header = ("X-Build-Secrets", "eyJ0b2tlbiI6ImN6Tmpjak4wIn0=");
    let (status, text) = answer("POST", "/build?t=a", &[header]).await;
    assert_eq!(status, 200);
    assert!(text.contains(r#"BuildSecret { id: \"token\", .. }"#), "{text}");
    assert!(!text.contains("s3cr3t") && !text.contains("czNjcjN0"), "{text}");
    for wrong in ["%", "eyJhIjoiJSJ9"] {
        assert_eq!(
            answer("POST", "/build", &[("X-Build-Secrets", wrong)]).await.0,
            400
        );
    }
}

#[tokio::test]
async fn networks_and_hosts_of_a_build() {
    let path = "/build?networkmode=none&extrahosts=db:10.0.0.1%2Csix:::1&extrahosts=me:host-gateway";
    let (_, text) = answer("POST", path, &[]).await;
    assert!(
        text.contains(r#"true [(\"db\", 10.0.0.1), (\"six\", ::1), (\"me\", 127.0.0.1)]"#),
        "{text}"
    );
    assert_eq!(answer("POST", "/build?extrahosts=db", &[]).await.0, 400);
    assert_eq!(answer("POST", "/build?networkmode=container:x", &[]).await.0, 400);
}

#[tokio::test]
async fn credentials_come_padded_or_not() {
    // {"username":"AWS","password":"p?>"}
    for encoded in [
        "eyJ1c2VybmFtZSI6IkFXUyIsInBhc3N3b3JkIjoicD8-In0=",
        "eyJ1c2VybmFtZSI6IkFXUyIsInBhc3N3b3JkIjoicD8-In0",
        // With `null` for everything else, as some clients send it.
        "eyJ1c2VybmFtZSI6ICJBV1MiLCAicGFzc3dvcmQiOiAicCIsICJhdXRoIjogbnVsbCwgImVtYWlsIjogbnVsbCwgInNlcnZlcmFkZHJlc3MiOiBudWxsLCAiaWRlbnRpdHl0b2tlbiI6IG51bGwsICJyZWdpc3RyeXRva2VuIjogbnVsbH0=",
    ] {
        let (_, text) = answer(
            "POST",
            "/images/create?fromImage=x&tag=1",
            &[("x-registry-auth", encoded)],
        )
        .await;
        assert!(text.contains("x:1 for AWS"), "{text}");
    }
    let (_, text) = answer(
        "POST",
        "/images/create?fromImage=x",
        &[("x-registry-auth", "e30=")],
    )
    .await;
    assert!(text.contains("x for nobody"), "{text}");
    assert_eq!(
        answer("POST", "/images/create?fromImage=x", &[("x-registry-auth", "%")])
            .await
            .0,
        400
    );
}
