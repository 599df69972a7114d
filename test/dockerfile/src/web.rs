//! A server for files that ADD fetches.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};

/// Serves the files of a folder until the runtime ends.
pub async fn serve(folder: PathBuf) -> io::Result<SocketAddr> {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let routes = Router::new().fallback(answer).with_state(folder);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(address)
}

async fn answer(State(folder): State<PathBuf>, uri: Uri) -> Response {
    if uri.path() == "/moved" {
        return (StatusCode::FOUND, [(header::LOCATION, "/file")]).into_response();
    }
    if uri.path() == "/cut" {
        // More is promised than comes.
        let body = axum::body::Body::from_stream(futures::stream::iter([
            Ok(bytes::Bytes::from_static(b"half")),
            Err(io::Error::other("cut")),
        ]));
        return ([(header::CONTENT_LENGTH, "100")], body).into_response();
    }
    let path = Path::new(uri.path().trim_start_matches('/'));
    match std::fs::read(folder.join(path)) {
        Ok(bytes) => ([(header::LAST_MODIFIED, "Wed, 21 Oct 2015 07:28:00 GMT")], bytes).into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}
