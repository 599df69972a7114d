//! Every address of the console.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, Request};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use base_id::IdSource;
use base_store::Store;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use tokio::sync::{Semaphore, watch};

use crate::form::Form;
use crate::gate::{self, Gate, Password, Refusal, Visitor};
use crate::live::{self, STREAMS_MAX};
use crate::page::{self, Page};
use crate::port::Pipelines;
use crate::read::Cache;
use crate::source::Source;
use crate::view::{ROOT, View};
use crate::{action, asset};

/// The largest form.
const FORM_MAX_BYTES: usize = 16 * 1024;

/// Nothing from elsewhere, nothing inside the text of a page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src \
    'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// What the console needs.
pub struct Parts {
    pub source: Source,
    pub pipelines: Arc<dyn Pipelines>,
    pub store: Store,
    /// Tables whose changes are changes of a page.
    pub tables: Vec<&'static str>,
    pub ids: Arc<dyn IdSource>,
    pub password: Option<Password>,
    /// Of sessions and forms: random, and new with every start.
    pub key: [u8; 32],
    /// Streams end when it becomes true.
    pub shutdown: watch::Receiver<bool>,
}

pub(crate) struct State {
    pub(crate) parts: Parts,
    pub(crate) gate: Gate,
    pub(crate) metrics: Cache,
    slots: Arc<Semaphore>,
}

/// Everything under `/console`. Requests need [`ConnectInfo`] with the peer's address, or they count as from elsewhere.
pub fn router(mut parts: Parts) -> Router {
    let state = Arc::new(State {
        gate: Gate::new(parts.password.take(), parts.key),
        metrics: Cache::default(),
        slots: Arc::new(Semaphore::new(STREAMS_MAX)),
        parts,
    });
    Router::new()
        .route(ROOT, get(show))
        .route("/console/live", get(follow))
        .route(
            "/console/asset/{name}",
            get(|Path(name): Path<String>| async move { asset::find(&name) }),
        )
        .route("/console/login", get(login).post(enter))
        .route("/console/logout", post(leave))
        .route("/console/theme", post(action::theme))
        .route("/console/apps/{cluster}/{service}", get(show).post(action::act))
        .route("/console/{*rest}", get(show))
        .layer(DefaultBodyLimit::max(FORM_MAX_BYTES))
        .layer(from_fn_with_state(Arc::clone(&state), guard))
        .with_state(state)
}

