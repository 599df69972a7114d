//! Keeps web pages out: a browser sends `Host` and `Origin`, and neither may be foreign.
//!
//! A page of some site that knows this machine's port could otherwise post to it, also through a name of its own
//! that it lets point here (DNS rebinding).

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode, Uri, header};

/// Which names this machine goes by, and which web pages may call it.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    names: BTreeSet<String>,
    origins: BTreeSet<String>,
}

impl Hosts {
    /// Loopback addresses, `localhost` and `*.localhost` are always ours.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more name or address, without a port.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.names
            .insert(name.trim_matches(['[', ']']).to_ascii_lowercase());
        self
    }

    /// One more origin whose pages may call, such as `http://127.0.0.1:4566`.
    #[must_use]
    pub fn origin(mut self, origin: &str) -> Self {
        self.origins.insert(origin.to_ascii_lowercase());
        self
    }

    /// Puts itself before every route of a router: what is foreign is answered 403.
    pub fn protect(self, router: Router) -> Router {
        router.layer(from_fn_with_state(Arc::new(self), guard))
    }

    /// # Errors
    /// A sentence that says what is foreign.
    pub fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), String> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = match (hosts.next(), hosts.next(), uri.authority()) {
            (Some(host), None, _) => host.to_str().unwrap_or_default().to_owned(),
            (None, _, Some(authority)) => authority.to_string(),
            (_, Some(_), _) => return Err("The request has more than one Host header.".to_owned()),
            (None, _, None) => return Err("The request has no Host header.".to_owned()),
        };
        if uri
            .authority()
            .is_some_and(|it| !it.as_str().eq_ignore_ascii_case(&host))
            || !self.is_ours(&host)
        {
            return Err(format!(
                "The request is for the host {host:?}, which is not this one. A name that leads here must be \
                 configured."
            ));
        }
        for origin in headers.get_all(header::ORIGIN) {
            let origin = origin.to_str().unwrap_or_default();
            if !self.origins.contains(&origin.to_ascii_lowercase()) {
                return Err(format!(
                    "The request comes from a web page of {origin:?}, which is not allowed."
                ));
            }
        }
        Ok(())
    }

    fn is_ours(&self, host: &str) -> bool {
        let name = without_port(host).trim_end_matches('.').to_ascii_lowercase();
        let is_loopback = |it: IpAddr| it.is_loopback() || it.to_canonical().is_loopback();
        self.names.contains(&name)
            || name == "localhost"
            || name.ends_with(".localhost")
            || name.parse().is_ok_and(is_loopback)
    }
}

fn without_port(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or_default();
    }
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|it| it.is_ascii_digit()) => name,
        _ => host,
    }
}

async fn guard(State(hosts): State<Arc<Hosts>>, request: Request, next: Next) -> Response {
    match hosts.check(request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(reason) => {
            tracing::warn!(reason, "request refused");
            (StatusCode::FORBIDDEN, format!("{reason}\n")).into_response()
        }
    }
}

#[cfg(test)]
mod tests;
