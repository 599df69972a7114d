//! Lifecycle policies of repositories.

use aws_protocol::{ApiError, Context, page};
use aws_shape::ecr::*;

use crate::Ecr;
use crate::error::not_set;
use crate::lifecycle::Policy;
use crate::model::{Expiring, Lifecycle, Preview, Repository as Row};
use crate::plan;
use crate::table;

const PAGE_IMAGES_MAX: usize = 1000;
const PAGE_IMAGES_DEFAULT: i32 = 100;

fn no_policy(name: &str, account: &str) -> ApiError {
    not_set(
        "LifecyclePolicyNotFoundException",
        "Lifecycle policy",
        name,
        account,
    )
}

pub(super) async fn put_lifecycle_policy(
    ecr: &Ecr,
    context: &Context,
    input: PutLifecyclePolicyRequest,
) -> Result<PutLifecyclePolicyResponse, ApiError> {
    let (name, text) = (input.repository_name, input.lifecycle_policy_text);
    table::check_registry(&context.scope, input.registry_id.as_deref(), &name)?;
    Policy::parse(&text)?;
    let policy = Lifecycle {
        text: text.clone(),
        evaluated_at: None,
    };
    super::repository::change(ecr, &context.scope, &name, |row| {
        row.lifecycle = Some(policy);
        Ok(())
    })
    .await?;
    Ok(PutLifecyclePolicyResponse {
        registry_id: Some(context.scope.account.clone()),
        repository_name: Some(name),
        lifecycle_policy_text: Some(text),
    })
}

pub(super) async fn get_lifecycle_policy(
    ecr: &Ecr,
    context: &Context,
    input: GetLifecyclePolicyRequest,
) -> Result<GetLifecyclePolicyResponse, ApiError> {
    let (scope, name) = (&context.scope, input.repository_name);
    table::check_registry(scope, input.registry_id.as_deref(), &name)?;
    let row = table::repository(&ecr.store.snapshot(), scope, &name)?;
    let policy = row.lifecycle.clone();
    let policy = policy.ok_or_else(|| no_policy(&name, &scope.account))?;
    Ok(GetLifecyclePolicyResponse {
        registry_id: Some(scope.account.clone()),
        repository_name: Some(name),
        lifecycle_policy_text: Some(policy.text),
        last_evaluated_at: policy.evaluated_at,
    })
}

pub(super) async fn delete_lifecycle_policy(
    ecr: &Ecr,
    context: &Context,
    input: DeleteLifecyclePolicyRequest,
) -> Result<DeleteLifecyclePolicyResponse, ApiError> {
    let (scope, name) = (&context.scope, input.repository_name);
    table::check_registry(scope, input.registry_id.as_deref(), &name)?;
    let missing = no_policy(&name, &scope.account);
    let policy =
        super::repository::change(ecr, scope, &name, move |row| row.lifecycle.take().ok_or(missing)).await?;
    Ok(DeleteLifecyclePolicyResponse {
        registry_id: Some(scope.account.clone()),
        repository_name: Some(name),
        lifecycle_policy_text: Some(policy.text),
        last_evaluated_at: policy.evaluated_at,
    })
}

