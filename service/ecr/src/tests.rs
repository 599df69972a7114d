use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use aws_protocol::{ApiError, Context};
use aws_shape::ecr::*;
use base_clock::{Clock as _, ManualClock};
use base_id::{Scope, SequentialIds};
use base_store::Store;
use base64::Engine as _;
use bytes::Bytes;
use contract::image::{BlobError, Blobs, Catalog as _, CatalogError, PutManifest, Tenant};

use crate::Ecr;

/// Manifests by digest.
#[derive(Default)]
struct Shelf(Mutex<BTreeMap<String, Bytes>>);

#[async_trait]
impl Blobs for Shelf {
    async fn size(&self, _: &str) -> Result<Option<u64>, BlobError> {
        Ok(None)
    }
    async fn read(&self, digest: &str, _: u64) -> Result<Bytes, BlobError> {
        let shelf = self.0.lock().unwrap();
        shelf
            .get(digest)
            .cloned()
            .ok_or_else(|| BlobError::NotFound(digest.to_owned()))
    }
    async fn path(&self, digest: &str) -> Result<PathBuf, BlobError> {
        Err(BlobError::NotFound(digest.to_owned()))
    }
    async fn write(&self, _: Bytes) -> Result<String, BlobError> {
        unreachable!("ECR writes no blobs")
    }
    async fn upload_begin(&self) -> Result<String, BlobError> {
        unreachable!("ECR writes no blobs")
    }
    async fn upload_append(&self, _: &str, _: Option<u64>, _: Bytes) -> Result<u64, BlobError> {
        unreachable!("ECR writes no blobs")
    }
    async fn upload_size(&self, id: &str) -> Result<u64, BlobError> {
        Err(BlobError::UploadUnknown(id.to_owned()))
    }
    async fn upload_finish(&self, _: &str, _: &str) -> Result<(), BlobError> {
        unreachable!("ECR writes no blobs")
    }
    async fn upload_cancel(&self, _: &str) -> Result<(), BlobError> {
        Ok(())
    }
    async fn expire_uploads(&self, _: Duration) -> Result<u64, BlobError> {
        Ok(0)
    }
    async fn retain(&self, _: &[String]) -> Result<u64, BlobError> {
        Ok(0)
    }
}

struct World {
    ecr: Ecr,
    shelf: Arc<Shelf>,
    clock: Arc<ManualClock>,
    context: Context,
    tenant: Tenant,
}

fn world() -> World {
    let clock = Arc::new(ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap()));
    let shelf = Arc::new(Shelf::default());
    let ids = Arc::new(SequentialIds::default());
    let registry = "127.0.0.1:4566".to_owned();
    let ecr = Ecr::new(Store::in_memory(), clock.clone(), ids, shelf.clone(), registry);
    let context = Context {
        scope: Scope::new("000000000000", "us-east-1"),
        request_id: "r".into(),
        principal_arn: "arn:aws:iam::000000000000:root".into(),
        access_key: "k".into(),
    };
    let tenant = Tenant {
        account: "000000000000".into(),
        region: "us-east-1".into(),
    };
    World {
        ecr,
        shelf,
        clock,
        context,
        tenant,
    }
}

