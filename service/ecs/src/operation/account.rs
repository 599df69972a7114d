//! Account settings: stored and answered. What they would change is fixed here: ARNs are always long, for example.

use aws_protocol::{ApiError, Context, page};
use aws_shape::ecs::*;
use base_id::Scope;
use base_store::Snapshot;

use crate::Ecs;
use crate::error::invalid;
use crate::table::{SETTINGS, key};

const SETTINGS_PER_PAGE_MAX: usize = 10;

/// Every setting with AWS's default value and the values it may have.
const KNOWN: [(SettingName, &str, &[&str]); 11] = [
    (SettingName::ServiceLongArnFormat, "enabled", SWITCH),
    (SettingName::TaskLongArnFormat, "enabled", SWITCH),
    (SettingName::ContainerInstanceLongArnFormat, "enabled", SWITCH),
    (SettingName::AwsvpcTrunking, "disabled", SWITCH),
    (
        SettingName::ContainerInsights,
        "disabled",
        &["enabled", "disabled", "enhanced"],
    ),
    (SettingName::FargateFipsMode, "disabled", SWITCH),
    (SettingName::TagResourceAuthorization, "on", &["on", "off"]),
    (
        SettingName::FargateTaskRetirementWaitPeriod,
        "7",
        &["0", "7", "14"],
    ),
    (SettingName::GuardDutyActivate, "off", &[]),
    (
        SettingName::DefaultLogDriverMode,
        "non-blocking",
        &["blocking", "non-blocking"],
    ),
    (SettingName::FargateEventWindows, "disabled", SWITCH),
];
const SWITCH: &[&str] = &["enabled", "disabled"];

