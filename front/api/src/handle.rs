//! One request from its bytes to its answer.

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use aws_protocol::rest::Incoming;
use aws_protocol::server::{complete, decode_request, encode_error, encode_response};
use aws_protocol::{ApiError, Context, OperationSchema, ServiceSchema, event_stream, server};
use aws_signature::{Claim, Mode, Request as Signed};
use axum::body::Body;
use axum::extract::{Request, State as Extracted};
use axum::response::{IntoResponse as _, Response};
use base_id::Scope;
use bytes::Bytes;
use flate2::read::GzDecoder;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::{Instrument as _, Span};

use crate::route::{Route, Unroutable};
use crate::{Api, BODY_MAX_BYTES, BODY_MAX_SECONDS};

const HELLO: &str = "This is Wharf: the AWS APIs, served on this machine.\n\
    Point an AWS client here: export AWS_ENDPOINT_URL=<this address>\n";

pub struct State {
    pub api: Api,
    /// One per request that may be worked on at a time.
    pub slots: Arc<Semaphore>,
}

/// The request as its signature sees it.
pub fn signed<'a>(parts: &'a Parts, body: &'a [u8]) -> Signed<'a> {
    Signed {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        headers: &parts.headers,
        body,
    }
}

/// Removes everything, in open mode; in the other there is no such path.
pub async fn reset(Extracted(state): Extracted<Arc<State>>) -> Response {
    if state.api.verifier.mode() != Mode::Open {
        return (StatusCode::NOT_FOUND, "There is a reset in open mode only.\n").into_response();
    }
    match (state.api.reset)().await {
        Ok(()) => axum::Json(serde_json::json!({ "status": "ok" })).into_response(),
        Err(cause) => {
            tracing::error!(cause, "reset failed");
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                "The reset failed; Wharf's log says why.\n",
            )
                .into_response()
        }
    }
}

/// A request to AWS, or a person with a browser.
pub async fn request(Extracted(state): Extracted<Arc<State>>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let is_bare = parts.uri.path() == "/" && parts.uri.query().is_none();
    if is_bare
        && matches!(parts.method, Method::GET | Method::HEAD)
        && !parts.headers.contains_key("authorization")
    {
        return HELLO.into_response();
    }
    let Ok(_slot) = Arc::clone(&state.slots).try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "Too many requests at once.\n").into_response();
    };
    // HTTP/2 names the host in the request line; signatures know it as a header.
    if let (false, Some(authority)) = (parts.headers.contains_key("host"), parts.uri.authority())
        && let Ok(value) = HeaderValue::from_str(authority.as_str())
    {
        parts.headers.insert("host", value);
    }
    let body = match read(body).await {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    let request_id = state.api.ids.uuid();
    let message = match plain(&parts, &body) {
        Ok(message) => message,
        Err(refusal) => return refusal.into_response(),
    };
    match Route::find(&parts, &body, message) {
        Ok(route) => answer(state, parts, body, route, request_id).await,
        Err(Unroutable(message)) => unroutable(&message, &request_id),
    }
}

async fn read(body: Body) -> Result<Bytes, Response> {
    let whole = Limited::new(body, BODY_MAX_BYTES).collect();
    match tokio::time::timeout(Duration::from_secs(BODY_MAX_SECONDS), whole).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(cause)) if cause.downcast_ref::<LengthLimitError>().is_some() => {
            let message = format!("The body has more than {BODY_MAX_BYTES} bytes.\n");
            Err((StatusCode::PAYLOAD_TOO_LARGE, message).into_response())
        }
        Ok(Err(cause)) => Err((
            StatusCode::BAD_REQUEST,
            format!("The body cannot be read: {cause}\n"),
        )
            .into_response()),
        Err(_) => Err((StatusCode::REQUEST_TIMEOUT, "The body did not come in time.\n").into_response()),
    }
}

/// What a compressed body says; signatures are over what was sent.
fn plain(parts: &Parts, body: &Bytes) -> Result<Bytes, (StatusCode, String)> {
    let refuse = |status, message: String| Err((status, message));
    match parts.headers.get("content-encoding").map(HeaderValue::as_bytes) {
        None | Some(b"" | b"identity" | b"aws-chunked") => Ok(body.clone()),
        Some(b"gzip") => {
            let mut message = Vec::new();
            let limit = BODY_MAX_BYTES as u64 + 1;
            let read = GzDecoder::new(&body[..]).take(limit).read_to_end(&mut message);
            match read {
                Err(cause) => refuse(
                    StatusCode::BAD_REQUEST,
                    format!("The body is not gzip: {cause}\n"),
                ),
                Ok(_) if message.len() > BODY_MAX_BYTES => refuse(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    format!("The body unpacks to more than {BODY_MAX_BYTES} bytes.\n"),
                ),
                Ok(_) => Ok(message.into()),
            }
        }
        Some(_) => refuse(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "The body's encoding is not known here; gzip is.\n".to_owned(),
        ),
    }
}

