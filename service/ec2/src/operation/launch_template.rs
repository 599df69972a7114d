//! Launch templates: what instances are launched from, in versions.

use aws_shape::ec2::*;
use base_id::Scope;
use base_store::Snapshot;

use crate::error::{Error, missing, with_code};
use crate::model::launch::Spec;
use crate::model::launch_template;
use crate::table::{LAUNCH_TEMPLATES, key, prefix};

/// What the template says in the version that was asked for.
pub(super) fn spec(
    snapshot: &Snapshot,
    scope: &Scope,
    asked: &LaunchTemplateSpecification,
) -> Result<Spec, Error> {
    let template = find(
        snapshot,
        scope,
        asked.launch_template_id.as_deref(),
        asked.launch_template_name.as_deref(),
    )?;
    let text = asked.version.as_deref().unwrap_or_default();
    let version = template
        .number(text)
        .and_then(|number| template.versions.get(&number))
        .ok_or_else(|| no_version(&template.id, text))?;
    Ok(version.spec.clone())
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
