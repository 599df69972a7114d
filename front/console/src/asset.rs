//! What is in the program: the style sheet, the script, the icon.

use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};

const STYLE: &str = include_str!("asset/style.css");
const SCRIPT: &str = include_str!("asset/script.js");
const ICON: &str = include_str!("asset/icon.svg");

pub(crate) fn find(name: &str) -> Response {
    let (kind, text) = match name {
        "style.css" => ("text/css; charset=utf-8", STYLE),
        "script.js" => ("text/javascript; charset=utf-8", SCRIPT),
        "icon.svg" => ("image/svg+xml", ICON),
        _ => return (StatusCode::NOT_FOUND, "There is no such file.\n").into_response(),
    };
    // Another version of the program may have others.
    (
        [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")],
        text,
    )
        .into_response()
}
