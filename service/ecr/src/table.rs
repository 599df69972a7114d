//! What is stored: repositories under `<account>/<region>/<name>`, images under `<account>/<region>/<name>@<digest>`,
//! tokens under themselves. The blobs that a repository has lie under the same key as an image with that digest would, what
//! is set for a whole registry under `<account>/<region>`.

use std::sync::Arc;

use aws_protocol::ApiError;
use base_id::Scope;
use base_store::{Snapshot, Table};

use crate::error;
use crate::model::{Image, Link, Registry, Repository, Token};

pub(crate) const REPOSITORIES: Table<Repository> = Table::new("ecr/repository", 1);
pub(crate) const IMAGES: Table<Image> = Table::new("ecr/image", 1);
pub(crate) const BLOBS: Table<Link> = Table::new("ecr/blob", 1);
pub(crate) const REGISTRIES: Table<Registry> = Table::new("ecr/registry", 1);
pub(crate) const TOKENS: Table<Token> = Table::new("ecr/token", 1);

pub(crate) fn repository_key(scope: &Scope, name: &str) -> String {
    format!("{}/{name}", scope.key())
}

/// The head of the keys of a repository's images; no repository's name contains an `@`.
pub(crate) fn images_of(scope: &Scope, name: &str) -> String {
    format!("{}/{name}@", scope.key())
}

pub(crate) fn image_key(scope: &Scope, name: &str, digest: &str) -> String {
    format!("{}{digest}", images_of(scope, name))
}

/// # Errors
/// `RepositoryNotFoundException`
pub(crate) fn repository(
    snapshot: &Snapshot,
    scope: &Scope,
    name: &str,
) -> Result<Arc<Repository>, ApiError> {
    let found = snapshot.get(REPOSITORIES, &repository_key(scope, name));
    found.ok_or_else(|| error::repository_not_found(name, &scope.account))
}

/// Only the caller's own registry is here.
///
/// # Errors
/// `RepositoryNotFoundException` when another account's is asked for.
pub(crate) fn check_registry(scope: &Scope, given: Option<&str>, name: &str) -> Result<(), ApiError> {
    match given {
        Some(other) if other != scope.account => Err(error::repository_not_found(name, other)),
        _ => Ok(()),
    }
}

/// What is set for the whole registry; nothing if nobody set anything.
pub(crate) fn registry(snapshot: &Snapshot, scope: &Scope) -> Registry {
    let found = snapshot.get(REGISTRIES, &scope.key());
    found.map_or_else(Registry::default, |row| Registry::clone(&row))
}

/// A repository's images, by digest.
pub(crate) fn images(snapshot: &Snapshot, scope: &Scope, name: &str) -> Vec<Arc<Image>> {
    snapshot
        .prefix(IMAGES, &images_of(scope, name))
        .into_iter()
        .map(|(_, image)| image)
        .collect()
}
