//! Launch templates: what instances are launched from, in versions.

use aws_protocol::Context;
use aws_shape::ec2::*;
use base_id::Scope;
use base_store::Snapshot;

use super::{launch_template_data, launch_template_version, tag};
use crate::Ec2;
use crate::error::{Error, dry_run, missing, unsupported, with_code};
use crate::filter::{self, Facts};
use crate::model::launch::Spec;
use crate::model::{Tags, launch_template};
use crate::table::{LAUNCH_TEMPLATES, key, prefix};

/// What the template says in the version that was asked for, and the tags that tell instances made from it.
pub(super) fn spec(
    snapshot: &Snapshot,
    scope: &Scope,
    asked: &LaunchTemplateSpecification,
) -> Result<(Spec, Tags), Error> {
    let template = find(
        snapshot,
        scope,
        asked.launch_template_id.as_deref(),
        asked.launch_template_name.as_deref(),
    )?;
    let text = asked.version.as_deref().unwrap_or_default();
    let (number, version) = template
        .number(text)
        .and_then(|number| template.versions.get_key_value(&number))
        .ok_or_else(|| no_version(&template.id, text))?;
    let origin = Tags::from([
        ("aws:ec2launchtemplate:id".to_owned(), template.id.clone()),
        ("aws:ec2launchtemplate:version".to_owned(), number.to_string()),
    ]);
    Ok((version.spec.clone(), origin))
}

pub(super) fn no_version(id: &str, version: &str) -> Error {
    let message =
        format!("Could not find the specified version {version} for the launch template with ID {id}.");
    with_code("InvalidLaunchTemplateId.VersionNotFound", message)
}

/// By id or by name, not both.
pub(super) fn find(
    snapshot: &Snapshot,
    scope: &Scope,
    id: Option<&str>,
    name: Option<&str>,
) -> Result<launch_template::LaunchTemplate, Error> {
    let row = match (id, name) {
        (Some(_), Some(_)) => {
            let message =
                "The parameters launchTemplateId and launchTemplateName cannot be specified together.";
            return Err(with_code("InvalidParameterCombination", message));
        }
        (Some(id), None) => snapshot
            .get(LAUNCH_TEMPLATES, &key(scope, id))
            .ok_or_else(|| id_not_found(id))?,
        (None, Some(name)) => {
            let mut rows = snapshot.prefix(LAUNCH_TEMPLATES, &prefix(scope)).into_iter();
            let found = rows.find(|(_, row)| row.name == name);
            found.map(|(_, row)| row).ok_or_else(|| name_not_found(name))?
        }
        (None, None) => return Err(missing("launchTemplateId or launchTemplateName")),
    };
    Ok(launch_template::LaunchTemplate::clone(&row))
}

pub(super) fn id_not_found(id: &str) -> Error {
    let message = format!("The specified launch template, with template ID {id}, does not exist.");
    with_code("InvalidLaunchTemplateId.NotFound", message)
}

pub(super) fn name_not_found(name: &str) -> Error {
    let message = format!("The specified launch template, with template name {name}, does not exist.");
    with_code("InvalidLaunchTemplateName.NotFoundException", message)
}

/// AWS's: letters, digits and `().-/_`.
const NAME_CHARACTERS: std::ops::RangeInclusive<usize> = 3..=128;

pub(super) fn shape(one: &launch_template::LaunchTemplate) -> LaunchTemplate {
    LaunchTemplate {
        launch_template_id: Some(one.id.clone()),
        launch_template_name: Some(one.name.clone()),
        create_time: Some(one.created_at),
        created_by: Some(one.created_by.clone()),
        default_version_number: Some(one.default_version as i64),
        latest_version_number: Some(one.latest_version as i64),
        tags: Some(tag::shape(&one.tags)),
        operator: None,
    }
}

fn check_name(name: &str) -> Result<(), Error> {
    let allowed = |it: char| it.is_ascii_alphanumeric() || "().-/_".contains(it);
    if NAME_CHARACTERS.contains(&name.len()) && name.chars().all(allowed) {
        return Ok(());
    }
    let message = "A launch template name must be between 3 and 128 characters, and may contain letters, numbers, and the following characters: - ( ) . / _.";
    Err(with_code("InvalidLaunchTemplateName.MalformedException", message))
}

pub(super) async fn create_launch_template(
    ec2: &Ec2,
    context: &Context,
    input: CreateLaunchTemplateRequest,
) -> Result<CreateLaunchTemplateResult, Error> {
    check_name(&input.launch_template_name)?;
    if input.operator.is_some() {
        return Err(unsupported("Operator"));
    }
    let tags = tag::parse(input.tag_specifications, &ResourceType::LaunchTemplate)?;
    let spec = launch_template_data::parse(input.launch_template_data)?;
    let (scope, id, now, by) = (
        context.scope.clone(),
        ec2.new_id("lt"),
        ec2.clock.now(),
        context.principal_arn.clone(),
    );
    let made = ec2
        .store
        .write(move |tx| {
            let all = tx.prefix(LAUNCH_TEMPLATES, &prefix(&scope));
            let named = all.iter().find(|(_, one)| one.name == input.launch_template_name);
            if let Some((_, one)) = named {
                let again = input.client_token.is_some() && one.token == input.client_token;
                if again && one.versions.get(&1).is_some_and(|first| first.spec == spec) {
                    return Ok(shape(one));
                }
                let message = "Launch template name already in use.";
                return Err(with_code(
                    "InvalidLaunchTemplateName.AlreadyExistsException",
                    message,
                ));
            }
            dry_run(input.dry_run)?;
            let version = launch_template::Version {
                description: input.version_description,
                created_at: now,
                created_by: by.clone(),
                token: None,
                spec,
            };
            let template = launch_template::LaunchTemplate {
                id,
                name: input.launch_template_name,
                created_at: now,
                created_by: by,
                default_version: 1,
                latest_version: 1,
                versions: [(1, version)].into(),
                token: input.client_token,
                tags,
            };
            let answer = shape(&template);
            tx.put(LAUNCH_TEMPLATES, &key(&scope, &template.id), template.clone());
            Ok(answer)
        })
        .await?;
    Ok(CreateLaunchTemplateResult {
        launch_template: Some(made),
        warning: None,
    })
}

