//! Answers the proxy gives itself, in the form in which an Application Load Balancer gives them, with the reason.

use bytes::Bytes;
use http::{Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, combinators::BoxBody};

pub(crate) type Body = BoxBody<Bytes, hyper::Error>;

/// An error page. `reason` is a clause without a full stop, such as `no target is registered`.
pub(crate) fn error(status: StatusCode, reason: &str) -> Response<Body> {
    let body = format!(
        "<html>\r\n<head><title>{status}</title></head>\r\n<body>\r\n<center><h1>{status}</h1></center>\r\n\
         <center>{}</center>\r\n</body>\r\n</html>\r\n",
        escape(reason)
    );
    own(Own::Error, status, "text/html", body)
}

/// Marks an answer that no target gave, by why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Own {
    /// Something was wrong.
    Error,
    /// The listener says so.
    Fixed,
    Redirect,
}

pub(crate) fn own(kind: Own, status: StatusCode, content_type: &str, body: String) -> Response<Body> {
    let mut response = Response::new(full(body));
    *response.status_mut() = status;
    response.extensions_mut().insert(kind);
    if let Ok(value) = header::HeaderValue::from_str(content_type) {
        response.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    response
}

pub(crate) fn full(body: String) -> Body {
    Full::new(Bytes::from(body))
        .map_err(|never| match never {})
        .boxed()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
