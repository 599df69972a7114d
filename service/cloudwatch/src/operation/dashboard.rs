//! Dashboards: kept as they were written, looked through for what is plainly wrong.

use aws_protocol::{ApiError, Context, page};
use aws_shape::cloudwatch::*;
use base_store::StoreError;
use serde_json::Value as Json;

use crate::model::Dashboard;
use crate::table::{self, DASHBOARDS, dashboard_arn};
use crate::{CloudWatch, error};

const PAGE_MAX: usize = 1_000;
const WIDGETS_MAX: usize = 500;
const NAME_CHARACTERS_MAX: usize = 255;
/// The grid's width in units.
const GRID_WIDTH: i64 = 24;

/// Dashboards belong to the account, not to a region.
fn home(context: &Context) -> String {
    context.scope.account.clone()
}

fn not_found(name: &str) -> ApiError {
    ApiError::with_status(
        404,
        "ResourceNotFound",
        format!("Dashboard {name} does not exist"),
    )
}

pub(super) async fn put_dashboard(
    cloudwatch: &CloudWatch,
    context: &Context,
    input: PutDashboardInput,
) -> Result<PutDashboardOutput, ApiError> {
    let name = input.dashboard_name;
    let is_named = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '_';
    if name.is_empty() || name.len() > NAME_CHARACTERS_MAX || !name.chars().all(is_named) {
        return Err(error::value(format!(
            "The value {name} for field DashboardName contains invalid characters. It can only contain alphanumerics, dash (-) and underscore (_)."
        )));
    }
    let messages = problems(&input.dashboard_body);
    if !messages.is_empty() {
        let error = ApiError::client(
            "InvalidParameterInput",
            format!(
                "The field DashboardBody must be a valid JSON object: {} validation errors.",
                messages.len()
            ),
        );
        return Err(error.field("dashboardValidationMessages", messages));
    }
    let dashboard = Dashboard {
        body: input.dashboard_body,
        changed_at: cloudwatch.clock.now(),
        tags: input
            .tags
            .unwrap_or_default()
            .into_iter()
            .map(|it| (it.key, it.value))
            .collect(),
        name: name.clone(),
    };
    let key = table::key(&home(context), &name);
    cloudwatch
        .store
        .write(move |tx| {
            let before = tx.get(DASHBOARDS, &key);
            let tags = before
                .filter(|_| dashboard.tags.is_empty())
                .map(|it| it.tags.clone());
            let dashboard = Dashboard {
                tags: tags.unwrap_or(dashboard.tags),
                ..dashboard
            };
            tx.put(DASHBOARDS, &key, dashboard);
            Ok::<_, StoreError>(())
        })
        .await?;
    Ok(PutDashboardOutput {
        dashboard_validation_messages: Some(vec![]),
    })
}

fn message(path: impl Into<String>, message: impl Into<String>) -> DashboardValidationMessage {
    DashboardValidationMessage {
        data_path: Some(path.into()),
        message: Some(message.into()),
    }
}

fn problems(body: &str) -> Vec<DashboardValidationMessage> {
    let json: Json = match serde_json::from_str(body) {
        Ok(json) => json,
        Err(cause) => {
            return vec![message(
                "",
                format!("The field DashboardBody must be a valid JSON object: {cause}"),
            )];
        }
    };
    let Some(widgets) = json.get("widgets") else {
        return vec![message("/", "Should have required property 'widgets'")];
    };
    let Some(widgets) = widgets.as_array() else {
        return vec![message("/widgets", "Should be array")];
    };
    if widgets.len() > WIDGETS_MAX {
        return vec![message(
            "/widgets",
            format!("Should NOT have more than {WIDGETS_MAX} items"),
        )];
    }
    widgets
        .iter()
        .enumerate()
        .flat_map(|(index, it)| widget(&format!("/widgets/{index}"), it))
        .collect()
}

fn widget(path: &str, widget: &Json) -> Vec<DashboardValidationMessage> {
    let mut found = Vec::new();
    match widget.get("type").and_then(Json::as_str) {
        None => found.push(message(path, "Should have required property 'type'")),
        Some("metric" | "text" | "log" | "alarm" | "explorer" | "custom") => {}
        Some(_) => found.push(message(
            format!("{path}/type"),
            "Should be equal to one of the allowed values: metric, text, log, alarm, explorer, custom",
        )),
    }
    if !widget.get("properties").is_some_and(Json::is_object) {
        found.push(message(path, "Should have required property 'properties'"));
    }
    for (name, least, most) in [
        ("x", 0, GRID_WIDTH - 1),
        ("y", 0, i64::MAX),
        ("width", 1, GRID_WIDTH),
        ("height", 1, 1_000),
    ] {
        if let Some(value) = widget.get(name)
            && !value.as_i64().is_some_and(|it| (least..=most).contains(&it))
        {
            found.push(message(
                format!("{path}/{name}"),
                format!("Should be an integer between {least} and {most}"),
            ));
        }
    }
    found
}

pub(super) async fn get_dashboard(
    cloudwatch: &CloudWatch,
    context: &Context,
    input: GetDashboardInput,
) -> Result<GetDashboardOutput, ApiError> {
    let name = input.dashboard_name;
    let found = cloudwatch
        .store
        .snapshot()
        .get(DASHBOARDS, &table::key(&home(context), &name));
    let found = found.ok_or_else(|| not_found(&name))?;
    Ok(GetDashboardOutput {
        dashboard_arn: Some(dashboard_arn(&context.scope, &name)),
        dashboard_body: Some(found.body.clone()),
        dashboard_name: Some(name),
    })
}

pub(super) async fn list_dashboards(
    cloudwatch: &CloudWatch,
    context: &Context,
    input: ListDashboardsInput,
) -> Result<ListDashboardsOutput, ApiError> {
    let head = table::key(&home(context), &input.dashboard_name_prefix.unwrap_or_default());
    let found = cloudwatch.store.snapshot().prefix(DASHBOARDS, &head);
    let entries = found.into_iter().map(|(_, it)| DashboardEntry {
        dashboard_name: Some(it.name.clone()),
        dashboard_arn: Some(dashboard_arn(&context.scope, &it.name)),
        last_modified: Some(it.changed_at),
        size: Some(it.body.len() as i64),
    });
    let (entries, next_token) =
        page(entries.collect(), None, PAGE_MAX, input.next_token.as_deref()).map_err(|_| error::token())?;
    Ok(ListDashboardsOutput {
        dashboard_entries: Some(entries),
        next_token,
    })
}

pub(super) async fn delete_dashboards(
    cloudwatch: &CloudWatch,
    context: &Context,
    input: DeleteDashboardsInput,
) -> Result<DeleteDashboardsOutput, ApiError> {
    let home = home(context);
    cloudwatch
        .store
        .write(move |tx| {
            // All or none.
            for name in &input.dashboard_names {
                tx.get(DASHBOARDS, &table::key(&home, name))
                    .ok_or_else(|| not_found(name))?;
            }
            for name in &input.dashboard_names {
                tx.delete(DASHBOARDS, &table::key(&home, name));
            }
            Ok::<_, ApiError>(())
        })
        .await?;
    Ok(DeleteDashboardsOutput {})
}