fn known(name: &SettingName) -> Result<(&'static str, &'static [&'static str]), ApiError> {
    let found = KNOWN.iter().find(|(known, ..)| known == name);
    found
        .map(|(_, default, values)| (*default, *values))
        .ok_or_else(|| {
            let names: Vec<&str> = KNOWN.iter().map(|(name, ..)| name.as_str()).collect();
            invalid(format!("Setting name should be one of [{}]", names.join(",")))
        })
}

/// What nobody has said otherwise for themselves is what this principal has.
fn root(scope: &Scope) -> String {
    format!("arn:aws:iam::{}:root", scope.account)
}

fn place(scope: &Scope, name: &SettingName, principal: &str) -> String {
    key(scope, &format!("{}/{principal}", name.as_str()))
}

/// Whose setting a request is about.
fn principal(context: &Context, given: Option<String>) -> Result<String, ApiError> {
    let root = root(&context.scope);
    let Some(given) = given else {
        return Ok(context.principal_arn.clone());
    };
    if given == context.principal_arn || context.principal_arn == root {
        let head = format!("arn:aws:iam::{}:", context.scope.account);
        if !given.starts_with(&head) {
            return Err(invalid("The specified principalArn is not valid."));
        }
        return Ok(given);
    }
    Err(ApiError::client(
        "AccessDeniedException",
        "You must be the root user, or the principal itself, to use principalArn.",
    ))
}

fn setting(name: &SettingName, value: String, principal: String) -> Setting {
    let managed = *name == SettingName::GuardDutyActivate;
    Setting {
        name: Some(name.clone()),
        value: Some(value),
        principal_arn: Some(principal),
        type_: Some(if managed {
            SettingType::AwsManaged
        } else {
            SettingType::User
        }),
    }
}

/// The value that holds for a principal: its own, the account's, or AWS's default.
fn effective(snapshot: &Snapshot, scope: &Scope, name: &SettingName, principal: &str) -> String {
    let of = |whose: &str| snapshot.get(SETTINGS, &place(scope, name, whose));
    let default = || known(name).map_or("", |(default, _)| default).to_owned();
    of(principal)
        .or_else(|| of(&root(scope)))
        .map_or_else(default, |value| (*value).clone())
}

/// What holds for clusters that this caller makes.
pub(super) fn container_insights(snapshot: &Snapshot, context: &Context) -> String {
    effective(
        snapshot,
        &context.scope,
        &SettingName::ContainerInsights,
        &context.principal_arn,
    )
}

pub(super) async fn list_account_settings(
    ecs: &Ecs,
    context: &Context,
    input: ListAccountSettingsRequest,
) -> Result<ListAccountSettingsResponse, ApiError> {
    let (scope, snapshot) = (&context.scope, ecs.store.snapshot());
    if let Some(name) = &input.name {
        known(name)?;
    } else if input.value.is_some() {
        return Err(invalid(
            "You must also specify a setting name to filter by its value.",
        ));
    }
    let principal = principal(context, input.principal_arn)?;
    let effectively = input.effective_settings == Some(true);
    let names = KNOWN.iter().map(|(name, ..)| name);
    let names = names.filter(|name| input.name.as_ref().is_none_or(|wanted| wanted == *name));
    let mut settings = Vec::new();
    for name in names {
        let value = if effectively {
            Some(effective(&snapshot, scope, name, &principal))
        } else {
            let own = snapshot.get(SETTINGS, &place(scope, name, &principal));
            own.map(|value| (*value).clone())
        };
        let wanted = |value: &String| input.value.as_ref().is_none_or(|wanted| wanted == value);
        if let Some(value) = value.filter(wanted) {
            settings.push(setting(name, value, principal.clone()));
        }
    }
    let (settings, next_token) = page(
        settings,
        input.max_results,
        SETTINGS_PER_PAGE_MAX,
        input.next_token.as_deref(),
    )?;
    Ok(ListAccountSettingsResponse {
        settings: Some(settings),
        next_token,
    })
}

async fn put(
    ecs: &Ecs,
    scope: &Scope,
    name: &SettingName,
    value: &str,
    who: &str,
) -> Result<Setting, ApiError> {
    let (_, values) = known(name)?;
    if values.is_empty() {
        return Err(invalid(format!(
            "The setting {} is managed by AWS and cannot be changed.",
            name.as_str()
        )));
    }
    if !values.contains(&value) {
        return Err(invalid(format!(
            "Invalid value for setting {}: it should be one of [{}]",
            name.as_str(),
            values.join(",")
        )));
    }
    let (place, stored) = (place(scope, name, who), value.to_owned());
    ecs.store
        .write(move |tx| {
            tx.put(SETTINGS, &place, stored);
            Ok::<_, ApiError>(())
        })
        .await?;
    Ok(setting(name, value.to_owned(), who.to_owned()))
}

pub(super) async fn put_account_setting(
    ecs: &Ecs,
    context: &Context,
    input: PutAccountSettingRequest,
) -> Result<PutAccountSettingResponse, ApiError> {
    let who = principal(context, input.principal_arn)?;
    let setting = put(ecs, &context.scope, &input.name, &input.value, &who).await?;
    Ok(PutAccountSettingResponse {
        setting: Some(setting),
    })
}

pub(super) async fn put_account_setting_default(
    ecs: &Ecs,
    context: &Context,
    input: PutAccountSettingDefaultRequest,
) -> Result<PutAccountSettingDefaultResponse, ApiError> {
    let who = root(&context.scope);
    let setting = put(ecs, &context.scope, &input.name, &input.value, &who).await?;
    Ok(PutAccountSettingDefaultResponse {
        setting: Some(setting),
    })
}

pub(super) async fn delete_account_setting(
    ecs: &Ecs,
    context: &Context,
    input: DeleteAccountSettingRequest,
) -> Result<DeleteAccountSettingResponse, ApiError> {
    known(&input.name)?;
    let (scope, who) = (context.scope.clone(), principal(context, input.principal_arn)?);
    let (place, answer) = (place(&scope, &input.name, &who), input.name);
    ecs.store
        .write(move |tx| {
            tx.delete(SETTINGS, &place);
            Ok::<_, ApiError>(())
        })
        .await?;
    let value = effective(&ecs.store.snapshot(), &scope, &answer, &who);
    Ok(DeleteAccountSettingResponse {
        setting: Some(setting(&answer, value, who)),
    })
}
