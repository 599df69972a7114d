//! One look at an endpoint, as Route 53's checkers do it, and the sentence that says how it went.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use contract::dns::{EndpointProbe, ProbeProtocol};
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Route 53's limits: of a connection for its own sake, of one for a request, and of the answer to the request.
const TCP_WITHIN: Duration = Duration::from_secs(10);
const CONNECT_WITHIN: Duration = Duration::from_secs(4);
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// The search string must be among these bytes of the body.
const SEARCHED_BYTES_MAX: usize = 5120;
const AGENT: &str = "Amazon-Route-53-Health-Check-Service";
const TIMED_OUT: &str = "Connection timed out. The endpoint or the internet connection is down, or requests are being \
                         blocked by your firewall. See Configuring Router and Firewall Rules for Amazon Route 53 Health Checks";

/// Whether it is well, and the sentence.
pub(crate) type Found = (bool, String);

/// `resolved` is where the probe's name leads, or why it leads nowhere; it is not asked if there is an address.
pub(crate) async fn look(
    probe: &EndpointProbe,
    agent_of: &str,
    resolve: impl Future<Output = Result<IpAddr, String>>,
) -> Found {
    let (address, resolved) = match probe.address {
        Some(address) => (address, None),
        None => match resolve.await {
            Ok(address) => (address, Some(address)),
            Err(why) => return (false, format!("Failure: DNS resolution failed: {why}")),
        },
    };
    let to = SocketAddr::new(address, probe.port);
    let result = match &probe.protocol {
        ProbeProtocol::Tcp => connect(to, TCP_WITHIN)
            .await
            .map(|_| "TCP connection established".to_owned()),
        ProbeProtocol::Http { .. } => request(probe, agent_of, to).await,
    };
    let told = |text: String| match resolved {
        Some(address) => format!("{}. Resolved IP: {address}", text.trim_end_matches('.')),
        None => text,
    };
    match result {
        Ok(text) => (true, format!("Success: {}", told(text))),
        Err(text) => (false, format!("Failure: {}", told(text))),
    }
}

async fn connect(to: SocketAddr, within: Duration) -> Result<TcpStream, String> {
    match tokio::time::timeout(within, TcpStream::connect(to)).await {
        Err(_) => Err(TIMED_OUT.to_owned()),
        Ok(Err(error)) => Err(sentence(&error)),
        Ok(Ok(stream)) => Ok(stream),
    }
}

fn sentence(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::TimedOut => TIMED_OUT.to_owned(),
        io::ErrorKind::ConnectionRefused => "Connection refused".to_owned(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof => {
            "The connection was closed by the endpoint.".to_owned()
        }
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "No route to host".to_owned(),
        _ => format!("The connection failed: {error}"),
    }
}

async fn request(probe: &EndpointProbe, agent_of: &str, to: SocketAddr) -> Result<String, String> {
    let ProbeProtocol::Http {
        tls,
        sni,
        path,
        search,
    } = &probe.protocol
    else {
        return Err("The check asks for no page.".to_owned());
    };
    let begun = tokio::time::Instant::now();
    let stream = connect(to, CONNECT_WITHIN).await?;
    let late = || {
        format!(
            "The endpoint did not respond to the request within {} seconds.",
            ANSWER_WITHIN.as_secs()
        )
    };
    let request = message(probe, agent_of, to, *tls, path)?;
    let answered = async {
        if *tls {
            // The handshake is part of the time in which a connection must be there.
            let left = CONNECT_WITHIN.saturating_sub(begun.elapsed());
            let stream = tokio::time::timeout(left, handshake(stream, probe, to, *sni))
                .await
                .map_err(|_| TIMED_OUT.to_owned())??;
            exchange(stream, request, search.as_deref()).await
        } else {
            exchange(stream, request, search.as_deref()).await
        }
    };
    tokio::time::timeout(CONNECT_WITHIN + ANSWER_WITHIN, answered)
        .await
        .map_err(|_| late())?
}

fn message(
    probe: &EndpointProbe,
    agent_of: &str,
    to: SocketAddr,
    tls: bool,
    path: &str,
) -> Result<Request<Empty<Bytes>>, String> {
    let host = probe.host.as_deref().map_or_else(
        || address_text(to.ip()),
        |host| host.trim_end_matches('.').to_owned(),
    );
    let usual = if tls { 443 } else { 80 };
    let host = if to.port() == usual {
        host
    } else {
        format!("{host}:{}", to.port())
    };
    let path = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    };
    Request::get(path)
        .header(header::HOST, host)
        .header(
            header::USER_AGENT,
            format!("{AGENT} (ref {agent_of}; report http://amzn.to/1vsZADi)"),
        )
        .header(header::ACCEPT, "*/*")
        .header(header::CONNECTION, "close")
        .body(Empty::new())
        .map_err(|error| format!("The request cannot be written: {error}"))
}

fn address_text(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Empty<Bytes>>,
    search: Option<&str>,
) -> Result<String, String> {
    let closed = |_: hyper::Error| "The connection was closed by the endpoint.".to_owned();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(closed)?;
    let running = Running(tokio::spawn(async move {
        // What goes wrong is told to whoever waits for the answer.
        let _ = connection.await;
    }));
    let response = tokio::time::timeout(ANSWER_WITHIN, sender.send_request(request)).await;
    let response = response
        .map_err(|_| {
            format!(
                "The endpoint did not respond to the request within {} seconds.",
                ANSWER_WITHIN.as_secs()
            )
        })?
        .map_err(closed)?;
    let status = response.status();
    let text = status_text(status);
    if !(200..400).contains(&status.as_u16()) {
        return Err(text);
    }
    let Some(search) = search else { return Ok(text) };
    let body = tokio::time::timeout(ANSWER_WITHIN, beginning(response.into_body())).await;
    drop(running);
    let body = body.map_err(|_| "The endpoint did not send its response body in time.".to_owned())?;
    let found = body
        .windows(search.len().max(1))
        .any(|window| window == search.as_bytes());
    if found {
        Ok(text)
    } else {
        Err(format!(
            "{text}. The search string was not found in the first 5120 bytes of the response body"
        ))
    }
}

/// Ends with whoever waits for it.
struct Running(tokio::task::JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn status_text(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("HTTP Status Code {}, {reason}", status.as_u16()),
        None => format!("HTTP Status Code {}", status.as_u16()),
    }
}

async fn beginning(mut body: Incoming) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < SEARCHED_BYTES_MAX {
        let Some(Ok(frame)) = body.frame().await else {
            break;
        };
        if let Ok(data) = frame.into_data() {
            bytes.extend_from_slice(&data);
        }
    }
    bytes.truncate(SEARCHED_BYTES_MAX);
    bytes
}

async fn handshake(
    stream: TcpStream,
    probe: &EndpointProbe,
    to: SocketAddr,
    sni: bool,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let schemes = provider.signature_verification_algorithms.supported_schemes();
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = config
        .map_err(|error| format!("TLS is not to be had: {error}"))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(schemes)))
        .with_no_client_auth();
    config.enable_sni = sni;
    let host = probe
        .host
        .as_deref()
        .map(|host| host.trim_end_matches('.').to_owned());
    let name = host
        .and_then(|host| ServerName::try_from(host).ok())
        .unwrap_or(ServerName::IpAddress(to.ip().into()));
    let shaken = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    shaken.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => format!("The SSL/TLS handshake failed: {error}"),
        _ => sentence(&error),
    })
}

/// Route 53's checkers do not look at certificates: an endpoint with an expired one is as well as any other.
#[derive(Debug)]
struct AnyCertificate(Vec<SignatureScheme>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests;
