//! Who may: Basic authentication with the password of a registry login, and repositories that exist.

use axum::extract::Request;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use contract::image::{Catalog, Tenant};
use http::{HeaderMap, Method, header};

use crate::Registry;
use crate::refusal::Refusal;
use crate::route;

/// For whom a password that came in a URL is.
const URL_USER: &str = "url";

/// User and password as they came. A URL with `token` opens what it leads to for reading, as those of
/// `GetDownloadUrlForLayer` do.
pub(crate) fn presented(request: &Request) -> Option<(String, String)> {
    match credentials(request.headers()) {
        Some((user, _)) if user == URL_USER => None,
        Some(found) => Some(found),
        None if matches!(*request.method(), Method::GET | Method::HEAD) => {
            let token = route::parameter(request.uri(), "token")?;
            Some((URL_USER.to_owned(), token))
        }
        None => None,
    }
}

pub(crate) async fn authenticate(
    catalog: &dyn Catalog,
    presented: Option<(String, String)>,
) -> Result<Tenant, Refusal> {
    let (user, password) = presented.ok_or_else(Refusal::unauthorized)?;
    catalog
        .authenticate(&user, &password)
        .await
        .ok_or_else(Refusal::unauthorized)
}

fn credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// As in ECR, nothing is pushed to or pulled from a repository that nobody has made.
pub(crate) async fn repository(registry: &Registry, tenant: &Tenant, name: &str) -> Result<(), Refusal> {
    if registry.catalog.repository_exists(tenant, name).await {
        Ok(())
    } else {
        Err(Refusal::name_unknown(name))
    }
}