pub(super) async fn create_launch_template_version(
    ec2: &Ec2,
    context: &Context,
    input: CreateLaunchTemplateVersionRequest,
) -> Result<CreateLaunchTemplateVersionResult, Error> {
    if input.resolve_alias == Some(true) {
        return Err(unsupported("ResolveAlias"));
    }
    let spec = launch_template_data::parse(input.launch_template_data)?;
    let (scope, now, by) = (
        context.scope.clone(),
        ec2.clock.now(),
        context.principal_arn.clone(),
    );
    let made = ec2
        .store
        .write(move |tx| {
            let (id, name) = (&input.launch_template_id, &input.launch_template_name);
            let mut template = find(&tx.snapshot(), &scope, id.as_deref(), name.as_deref())?;
            let token = input.client_token.filter(|token| !token.is_empty());
            let mut versions = template.versions.iter();
            if let Some((number, _)) = versions.find(|(_, it)| token.is_some() && it.token == token) {
                return Ok(launch_template_version::shape(&template, *number));
            }
            let spec = match &input.source_version {
                None => spec,
                Some(source) => {
                    let number = template.number(source);
                    let version = number.and_then(|number| template.versions.get(&number));
                    let version = version.ok_or_else(|| no_version(&template.id, source))?;
                    spec.replacing(version.spec.clone())
                }
            };
            dry_run(input.dry_run)?;
            template.latest_version += 1;
            let version = launch_template::Version {
                description: input.version_description,
                created_at: now,
                created_by: by,
                token,
                spec,
            };
            template.versions.insert(template.latest_version, version);
            let answer = launch_template_version::shape(&template, template.latest_version);
            tx.put(LAUNCH_TEMPLATES, &key(&scope, &template.id), template.clone());
            Ok::<_, Error>(answer)
        })
        .await?;
    Ok(CreateLaunchTemplateVersionResult {
        launch_template_version: Some(made),
        warning: None,
    })
}

pub(super) async fn describe_launch_templates(
    ec2: &Ec2,
    context: &Context,
    input: DescribeLaunchTemplatesRequest,
) -> Result<DescribeLaunchTemplatesResult, Error> {
    dry_run(input.dry_run)?;
    let (snapshot, scope) = (ec2.store.snapshot(), &context.scope);
    let mut all: Vec<_> = snapshot
        .prefix(LAUNCH_TEMPLATES, &prefix(scope))
        .into_iter()
        .map(|(_, row)| row)
        .collect();
    for id in input.launch_template_ids.iter().flatten() {
        find(&snapshot, scope, Some(id), None)?;
    }
    for name in input.launch_template_names.iter().flatten() {
        find(&snapshot, scope, None, Some(name))?;
    }
    all.retain(|one| {
        input
            .launch_template_ids
            .as_ref()
            .is_none_or(|ids| ids.contains(&one.id))
            && input
                .launch_template_names
                .as_ref()
                .is_none_or(|names| names.contains(&one.name))
    });
    let mut found = Vec::new();
    for one in all {
        let facts = Facts::new(&one.tags)
            .with("create-time", one.created_at)
            .with("launch-template-name", &one.name);
        if facts.match_all(input.filters.as_deref().unwrap_or_default())? {
            found.push(shape(&one));
        }
    }
    let (found, next_token) = filter::page(found, input.max_results, input.next_token.as_deref())?;
    Ok(DescribeLaunchTemplatesResult {
        launch_templates: Some(found),
        next_token,
    })
}

pub(super) async fn modify_launch_template(
    ec2: &Ec2,
    context: &Context,
    input: ModifyLaunchTemplateRequest,
) -> Result<ModifyLaunchTemplateResult, Error> {
    let scope = context.scope.clone();
    let changed = ec2
        .store
        .write(move |tx| {
            let (id, name) = (&input.launch_template_id, &input.launch_template_name);
            let mut template = find(&tx.snapshot(), &scope, id.as_deref(), name.as_deref())?;
            if let Some(text) = &input.default_version {
                let number = template
                    .number(text)
                    .filter(|it| template.versions.contains_key(it));
                template.default_version = number.ok_or_else(|| no_version(&template.id, text))?;
            }
            dry_run(input.dry_run)?;
            tx.put(LAUNCH_TEMPLATES, &key(&scope, &template.id), template.clone());
            Ok::<_, Error>(shape(&template))
        })
        .await?;
    Ok(ModifyLaunchTemplateResult {
        launch_template: Some(changed),
    })
}

pub(super) async fn delete_launch_template(
    ec2: &Ec2,
    context: &Context,
    input: DeleteLaunchTemplateRequest,
) -> Result<DeleteLaunchTemplateResult, Error> {
    let scope = context.scope.clone();
    let gone = ec2
        .store
        .write(move |tx| {
            let (id, name) = (&input.launch_template_id, &input.launch_template_name);
            let template = find(&tx.snapshot(), &scope, id.as_deref(), name.as_deref())?;
            dry_run(input.dry_run)?;
            tx.delete(LAUNCH_TEMPLATES, &key(&scope, &template.id));
            Ok::<_, Error>(shape(&template))
        })
        .await?;
    Ok(DeleteLaunchTemplateResult {
        launch_template: Some(gone),
    })
}
