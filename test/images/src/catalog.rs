//! A catalog in memory, with one tenant and one password.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use contract::image::{Catalog, CatalogEntry, CatalogError, PutManifest, Tenant};

#[derive(Default)]
pub struct MemoryCatalog {
    repositories: Mutex<BTreeMap<String, Repository>>,
}

#[derive(Default)]
struct Repository {
    immutable: bool,
    tags: BTreeMap<String, String>,
    /// Digest to media type.
    manifests: BTreeMap<String, String>,
    /// Subject and who refers to it.
    referrers: BTreeSet<(String, String)>,
    blobs: BTreeSet<String>,
}

impl MemoryCatalog {
    pub fn create(&self, name: &str, immutable: bool) {
        self.lock().insert(
            name.to_owned(),
            Repository {
                immutable,
                ..Repository::default()
            },
        );
    }

    /// As if the blob had been pushed to the repository.
    pub fn give(&self, name: &str, digest: &str) {
        if let Some(repository) = self.lock().get_mut(name) {
            repository.blobs.insert(digest.to_owned());
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Repository>> {
        self.repositories.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unknown(repository: &str) -> CatalogError {
    CatalogError::RepositoryUnknown(repository.to_owned())
}

#[async_trait]
impl Catalog for MemoryCatalog {
    async fn authenticate(&self, user: &str, password: &str) -> Option<Tenant> {
        let right = user == "AWS" && password == crate::PASSWORD;
        right.then(|| Tenant {
            account: "000000000000".to_owned(),
            region: "us-east-1".to_owned(),
        })
    }

    async fn repositories(&self, _: &Tenant, after: Option<&str>, limit: usize) -> Vec<String> {
        let repositories = self.lock();
        let names = repositories
            .keys()
            .filter(|name| after.is_none_or(|after| name.as_str() > after));
        names.take(limit).cloned().collect()
    }

    async fn resolve(
        &self,
        _: &Tenant,
        repository: &str,
        reference: &str,
    ) -> Result<CatalogEntry, CatalogError> {
        let repositories = self.lock();
        let found = repositories.get(repository).ok_or_else(|| unknown(repository))?;
        let digest = found.tags.get(reference).map_or(reference, String::as_str);
        let media_type = found.manifests.get(digest);
        let media_type = media_type.ok_or_else(|| CatalogError::ManifestUnknown(reference.to_owned()))?;
        Ok(CatalogEntry {
            digest: digest.to_owned(),
            media_type: media_type.clone(),
        })
    }

    async fn put(&self, _: &Tenant, repository: &str, manifest: PutManifest) -> Result<(), CatalogError> {
        let mut repositories = self.lock();
        let found = repositories
            .get_mut(repository)
            .ok_or_else(|| unknown(repository))?;
        for tag in manifest.tags {
            let taken = found
                .tags
                .get(&tag)
                .is_some_and(|digest| *digest != manifest.digest);
            if found.immutable && taken {
                let repository = repository.to_owned();
                return Err(CatalogError::TagImmutable { tag, repository });
            }
            found.tags.insert(tag, manifest.digest.clone());
        }
        if let Some(subject) = manifest.subject {
            found.referrers.insert((subject, manifest.digest.clone()));
        }
        found.manifests.insert(manifest.digest, manifest.media_type);
        Ok(())
    }

    async fn delete(&self, _: &Tenant, repository: &str, reference: &str) -> Result<(), CatalogError> {
        let mut repositories = self.lock();
        let found = repositories
            .get_mut(repository)
            .ok_or_else(|| unknown(repository))?;
        let known = found.tags.remove(reference).is_some() || found.manifests.remove(reference).is_some();
        found.tags.retain(|_, digest| digest != reference);
        if known {
            Ok(())
        } else {
            Err(CatalogError::ManifestUnknown(reference.to_owned()))
        }
    }

    async fn tags(
        &self,
        _: &Tenant,
        repository: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, CatalogError> {
        let repositories = self.lock();
        let found = repositories.get(repository).ok_or_else(|| unknown(repository))?;
        let tags: BTreeSet<&String> = found.tags.keys().collect();
        let tags = tags
            .into_iter()
            .filter(|tag| after.is_none_or(|after| tag.as_str() > after));
        Ok(tags.take(limit).cloned().collect())
    }

    async fn referrers(
        &self,
        _: &Tenant,
        repository: &str,
        subject: &str,
    ) -> Result<Vec<CatalogEntry>, CatalogError> {
        let repositories = self.lock();
        let found = repositories.get(repository).ok_or_else(|| unknown(repository))?;
        let referrers = found.referrers.iter().filter(|(known, _)| known == subject);
        let entry = |(_, digest): &(String, String)| {
            let media_type = found.manifests.get(digest)?.clone();
            let digest = digest.clone();
            Some(CatalogEntry { digest, media_type })
        };
        Ok(referrers.filter_map(entry).collect())
    }

    async fn pulled(&self, _: &Tenant, _: &str, _: &str) {}

    async fn has_blob(&self, _: &Tenant, repository: &str, digest: &str) -> bool {
        let repositories = self.lock();
        repositories
            .get(repository)
            .is_some_and(|found| found.blobs.contains(digest))
    }

    async fn add_blob(&self, _: &Tenant, repository: &str, digest: &str) -> Result<(), CatalogError> {
        let mut repositories = self.lock();
        let found = repositories
            .get_mut(repository)
            .ok_or_else(|| unknown(repository))?;
        found.blobs.insert(digest.to_owned());
        Ok(())
    }

    async fn remove_blob(&self, _: &Tenant, repository: &str, digest: &str) -> Result<bool, CatalogError> {
        let mut repositories = self.lock();
        let found = repositories
            .get_mut(repository)
            .ok_or_else(|| unknown(repository))?;
        Ok(found.blobs.remove(digest))
    }

    async fn repository_exists(&self, _: &Tenant, repository: &str) -> bool {
        self.lock().contains_key(repository)
    }
}
