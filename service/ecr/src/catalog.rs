//! The registry's names: the same repositories and images, as the OCI protocol sees them.

use std::time::Duration;

use async_trait::async_trait;
use base_id::Scope;
use base_store::{StoreError, Transaction};
use contract::image::{Catalog, CatalogEntry, CatalogError, PutManifest, Tenant};
use contract::manifest::{MANIFEST_BYTES_MAX, Manifest};

use crate::Ecr;
use crate::model::{Image, Link};
use crate::table::{self, BLOBS, IMAGES, REPOSITORIES, TOKENS, image_key, repository_key};

/// Whom a registry front asks for when the password came in a URL.
const URL_USER: &str = "url";
/// Pulls that follow each other faster are one.
const PULLS_NOTED_EVERY: Duration = Duration::from_secs(60);

struct Failure(CatalogError);

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self(CatalogError::Failed(error.to_string()))
    }
}

fn scope(tenant: &Tenant) -> Scope {
    Scope::new(&tenant.account, &tenant.region)
}

#[async_trait]
impl Catalog for Ecr {
    async fn authenticate(&self, user: &str, password: &str) -> Option<Tenant> {
        let token = self.store.snapshot().get(TOKENS, password)?;
        // One that was made for a URL opens nothing else.
        let wanted = if token.is_for_urls { URL_USER } else { "AWS" };
        let valid = user == wanted && token.expires_at > self.clock.now();
        valid.then(|| Tenant {
            account: token.account.clone(),
            region: token.region.clone(),
        })
    }

    async fn repositories(&self, tenant: &Tenant, after: Option<&str>, limit: usize) -> Vec<String> {
        let rows = self
            .store
            .snapshot()
            .prefix(REPOSITORIES, &format!("{}/", scope(tenant).key()));
        let names = rows.into_iter().map(|(_, row)| row.name.clone());
        names
            .filter(|name| after.is_none_or(|after| name.as_str() > after))
            .take(limit)
            .collect()
    }

    async fn resolve(
        &self,
        tenant: &Tenant,
        repository: &str,
        reference: &str,
    ) -> Result<CatalogEntry, CatalogError> {
        let (scope, snapshot) = (scope(tenant), self.store.snapshot());
        if snapshot
            .get(REPOSITORIES, &repository_key(&scope, repository))
            .is_none()
        {
            return Err(CatalogError::RepositoryUnknown(repository.to_owned()));
        }
        let images = table::images(&snapshot, &scope, repository);
        let found = images
            .iter()
            .find(|image| image.digest == reference || image.tags.iter().any(|tag| tag == reference));
        match found {
            Some(image) => Ok(entry(image)),
            None => Err(unknown(repository, reference)),
        }
    }

    async fn put(
        &self,
        tenant: &Tenant,
        repository: &str,
        manifest: PutManifest,
    ) -> Result<(), CatalogError> {
        let (scope, repository) = (scope(tenant), repository.to_owned());
        let result = self
            .store
            .write(move |tx| put(tx, &scope, &repository, manifest).map_err(Failure))
            .await;
        result.map_err(|failure| failure.0)
    }

    async fn delete(&self, tenant: &Tenant, repository: &str, reference: &str) -> Result<(), CatalogError> {
        let (scope, repository, reference) = (scope(tenant), repository.to_owned(), reference.to_owned());
        let result = self.store.write(move |tx| {
            let snapshot = tx.snapshot();
            if snapshot
                .get(REPOSITORIES, &repository_key(&scope, &repository))
                .is_none()
            {
                return Err(Failure(CatalogError::RepositoryUnknown(repository.clone())));
            }
            let images = table::images(&snapshot, &scope, &repository);
            if let Some(image) = images.iter().find(|image| image.digest == reference) {
                tx.delete(IMAGES, &image_key(&scope, &repository, &image.digest));
                return Ok(());
            }
            let tagged = images
                .iter()
                .find(|image| image.tags.contains(&reference))
                .ok_or_else(|| Failure(unknown(&repository, &reference)))?;
            let mut image = Image::clone(tagged);
            image.tags.retain(|tag| *tag != reference);
            let key = image_key(&scope, &repository, &image.digest);
            tx.put(IMAGES, &key, image);
            Ok::<_, Failure>(())
        });
        result.await.map_err(|failure| failure.0)
    }

