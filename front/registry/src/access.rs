//! Who may: Basic authentication with the password of a registry login, and repositories that exist.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use contract::image::{Catalog, Tenant};
use http::{HeaderMap, header};

use crate::Registry;
use crate::refusal::Refusal;

pub(crate) async fn authenticate(catalog: &dyn Catalog, headers: &HeaderMap) -> Result<Tenant, Refusal> {
    let (user, password) = credentials(headers).ok_or_else(Refusal::unauthorized)?;
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
