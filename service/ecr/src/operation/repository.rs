//! Repositories.

use aws_protocol::{ApiError, Context, page};
use aws_shape::ecr::*;
use base_id::Scope;

use crate::Ecr;
use crate::error::{repository_exists, repository_not_empty, unsupported};
use crate::model;
use crate::table::{self, IMAGES, REPOSITORIES, image_key, repository_key};

const PAGE_REPOSITORIES_MAX: usize = 1000;
const PAGE_REPOSITORIES_DEFAULT: i32 = 100;

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
    if input
        .image_tag_mutability_exclusion_filters
        .as_ref()
        .is_some_and(|it| !it.is_empty())
    {
        return Err(unsupported("exclusions from tag mutability"));
    }
    let immutable = match input.image_tag_mutability {
        None | Some(ImageTagMutability::Mutable) => false,
        Some(ImageTagMutability::Immutable) => true,
        Some(_) => return Err(unsupported("exclusions from tag mutability")),
    };
    if input
        .encryption_configuration
        .is_some_and(|it| it.encryption_type != EncryptionType::Aes256)
    {
        return Err(unsupported("encryption with KMS keys"));
    }
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
            tx.delete(REPOSITORIES, &repository_key(&scope, &name));
            Ok::<_, ApiError>(repository)
        })
        .await?;
    Ok(DeleteRepositoryResponse {
        repository: Some(shape(ecr, &context.scope, &repository)),
    })
}

fn shape(ecr: &Ecr, scope: &Scope, repository: &model::Repository) -> Repository {
    let mutability = if repository.immutable {
        ImageTagMutability::Immutable
    } else {
        ImageTagMutability::Mutable
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
        encryption_configuration: Some(EncryptionConfiguration {
            encryption_type: EncryptionType::Aes256,
            kms_key: None,
        }),
        image_tag_mutability_exclusion_filters: None,
    }
}
