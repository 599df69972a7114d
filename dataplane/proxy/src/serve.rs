//! One request: find the listener, choose a target, forward, answer.

use std::net::{SocketAddr, SocketAddrV4};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use contract::route::{Action, Listener};
use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use hyper_util::rt::TokioIo;

use crate::connection::{Account, Counted};
use crate::meter::Flow;
use crate::page::{self, Body};
use crate::pool::Sender;
use crate::state::{Group, InFlight, Routing, State};
use crate::stick::Sticky;
use crate::{redirect, tunnel};

/// Targets tried when connections are refused; nothing has been sent to those that refused.
const TARGETS_TRIED_MAX: usize = 3;
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Where a request came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// At a load balancer's own address.
    Listener(String),
    /// Where connections to several listeners of this network are led; each knows to which one it was made.
    Behind(String),
    /// At 127.0.0.1, port given; the Host header says which load balancer is meant.
    ByName(u16),
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client {
    pub(crate) peer: SocketAddr,
    /// By TLS.
    pub(crate) secure: bool,
}

pub(crate) async fn request(
    state: &State,
    door: &Door,
    client: Client,
    account: &Account,
    request: Request<Incoming>,
) -> Response<Body> {
    let routing = state.routing.load_full();
    let Some(listener) = find_listener(&routing, door, &request) else {
        return page::error(StatusCode::NOT_FOUND, "no load balancer has this name");
    };
    account.belongs_to(|| state.meter.flow(&listener.id, ""));
    let answer = act(state, &listener, &routing, client, request).await;
    if let Some(kind) = answer.extensions().get::<page::Own>() {
        state.meter.flow(&listener.id, "").own(*kind, answer.status());
    }
    answer
}

async fn act(
    state: &State,
    listener: &Listener,
    routing: &Routing,
    client: Client,
    request: Request<Incoming>,
) -> Response<Body> {
    match &listener.default_action {
        Action::Forward(_) => match routing.choose(&listener.default_action) {
            Some(group) => forward(state, listener, &group, client, request).await,
            None => page::error(
                StatusCode::SERVICE_UNAVAILABLE,
                "no target group is reached by this rule",
            ),
        },
        Action::FixedResponse {
            status,
            content_type,
            body,
        } => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            page::own(page::Own::Fixed, status, content_type, body.clone())
        }
        Action::Redirect(to) => redirect::answer(to, listener, client, &request),
    }
}

fn find_listener(routing: &Routing, door: &Door, request: &Request<Incoming>) -> Option<Arc<Listener>> {
    match door {
        Door::Listener(id) => routing.listeners.get(id).cloned(),
        Door::Behind(_) => None,
        Door::ByName(port) => {
            let host = request
                .headers()
                .get(header::HOST)
                .and_then(|value| value.to_str().ok());
            let host = host.or_else(|| request.uri().host())?;
            let name = host
                .rsplit_once(':')
                .map_or(host, |(name, _)| name)
                .to_ascii_lowercase();
            let mut listeners = routing.listeners.values();
            listeners
                .find(|one| one.bind.port() == *port && one.names.contains(&name))
                .cloned()
        }
    }
}

