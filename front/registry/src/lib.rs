//! The OCI distribution API under `/v2/`: a registry over the blobs of this machine and a catalog of names.
//!
//! `route` finds out what a path means, `blob`, `upload`, `manifest`, `referrers` and `name` serve it, `refusal` is what
//! clients are told when it does not work. Nothing is held in memory whole but manifests.
//!
//! The bytes of all repositories lie in one store, but a blob is in a repository only when it was pushed to it or mounted
//! into it: who may read one repository does not read the others by guessing digests.

mod access;
mod blob;
mod manifest;
mod name;
mod referrers;
mod refusal;
mod route;
mod upload;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use base_clock::Clock;
use contract::image::{Blobs, Catalog, Tenant};

use http::{HeaderName, HeaderValue};
use refusal::Refusal;
use route::Route;

/// By this clients of any age know what they talk to.
const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");

/// Shared by all requests.
#[derive(Clone)]
struct Registry {
    blobs: Arc<dyn Blobs>,
    catalog: Arc<dyn Catalog>,
    clock: Arc<dyn Clock>,
}

/// Answers everything under `/v2` and `/v2/`; to be merged into the router of the endpoint.
pub fn router(blobs: Arc<dyn Blobs>, catalog: Arc<dyn Catalog>, clock: Arc<dyn Clock>) -> Router {
    let registry = Registry {
        blobs,
        catalog,
        clock,
    };
    let all = axum::routing::any(dispatch);
    Router::new()
        .route("/v2", all.clone())
        .route("/v2/", all.clone())
        .route("/v2/{*rest}", all)
        .with_state(registry)
}

async fn dispatch(State(registry): State<Registry>, request: Request) -> Response {
    let mut response = match serve(&registry, request).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    };
    response
        .headers_mut()
        .insert(API_VERSION, HeaderValue::from_static("registry/2.0"));
    response
}

async fn serve(registry: &Registry, request: Request) -> Result<Response, Refusal> {
    let presented = access::presented(&request);
    let tenant: Tenant = access::authenticate(&*registry.catalog, presented).await?;
    let route = route::parse(request.method(), request.uri())?;
    match route {
        Route::Base => name::base(),
        Route::Catalog(page) => name::catalog(registry, &tenant, &page).await,
        Route::Tags { repository, page } => name::tags(registry, &tenant, &repository, &page).await,
        Route::Manifest {
            repository,
            reference,
            action,
        } => manifest::serve(registry, &tenant, &repository, &reference, action, request).await,
        Route::Referrers {
            repository,
            subject,
            artifact_type,
            after,
        } => {
            let wanted = referrers::Wanted {
                subject: &subject,
                artifact_type: artifact_type.as_deref(),
                after: after.as_deref(),
            };
            referrers::list(registry, &tenant, &repository, wanted).await
        }
        Route::Blob {
            repository,
            digest,
            action,
        } => {
            access::repository(registry, &tenant, &repository).await?;
            blob::serve(registry, &tenant, &repository, &digest, action, request.headers()).await
        }
        Route::UploadBegin { repository, begin } => {
            access::repository(registry, &tenant, &repository).await?;
            upload::begin(registry, &tenant, &repository, begin, request).await
        }
        Route::Upload {
            repository,
            id,
            action,
        } => {
            access::repository(registry, &tenant, &repository).await?;
            upload::serve(registry, &tenant, &repository, &id, action, request).await
        }
    }
}
