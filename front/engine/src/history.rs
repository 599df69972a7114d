//! `GET /images/NAME/history`: how an image came about, as its configuration tells.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use contract::image::ImageDetail;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::Api;
use crate::answer::Refusal;

/// What Docker says where it does not know the image of a step any more.
const MISSING: &str = "<missing>";

#[derive(Deserialize)]
struct Stored {
    created: Option<String>,
    #[serde(default)]
    history: Option<Vec<Step>>,
}

#[derive(Default, Deserialize)]
struct Step {
    created: Option<String>,
    #[serde(default)]
    created_by: Option<String>,
    #[serde(default)]
    comment: Option<String>,
    #[serde(default)]
    empty_layer: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    id: String,
    created: i64,
    created_by: String,
    tags: Option<Vec<String>>,
    size: u64,
    comment: String,
}

pub(crate) async fn answer(api: &Api, name: &str) -> Result<Response, Refusal> {
    let detail = api.engine.inspect(name).await?;
    Ok(Json(entries(&detail)?).into_response())
}

/// The last step first.
fn entries(detail: &ImageDetail) -> Result<Vec<Entry>, Refusal> {
    let stored: Stored = serde_json::from_slice(&detail.config).map_err(|error| {
        let message = format!("the image's configuration cannot be read: {error}");
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    })?;
    let mut sizes = detail.layer_sizes_bytes.iter().copied();
    let mut entries: Vec<Entry> = stored
        .history
        .unwrap_or_default()
        .into_iter()
        .map(|step| {
            let size = if step.empty_layer {
                0
            } else {
                sizes.next().unwrap_or(0)
            };
            entry(step, size)
        })
        .collect();
    // Layers that the history does not tell of are there all the same.
    let untold: Vec<u64> = sizes.collect();
    for size in untold {
        let step = Step {
            created: stored.created.clone(),
            ..Step::default()
        };
        entries.push(entry(step, size));
    }
    entries.reverse();
    if let Some(first) = entries.first_mut() {
        first.id.clone_from(&detail.summary.digest);
        let names = detail.summary.names.clone();
        first.tags = (!names.is_empty()).then_some(names);
    }
    Ok(entries)
}

fn entry(step: Step, size: u64) -> Entry {
    let created = step.created.and_then(|text| text.parse::<jiff::Timestamp>().ok());
    Entry {
        id: MISSING.to_owned(),
        created: created.map_or(0, jiff::Timestamp::as_second),
        created_by: step.created_by.unwrap_or_default(),
        tags: None,
        size,
        comment: step.comment.unwrap_or_default(),
    }
}
