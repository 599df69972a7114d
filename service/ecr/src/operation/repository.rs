//! Repositories.

use aws_protocol::{ApiError, Context, page};
use aws_shape::ecr::*;
use base_id::Scope;

use crate::Ecr;
use crate::error::{invalid_parameter, repository_exists, repository_not_empty};
use crate::model;
use crate::table::{self, BLOBS, IMAGES, REPOSITORIES, image_key, repository_key};

const PAGE_REPOSITORIES_MAX: usize = 1000;
const PAGE_REPOSITORIES_DEFAULT: i32 = 100;
/// As in AWS.
const EXCLUSIONS_MAX: usize = 5;
const EXCLUSION_BYTES_MAX: usize = 128;
const EXCLUSION_WILDCARDS_MAX: usize = 2;

pub(super) async fn create_repository(
    ecr: &Ecr,
    context: &Context,
    input: CreateRepositoryRequest,
) -> Result<CreateRepositoryResponse, ApiError> {
    table::check_registry(
        &context.scope,
        input.registry_id.as_deref(),
        &input.repository_name,
    )?;
    let (immutable, exclusions) = mutability(
        input.image_tag_mutability,
        input.image_tag_mutability_exclusion_filters,
    )?;
    let encryption = encryption(ecr, &context.scope, input.encryption_configuration);
    let tags = input
        .tags
        .into_iter()
        .flatten()
        .map(|tag| (tag.key, tag.value))
        .collect();
    let repository = model::Repository {
        name: input.repository_name,
        created_at: ecr.clock.now(),
        immutable,
        exclusions,
        encryption,
        policy: None,
        lifecycle: None,
        preview: None,
        scan_on_push: input
            .image_scanning_configuration
            .and_then(|it| it.scan_on_push)
            .unwrap_or(false),
        tags,
    };
    let scope = context.scope.clone();
    let answer = shape(ecr, &scope, &repository);
    ecr.store
        .write(move |tx| {
            let key = repository_key(&scope, &repository.name);
            if tx.get(REPOSITORIES, &key).is_some() {
                return Err(repository_exists(&repository.name, &scope.account));
            }
            tx.put(REPOSITORIES, &key, repository);
            Ok(())
        })
        .await?;
    Ok(CreateRepositoryResponse {
        repository: Some(answer),
    })
}

pub(super) async fn describe_repositories(
    ecr: &Ecr,
    context: &Context,
    input: DescribeRepositoriesRequest,
) -> Result<DescribeRepositoriesResponse, ApiError> {
    let (scope, snapshot) = (&context.scope, ecr.store.snapshot());
    if let Some(other) = input
        .registry_id
        .as_deref()
        .filter(|other| *other != scope.account)
    {
        let first = input.repository_names.iter().flatten().next();
        table::check_registry(scope, Some(other), first.map_or("", String::as_str))?;
    }
    let found = match input.repository_names {
        Some(names) => names
            .iter()
            .map(|name| table::repository(&snapshot, scope, name))
            .collect::<Result<Vec<_>, _>>()?,
        None => {
            let rows = snapshot.prefix(REPOSITORIES, &format!("{}/", scope.key()));
            rows.into_iter().map(|(_, row)| row).collect()
        }
    };
    let shapes = found.iter().map(|one| shape(ecr, scope, one)).collect();
    let limit = input.max_results.or(Some(PAGE_REPOSITORIES_DEFAULT));
    let (repositories, next_token) = page(shapes, limit, PAGE_REPOSITORIES_MAX, input.next_token.as_deref())?;
    Ok(DescribeRepositoriesResponse {
        repositories: Some(repositories),
        next_token,
    })
}

pub(super) async fn delete_repository(
    ecr: &Ecr,
    context: &Context,
    input: DeleteRepositoryRequest,
) -> Result<DeleteRepositoryResponse, ApiError> {
    let scope = context.scope.clone();
    let name = input.repository_name;
    table::check_registry(&scope, input.registry_id.as_deref(), &name)?;
    let repository = ecr
        .store
        .write(move |tx| {
            let snapshot = tx.snapshot();
            let repository = table::repository(&snapshot, &scope, &name)?;
            let images = table::images(&snapshot, &scope, &name);
            if !images.is_empty() && input.force != Some(true) {
                return Err(repository_not_empty(&name, &scope.account));
            }
            images
                .iter()
                .for_each(|image| tx.delete(IMAGES, &image_key(&scope, &name, &image.digest)));
            for (key, _) in snapshot.prefix(BLOBS, &table::images_of(&scope, &name)) {
                tx.delete(BLOBS, &key);
            }
            tx.delete(REPOSITORIES, &repository_key(&scope, &name));
            Ok::<_, ApiError>(repository)
        })
        .await?;
    Ok(DeleteRepositoryResponse {
        repository: Some(shape(ecr, &context.scope, &repository)),
    })
}

/// Changes a repository's row.
pub(super) async fn change<T: Send + 'static>(
    ecr: &Ecr,
    scope: &Scope,
    name: &str,
    change: impl FnOnce(&mut model::Repository) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let (scope, name) = (scope.clone(), name.to_owned());
    ecr.store
        .write(move |tx| {
            let mut row = model::Repository::clone(&*table::repository(&tx.snapshot(), &scope, &name)?);
            let result = change(&mut row)?;
            tx.put(REPOSITORIES, &repository_key(&scope, &name), row);
            Ok(result)
        })
        .await
}

