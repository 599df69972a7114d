//! From a session's address to a WebSocket.

use std::io;
use std::path::Path;
use std::time::Duration;

use aws_protocol::ApiError;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_tungstenite::tungstenite::http::Uri;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::failure::Failure;

/// Until a connection is there, TLS and the change to a WebSocket included.
const CONNECT_MAX: Duration = Duration::from_secs(15);
/// The largest message that is taken in, in bytes; servers send a KiB or so at a time.
const MESSAGE_BYTES_MAX: usize = 2 * 1024 * 1024;

/// TCP, with or without TLS.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

pub(super) type Socket = WebSocketStream<Box<dyn Stream>>;

/// # Errors
/// When the address is none, nobody answers there, or it is not who it should be.
pub(super) async fn connect(url: &str, ca_bundle: Option<&Path>) -> Result<Socket, Failure> {
    let connecting = tokio::time::timeout(CONNECT_MAX, try_connect(url, ca_bundle));
    let cause = match connecting.await {
        Ok(Ok(socket)) => return Ok(socket),
        Ok(Err(cause)) => cause,
        Err(_) => format!("it took longer than {} seconds", CONNECT_MAX.as_secs()),
    };
    // What follows the question mark may be secret.
    let place = url.split('?').next().unwrap_or_default();
    Err(Failure::Unreachable(Box::new(ApiError::with_status(
        503,
        aws_client::UNREACHABLE,
        format!("the session at {place} cannot be joined: {cause}"),
    ))))
}

async fn try_connect(url: &str, ca_bundle: Option<&Path>) -> Result<Socket, String> {
    let uri: Uri = url.parse().map_err(|_| "it is no address".to_owned())?;
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let (encrypted, port) = match uri.scheme_str() {
        Some("ws") => (false, 80),
        Some("wss") => (true, 443),
        _ => return Err("its address begins with neither ws:// nor wss://".to_owned()),
    };
    let port = uri.port_u16().unwrap_or(port);
    let plain = TcpStream::connect((host.as_str(), port)).await.map_err(words)?;
    plain.set_nodelay(true).map_err(words)?;
    let stream: Box<dyn Stream> = match encrypted {
        false => Box::new(plain),
        true => {
            let config = aws_client::tls(ca_bundle).map_err(|it| it.to_string())?;
            let name = ServerName::try_from(host).map_err(|it| it.to_string())?;
            let stream = TlsConnector::from(config).connect(name, plain).await;
            Box::new(stream.map_err(words)?)
        }
    };
    let config = WebSocketConfig::default().max_message_size(Some(MESSAGE_BYTES_MAX));
    let (socket, _) = client_async_with_config(uri, stream, Some(config))
        .await
        .map_err(|it| it.to_string())?;
    Ok(socket)
}

fn words(error: io::Error) -> String {
    error.to_string()
}
