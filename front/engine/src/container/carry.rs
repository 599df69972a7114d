//! Streams between clients and containers. A client asks for the connection itself; what it is told then is bytes as they
//! come from a terminal, or pieces with eight bytes in front that say which stream they belong to.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use contract::container::{Containers, OutputPiece, OutputPieces, OutputStream};
use futures::{Stream, StreamExt as _};
use http::{HeaderValue, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

const READ_BYTES: usize = 16 * 1024;
/// Of Docker's clients since API 1.42.
const MULTIPLEXED: &str = "application/vnd.docker.multiplexed-stream";
const RAW: &str = "application/vnd.docker.raw-stream";

pub(super) struct Output {
    pub pieces: OutputPieces,
    pub stdout: bool,
    pub stderr: bool,
    pub terminal: bool,
}

impl Output {
    fn content_type(&self) -> HeaderValue {
        content_type(self.terminal)
    }

    fn bytes(self) -> impl Stream<Item = std::io::Result<Bytes>> + Send {
        let (stdout, stderr, terminal) = (self.stdout, self.stderr, self.terminal);
        self.pieces.filter_map(move |piece| {
            std::future::ready(match piece {
                Err(error) => Some(Err(error)),
                Ok(piece) => {
                    let wanted = match piece.stream {
                        OutputStream::Stdout => stdout,
                        OutputStream::Stderr => stderr,
                    };
                    wanted.then(|| Ok(framed(&piece, terminal)))
                }
            })
        })
    }
}

pub(super) fn content_type(terminal: bool) -> HeaderValue {
    HeaderValue::from_static(if terminal { RAW } else { MULTIPLEXED })
}

/// As clients read it.
pub(super) fn framed(piece: &OutputPiece, terminal: bool) -> Bytes {
    if terminal {
        return piece.bytes.clone();
    }
    let stream = match piece.stream {
        OutputStream::Stdout => 1,
        OutputStream::Stderr => 2,
    };
    let length = u32::try_from(piece.bytes.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut framed = Vec::with_capacity(8 + piece.bytes.len());
    framed.extend_from_slice(&[stream, 0, 0, 0]);
    framed.extend_from_slice(&length);
    framed.extend_from_slice(&piece.bytes);
    framed.into()
}

/// Input for a container, once it runs.
pub(super) struct Wanted {
    pub containers: Arc<dyn Containers>,
    pub id: String,
    pub alone: bool,
}

/// Whether the client asks for the connection itself.
pub(super) fn wants_connection(headers: &http::HeaderMap) -> bool {
    headers.contains_key(header::UPGRADE)
}

pub(super) fn switching(content_type: HeaderValue) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("tcp"));
    response
}

/// Answers with the output: over the connection itself for who asks for that, as a body for others.
pub(super) fn hijack(mut request: Request, output: Output, input: Option<Wanted>) -> Response {
    let content_type = output.content_type();
    if !wants_connection(request.headers()) {
        let mut response = Response::new(Body::from_stream(output.bytes()));
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        return response;
    }
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        match upgrade.await {
            Ok(connection) => carry(TokioIo::new(connection), output, input).await,
            Err(error) => tracing::debug!(%error, "a client went away before its connection was its own"),
        }
    });
    switching(content_type)
}

async fn carry(
    connection: impl AsyncRead + AsyncWrite + Send + 'static,
    output: Output,
    input: Option<Wanted>,
) {
    let (read, mut write) = tokio::io::split(connection);
    let feeding = input.map(|wanted| tokio::spawn(feed(read, wanted)));
    let bytes = output.bytes();
    tokio::pin!(bytes);
    while let Some(piece) = bytes.next().await {
        let Ok(piece) = piece else { break };
        if write.write_all(&piece).await.is_err() || write.flush().await.is_err() {
            break;
        }
    }
    let _ = write.shutdown().await;
    if let Some(feeding) = feeding {
        feeding.abort();
    }
}

/// Passes on what the client says, until it says nothing more or nobody listens.
async fn feed(mut read: impl AsyncRead + Unpin, wanted: Wanted) {
    let Ok(input) = wanted.containers.input(&wanted.id, wanted.alone).await else {
        return;
    };
    let mut buffer = vec![0; READ_BYTES];
    while let Ok(count @ 1..) = read.read(&mut buffer).await {
        if input.write(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
