//! The registry's names: the same repositories and images, as the OCI protocol sees them.

use async_trait::async_trait;
use base_id::Scope;
use base_store::{StoreError, Transaction};
use contract::image::{Catalog, CatalogEntry, CatalogError, PutManifest, Tenant};

use crate::Ecr;
use crate::model::Image;
use crate::table::{self, IMAGES, REPOSITORIES, TOKENS, image_key, repository_key};

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
        let valid = user == "AWS" && token.expires_at > self.clock.now();
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
        let mut images = table::images(&snapshot, &scope, repository).into_iter();
        images
            .find(|image| image.digest == reference || image.tags.iter().any(|tag| tag == reference))
            .map(|image| CatalogEntry {
                digest: image.digest.clone(),
                media_type: image.media_type.clone(),
            })
            .ok_or_else(|| CatalogError::ManifestUnknown(format!("{repository}:{reference}")))
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
            let images = table::images(&snapshot, &scope, &repository);
            if let Some(image) = images.iter().find(|image| image.digest == reference) {
                tx.delete(IMAGES, &image_key(&scope, &repository, &image.digest));
                return Ok(());
            }
            let tagged = images
                .iter()
                .find(|image| image.tags.contains(&reference))
                .ok_or_else(|| Failure(CatalogError::ManifestUnknown(format!("{repository}:{reference}"))))?;
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

    async fn repository_exists(&self, tenant: &Tenant, repository: &str) -> bool {
        self.store
            .snapshot()
            .get(REPOSITORIES, &repository_key(&scope(tenant), repository))
            .is_some()
    }
}

/// A tag belongs to one image at a time: it leaves the one that had it.
fn put(tx: &mut Transaction, scope: &Scope, name: &str, manifest: PutManifest) -> Result<(), CatalogError> {
    let snapshot = tx.snapshot();
    let repository = snapshot.get(REPOSITORIES, &repository_key(scope, name));
    let repository = repository.ok_or_else(|| CatalogError::RepositoryUnknown(name.to_owned()))?;
    let images = table::images(&snapshot, scope, name);
    let mut tags = images
        .iter()
        .find(|one| one.digest == manifest.digest)
        .map(|one| one.tags.clone())
        .unwrap_or_default();
    if let Some(tag) = manifest.tag {
        for other in images
            .iter()
            .filter(|one| one.tags.contains(&tag) && one.digest != manifest.digest)
        {
            if repository.immutable {
                return Err(CatalogError::TagImmutable(tag));
            }
            let mut other = Image::clone(other);
            other.tags.retain(|one| *one != tag);
            let key = image_key(scope, name, &other.digest);
            tx.put(IMAGES, &key, other);
        }
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    let image = Image {
        digest: manifest.digest.clone(),
        media_type: manifest.media_type,
        size_bytes: manifest.size_bytes,
        pushed_at: manifest.at,
        tags,
        config_media_type: manifest.config_media_type,
        subject: manifest.subject,
    };
    tx.put(IMAGES, &image_key(scope, name, &manifest.digest), image);
    Ok(())
}
