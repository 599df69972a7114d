//! The OCI distribution API under `/v2/`: a registry over the blobs of this machine and a catalog of names.
//!
//! `route` finds out what a path means, `blob`, `upload`, `manifest` and `name` serve it, `refusal` is what clients
//! are told when it does not work. Nothing is held in memory whole but manifests.

mod access;
mod blob;
mod manifest;
mod name;
mod refusal;
mod route;
mod upload;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use base_clock::Clock;
use contract::image::{Blobs, Catalog, Tenant};

use refusal::Refusal;
use route::Route;

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
    match serve(&registry, request).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    }
}

async fn serve(registry: &Registry, request: Request) -> Result<Response, Refusal> {
    let tenant: Tenant = access::authenticate(&*registry.catalog, request.headers()).await?;
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
        Route::Blob {
            repository,
            digest,
            head,
        } => {
            access::repository(registry, &tenant, &repository).await?;
            blob::serve(registry, &digest, head, request.headers()).await
        }
        Route::UploadBegin {
            repository,
            mount,
            digest,
        } => {
            access::repository(registry, &tenant, &repository).await?;
            upload::begin(registry, &repository, mount, digest, request).await
        }
        Route::Upload {
            repository,
            id,
            action,
        } => {
            access::repository(registry, &tenant, &repository).await?;
            upload::serve(registry, &repository, &id, action, request).await
        }
    }
}