    async fn tags(
        &self,
        tenant: &Tenant,
        repository: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, CatalogError> {
        if !self.repository_exists(tenant, repository).await {
            return Err(CatalogError::RepositoryUnknown(repository.to_owned()));
        }
        let images = table::images(&self.store.snapshot(), &scope(tenant), repository);
        let mut tags: Vec<String> = images.iter().flat_map(|image| image.tags.clone()).collect();
        tags.sort_unstable();
        Ok(tags
            .into_iter()
            .filter(|tag| after.is_none_or(|after| tag.as_str() > after))
            .take(limit)
            .collect())
    }

    async fn referrers(
        &self,
        tenant: &Tenant,
        repository: &str,
        subject: &str,
    ) -> Result<Vec<CatalogEntry>, CatalogError> {
        if !self.repository_exists(tenant, repository).await {
            return Err(CatalogError::RepositoryUnknown(repository.to_owned()));
        }
        let images = table::images(&self.store.snapshot(), &scope(tenant), repository);
        let referrers = images
            .iter()
            .filter(|image| image.subject.as_deref() == Some(subject));
        Ok(referrers.map(|image| entry(image)).collect())
    }

    async fn pulled(&self, tenant: &Tenant, repository: &str, digest: &str) {
        let (key, now) = (image_key(&scope(tenant), repository, digest), self.clock.now());
        let found = self.store.snapshot().get(IMAGES, &key);
        let stale = |image: &Image| image.pulled_at.is_none_or(|at| now >= at + PULLS_NOTED_EVERY);
        if !found.is_some_and(|image| stale(&image)) {
            return;
        }
        let noted = self.store.write(move |tx| {
            if let Some(image) = tx.get(IMAGES, &key) {
                let mut image = Image::clone(&image);
                image.pulled_at = Some(now);
                tx.put(IMAGES, &key, image);
            }
            Ok::<_, StoreError>(())
        });
        if let Err(error) = noted.await {
            tracing::warn!(%error, repository, digest, "a pull could not be noted");
        }
    }

    async fn has_blob(&self, tenant: &Tenant, repository: &str, digest: &str) -> bool {
        let (scope, snapshot) = (scope(tenant), self.store.snapshot());
        if snapshot
            .get(BLOBS, &image_key(&scope, repository, digest))
            .is_some()
        {
            return true;
        }
        // Versions before did not note blobs: what their images consist of is in the manifests.
        for image in table::images(&snapshot, &scope, repository) {
            if !image.blobs.is_empty() {
                continue;
            }
            let bytes = self.blobs.read(&image.digest, MANIFEST_BYTES_MAX as u64).await;
            let manifest = bytes
                .ok()
                .and_then(|bytes| Manifest::parse(&bytes, Some(&image.media_type)).ok());
            if manifest.is_some_and(|manifest| manifest.blobs.iter().any(|blob| blob.digest == digest)) {
                return true;
            }
        }
        false
    }

    async fn add_blob(&self, tenant: &Tenant, repository: &str, digest: &str) -> Result<(), CatalogError> {
        let (scope, repository) = (scope(tenant), repository.to_owned());
        let (digest, since) = (digest.to_owned(), self.clock.now());
        let added = self.store.write(move |tx| {
            if tx
                .get(REPOSITORIES, &repository_key(&scope, &repository))
                .is_none()
            {
                return Err(Failure(CatalogError::RepositoryUnknown(repository)));
            }
            let key = image_key(&scope, &repository, &digest);
            if tx.get(BLOBS, &key).is_none() {
                tx.put(BLOBS, &key, Link { since });
            }
            Ok(())
        });
        added.await.map_err(|failure| failure.0)
    }

    async fn remove_blob(
        &self,
        tenant: &Tenant,
        repository: &str,
        digest: &str,
    ) -> Result<bool, CatalogError> {
        let key = image_key(&scope(tenant), repository, digest);
        let removed = self.store.write(move |tx| {
            let found = tx.get(BLOBS, &key).is_some();
            tx.delete(BLOBS, &key);
            Ok::<_, Failure>(found)
        });
        removed.await.map_err(|failure| failure.0)
    }

    async fn repository_exists(&self, tenant: &Tenant, repository: &str) -> bool {
        self.store
            .snapshot()
            .get(REPOSITORIES, &repository_key(&scope(tenant), repository))
            .is_some()
    }
}

fn entry(image: &Image) -> CatalogEntry {
    CatalogEntry {
        digest: image.digest.clone(),
        media_type: image.media_type.clone(),
    }
}

fn unknown(repository: &str, reference: &str) -> CatalogError {
    let separator = if reference.contains(':') { '@' } else { ':' };
    CatalogError::ManifestUnknown(format!("{repository}{separator}{reference}"))
}

/// A tag belongs to one image at a time: it leaves the one that had it.
pub(crate) fn put(
    tx: &mut Transaction,
    scope: &Scope,
    name: &str,
    manifest: PutManifest,
) -> Result<(), CatalogError> {
    let snapshot = tx.snapshot();
    let repository = snapshot.get(REPOSITORIES, &repository_key(scope, name));
    let repository = repository.ok_or_else(|| CatalogError::RepositoryUnknown(name.to_owned()))?;
    let images = table::images(&snapshot, scope, name);
    let before = images.iter().find(|one| one.digest == manifest.digest);
    let mut tags = before.map(|one| one.tags.clone()).unwrap_or_default();
    for other in images.iter().filter(|one| one.digest != manifest.digest) {
        let mut left = Image::clone(other);
        left.tags.retain(|tag| !manifest.tags.contains(tag));
        if left.tags.len() == other.tags.len() {
            continue;
        }
        let mut moved = other.tags.iter().filter(|tag| manifest.tags.contains(tag));
        if let Some(tag) = moved.find(|tag| repository.protects(tag)) {
            let (tag, repository) = (tag.clone(), name.to_owned());
            return Err(CatalogError::TagImmutable { tag, repository });
        }
        let key = image_key(scope, name, &other.digest);
        tx.put(IMAGES, &key, left);
    }
    for tag in manifest.tags {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    let image = Image {
        digest: manifest.digest.clone(),
        media_type: manifest.media_type,
        size_bytes: manifest.size_bytes,
        pushed_at: manifest.at,
        pulled_at: before.and_then(|one| one.pulled_at),
        tags,
        config_media_type: manifest.config_media_type,
        subject: manifest.subject,
        children: manifest.children,
        blobs: manifest.blobs,
    };
    tx.put(IMAGES, &image_key(scope, name, &manifest.digest), image);
    Ok(())
}