/// The preview is made at once, and is there when it is first asked for.
pub(super) async fn start_lifecycle_policy_preview(
    ecr: &Ecr,
    context: &Context,
    input: StartLifecyclePolicyPreviewRequest,
) -> Result<StartLifecyclePolicyPreviewResponse, ApiError> {
    let (scope, name) = (&context.scope, input.repository_name);
    table::check_registry(scope, input.registry_id.as_deref(), &name)?;
    let snapshot = ecr.store.snapshot();
    let row = table::repository(&snapshot, scope, &name)?;
    let own = row.lifecycle.as_ref().map(|policy| policy.text.clone());
    let text = input.lifecycle_policy_text.or(own);
    let text = text.ok_or_else(|| no_policy(&name, &scope.account))?;
    let policy = Policy::parse(&text)?;
    let images = table::images(&snapshot, scope, &name);
    let gone = plan::expiring(&policy, &images, ecr.clock.now());
    let expiring = images.iter().filter_map(|image| {
        Some(Expiring {
            digest: image.digest.clone(),
            tags: image.tags.clone(),
            pushed_at: image.pushed_at,
            priority: *gone.get(&image.digest)?,
        })
    });
    let preview = Preview {
        text: text.clone(),
        expiring: expiring.collect(),
    };
    super::repository::change(ecr, scope, &name, |row| {
        row.preview = Some(preview);
        Ok(())
    })
    .await?;
    Ok(StartLifecyclePolicyPreviewResponse {
        registry_id: Some(scope.account.clone()),
        repository_name: Some(name),
        lifecycle_policy_text: Some(text),
        status: Some(LifecyclePolicyPreviewStatus::InProgress),
    })
}

pub(super) async fn get_lifecycle_policy_preview(
    ecr: &Ecr,
    context: &Context,
    input: GetLifecyclePolicyPreviewRequest,
) -> Result<GetLifecyclePolicyPreviewResponse, ApiError> {
    let (scope, name) = (&context.scope, input.repository_name.clone());
    table::check_registry(scope, input.registry_id.as_deref(), &name)?;
    let row: std::sync::Arc<Row> = table::repository(&ecr.store.snapshot(), scope, &name)?;
    let preview = row.preview.as_ref().ok_or_else(|| {
        not_set(
            "LifecyclePolicyPreviewNotFoundException",
            "Lifecycle policy preview",
            &name,
            &scope.account,
        )
    })?;
    let total = i32::try_from(preview.expiring.len()).unwrap_or(i32::MAX);
    let results = preview.expiring.iter().filter(|image| is_wanted(image, &input));
    let results = results.map(shape).collect();
    let limit = input.max_results.or(Some(PAGE_IMAGES_DEFAULT));
    let (results, next_token) = page(results, limit, PAGE_IMAGES_MAX, input.next_token.as_deref())?;
    Ok(GetLifecyclePolicyPreviewResponse {
        registry_id: Some(scope.account.clone()),
        repository_name: Some(name),
        lifecycle_policy_text: Some(preview.text.clone()),
        status: Some(LifecyclePolicyPreviewStatus::Complete),
        next_token,
        preview_results: Some(results),
        summary: Some(LifecyclePolicyPreviewSummary {
            expiring_image_total_count: Some(total),
            transitioning_image_total_counts: None,
        }),
    })
}

fn is_wanted(image: &Expiring, input: &GetLifecyclePolicyPreviewRequest) -> bool {
    let status = input.filter.as_ref().and_then(|it| it.tag_status.as_ref());
    let by_status = match status {
        Some(TagStatus::Tagged) => !image.tags.is_empty(),
        Some(TagStatus::Untagged) => image.tags.is_empty(),
        _ => true,
    };
    let is_meant = |id: &ImageIdentifier| {
        id.image_digest
            .as_ref()
            .is_none_or(|digest| *digest == image.digest)
            && id.image_tag.as_ref().is_none_or(|tag| image.tags.contains(tag))
    };
    let by_id = input
        .image_ids
        .as_ref()
        .is_none_or(|ids| ids.is_empty() || ids.iter().any(is_meant));
    by_status && by_id
}

fn shape(image: &Expiring) -> LifecyclePolicyPreviewResult {
    LifecyclePolicyPreviewResult {
        image_tags: Some(image.tags.clone()),
        image_digest: Some(image.digest.clone()),
        image_pushed_at: Some(image.pushed_at),
        action: Some(LifecyclePolicyRuleAction {
            type_: Some(ImageActionType::Expire),
            target_storage_class: None,
        }),
        applied_rule_priority: Some(image.priority),
        storage_class: None,
    }
}
