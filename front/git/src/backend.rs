//! `git http-backend`, spoken to as a web server does: by environment variables, standard input and output.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use futures::TryStreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio_util::io::{ReaderStream, StreamReader};

use crate::{Asked, Host};

/// A push of more is refused by git.
const PUSH_BYTES_MAX: u64 = 4 << 30;
/// Headers of git's answer.
const HEADERS_MAX: usize = 50;

/// Settings of every repository here: what comes in is checked, commits can be fetched by their name.
const SETTINGS: [(&str, &str); 5] = [
    ("http.receivepack", "true"),
    ("receive.fsckObjects", "true"),
    ("receive.denyDeleteCurrent", "ignore"),
    ("uploadpack.allowAnySHA1InWant", "true"),
    ("safe.directory", "*"),
];

pub(crate) fn folder(host: &Host, repository: &str) -> PathBuf {
    host.repositories.join(format!("{repository}.git"))
}

/// Makes a repository that is not there.
pub(crate) async fn ensure(host: &Host, repository: &str) -> io::Result<()> {
    let folder = folder(host, repository);
    if folder.join("HEAD").exists() {
        return Ok(());
    }
    tokio::fs::create_dir_all(&folder).await?;
    let status = Command::new("git")
        .args(["init", "--quiet", "--bare", "--initial-branch=main"])
        .arg(&folder)
        .env_clear()
        .envs(&host.environment)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await?;
    match status.success() {
        true => Ok(()),
        false => Err(io::Error::other(format!("git init: {status}"))),
    }
}

pub(crate) async fn serve(host: &Host, asked: &Asked, request: Request) -> io::Result<Response> {
    let mut child = command(host, asked, &request).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        let body = request.into_body().into_data_stream().map_err(io::Error::other);
        tokio::spawn(async move {
            // When git has heard enough it says why in its answer.
            let _ = tokio::io::copy(&mut StreamReader::new(body), &mut stdin).await;
            let _ = stdin.shutdown().await;
        });
    }
    let stdout = child
        .stdout
        .take()
        .ok_or_else(|| io::Error::other("git has no output"))?;
    let mut answer = BufReader::new(stdout);
    let (status, headers) = head(&mut answer).await?;
    tokio::spawn(reap(child));
    let mut response = Response::new(Body::from_stream(ReaderStream::new(answer)));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

fn command(host: &Host, asked: &Asked, request: &Request) -> Command {
    let header = |name: HeaderName| {
        let value = request.headers().get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    let mut command = Command::new("git");
    command
        .arg("http-backend")
        .env_clear()
        .envs(&host.environment)
        .env("GIT_PROJECT_ROOT", &host.repositories)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", format!("/{}.git/{}", asked.repository, asked.rest))
        .env("QUERY_STRING", &asked.query)
        .env("REQUEST_METHOD", request.method().as_str())
        .env("CONTENT_TYPE", header(header::CONTENT_TYPE))
        .env("HTTP_CONTENT_ENCODING", header(header::CONTENT_ENCODING))
        .env("GIT_PROTOCOL", header(HeaderName::from_static("git-protocol")))
        .env("REMOTE_USER", "wharf")
        .env("WHARF_REPOSITORY", &asked.repository)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let length = header(header::CONTENT_LENGTH);
    if !length.is_empty() {
        command.env("CONTENT_LENGTH", length);
    }
    let limit = PUSH_BYTES_MAX.to_string();
    let hooks = host.hooks.to_string_lossy();
    let own = [("core.hooksPath", &*hooks), ("receive.maxInputSize", &limit)];
    let settings: Vec<(&str, &str)> = SETTINGS.into_iter().chain(own).collect();
    command.env("GIT_CONFIG_COUNT", settings.len().to_string());
    for (index, (name, value)) in settings.into_iter().enumerate() {
        command.env(format!("GIT_CONFIG_KEY_{index}"), name);
        command.env(format!("GIT_CONFIG_VALUE_{index}"), value);
    }
    command
}

/// The head of the answer, as CGI has it.
async fn head(answer: &mut BufReader<ChildStdout>) -> io::Result<(StatusCode, HeaderMap)> {
    let mut status = StatusCode::OK;
    let mut headers = HeaderMap::new();
    let mut line = String::new();
    for _ in 0..HEADERS_MAX {
        line.clear();
        if answer.read_line(&mut line).await? == 0 {
            return Err(io::Error::other("git ended without an answer"));
        }
        let text = line.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            return Ok((status, headers));
        }
        let Some((name, value)) = text.split_once(':') else {
            continue;
        };
        if name.eq_ignore_ascii_case("Status") {
            let code = value.trim().split(' ').next().unwrap_or_default();
            status = code.parse().unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        } else if let (Ok(name), Ok(value)) =
            (name.parse::<HeaderName>(), value.trim().parse::<HeaderValue>())
        {
            headers.insert(name, value);
        }
    }
    Err(io::Error::other("git answered with too many headers"))
}

/// A push whose sender has gone away goes on to its end.
async fn reap(mut child: Child) {
    match child.wait().await {
        Ok(status) if !status.success() => tracing::debug!(%status, "git http-backend"),
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "git http-backend"),
    }
}