/// Judges every request, and says on every answer what a page may do.
async fn guard(
    axum::extract::State(state): axum::extract::State<Arc<State>>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map(|it| it.0);
    let now = state.parts.source.clock.now();
    let visitor = state
        .gate
        .visitor(peer, request.headers(), state.parts.ids.next(), now);
    let path = request.uri().path();
    let is_open = path == "/console/login" || path.starts_with("/console/asset/");
    let mut answer = match visitor {
        Err(_) => refuse(
            StatusCode::FORBIDDEN,
            "The console is for this machine alone as long as no password is set: wharf cloud start --console-password-file FILE",
        ),
        Ok(_) if request.method() == Method::POST && !gate::is_own_page(request.headers()) => refuse(
            StatusCode::FORBIDDEN,
            "This form was not sent by a page of the console.",
        ),
        Ok(visitor) if !visitor.may_enter && !is_open => match request.method() {
            &Method::GET if path != "/console/live" => redirect("/console/login"),
            _ => refuse(StatusCode::UNAUTHORIZED, "Log in first: /console/login"),
        },
        Ok(visitor) => {
            let cookie = visitor.is_new.then(|| gate::set_cookie(&visitor.session));
            request.extensions_mut().insert(visitor);
            let mut answer = next.run(request).await;
            let has_cookie = answer.headers().contains_key(header::SET_COOKIE);
            if let Some(cookie) = cookie.filter(|_| !has_cookie)
                && let Ok(cookie) = HeaderValue::from_str(&cookie)
            {
                answer.headers_mut().append(header::SET_COOKIE, cookie);
            }
            answer
        }
    };
    let headers = answer.headers_mut();
    // A browser that may not say where a form comes from says that its origin is "null": so to ourselves it may.
    let fixed = [
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    answer
}

pub(crate) fn refuse(status: StatusCode, sentence: &str) -> Response {
    (status, format!("{sentence}\n")).into_response()
}

/// To another page, which is got and not posted to.
pub(crate) fn redirect(to: &str) -> Response {
    match HeaderValue::from_str(to) {
        Ok(to) => (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response(),
        Err(_) => refuse(StatusCode::BAD_REQUEST, "There is no such page."),
    }
}

/// A form that carries its session's token.
pub(crate) fn checked(state: &State, visitor: &Visitor, body: &Bytes) -> Result<Form, Box<Response>> {
    let form = Form::parse(&String::from_utf8_lossy(body));
    let token = form.get("token").unwrap_or_default();
    if state.gate.is_token(&visitor.session, token) {
        return Ok(form);
    }
    Err(Box::new(refuse(
        StatusCode::FORBIDDEN,
        "This form is not from this session, or from before a restart: load its page again.",
    )))
}

pub(crate) type Known = axum::extract::Extension<Visitor>;
pub(crate) type Shared = axum::extract::State<Arc<State>>;

async fn show(
    axum::extract::State(state): Shared,
    axum::extract::Extension(visitor): Known,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let frame = page::Frame {
        token: state.gate.token(&visitor.session),
        theme: page::Theme::of(gate::cookie(&headers, page::Theme::COOKIE)),
        may_leave: visitor.may_leave,
    };
    let Some(view) = View::parse(uri.path(), uri.query().unwrap_or_default()) else {
        return (StatusCode::NOT_FOUND, frame.missing()).into_response();
    };
    let page = Page::make(&state, &view, &frame.token).await;
    let status = if page.is_missing {
        StatusCode::NOT_FOUND
    } else {
        StatusCode::OK
    };
    (status, frame.around(&view, page)).into_response()
}

async fn follow(
    axum::extract::State(state): Shared,
    axum::extract::Extension(visitor): Known,
    uri: Uri,
) -> Response {
    let form = Form::parse(uri.query().unwrap_or_default());
    let address = form.get("page").unwrap_or(ROOT);
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let Some(view) = View::parse(path, query) else {
        return refuse(StatusCode::NOT_FOUND, "There is no such page.");
    };
    let Ok(slot) = Arc::clone(&state.slots).try_acquire_owned() else {
        return refuse(
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many pages are open; close some.",
        );
    };
    let token = state.gate.token(&visitor.session);
    live::stream(state, view, slot, token)
}

async fn login(axum::extract::State(state): Shared, axum::extract::Extension(visitor): Known) -> Response {
    if visitor.may_enter {
        return redirect(ROOT);
    }
    page::login(&state.gate.token(&visitor.session), None).into_response()
}

async fn enter(
    axum::extract::State(state): Shared,
    axum::extract::Extension(visitor): Known,
    body: Bytes,
) -> Response {
    let form = match checked(&state, &visitor, &body) {
        Ok(form) => form,
        Err(refused) => return *refused,
    };
    let now = state.parts.source.clock.now();
    let password = form.get("password").unwrap_or_default();
    let token = state.gate.token(&visitor.session);
    match state.gate.enter(password, state.parts.ids.next(), now) {
        Ok(session) => {
            let mut answer = redirect(ROOT);
            if let Ok(cookie) = HeaderValue::from_str(&gate::set_cookie(&session)) {
                answer.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            answer
        }
        Err(Refusal::Wait(seconds)) => {
            let sentence = format!("Too many wrong passwords: try again in {seconds} s.");
            let page = page::login(&token, Some(&sentence));
            let wait = [(header::RETRY_AFTER, seconds.to_string())];
            (StatusCode::TOO_MANY_REQUESTS, wait, page).into_response()
        }
        Err(_) => {
            tracing::warn!("a wrong password was given to the console");
            let page = page::login(&token, Some("That is not the password."));
            (StatusCode::UNAUTHORIZED, page).into_response()
        }
    }
}

async fn leave(
    axum::extract::State(state): Shared,
    axum::extract::Extension(visitor): Known,
    body: Bytes,
) -> Response {
    if let Err(refused) = checked(&state, &visitor, &body) {
        return *refused;
    }
    let mut answer = redirect("/console/login");
    let gone = format!("{}=; Path=/console; Max-Age=0", gate::COOKIE);
    if let Ok(cookie) = HeaderValue::from_str(&gone) {
        answer.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    answer
}
