//! Upkeep: images that a lifecycle policy expires are removed, and so are uploads that nobody goes on with.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base_id::Scope;
use base_reconcile::{Outcome, Reconciler};
use base_store::StoreError;
use jiff::Timestamp;

use crate::Ecr;
use crate::lifecycle::Policy;
use crate::model::{Lifecycle, Repository};
use crate::plan;
use crate::table::{self, IMAGES, REPOSITORIES, image_key};

/// An upload that nobody touched for this long is given up.
const UPLOAD_IDLE: Duration = Duration::from_secs(60 * 60);
/// Images without tags may be parts of an index that is still on its way.
const UNTAGGED_GRACE: Duration = Duration::from_secs(60);
/// How often it is noted that a policy was looked at, when it changed nothing.
const NOTED_EVERY: Duration = Duration::from_secs(60 * 60);
/// How often ages are looked at although nothing changed.
const LOOK_EVERY: Duration = Duration::from_secs(60);

pub struct Upkeep {
    ecr: Ecr,
}

impl Upkeep {
    /// What wakes it.
    pub const READS: &[&str] = &[REPOSITORIES.name, IMAGES.name];

    pub fn new(ecr: Ecr) -> Self {
        Self { ecr }
    }
}

#[async_trait]
impl Reconciler for Upkeep {
    fn name(&self) -> &'static str {
        "ecr upkeep"
    }

    async fn activate(&self) -> Result<Outcome, String> {
        let now = self.ecr.clock.now();
        let snapshot = self.ecr.store.snapshot();
        for (key, repository) in snapshot.list(REPOSITORIES) {
            let Some(lifecycle) = repository.lifecycle.clone() else {
                continue;
            };
            let scope = Scope::of_key(&key);
            let gone = due(
                &lifecycle,
                &table::images(&snapshot, &scope, &repository.name),
                now,
            );
            let noted = lifecycle.evaluated_at.is_some_and(|at| now < at + NOTED_EVERY);
            if !gone.is_empty() || !noted {
                self.save(scope, Repository::clone(&repository), now).await?;
            }
        }
        let freed_bytes = self.ecr.blobs.expire_uploads(UPLOAD_IDLE).await;
        let freed_bytes = freed_bytes.map_err(|error| error.to_string())?;
        if freed_bytes > 0 {
            tracing::info!(freed_bytes, "uploads that nobody went on with are removed");
        }
        Ok(Outcome::Until(now + LOOK_EVERY))
    }
}

/// What a policy expires by now.
fn due(lifecycle: &Lifecycle, images: &[Arc<crate::model::Image>], now: Timestamp) -> BTreeMap<String, i32> {
    // One that no longer reads was given to another version, and expires nothing.
    let Ok(policy) = Policy::parse(&lifecycle.text) else {
        return BTreeMap::new();
    };
    let mut gone = plan::expiring(&policy, images, now);
    let arriving = |image: &&Arc<crate::model::Image>| {
        image.tags.is_empty() && image.subject.is_none() && now < image.pushed_at + UNTAGGED_GRACE
    };
    for image in images.iter().filter(arriving) {
        gone.remove(&image.digest);
    }
    gone
}

impl Upkeep {
    /// Asked again inside the transaction: an image may have come or gone since.
    async fn save(&self, scope: Scope, repository: Repository, now: Timestamp) -> Result<(), String> {
        let name = repository.name;
        let written = self.ecr.store.write(move |tx| {
            let snapshot = tx.snapshot();
            let Ok(found) = table::repository(&snapshot, &scope, &name) else {
                return Ok(());
            };
            let mut repository = Repository::clone(&found);
            let Some(lifecycle) = &mut repository.lifecycle else {
                return Ok(());
            };
            let gone = due(lifecycle, &table::images(&snapshot, &scope, &name), now);
            lifecycle.evaluated_at = Some(now);
            for (digest, priority) in gone {
                tracing::info!(repository = %name, %digest, priority, "an image expires by its lifecycle policy");
                tx.delete(IMAGES, &image_key(&scope, &name, &digest));
            }
            tx.put(REPOSITORIES, &table::repository_key(&scope, &name), repository);
            Ok::<_, StoreError>(())
        });
        written.await.map_err(|error| error.to_string())
    }
}
