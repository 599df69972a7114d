//! What a person may do here: forms, each with its session's token.

use aws_protocol::ApiError;
use aws_shape::ecs;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State as Shared_};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};

use crate::form::Form;
use crate::page::{self, Theme};
use crate::route::{Known, Shared, State, checked, redirect};
use crate::source::sentence;
use crate::view::{ROOT, app_path};

/// Tasks of one service, as ECS has it.
const DESIRED_MAX: i32 = 5000;

/// Changes a service; the answer is its page.
pub(crate) async fn act(
    Shared_(state): Shared,
    Extension(visitor): Known,
    Path((cluster, service)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let form = match checked(&state, &visitor, &body) {
        Ok(form) => form,
        Err(refused) => return *refused,
    };
    let back = app_path(&cluster, &service);
    match carry_out(&state, &cluster, &service, &form).await {
        Ok(()) => redirect(&back),
        Err(sentence) => (StatusCode::BAD_REQUEST, page::failed(&sentence, &back)).into_response(),
    }
}

async fn carry_out(state: &State, cluster: &str, service: &str, form: &Form) -> Result<(), String> {
    let update = ecs::UpdateServiceRequest {
        cluster: Some(cluster.to_owned()),
        service: service.to_owned(),
        ..Default::default()
    };
    let update = match form.get("action") {
        Some("redeploy") => ecs::UpdateServiceRequest {
            force_new_deployment: Some(true),
            ..update
        },
        Some("scale") => ecs::UpdateServiceRequest {
            desired_count: Some(count(form)?),
            ..update
        },
        Some("roll-back") => ecs::UpdateServiceRequest {
            task_definition: Some(before(state, cluster, service).await?),
            ..update
        },
        Some("stop-task") => return stop(state, cluster, form).await,
        _ => return Err("There is no such action.".to_owned()),
    };
    let done = state
        .parts
        .source
        .ecs
        .update_service(&state.parts.source.context(), update)
        .await;
    done.map(drop).map_err(|error: ApiError| sentence(&error))
}

fn count(form: &Form) -> Result<i32, String> {
    let text = form.get("count").unwrap_or_default();
    let count = text
        .parse()
        .ok()
        .filter(|count| (0..=DESIRED_MAX).contains(count));
    count.ok_or_else(|| format!("The number of tasks is from 0 to {DESIRED_MAX}."))
}

async fn stop(state: &State, cluster: &str, form: &Form) -> Result<(), String> {
    let input = ecs::StopTaskRequest {
        cluster: Some(cluster.to_owned()),
        task: form.get("task").ok_or("Which task?")?.to_owned(),
        reason: Some("Stopped by a person in the console".to_owned()),
    };
    let source = &state.parts.source;
    let done = source.ecs.stop_task(&source.context(), input).await;
    done.map(drop).map_err(|error| sentence(&error))
}

/// The active revision before the one that the service has.
async fn before(state: &State, cluster: &str, service: &str) -> Result<String, String> {
    let source = &state.parts.source;
    let input = ecs::DescribeServicesRequest {
        cluster: Some(cluster.to_owned()),
        services: vec![service.to_owned()],
        ..Default::default()
    };
    let answer = source.ecs.describe_services(&source.context(), input).await;
    let found = answer.map_err(|error| sentence(&error))?.services;
    let now = found
        .into_iter()
        .flatten()
        .next()
        .and_then(|it| it.task_definition);
    let now = now.ok_or("There is no such service.")?;
    let family = now
        .rsplit('/')
        .next()
        .and_then(|it| it.split(':').next())
        .unwrap_or_default();
    let input = ecs::ListTaskDefinitionsRequest {
        family_prefix: Some(family.to_owned()),
        ..Default::default()
    };
    let answer = source.ecs.list_task_definitions(&source.context(), input).await;
    let arns = answer.map_err(|error| sentence(&error))?.task_definition_arns;
    let revision = |arn: &str| arn.rsplit(':').next().and_then(|it| it.parse::<u64>().ok());
    let current = revision(&now);
    let older = arns.into_iter().flatten().filter(|arn| revision(arn) < current);
    older
        .max_by_key(|arn| revision(arn))
        .ok_or_else(|| "There is no revision before this one.".to_owned())
}

/// Keeps whether pages are light or dark.
pub(crate) async fn theme(Shared_(state): Shared, Extension(visitor): Known, body: Bytes) -> Response {
    let form = match checked(&state, &visitor, &body) {
        Ok(form) => form,
        Err(refused) => return *refused,
    };
    // To a page of our own only.
    let back = form
        .get("back")
        .filter(|it| crate::view::View::parse(it.split('?').next().unwrap_or_default(), "").is_some());
    let mut answer = redirect(back.unwrap_or(ROOT));
    if let Ok(cookie) = HeaderValue::from_str(&Theme::of(form.get("theme")).set_cookie()) {
        answer.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    answer
}