async fn forward(
    state: &State,
    listener: &Listener,
    group: &Group,
    from: Client,
    mut request: Request<Incoming>,
) -> Response<Body> {
    let sticky = Sticky::of(group, request.headers());
    let upgrade = tunnel::wanted(&request);
    prepare(&mut request, listener, from, upgrade.as_ref());
    let client = upgrade.is_some().then(|| hyper::upgrade::on(&mut request));
    let limit = Duration::from_secs(listener.idle_timeout_seconds.max(1).into());
    let mut tried: Vec<SocketAddrV4> = Vec::new();
    let flow = state.meter.flow(&listener.id, &group.config.id);
    // A request without a body whose repetition changes nothing may be sent twice when a kept connection turns out dead.
    let mut spare = repeatable(&request).then(|| copy_head(&request));
    let mut request = Some(request);
    let mut is_counted = false;
    loop {
        let Some(target) = group.acquire_for(sticky.as_ref(), &tried) else {
            let reason = if tried.is_empty() {
                group.shortage()
            } else {
                "no target accepts connections"
            };
            let status = if tried.is_empty() {
                StatusCode::SERVICE_UNAVAILABLE
            } else {
                StatusCode::BAD_GATEWAY
            };
            return page::error(status, reason);
        };
        if tried.is_empty() && request.is_some() && !is_counted {
            flow.chosen();
            is_counted = true;
        }
        let kept = if upgrade.is_some() {
            None
        } else {
            target.0.pool.take().await
        };
        let reused = kept.is_some();
        let sender = match kept {
            Some(sender) => sender,
            None => match connect(state, group, &target, &flow, upgrade.is_some()).await {
                Ok(sender) => sender,
                Err(error) => {
                    tracing::info!(target = %target.0.address, %error, "a target does not accept connections");
                    flow.refused();
                    tried.push(target.0.address);
                    if tried.len() >= TARGETS_TRIED_MAX {
                        return page::error(StatusCode::BAD_GATEWAY, "no target accepts connections");
                    }
                    continue;
                }
            },
        };
        let Some(outgoing) = request.take() else {
            return page::error(StatusCode::BAD_GATEWAY, "the target closed the connection");
        };
        let sent = Instant::now();
        match exchange(sender, outgoing, target, limit).await {
            Exchange::Answered(mut response, connection) => {
                flow.answered(response.status(), sent.elapsed());
                mark(sticky.as_ref(), &mut response, &connection.1);
                return answer(response, connection, client, upgrade);
            }
            Exchange::NotSent(unsent) => request = Some(unsent),
            Exchange::Failed(error) => match spare.take() {
                Some(again) if reused => {
                    tracing::debug!(%error, "a kept connection was dead; the request is sent again");
                    let answer = repeat(state, group, &flow, again, limit, sticky.as_ref()).await;
                    if answer.extensions().get::<page::Own>().is_none() {
                        flow.answered(answer.status(), sent.elapsed());
                    }
                    return answer;
                }
                _ => {
                    tracing::info!(%error, "a target closed the connection before it answered");
                    return page::error(
                        StatusCode::BAD_GATEWAY,
                        "the target closed the connection before it answered",
                    );
                }
            },
            Exchange::TimedOut => {
                return page::error(StatusCode::GATEWAY_TIMEOUT, "the target did not answer in time");
            }
        }
    }
}

/// Tells a client that shall stay with its target which one that is.
fn mark(sticky: Option<&Sticky>, response: &mut Response<Incoming>, target: &InFlight) {
    if let Some(sticky) = sticky {
        sticky.mark(response.headers_mut(), target.0.address);
    }
}

/// Once more, on a connection of its own.
async fn repeat(
    state: &State,
    group: &Group,
    flow: &Arc<Flow>,
    head: Request<()>,
    limit: Duration,
    sticky: Option<&Sticky>,
) -> Response<Body> {
    let failed = |reason| page::error(StatusCode::BAD_GATEWAY, reason);
    let Some(target) = group.acquire_for(sticky, &[]) else {
        return page::error(StatusCode::SERVICE_UNAVAILABLE, group.shortage());
    };
    let stream = match dial(state, group, &target).await {
        Ok(stream) => stream,
        Err(_) => return failed("no target accepts connections"),
    };
    let stream = TokioIo::new(Counted::of(stream, flow));
    let Ok((mut sender, connection)) = hyper::client::conn::http1::handshake(stream).await else {
        return failed("the target closed the connection before it answered");
    };
    tokio::spawn(connection);
    let request = head.map(|()| http_body_util::Empty::<Bytes>::new());
    match tokio::time::timeout(limit, sender.send_request(request)).await {
        Err(_) => page::error(StatusCode::GATEWAY_TIMEOUT, "the target did not answer in time"),
        Ok(Err(_)) => failed("the target closed the connection before it answered"),
        Ok(Ok(mut response)) => {
            mark(sticky, &mut response, &target);
            strip_hop_by_hop(response.headers_mut());
            response.map(|body| {
                Tracked {
                    body,
                    connection: Some((None, target)),
                }
                .boxed()
            })
        }
    }
}

pub(crate) async fn dial(
    state: &State,
    group: &Group,
    target: &InFlight,
) -> std::io::Result<tokio::net::TcpStream> {
    let feet = &group.config.feet;
    let foot = (!feet.is_empty()).then(|| feet[rand::random_range(0..feet.len())]);
    let connect = state
        .dialer
        .connect(&group.config.network, foot, target.0.address);
    tokio::time::timeout(CONNECT_LIMIT, connect)
        .await
        .unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut)))
}

async fn connect(
    state: &State,
    group: &Group,
    target: &InFlight,
    flow: &Arc<Flow>,
    upgrade: bool,
) -> std::io::Result<Sender> {
    let stream = dial(state, group, target).await?;
    let stream = TokioIo::new(Counted::of(stream, flow));
    let (sender, connection) = hyper::client::conn::http1::handshake(stream)
        .await
        .map_err(std::io::Error::other)?;
    target.0.pool.fresh.fetch_add(1, Ordering::Relaxed);
    if upgrade {
        tokio::spawn(connection.with_upgrades());
    } else {
        tokio::spawn(connection);
    }
    Ok(sender)
}

