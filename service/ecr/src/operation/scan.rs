//! Scanning of images: what is configured is kept, but nobody scans here, and whoever asks for a scan is told.

use aws_protocol::{ApiError, Context};
use aws_shape::ecr::*;
use base_id::Scope;

use super::image::{names, written};
use crate::Ecr;
use crate::error::{image_not_found, unsupported};
use crate::model;
use crate::table;

pub(super) async fn put_image_scanning_configuration(
    ecr: &Ecr,
    context: &Context,
    input: PutImageScanningConfigurationRequest,
) -> Result<PutImageScanningConfigurationResponse, ApiError> {
    let (scope, name) = (&context.scope, input.repository_name);
    table::check_registry(scope, input.registry_id.as_deref(), &name)?;
    let scan_on_push = input.image_scanning_configuration.scan_on_push.unwrap_or(false);
    super::repository::change(ecr, scope, &name, move |row| {
        row.scan_on_push = scan_on_push;
        Ok(())
    })
    .await?;
    Ok(PutImageScanningConfigurationResponse {
        registry_id: Some(scope.account.clone()),
        repository_name: Some(name),
        image_scanning_configuration: Some(ImageScanningConfiguration {
            scan_on_push: Some(scan_on_push),
        }),
    })
}

pub(super) async fn get_registry_scanning_configuration(
    ecr: &Ecr,
    context: &Context,
    _: GetRegistryScanningConfigurationRequest,
) -> Result<GetRegistryScanningConfigurationResponse, ApiError> {
    let row = table::registry(&ecr.store.snapshot(), &context.scope);
    Ok(GetRegistryScanningConfigurationResponse {
        registry_id: Some(context.scope.account.clone()),
        scanning_configuration: Some(shape(&row)),
    })
}

pub(super) async fn put_registry_scanning_configuration(
    ecr: &Ecr,
    context: &Context,
    input: PutRegistryScanningConfigurationRequest,
) -> Result<PutRegistryScanningConfigurationResponse, ApiError> {
    if input.scan_type.is_some_and(|kind| kind != ScanType::Basic) {
        return Err(unsupported("enhanced scanning, which is Amazon Inspector's,"));
    }
    let rules: Vec<model::ScanningRule> = input
        .rules
        .into_iter()
        .flatten()
        .map(|rule| model::ScanningRule {
            frequency: rule.scan_frequency.to_string(),
            filters: rule.repository_filters.into_iter().map(|it| it.filter).collect(),
        })
        .collect();
    let row = super::registry::change(ecr, &context.scope, |row| {
        row.scanning = rules;
        Ok(row.clone())
    })
    .await?;
    Ok(PutRegistryScanningConfigurationResponse {
        registry_scanning_configuration: Some(shape(&row)),
    })
}

fn shape(row: &model::Registry) -> RegistryScanningConfiguration {
    let rules = row.scanning.iter().map(|rule| RegistryScanningRule {
        scan_frequency: ScanFrequency::from(rule.frequency.as_str()),
        repository_filters: rule.filters.iter().map(|text| filter(text)).collect(),
    });
    RegistryScanningConfiguration {
        scan_type: Some(ScanType::Basic),
        rules: Some(rules.collect()),
    }
}

fn filter(text: &str) -> ScanningRepositoryFilter {
    ScanningRepositoryFilter {
        filter: text.to_owned(),
        filter_type: ScanningRepositoryFilterType::Wildcard,
    }
}

/// A filter without a star means names that contain it.
fn applies(filter: &str, name: &str) -> bool {
    if filter.contains('*') {
        model::matches(filter, name)
    } else {
        name.contains(filter)
    }
}

pub(super) async fn batch_get_repository_scanning_configuration(
    ecr: &Ecr,
    context: &Context,
    input: BatchGetRepositoryScanningConfigurationRequest,
) -> Result<BatchGetRepositoryScanningConfigurationResponse, ApiError> {
    let (scope, snapshot) = (&context.scope, ecr.store.snapshot());
    let registry = table::registry(&snapshot, scope);
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for name in input.repository_names {
        match table::repository(&snapshot, scope, &name) {
            Ok(row) => found.push(configuration(&row, &registry, scope)),
            Err(error) => failures.push(RepositoryScanningConfigurationFailure {
                repository_name: Some(name),
                failure_code: Some(ScanningConfigurationFailureCode::RepositoryNotFound),
                failure_reason: Some(error.message),
            }),
        }
    }
    Ok(BatchGetRepositoryScanningConfigurationResponse {
        scanning_configurations: Some(found),
        failures: Some(failures),
    })
}

fn configuration(
    row: &model::Repository,
    registry: &model::Registry,
    scope: &Scope,
) -> RepositoryScanningConfiguration {
    let on_push = ScanFrequency::ScanOnPush.to_string();
    let rules = registry.scanning.iter().filter(|rule| rule.frequency == on_push);
    let applied: Vec<ScanningRepositoryFilter> = rules
        .flat_map(|rule| &rule.filters)
        .filter(|text| applies(text, &row.name))
        .map(|text| filter(text))
        .collect();
    let scan_on_push = row.scan_on_push || !applied.is_empty();
    RepositoryScanningConfiguration {
        repository_arn: Some(scope.arn("ecr", &format!("repository/{}", row.name))),
        repository_name: Some(row.name.clone()),
        scan_on_push: Some(scan_on_push),
        scan_frequency: Some(if scan_on_push {
            ScanFrequency::ScanOnPush
        } else {
            ScanFrequency::Manual
        }),
        applied_scan_filters: Some(applied),
    }
}

/// The image that is meant must be there, whatever comes then.
fn check(
    ecr: &Ecr,
    scope: &Scope,
    registry_id: Option<&str>,
    name: &str,
    id: &ImageIdentifier,
) -> Result<(), ApiError> {
    let snapshot = ecr.store.snapshot();
    table::check_registry(scope, registry_id, name)?;
    table::repository(&snapshot, scope, name)?;
    let images = table::images(&snapshot, scope, name);
    if images.iter().any(|image| names(image, id)) {
        Ok(())
    } else {
        Err(image_not_found(&written(id), name, &scope.account))
    }
}

pub(super) async fn start_image_scan(
    ecr: &Ecr,
    context: &Context,
    input: StartImageScanRequest,
) -> Result<StartImageScanResponse, ApiError> {
    let (name, id) = (input.repository_name, input.image_id);
    check(ecr, &context.scope, input.registry_id.as_deref(), &name, &id)?;
    let message = "Wharf does not scan images: it has no database of vulnerabilities.";
    Err(ApiError::client("UnsupportedImageTypeException", message))
}

pub(super) async fn describe_image_scan_findings(
    ecr: &Ecr,
    context: &Context,
    input: DescribeImageScanFindingsRequest,
) -> Result<DescribeImageScanFindingsResponse, ApiError> {
    let (name, id) = (input.repository_name, input.image_id);
    check(ecr, &context.scope, input.registry_id.as_deref(), &name, &id)?;
    let message = format!(
        "Image scan does not exist for the image with '{}' in the repository with name '{name}' in the registry with id '{}'",
        written(&id),
        context.scope.account
    );
    Err(ApiError::client("ScanNotFoundException", message))
}
