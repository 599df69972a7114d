//! moto's server behind a proxy that writes down every call.

use std::io::Write as _;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_client::{Client, Keys, Overrides};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// moto takes a few seconds on a busy machine.
const READY_TRIES: usize = 600;
const READY_EVERY: Duration = Duration::from_millis(100);

pub struct Moto {
    server: Child,
    pub client: Client,
    calls: Arc<Mutex<Vec<Call>>>,
}

/// A call as it went over the wire.
#[derive(Clone, Debug)]
pub struct Call {
    /// As it stands in the signature.
    service: String,
    target: Option<String>,
    body: String,
    /// Of protocols whose operation is the method and the path, such as Route 53's.
    line: String,
}

struct Proxy {
    to: String,
    http: HttpClient<HttpConnector, Full<axum::body::Bytes>>,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Moto {
    /// With AWS's own policies, as AWS has them.
    pub async fn start() -> Self {
        Self::start_with(true).await
    }

    pub async fn start_with(policies: bool) -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let server = Command::new("python3")
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()])
            .env(
                "MOTO_IAM_LOAD_MANAGED_POLICIES",
                if policies { "true" } else { "false" },
            )
            // Certificates are issued after a second rather than a minute.
            .env("MOTO_ACM_VALIDATION_WAIT", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("python3 with moto's server is installed: pip install 'moto[server]'");
        let to = format!("127.0.0.1:{port}");
        wait_for(&to).await;
        let calls = Arc::new(Mutex::new(Vec::new()));
        let proxy = Arc::new(Proxy {
            to,
            http: HttpClient::builder(TokioExecutor::new()).build_http(),
            calls: Arc::clone(&calls),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(forward).with_state(proxy);
        tokio::spawn(async move { axum::serve(listener, router).await });
        let overrides = Overrides {
            endpoint: Some(endpoint),
            region: Some("eu-west-3".to_owned()),
            credentials: Some(Keys {
                access_key: "test".to_owned(),
                secret_key: "test".to_owned(),
                session_token: None,
            }),
            ..Default::default()
        };
        Self {
            server,
            client: Client::from_environment(overrides).await.unwrap(),
            calls,
        }
    }

    /// Forgets the calls so far, and returns their operations.
    pub fn take_operations(&self) -> Vec<String> {
        let calls = std::mem::take(&mut *self.calls.lock().unwrap());
        calls.iter().map(Call::operation).collect()
    }

    /// Holds all calls so far against botocore's models.
    pub fn check_calls(&self) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        for call in &*self.calls.lock().unwrap() {
            if call.service == "route53" {
                // restXml is compared with botocore's where the protocol is.
                continue;
            }
            let line = serde_json::json!({
                "service": call.service,
                "target": call.target,
                "body": call.body,
            });
            writeln!(file, "{line}").unwrap();
        }
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/deploy/calls.py");
        let output = Command::new("python3")
            .arg(script)
            .arg(file.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Call {
    fn operation(&self) -> String {
        match &self.target {
            Some(target) => target.rsplit('.').next().unwrap().to_owned(),
            None if self.service == "route53" => self.line.clone(),
            None => {
                let action = self.body.split('&').find_map(|pair| pair.strip_prefix("Action="));
                action.unwrap().to_owned()
            }
        }
    }
}

async fn wait_for(address: &str) {
    for _ in 0..READY_TRIES {
        if tokio::net::TcpStream::connect(address).await.is_ok() {
            return;
        }
        tokio::time::sleep(READY_EVERY).await;
    }
    panic!("moto's server does not answer: is `python3 -m moto.server` installed?");
}

async fn forward(State(proxy): State<Arc<Proxy>>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let header = |name: &str| {
        parts
            .headers
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    // AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, …
    let service = header("authorization")
        .unwrap()
        .split('/')
        .nth(3)
        .unwrap()
        .to_owned();
    let call = Call {
        service,
        target: header("x-amz-target"),
        line: format!("{} {}", verb(&parts.method), parts.uri.path()),
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    proxy.calls.lock().unwrap().push(call);
    parts.uri = format!("http://{}{}", proxy.to, parts.uri).parse().unwrap();
    parts.headers.remove("host");
    let request = axum::http::Request::from_parts(parts, Full::new(body));
    proxy.http.request(request).await.unwrap().map(Body::new)
}

/// As operations of other protocols begin.
fn verb(method: &axum::http::Method) -> &'static str {
    match *method {
        axum::http::Method::GET => "Get",
        axum::http::Method::DELETE => "Delete",
        _ => "Post",
    }
}