fn digest(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

impl World {
    async fn repository(&self, name: &str, immutable: bool) -> Result<Repository, ApiError> {
        let input = CreateRepositoryRequest {
            repository_name: name.into(),
            image_tag_mutability: immutable.then_some(ImageTagMutability::Immutable),
            ..Default::default()
        };
        let made = self.ecr.create_repository(&self.context, input).await?;
        Ok(made.repository.unwrap())
    }

    async fn push(&self, name: &str, digit: char, tag: &str) -> Result<(), CatalogError> {
        let manifest = PutManifest {
            digest: digest(digit),
            media_type: "application/vnd.oci.image.manifest.v1+json".into(),
            tags: vec![tag.into()],
            blobs: vec![],
            children: vec![],
            size_bytes: 7,
            config_media_type: None,
            subject: None,
            at: self.clock.now(),
        };
        let bytes = Bytes::from(format!("manifest {digit}"));
        self.shelf.0.lock().unwrap().insert(digest(digit), bytes);
        self.ecr.put(&self.tenant, name, manifest).await
    }

    async fn tags_of(&self, name: &str, digit: char) -> Option<Vec<String>> {
        let input = DescribeImagesRequest {
            repository_name: name.into(),
            ..Default::default()
        };
        let found = self.ecr.describe_images(&self.context, input).await.unwrap();
        let mut found = found.image_details.unwrap().into_iter();
        let image = found.find(|image| image.image_digest == Some(digest(digit)))?;
        Some(image.image_tags.unwrap_or_default())
    }

    async fn remove(&self, id: ImageIdentifier) -> BatchDeleteImageResponse {
        let input = BatchDeleteImageRequest {
            repository_name: "web".into(),
            image_ids: vec![id],
            ..Default::default()
        };
        self.ecr.batch_delete_image(&self.context, input).await.unwrap()
    }
}

fn tagged(tag: &str) -> ImageIdentifier {
    ImageIdentifier {
        image_tag: Some(tag.into()),
        image_digest: None,
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, ApiError>) -> String {
    result.unwrap_err().code.to_string()
}

#[tokio::test]
async fn repositories_are_made_once_and_removed_when_empty_or_by_force() {
    let world = world();
    let made = world.repository("team/web", false).await.unwrap();
    assert_eq!(made.repository_uri.as_deref(), Some("127.0.0.1:4566/team/web"));
    let again = world.repository("team/web", false).await;
    assert_eq!(code(again), "RepositoryAlreadyExistsException");
    world.push("team/web", '1', "latest").await.unwrap();
    let delete = |force: Option<bool>, registry: Option<&str>| {
        let input = DeleteRepositoryRequest {
            repository_name: "team/web".into(),
            registry_id: registry.map(str::to_owned),
            force,
        };
        world.ecr.delete_repository(&world.context, input)
    };
    assert_eq!(code(delete(None, None).await), "RepositoryNotEmptyException");
    let foreign = delete(Some(true), Some("111111111111")).await;
    assert_eq!(code(foreign), "RepositoryNotFoundException");
    delete(Some(true), Some("000000000000")).await.unwrap();
    assert_eq!(code(delete(None, None).await), "RepositoryNotFoundException");
    // What is made anew has no images of the one before.
    world.repository("team/web", false).await.unwrap();
    assert_eq!(world.tags_of("team/web", '1').await, None);
}

#[tokio::test]
async fn a_tag_moves_unless_the_repository_is_immutable() {
    let world = world();
    world.repository("web", false).await.unwrap();
    world.push("web", '1', "latest").await.unwrap();
    world.push("web", '2', "latest").await.unwrap();
    assert_eq!(world.tags_of("web", '1').await, Some(vec![]));
    assert_eq!(world.tags_of("web", '2').await, Some(vec!["latest".to_owned()]));
    world.repository("fixed", true).await.unwrap();
    world.push("fixed", '1', "latest").await.unwrap();
    world.push("fixed", '1', "latest").await.unwrap();
    let moved = world.push("fixed", '2', "latest").await;
    assert!(
        matches!(moved, Err(CatalogError::TagImmutable { .. })),
        "{moved:?}"
    );
    let lost = world.push("no", '1', "latest").await;
    assert!(matches!(lost, Err(CatalogError::RepositoryUnknown(_))));
}

#[tokio::test]
async fn an_image_goes_with_its_last_tag_or_by_its_digest() {
    let world = world();
    world.repository("web", false).await.unwrap();
    world.push("web", '1', "a").await.unwrap();
    world.push("web", '1', "b").await.unwrap();
    let gone = world.remove(tagged("a")).await.image_ids.unwrap();
    assert_eq!(gone[0].image_digest, Some(digest('1')));
    assert_eq!(world.tags_of("web", '1').await, Some(vec!["b".to_owned()]));
    world.remove(tagged("b")).await;
    assert_eq!(world.tags_of("web", '1').await, None);
    world.push("web", '2', "a").await.unwrap();
    world.push("web", '2', "b").await.unwrap();
    let by_digest = ImageIdentifier {
        image_digest: Some(digest('2')),
        image_tag: None,
    };
    assert_eq!(world.remove(by_digest.clone()).await.image_ids.unwrap().len(), 2);
    for (id, expected) in [
        (by_digest, ImageFailureCode::ImageNotFound),
        (ImageIdentifier::default(), ImageFailureCode::MissingDigestAndTag),
    ] {
        let failure = world.remove(id).await.failures.unwrap().remove(0);
        assert_eq!(failure.failure_code, Some(expected));
    }
}

#[tokio::test]
async fn images_are_read_listed_in_pages_and_missed_in_the_words_of_aws() {
    let world = world();
    world.repository("web", false).await.unwrap();
    for (digit, tag) in [('1', "a"), ('2', "b"), ('3', "c")] {
        world.push("web", digit, tag).await.unwrap();
    }
    world.shelf.0.lock().unwrap().remove(&digest('3'));
    let input = BatchGetImageRequest {
        repository_name: "web".into(),
        image_ids: vec![tagged("a"), tagged("no"), tagged("c")],
        ..Default::default()
    };
    let answer = world.ecr.batch_get_image(&world.context, input).await.unwrap();
    let images = answer.images.unwrap();
    assert_eq!(images.len(), 1);
    assert_eq!(images[0].image_manifest.as_deref(), Some("manifest 1"));
    assert_eq!(
        answer.failures.unwrap().len(),
        2,
        "one is unknown, one has lost its bytes"
    );
    let (mut token, mut seen) = (None, Vec::new());
    loop {
        let input = ListImagesRequest {
            repository_name: "web".into(),
            max_results: Some(2),
            next_token: token,
            ..Default::default()
        };
        let page = world.ecr.list_images(&world.context, input).await.unwrap();
        seen.extend(page.image_ids.unwrap().into_iter().filter_map(|id| id.image_tag));
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["a", "b", "c"]);
    let input = DescribeImagesRequest {
        repository_name: "web".into(),
        image_ids: Some(vec![tagged("no")]),
        ..Default::default()
    };
    let missing = world.ecr.describe_images(&world.context, input).await;
    assert_eq!(code(missing), "ImageNotFoundException");
}

#[tokio::test]
async fn a_login_is_valid_for_twelve_hours_and_for_its_own_region() {
    let world = world();
    let answer = world
        .ecr
        .get_authorization_token(&world.context, Default::default());
    let data = answer.await.unwrap().authorization_data.unwrap().remove(0);
    let text = base64::engine::general_purpose::STANDARD
        .decode(data.authorization_token.unwrap())
        .unwrap();
    let text = String::from_utf8(text).unwrap();
    let (user, password) = text.split_once(':').unwrap();
    assert_eq!(user, "AWS");
    let tenant = world.ecr.authenticate(user, password).await;
    assert_eq!(tenant.as_ref(), Some(&world.tenant));
    assert!(world.ecr.authenticate("root", password).await.is_none());
    assert!(world.ecr.authenticate(user, "wrong").await.is_none());
    world.clock.advance(Duration::from_secs(12 * 3600));
    assert!(world.ecr.authenticate(user, password).await.is_none());
}

#[tokio::test]
async fn exclusions_turn_mutability_round() {
    let world = world();
    world.repository("web", false).await.unwrap();
    let set = |mutability: &str, filters: &[&str]| {
        let filter = |text: &&str| ImageTagMutabilityExclusionFilter {
            filter_type: ImageTagMutabilityExclusionFilterType::Wildcard,
            filter: (*text).to_owned(),
        };
        let input = PutImageTagMutabilityRequest {
            repository_name: "web".into(),
            image_tag_mutability: mutability.into(),
            image_tag_mutability_exclusion_filters: Some(filters.iter().map(filter).collect()),
            ..Default::default()
        };
        world.ecr.put_image_tag_mutability(&world.context, input)
    };
    for (mutability, filters) in [
        ("IMMUTABLE", &["dev*"][..]),
        ("IMMUTABLE_WITH_EXCLUSION", &[]),
        ("IMMUTABLE_WITH_EXCLUSION", &["*a*b*"]),
        ("IMMUTABLE_WITH_EXCLUSION", &["a", "b", "c", "d", "e", "f"]),
        ("SOMETHING", &[]),
    ] {
        let refused = set(mutability, filters).await;
        assert_eq!(
            code(refused),
            "InvalidParameterException",
            "{mutability} {filters:?}"
        );
    }
    let answer = set("IMMUTABLE_WITH_EXCLUSION", &["dev*"]).await.unwrap();
    assert_eq!(
        answer.image_tag_mutability,
        Some(ImageTagMutability::ImmutableWithExclusion)
    );
    for (tag, moves) in [("dev-1", true), ("v1", false)] {
        world.push("web", '1', tag).await.unwrap();
        assert_eq!(world.push("web", '2', tag).await.is_ok(), moves, "{tag}");
    }
    set("MUTABLE_WITH_EXCLUSION", &["dev*"]).await.unwrap();
    assert!(world.push("web", '2', "v1").await.is_ok());
    let refused = world.push("web", '1', "dev-1").await.unwrap_err().to_string();
    assert_eq!(
        refused,
        "The image tag 'dev-1' already exists in the 'web' repository and cannot be overwritten because the repository is immutable."
    );
}

#[tokio::test]
async fn a_lifecycle_policy_is_previewed_and_then_does_it() {
    use base_reconcile::Reconciler as _;
    let world = world();
    world.repository("web", false).await.unwrap();
    for (digit, tag) in [('1', "a"), ('2', "b"), ('3', "c")] {
        world.push("web", digit, tag).await.unwrap();
        world.clock.advance(Duration::from_secs(60));
    }
    let text = r#"{"rules":[{"rulePriority":7,"selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":2},"action":{"type":"expire"}}]}"#;
    let start = |text: Option<&str>| {
        let input = StartLifecyclePolicyPreviewRequest {
            repository_name: "web".into(),
            lifecycle_policy_text: text.map(str::to_owned),
            ..Default::default()
        };
        world.ecr.start_lifecycle_policy_preview(&world.context, input)
    };
    let get = || {
        let input = GetLifecyclePolicyPreviewRequest {
            repository_name: "web".into(),
            ..Default::default()
        };
        world.ecr.get_lifecycle_policy_preview(&world.context, input)
    };
    assert_eq!(code(start(None).await), "LifecyclePolicyNotFoundException");
    assert_eq!(code(get().await), "LifecyclePolicyPreviewNotFoundException");
    start(Some(text)).await.unwrap();
    let preview = get().await.unwrap();
    let result = preview.preview_results.unwrap().remove(0);
    assert_eq!(result.image_digest, Some(digest('1')));
    assert_eq!(result.applied_rule_priority, Some(7));
    assert_eq!(preview.summary.unwrap().expiring_image_total_count, Some(1));
    // A preview changes nothing, whoever looks after the repositories meanwhile.
    let upkeep = crate::Upkeep::new(world.ecr.clone());
    upkeep.activate().await.unwrap();
    assert_eq!(world.tags_of("web", '1').await, Some(vec!["a".to_owned()]));
    let input = PutLifecyclePolicyRequest {
        repository_name: "web".into(),
        lifecycle_policy_text: text.into(),
        ..Default::default()
    };
    world
        .ecr
        .put_lifecycle_policy(&world.context, input)
        .await
        .unwrap();
    upkeep.activate().await.unwrap();
    assert_eq!(world.tags_of("web", '1').await, None);
    assert_eq!(world.tags_of("web", '2').await, Some(vec!["b".to_owned()]));
    let input = GetLifecyclePolicyRequest {
        repository_name: "web".into(),
        ..Default::default()
    };
    let stands = world
        .ecr
        .get_lifecycle_policy(&world.context, input)
        .await
        .unwrap();
    assert_eq!(stands.lifecycle_policy_text.as_deref(), Some(text));
    assert_eq!(stands.last_evaluated_at, Some(world.clock.now()));
}

#[tokio::test]
async fn blobs_belong_to_the_repositories_that_were_given_them() {
    let world = world();
    world.repository("web", false).await.unwrap();
    world.repository("other", false).await.unwrap();
    let (ecr, tenant) = (&world.ecr, &world.tenant);
    let blob = digest('7');
    assert!(!ecr.has_blob(tenant, "web", &blob).await);
    ecr.add_blob(tenant, "web", &blob).await.unwrap();
    assert!(ecr.has_blob(tenant, "web", &blob).await);
    assert!(!ecr.has_blob(tenant, "other", &blob).await);
    assert!(ecr.remove_blob(tenant, "web", &blob).await.unwrap());
    assert!(!ecr.remove_blob(tenant, "web", &blob).await.unwrap());
    // With the repository go its blobs; one of the same name begins without.
    ecr.add_blob(tenant, "web", &blob).await.unwrap();
    let input = DeleteRepositoryRequest {
        repository_name: "web".into(),
        ..Default::default()
    };
    ecr.delete_repository(&world.context, input).await.unwrap();
    world.repository("web", false).await.unwrap();
    assert!(!ecr.has_blob(tenant, "web", &blob).await);
    // A row of a version that did not note blobs: they are in its manifest.
    world.push("web", '1', "old").await.unwrap();
    let manifest = format!(r#"{{"schemaVersion":2,"config":{{"digest":"{blob}","size":2}},"layers":[]}}"#);
    world
        .shelf
        .0
        .lock()
        .unwrap()
        .insert(digest('1'), Bytes::from(manifest));
    assert!(ecr.has_blob(tenant, "web", &blob).await);
}

#[tokio::test]
async fn tags_of_repositories_are_kept() {
    let world = world();
    let arn = world
        .repository("web", false)
        .await
        .unwrap()
        .repository_arn
        .unwrap();
    let input = TagResourceRequest {
        resource_arn: arn.clone(),
        tags: vec![Tag {
            key: "a".into(),
            value: "b".into(),
        }],
    };
    world.ecr.tag_resource(&world.context, input).await.unwrap();
    let list = |arn: &str| {
        let input = ListTagsForResourceRequest {
            resource_arn: arn.into(),
        };
        world.ecr.list_tags_for_resource(&world.context, input)
    };
    assert_eq!(list(&arn).await.unwrap().tags.unwrap()[0].value, "b");
    let input = UntagResourceRequest {
        resource_arn: arn.clone(),
        tag_keys: vec!["a".into()],
    };
    world.ecr.untag_resource(&world.context, input).await.unwrap();
    assert!(list(&arn).await.unwrap().tags.unwrap().is_empty());
    assert_eq!(code(list("arn:aws:s3:::b").await), "InvalidParameterException");
}