async fn answer(state: Arc<State>, parts: Parts, body: Bytes, route: Route, request_id: String) -> Response {
    let started = Instant::now();
    let (service, protocol) = (route.service, route.protocol);
    let span = tracing::info_span!(
        "request",
        service = service.name,
        operation = route.operation.as_ref().map_or("", |it| it.name),
        request_id,
        account = tracing::field::Empty,
        region = tracing::field::Empty,
    );
    // A task of its own: an operation that has begun is not cut short when its client goes away.
    let work = {
        let (span, request_id) = (span.clone(), request_id.clone());
        tokio::spawn(async move { call(&state.api, &parts, &body, route, request_id).await }.instrument(span))
    };
    let outcome = work.await.unwrap_or_else(|cause| Err(ApiError::internal(cause)));
    let (mut code, mut events) = (String::new(), None);
    let response = match outcome {
        Ok((operation, output)) => {
            events = event_stream::body(operation, &output);
            encode_response(service, protocol, operation, &request_id, &output)
        }
        Err(error) => {
            let error = complete(service, error);
            span.in_scope(|| tell(&error));
            code.clone_from(&error.code);
            encode_error(service, protocol, &request_id, &error)
        }
    };
    let duration_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    span.in_scope(|| tracing::info!(code, status = response.status, duration_us, "answered"));
    match events {
        // It goes on for as long as the client reads.
        Some(events) => going_on(response, Body::from_stream(events)),
        None => send(response),
    }
}

/// An answer whose body is events as they happen.
fn going_on(response: server::Response, events: Body) -> Response {
    let mut out = send(response);
    let kind = HeaderValue::from_static(event_stream::CONTENT_TYPE);
    out.headers_mut().insert("content-type", kind);
    out.headers_mut().remove("content-length");
    *out.body_mut() = events;
    out
}

/// What only the operator reads.
fn tell(error: &ApiError) {
    match &error.cause {
        Some(cause) if error.is_internal() => tracing::error!(code = error.code, %cause, "operation failed"),
        Some(cause) => tracing::info!(code = error.code, %cause, "refused"),
        None => tracing::debug!(code = error.code, message = error.message, "refused"),
    }
}

async fn call(
    api: &Api,
    parts: &Parts,
    body: &[u8],
    route: Route,
    request_id: String,
) -> Result<(&'static OperationSchema, aws_protocol::Value), ApiError> {
    let (service, protocol) = (route.service, route.protocol);
    let refuse = |it: aws_signature::SignatureError| it.answer(protocol);
    if let Ok(operation) = &route.operation
        && is_unsigned(operation)
    {
        return unsigned(
            api,
            service,
            operation,
            route.claim.ok(),
            &route.message,
            request_id,
        )
        .await;
    }
    let claim = route.claim.map_err(refuse)?;
    let identity = api
        .verifier
        .verify(
            &claim,
            &signed(parts, body),
            service.signing_name,
            api.clock.now(),
        )
        .map_err(refuse)?;
    Span::current()
        .record("account", &identity.account)
        .record("region", &claim.region);
    let operation = route.operation?;
    let incoming = Incoming {
        message: &route.message,
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
    };
    let input = decode_request(service, protocol, operation, incoming)?;
    let context = Context {
        scope: Scope::new(identity.account, claim.region),
        request_id,
        principal_arn: identity.principal_arn,
        access_key: identity.access_key,
    };
    let output = api
        .services
        .call(service, &context, operation.name, input)
        .await?;
    Ok((operation, output))
}

/// Whether whoever calls has nothing to sign with yet: the token in the message is what is believed or not.
fn is_unsigned(operation: &OperationSchema) -> bool {
    operation.name == "AssumeRoleWithWebIdentity"
}

async fn unsigned(
    api: &Api,
    service: &'static ServiceSchema,
    operation: &'static OperationSchema,
    claim: Option<Claim>,
    message: &[u8],
    request_id: String,
) -> Result<(&'static OperationSchema, aws_protocol::Value), ApiError> {
    let region = claim.map_or_else(|| "us-east-1".to_owned(), |claim| claim.region);
    let context = Context {
        scope: Scope::new("", region),
        request_id,
        principal_arn: String::new(),
        access_key: String::new(),
    };
    let incoming = Incoming::message(message);
    let input = decode_request(service, service.protocol, operation, incoming)?;
    let output = api
        .services
        .call(service, &context, operation.name, input)
        .await?;
    Ok((operation, output))
}

fn send(response: server::Response) -> Response {
    let status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut out = (status, response.body).into_response();
    out.headers_mut().remove("content-type");
    for (name, value) in response.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            out.headers_mut().insert(name, value);
        }
    }
    out
}

/// For a request that no service answers: readable for clients of JSON services and for people.
fn unroutable(message: &str, request_id: &str) -> Response {
    let text = aws_protocol::json::text(message);
    send(server::Response {
        status: 404,
        headers: vec![
            ("content-type", "application/x-amz-json-1.1".to_owned()),
            ("x-amzn-requestid", request_id.to_owned()),
            ("x-amzn-errortype", "UnknownOperationException".to_owned()),
        ],
        body: format!("{{\"__type\":\"UnknownOperationException\",\"message\":{text}}}\n").into_bytes(),
    })
}
