//! Redirects: where to is made from the request.

use contract::route::{Listener, Redirect};
use http::header::{self, HeaderValue};
use http::{Request, Response, StatusCode};

use crate::page::{self, Body};
use crate::serve::Client;

pub(crate) fn answer<B>(
    to: &Redirect,
    listener: &Listener,
    client: Client,
    request: &Request<B>,
) -> Response<Body> {
    let status = StatusCode::from_u16(to.status).unwrap_or(StatusCode::FOUND);
    let mut response = page::own(page::Own::Redirect, status, "text/html", String::new());
    if let Ok(location) = HeaderValue::from_str(&location(to, listener.bind.port(), client.secure, request)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn location<B>(to: &Redirect, port: u16, secure: bool, request: &Request<B>) -> String {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|it| it.to_str().ok());
    let host = host
        .or_else(|| request.uri().authority().map(|it| it.as_str()))
        .unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let parts = [
        ("#{protocol}", if secure { "https" } else { "http" }.to_owned()),
        ("#{host}", host.to_owned()),
        ("#{port}", port.to_string()),
        ("#{path}", request.uri().path().trim_start_matches('/').to_owned()),
        ("#{query}", request.uri().query().unwrap_or_default().to_owned()),
    ];
    let fill = |template: &str| {
        let mut text = String::new();
        let mut rest = template;
        // What was filled in is not looked at again.
        while let Some(at) = rest.find("#{") {
            text.push_str(&rest[..at]);
            rest = &rest[at..];
            match parts.iter().find(|(name, _)| rest.starts_with(name)) {
                Some((name, value)) => {
                    text.push_str(value);
                    rest = &rest[name.len()..];
                }
                None => {
                    text.push_str("#{");
                    rest = &rest[2..];
                }
            }
        }
        text + rest
    };
    let (protocol, query) = (fill(&to.protocol).to_lowercase(), fill(&to.query));
    let question = if query.is_empty() { "" } else { "?" };
    format!(
        "{protocol}://{}:{}{}{question}{query}",
        fill(&to.host),
        fill(&to.port),
        fill(&to.path)
    )
}

#[cfg(test)]
mod tests;