enum Exchange {
    Answered(Response<Incoming>, (Option<Sender>, InFlight)),
    /// Nothing of it has left this machine.
    NotSent(Request<Incoming>),
    Failed(hyper::Error),
    TimedOut,
}

async fn exchange(
    mut sender: Sender,
    request: Request<Incoming>,
    target: InFlight,
    limit: Duration,
) -> Exchange {
    match tokio::time::timeout(limit, sender.try_send_request(request)).await {
        Err(_) => Exchange::TimedOut,
        Ok(Ok(response)) => Exchange::Answered(response, (Some(sender), target)),
        Ok(Err(mut refused)) => match refused.take_message() {
            Some(unsent) => Exchange::NotSent(unsent),
            None => Exchange::Failed(refused.into_error()),
        },
    }
}

fn answer(
    mut response: Response<Incoming>,
    (sender, target): (Option<Sender>, InFlight),
    client: Option<hyper::upgrade::OnUpgrade>,
    upgrade: Option<HeaderValue>,
) -> Response<Body> {
    if let (StatusCode::SWITCHING_PROTOCOLS, Some(client)) = (response.status(), client) {
        tunnel::start(client, hyper::upgrade::on(&mut response), target);
        strip_hop_by_hop(response.headers_mut());
        if let Some(protocol) = upgrade {
            tunnel::mark(response.headers_mut(), protocol);
        }
        return response.map(|_| page::full(String::new()));
    }
    strip_hop_by_hop(response.headers_mut());
    response.map(|body| {
        let mut tracked = Tracked {
            body,
            connection: Some((sender, target)),
        };
        tracked.release_at_end();
        tracked.boxed()
    })
}

/// A target's answer on its way; gives the connection back as soon as the answer is complete.
///
/// hyper does not ask for the final `None` of a body whose length is known, so the end is looked for after each frame.
struct Tracked {
    body: Incoming,
    connection: Option<(Option<Sender>, InFlight)>,
}

impl Tracked {
    fn release_at_end(&mut self) {
        if self.body.is_end_stream()
            && let Some((Some(sender), target)) = self.connection.take()
            && !target.0.is_draining()
        {
            target.0.pool.give_back(sender);
        }
    }
}

impl hyper::body::Body for Tracked {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if polled.is_ready() {
            self.release_at_end();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn repeatable(request: &Request<Incoming>) -> bool {
    let idempotent = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    idempotent && request.body().is_end_stream() && !request.headers().contains_key(header::UPGRADE)
}

fn copy_head(request: &Request<Incoming>) -> Request<()> {
    let mut copy = Request::new(());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}

/// What an Application Load Balancer adds and takes away on the way to the target.
fn prepare(
    request: &mut Request<Incoming>,
    listener: &Listener,
    from: Client,
    upgrade: Option<&HeaderValue>,
) {
    // The target speaks HTTP/1.1, where the authority is in the Host header only.
    let authority = request
        .uri()
        .authority()
        .map(|authority| authority.as_str().to_owned());
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    if let Ok(uri) = path.parse() {
        *request.uri_mut() = uri;
    }
    *request.version_mut() = http::Version::HTTP_11;
    let headers = request.headers_mut();
    strip_hop_by_hop(headers);
    if let Some(protocol) = upgrade {
        tunnel::mark(headers, protocol.clone());
    }
    if let (false, Some(Ok(host))) = (
        headers.contains_key(header::HOST),
        authority.map(|host| HeaderValue::from_str(&host)),
    ) {
        headers.insert(header::HOST, host);
    }
    let client = from.peer.ip().to_string();
    let chain = match headers
        .get("x-forwarded-for")
        .and_then(|value| value.to_str().ok())
    {
        Some(before) => format!("{before}, {client}"),
        None => client,
    };
    let trace = format!(
        "Root=1-{:08x}-{:024x}",
        rand::random::<u32>(),
        rand::random::<u128>() >> 32
    );
    let values = [
        ("x-forwarded-for", chain),
        (
            "x-forwarded-proto",
            if from.secure { "https" } else { "http" }.to_owned(),
        ),
        ("x-forwarded-port", listener.bind.port().to_string()),
    ];
    for (name, value) in values {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    if !headers.contains_key("x-amzn-trace-id")
        && let Ok(value) = HeaderValue::from_str(&trace)
    {
        headers.insert(HeaderName::from_static("x-amzn-trace-id"), value);
    }
}

/// Headers that speak about one connection only (RFC 9110, section 7.6.1).
fn strip_hop_by_hop(headers: &mut http::HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in [
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ] {
        headers.remove(name);
    }
}
