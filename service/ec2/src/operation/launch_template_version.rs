//! Versions of launch templates.

use aws_protocol::Context;
use aws_shape::ec2::*;

use super::launch_template::{find, no_version};
use super::launch_template_data;
use crate::Ec2;
use crate::error::{Error, dry_run, invalid, missing, unsupported};
use crate::filter::{self, Facts};
use crate::model::{Tags, launch_template};
use crate::table::{LAUNCH_TEMPLATES, key, prefix};

/// The number must be that of a version.
pub(super) fn shape(template: &launch_template::LaunchTemplate, number: u64) -> LaunchTemplateVersion {
    let version = template.versions.get(&number);
    LaunchTemplateVersion {
        launch_template_id: Some(template.id.clone()),
        launch_template_name: Some(template.name.clone()),
        version_number: Some(number as i64),
        version_description: version.and_then(|it| it.description.clone()),
        create_time: version.map(|it| it.created_at),
        created_by: version.map(|it| it.created_by.clone()),
        default_version: Some(number == template.default_version),
        launch_template_data: version.map(|it| launch_template_data::shape(&it.spec)),
        operator: None,
    }
}

pub(super) async fn describe_launch_template_versions(
    ec2: &Ec2,
    context: &Context,
    input: DescribeLaunchTemplateVersionsRequest,
) -> Result<DescribeLaunchTemplateVersionsResult, Error> {
    dry_run(input.dry_run)?;
    if input.resolve_alias == Some(true) {
        return Err(unsupported("ResolveAlias"));
    }
    let (snapshot, scope) = (ec2.store.snapshot(), &context.scope);
    let (id, name) = (&input.launch_template_id, &input.launch_template_name);
    let wanted = input.versions.clone().unwrap_or_default();
    let templates = if id.is_none() && name.is_none() {
        // Over all templates only the words have a meaning.
        if wanted.is_empty() || wanted.iter().any(|it| !it.starts_with('$')) {
            return Err(missing("LaunchTemplateId"));
        }
        let rows = snapshot.prefix(LAUNCH_TEMPLATES, &prefix(scope));
        rows.into_iter()
            .map(|(_, row)| launch_template::LaunchTemplate::clone(&row))
            .collect()
    } else {
        vec![find(&snapshot, scope, id.as_deref(), name.as_deref())?]
    };
    let mut found = Vec::new();
    for template in &templates {
        for number in numbers(template, &wanted, &input)? {
            let facts = facts(template, number);
            if facts.match_all(input.filters.as_deref().unwrap_or_default())? {
                found.push(shape(template, number));
            }
        }
    }
    let (found, next_token) = filter::page(found, input.max_results, input.next_token.as_deref())?;
    Ok(DescribeLaunchTemplateVersionsResult {
        launch_template_versions: Some(found),
        next_token,
    })
}

/// Newest first.
fn numbers(
    template: &launch_template::LaunchTemplate,
    wanted: &[String],
    input: &DescribeLaunchTemplateVersionsRequest,
) -> Result<Vec<u64>, Error> {
    if !wanted.is_empty() {
        let mut numbers = Vec::new();
        for text in wanted {
            let number = template
                .number(text)
                .filter(|it| template.versions.contains_key(it));
            numbers.push(number.ok_or_else(|| no_version(&template.id, text))?);
        }
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        numbers.dedup();
        return Ok(numbers);
    }
    let bound = |text: &Option<String>, what: &str| {
        let text = text.as_ref();
        let parsed = text.map(|text| {
            text.parse::<u64>()
                .map_err(|_| invalid(what, text, "It is not a number."))
        });
        parsed.transpose()
    };
    let min = bound(&input.min_version, "MinVersion")?.unwrap_or(0);
    let max = bound(&input.max_version, "MaxVersion")?.unwrap_or(u64::MAX);
    let within = template.versions.keys().rev().copied();
    Ok(within.filter(|number| (min..=max).contains(number)).collect())
}

fn facts(template: &launch_template::LaunchTemplate, number: u64) -> Facts {
    let facts = Facts::new(&Tags::new()).with("is-default-version", number == template.default_version);
    let Some(version) = template.versions.get(&number) else {
        return facts;
    };
    let profile = version.spec.profile.as_ref();
    facts
        .with("create-time", version.created_at)
        .with("ebs-optimized", version.spec.ebs_optimized.unwrap_or(false))
        .with_all(
            "iam-instance-profile",
            profile.and_then(|it| it.arn.clone().or(it.name.clone())),
        )
        .with_all("image-id", version.spec.image.clone())
        .with_all("instance-type", version.spec.kind.clone())
        .with_all("kernel-id", None)
        .with_all("ram-disk-id", None)
}

/// Why a version is not deleted.
fn refusal(template: &launch_template::LaunchTemplate, text: &str) -> Option<ResponseError> {
    let number = template
        .number(text)
        .filter(|it| template.versions.contains_key(it));
    let (code, message) = match number {
        None => (
            LaunchTemplateErrorCode::LaunchTemplateVersionDoesNotExist,
            format!("The specified launch template version {text} does not exist."),
        ),
        Some(number) if number == template.default_version => (
            LaunchTemplateErrorCode::UnexpectedError,
            format!("Cannot delete the default version {number} of the launch template."),
        ),
        Some(_) => return None,
    };
    Some(ResponseError {
        code: Some(code),
        message: Some(message),
    })
}

pub(super) async fn delete_launch_template_versions(
    ec2: &Ec2,
    context: &Context,
    input: DeleteLaunchTemplateVersionsRequest,
) -> Result<DeleteLaunchTemplateVersionsResult, Error> {
    let scope = context.scope.clone();
    ec2.store
        .write(move |tx| {
            let (id, name) = (&input.launch_template_id, &input.launch_template_name);
            let mut template = find(&tx.snapshot(), &scope, id.as_deref(), name.as_deref())?;
            let (mut gone, mut kept) = (Vec::new(), Vec::new());
            for text in &input.versions {
                let number = template.number(text);
                let told = number.map(|it| it as i64);
                match refusal(&template, text) {
                    Some(error) => kept.push(DeleteLaunchTemplateVersionsResponseErrorItem {
                        launch_template_id: Some(template.id.clone()),
                        launch_template_name: Some(template.name.clone()),
                        version_number: told,
                        response_error: Some(error),
                    }),
                    None => {
                        number.map(|number| template.versions.remove(&number));
                        gone.push(DeleteLaunchTemplateVersionsResponseSuccessItem {
                            launch_template_id: Some(template.id.clone()),
                            launch_template_name: Some(template.name.clone()),
                            version_number: told,
                        });
                    }
                }
            }
            dry_run(input.dry_run)?;
            tx.put(LAUNCH_TEMPLATES, &key(&scope, &template.id), template.clone());
            Ok::<_, Error>(DeleteLaunchTemplateVersionsResult {
                successfully_deleted_launch_template_versions: Some(gone),
                unsuccessfully_deleted_launch_template_versions: Some(kept),
            })
        })
        .await
}
