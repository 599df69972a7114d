//! A Docker Engine that builds nothing: it only answers as one does, and remembers what it was asked.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use http_body_util::BodyExt as _;

pub const IMAGE: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

pub struct FakeEngine {
    pub host: String,
    _folder: tempfile::TempDir,
    asked: Arc<Asked>,
}

#[derive(Default)]
struct Asked {
    calls: Mutex<Vec<String>>,
    /// Names in the build contexts.
    context: Mutex<Vec<String>>,
    /// Sentence with which builds fail.
    fails: Mutex<Option<String>>,
    names: Mutex<Vec<String>>,
}

impl FakeEngine {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket: PathBuf = folder.path().join("docker.sock");
        let listener = tokio::net::UnixListener::bind(&socket).unwrap();
        let asked = Arc::new(Asked::default());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&asked));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            host: format!("unix://{}", socket.display()),
            _folder: folder,
            asked,
        }
    }

    /// Method and path of all that was asked, without the API's version.
    pub fn calls(&self) -> Vec<String> {
        self.asked.calls.lock().unwrap().clone()
    }

    pub fn context(&self) -> Vec<String> {
        self.asked.context.lock().unwrap().clone()
    }

    pub fn fail_builds(&self, sentence: &str) {
        *self.asked.fails.lock().unwrap() = Some(sentence.to_owned());
    }
}

async fn answer(State(asked): State<Arc<Asked>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body: Bytes = body.collect().await.unwrap().to_bytes();
    let path = parts.uri.path().to_owned();
    let path = match path.strip_prefix("/v1.").and_then(|rest| rest.split_once('/')) {
        Some((_, rest)) => format!("/{rest}"),
        None => path,
    };
    asked
        .calls
        .lock()
        .unwrap()
        .push(format!("{} {path}", parts.method));
    match (parts.method, path.as_str()) {
        (Method::GET, "/version") => r#"{"ApiVersion":"1.41"}"#.into_response(),
        (Method::POST, "/build") => build(&asked, &body),
        (Method::GET, "/images/json") => {
            let names = asked.names.lock().unwrap();
            let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
            let list = format!(
                r#"[{{"Id":"{IMAGE}","ParentId":"","RepoTags":[{}],"RepoDigests":[],"Created":0,"Size":0,"SharedSize":0,"Labels":{{}},"Containers":0}}]"#,
                quoted.join(",")
            );
            list.into_response()
        }
        (Method::DELETE, path) => {
            let name = path.trim_start_matches("/images/").to_owned();
            asked.names.lock().unwrap().retain(|known| *known != name);
            "[]".into_response()
        }
        (Method::POST, path) if path.ends_with("/tag") => {
            let query = parts
                .uri
                .query()
                .unwrap_or_default()
                .replace("%2F", "/")
                .replace("%3A", ":");
            let value = |name: &str| {
                let pair = query
                    .split('&')
                    .find_map(|pair| pair.strip_prefix(&format!("{name}=")));
                pair.unwrap_or_default().to_owned()
            };
            asked
                .names
                .lock()
                .unwrap()
                .push(format!("{}:{}", value("repo"), value("tag")));
            StatusCode::CREATED.into_response()
        }
        (Method::POST, path) if path.ends_with("/push") => "{\"status\":\"Pushed\"}\n".into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn build(asked: &Asked, body: &[u8]) -> Response {
    let mut archive = tar::Archive::new(body);
    let entries = archive
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path().unwrap().display().to_string());
    *asked.context.lock().unwrap() = entries.collect();
    if let Some(sentence) = &*asked.fails.lock().unwrap() {
        return format!("{{\"stream\":\"Step 1/2\\n\"}}\n{{\"error\":\"{sentence}\",\"errorDetail\":{{\"message\":\"{sentence}\"}}}}\n")
            .into_response();
    }
    format!("{{\"stream\":\"Step 1/2 : FROM scratch\\n\"}}\n{{\"aux\":{{\"ID\":\"{IMAGE}\"}}}}\n{{\"stream\":\"Successfully built\\n\"}}\n")
        .into_response()
}
