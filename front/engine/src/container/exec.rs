//! Further processes in running containers. They are known to this process only and end with it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, Request, State};
use axum::response::{IntoResponse as _, Response};
use contract::container::{CONTAINER, OutputPiece, OutputStream};
use contract::exec::{ExecError, ExecInput, ExecOutput, ExecRequest, ExecSession, TerminalSize};
use futures::{SinkExt as _, StreamExt as _};
use http::StatusCode;
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;

use super::{Doors, carry, size};
use crate::answer::Refusal;
use crate::query::Query;

/// Processes that are remembered; the oldest go first.
const EXECS_MAX: usize = 1_024;
const READ_BYTES: usize = 16 * 1024;
const RESIZES_MAX: usize = 16;
/// A terminal whose client has not said how large it is.
const TERMINAL: TerminalSize = TerminalSize {
    columns: 80,
    rows: 24,
};
const START_BYTES_MAX: usize = 64 * 1024;

#[derive(Default)]
pub(super) struct Execs(Mutex<VecDeque<Arc<Known>>>);

struct Known {
    id: String,
    container: String,
    request: ExecRequest,
    asked: Asked,
    state: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    started: bool,
    exit_code: Option<i32>,
    resizes: Option<mpsc::Sender<TerminalSize>>,
}

impl Known {
    fn state(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Execs {
    fn find(&self, id: &str) -> Result<Arc<Known>, Refusal> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter().find(|known| known.id == id);
        let message = || Refusal::new(StatusCode::NOT_FOUND, format!("No such exec instance: {id}"));
        found.cloned().ok_or_else(message)
    }

    fn add(&self, id: String, container: String, request: ExecRequest, asked: Asked) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.push_back(Arc::new(Known {
            id,
            container,
            request,
            asked,
            state: Mutex::default(),
        }));
        if known.len() > EXECS_MAX {
            known.pop_front();
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Asked {
    attach_stdin: bool,
    attach_stdout: bool,
    attach_stderr: bool,
    tty: bool,
    cmd: Option<Vec<String>>,
    env: Option<Vec<String>>,
    user: Option<String>,
    working_dir: Option<String>,
    privileged: bool,
    #[serde(rename = "Detach")]
    _detach: Value,
    #[serde(rename = "ConsoleSize")]
    _console_size: Value,
    detach_keys: String,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

fn read<T: serde::de::DeserializeOwned + Default>(body: &Bytes) -> Result<T, Refusal> {
    if body.is_empty() {
        return Ok(T::default());
    }
    serde_json::from_slice(body)
        .map_err(|error| Refusal::bad(format!("the description of the process cannot be read: {error}")))
}

pub(super) async fn create(
    State(doors): State<Doors>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let asked: Asked = read(&body)?;
    let view = doors.containers.find(&name)?;
    if !super::tell::is_running(&view) {
        let message = format!("container {} is not running", view.record.id);
        return Err(Refusal::new(StatusCode::CONFLICT, message));
    }
    super::ask::refuse_rest(&asked.rest, "")?;
    if asked.privileged {
        return Err(Refusal::bad("docker exec --privileged is not served"));
    }
    if !asked.detach_keys.is_empty() {
        return Err(Refusal::bad(
            "--detach-keys is not served: connections end with their clients",
        ));
    }
    let arguments = asked.cmd.clone().filter(|words| !words.is_empty());
    let arguments = arguments.ok_or_else(|| Refusal::bad("No exec command specified"))?;
    let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let request = ExecRequest {
        task: view.record.task_id().to_owned(),
        container: CONTAINER.to_owned(),
        arguments,
        environment: super::ask::environment(asked.env.clone().unwrap_or_default()),
        terminal: asked.tty.then_some(TERMINAL),
        user: filled(&asked.user),
        working_directory: filled(&asked.working_dir),
    };
    let id = doors.id();
    doors
        .execs
        .add(id.clone(), view.record.id.clone(), request, asked);
    Ok((StatusCode::CREATED, Json(json!({"Id": id}))).into_response())
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Start {
    detach: bool,
    console_size: Option<(u16, u16)>,
}

pub(super) async fn start(
    State(doors): State<Doors>,
    Path(id): Path<String>,
    mut request: Request,
) -> Result<Response, Refusal> {
    let known = doors.execs.find(&id)?;
    let wants_connection = carry::wants_connection(request.headers());
    let upgrade = hyper::upgrade::on(&mut request);
    let body = http_body_util::Limited::new(request.into_body(), START_BYTES_MAX)
        .collect()
        .await;
    let body = body.map_err(|error| Refusal::bad(error.to_string()))?.to_bytes();
    let asked: Start = read(&body)?;
    if std::mem::replace(&mut known.state().started, true) {
        let message = format!("exec {id} was started already");
        return Err(Refusal::new(StatusCode::CONFLICT, message));
    }
    let mut wish = known.request.clone();
    if let (Some(terminal), Some((rows, columns))) = (&mut wish.terminal, asked.console_size)
        && rows > 0
        && columns > 0
    {
        *terminal = TerminalSize { columns, rows };
    }
    let session = doors.containers.exec(wish).await.map_err(|error| {
        let (status, code) = match error {
            ExecError::NotRunning { .. } => (StatusCode::CONFLICT, 126),
            ExecError::Program(_) => (StatusCode::BAD_REQUEST, 127),
            ExecError::Failed(_) => (StatusCode::INTERNAL_SERVER_ERROR, 126),
        };
        known.state().exit_code = Some(code);
        Refusal::new(status, format!("OCI runtime exec failed: {error}"))
    })?;
    let (teller, resizes) = mpsc::channel(RESIZES_MAX);
    known.state().resizes = Some(teller);
    let terminal = known.asked.tty;
    if asked.detach || !wants_connection {
        let (ours, theirs) = tokio::io::duplex(READ_BYTES);
        tokio::spawn(carry_all(ours, session, known, resizes));
        if asked.detach {
            tokio::spawn(drain(theirs));
            return Ok(StatusCode::OK.into_response());
        }
        let stream = futures::stream::unfold(theirs, |mut theirs| async move {
            let mut buffer = vec![0; READ_BYTES];
            let count = theirs.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
            buffer.truncate(count);
            Some((Ok::<_, std::io::Error>(Bytes::from(buffer)), theirs))
        });
        let mut response = Response::new(axum::body::Body::from_stream(stream));
        let content_type = carry::content_type(terminal);
        response
            .headers_mut()
            .insert(http::header::CONTENT_TYPE, content_type);
        return Ok(response);
    }
    tokio::spawn(async move {
        // Without a connection the session is dropped, which ends its process.
        if let Ok(connection) = upgrade.await {
            carry_all(TokioIo::new(connection), session, known, resizes).await;
        }
    });
    Ok(carry::switching(carry::content_type(terminal)))
}

async fn drain(mut theirs: impl AsyncRead + Unpin) {
    let mut buffer = vec![0; READ_BYTES];
    while theirs.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
}

/// Carries both ways until the process has ended or the client has gone.
async fn carry_all(
    connection: impl AsyncRead + AsyncWrite + Send + 'static,
    session: ExecSession,
    known: Arc<Known>,
    mut resizes: mpsc::Receiver<TerminalSize>,
) {
    let (mut read, mut write) = tokio::io::split(connection);
    let ExecSession {
        mut input,
        mut output,
    } = session;
    let attached = known.asked.attach_stdin;
    let feeding = tokio::spawn(async move {
        let mut buffer = vec![0; READ_BYTES];
        let mut open = attached;
        if !attached {
            let _ = input.send(ExecInput::End).await;
        }
        loop {
            tokio::select! {
                count = read.read(&mut buffer), if open => {
                    let said = match count {
                        Ok(count @ 1..) => ExecInput::Bytes(Bytes::copy_from_slice(&buffer[..count])),
                        _ => {
                            open = false;
                            ExecInput::End
                        }
                    };
                    if input.send(said).await.is_err() {
                        return;
                    }
                }
                size = resizes.recv() => {
                    let Some(size) = size else { return std::future::pending().await };
                    if input.send(ExecInput::Resize(size)).await.is_err() {
                        return;
                    }
                }
            }
        }
    });
    let (stdout, stderr) = (known.asked.attach_stdout, known.asked.attach_stderr);
    let mut code = None;
    while let Some(said) = output.next().await {
        let (stream, bytes, wanted) = match said {
            ExecOutput::Stdout(bytes) => (OutputStream::Stdout, bytes, stdout),
            ExecOutput::Stderr(bytes) => (OutputStream::Stderr, bytes, stderr),
            ExecOutput::Exited(ended) => {
                code = Some(ended);
                break;
            }
        };
        let piece = OutputPiece {
            at_ms: 0,
            stream,
            bytes,
        };
        let framed = carry::framed(&piece, known.asked.tty);
        if wanted && (write.write_all(&framed).await.is_err() || write.flush().await.is_err()) {
            break;
        }
    }
    feeding.abort();
    {
        let mut state = known.state();
        state.exit_code = Some(code.unwrap_or(137));
        state.resizes = None;
    }
    // Clients ask for the exit code as soon as the connection ends.
    let _ = write.shutdown().await;
}

pub(super) async fn resize(
    State(doors): State<Doors>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<StatusCode, Refusal> {
    let size = size(&Query::parse(query.as_deref()))?;
    let known = doors.execs.find(&id)?;
    let teller = known.state().resizes.clone();
    let message = || Refusal::new(StatusCode::CONFLICT, format!("exec {id} does not run"));
    let teller = teller.ok_or_else(message)?;
    // One that is resized faster than it is told keeps a size it was told.
    let _ = teller.try_send(size);
    Ok(StatusCode::OK)
}

pub(super) async fn inspect(State(doors): State<Doors>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let known = doors.execs.find(&id)?;
    let state = known.state();
    let mut arguments = known.request.arguments.clone();
    let entry = arguments.remove(0);
    Ok(Json(json!({
        "ID": known.id, "ContainerID": known.container, "Running": state.started && state.exit_code.is_none(),
        "ExitCode": state.exit_code, "OpenStdin": known.asked.attach_stdin,
        "OpenStdout": known.asked.attach_stdout, "OpenStderr": known.asked.attach_stderr, "CanRemove": false,
        "DetachKeys": "", "Pid": 0,
        "ProcessConfig": {"tty": known.asked.tty, "entrypoint": entry, "arguments": arguments, "privileged": false},
    }))
    .into_response())
}