pub(super) async fn put_image_tag_mutability(
    ecr: &Ecr,
    context: &Context,
    input: PutImageTagMutabilityRequest,
) -> Result<PutImageTagMutabilityResponse, ApiError> {
    let (scope, name) = (&context.scope, input.repository_name);
    table::check_registry(scope, input.registry_id.as_deref(), &name)?;
    let (immutable, exclusions) = mutability(
        Some(input.image_tag_mutability),
        input.image_tag_mutability_exclusion_filters,
    )?;
    let row = change(ecr, scope, &name, move |row| {
        (row.immutable, row.exclusions) = (immutable, exclusions);
        Ok(row.clone())
    })
    .await?;
    let (mutability, filters) = shown_mutability(&row);
    Ok(PutImageTagMutabilityResponse {
        registry_id: Some(scope.account.clone()),
        repository_name: Some(name),
        image_tag_mutability: Some(mutability),
        image_tag_mutability_exclusion_filters: filters,
    })
}

/// Whether tags stay where they are, and the patterns of those for which it is the other way round.
fn mutability(
    setting: Option<ImageTagMutability>,
    filters: Option<Vec<ImageTagMutabilityExclusionFilter>>,
) -> Result<(bool, Vec<String>), ApiError> {
    let filters: Vec<String> = filters.into_iter().flatten().map(|it| it.filter).collect();
    let invalid = |sentence: &str| Err(invalid_parameter("imageTagMutabilityExclusionFilters", sentence));
    let (immutable, excluding) = match setting {
        None | Some(ImageTagMutability::Mutable) => (false, false),
        Some(ImageTagMutability::Immutable) => (true, false),
        Some(ImageTagMutability::MutableWithExclusion) => (false, true),
        Some(ImageTagMutability::ImmutableWithExclusion) => (true, true),
        Some(ImageTagMutability::Other(text)) => {
            let constraint = format!("Member must satisfy enum value set, which {text} is not in");
            return Err(invalid_parameter("imageTagMutability", &constraint));
        }
    };
    if excluding == filters.is_empty() {
        return invalid(if excluding {
            "Exclusion filters must be given when the mutability is one with exclusion"
        } else {
            "Exclusion filters can only be given when the mutability is one with exclusion"
        });
    }
    if filters.len() > EXCLUSIONS_MAX {
        return invalid("Member must have length less than or equal to 5");
    }
    let fits = |filter: &String| {
        filter.len() <= EXCLUSION_BYTES_MAX
            && filter.matches('*').count() <= EXCLUSION_WILDCARDS_MAX
            && filter
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._*-".contains(c))
    };
    if filters.iter().all(fits) {
        Ok((immutable, filters))
    } else {
        invalid(
            "Member must satisfy regular expression pattern: [0-9a-zA-Z._*-]{1,128}, with at most two wildcards",
        )
    }
}

fn shown_mutability(
    row: &model::Repository,
) -> (ImageTagMutability, Option<Vec<ImageTagMutabilityExclusionFilter>>) {
    let mutability = match (row.immutable, row.exclusions.is_empty()) {
        (false, true) => ImageTagMutability::Mutable,
        (true, true) => ImageTagMutability::Immutable,
        (false, false) => ImageTagMutability::MutableWithExclusion,
        (true, false) => ImageTagMutability::ImmutableWithExclusion,
    };
    let filters = row
        .exclusions
        .iter()
        .map(|filter| ImageTagMutabilityExclusionFilter {
            filter_type: ImageTagMutabilityExclusionFilterType::Wildcard,
            filter: filter.clone(),
        });
    let filters: Vec<_> = filters.collect();
    (mutability, (!filters.is_empty()).then_some(filters))
}

/// A key that was not named is the account's own for ECR.
fn encryption(ecr: &Ecr, scope: &Scope, given: Option<EncryptionConfiguration>) -> Option<model::Encryption> {
    let given = given.filter(|it| it.encryption_type != EncryptionType::Aes256)?;
    let own = || scope.arn("kms", &format!("key/{}", base_id::uuid(&ecr.ids.hex(32))));
    Some(model::Encryption {
        kind: given.encryption_type.to_string(),
        key: given.kms_key.unwrap_or_else(own),
    })
}

fn shape(ecr: &Ecr, scope: &Scope, repository: &model::Repository) -> Repository {
    let (mutability, filters) = shown_mutability(repository);
    let encryption = match &repository.encryption {
        None => EncryptionConfiguration {
            encryption_type: EncryptionType::Aes256,
            kms_key: None,
        },
        Some(it) => EncryptionConfiguration {
            encryption_type: EncryptionType::from(it.kind.as_str()),
            kms_key: Some(it.key.clone()),
        },
    };
    Repository {
        repository_arn: Some(scope.arn("ecr", &format!("repository/{}", repository.name))),
        registry_id: Some(scope.account.clone()),
        repository_name: Some(repository.name.clone()),
        repository_uri: Some(format!("{}/{}", ecr.registry, repository.name)),
        created_at: Some(repository.created_at),
        image_tag_mutability: Some(mutability),
        image_scanning_configuration: Some(ImageScanningConfiguration {
            scan_on_push: Some(repository.scan_on_push),
        }),
        encryption_configuration: Some(encryption),
        image_tag_mutability_exclusion_filters: filters,
    }
}
