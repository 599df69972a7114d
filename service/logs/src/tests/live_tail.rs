use std::sync::Arc;
use std::time::Duration;

use aws_protocol::{ApiError, Shaped as _};
use aws_shape::logs::*;
use futures::StreamExt as _;
use futures::stream::BoxStream;

use super::world::*;

const APP: &str = "arn:aws:logs:us-east-1:000000000000:log-group:/app";

type Events = BoxStream<'static, Result<StartLiveTailResponseStream, ApiError>>;

async fn tail(world: &World, input: StartLiveTailRequest) -> Result<Events, ApiError> {
    let input = StartLiveTailRequest {
        log_group_identifiers: vec![APP.into()],
        ..input
    };
    let answer = world.logs.start_live_tail(&world.context, input).await?;
    let events = answer.response_stream.unwrap().take().unwrap();
    Ok(events
        .map(|event| event.map(|it| StartLiveTailResponseStream::read(it).unwrap()))
        .boxed())
}

/// The update a second later.
async fn update(world: &World, events: &mut Events) -> LiveTailSessionUpdate {
    let clock = Arc::clone(&world.clock);
    let turn = async {
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(1));
    };
    let (event, ()) = tokio::join!(events.next(), turn);
    event.unwrap().unwrap().session_update.unwrap()
}

fn messages(update: LiveTailSessionUpdate) -> Vec<String> {
    update
        .session_results
        .unwrap()
        .into_iter()
        .filter_map(|it| it.message)
        .collect()
}

#[tokio::test]
async fn what_comes_is_shown_each_second() {
    let world = world();
    world.group().await.unwrap();
    for name in ["one", "two"] {
        world.stream(name).await.unwrap();
    }
    world
        .put("one", vec![event(world.now(), "ERROR before")])
        .await
        .unwrap();
    let input = StartLiveTailRequest {
        log_event_filter_pattern: Some("ERROR".into()),
        log_stream_name_prefixes: Some(vec!["o".into()]),
        ..Default::default()
    };
    let mut events = tail(&world, input).await.unwrap();
    let start = events.next().await.unwrap().unwrap().session_start.unwrap();
    assert_eq!(start.log_event_filter_pattern.as_deref(), Some("ERROR"));
    assert!(messages(update(&world, &mut events).await).is_empty());
    let now = world.now();
    world
        .put("one", vec![event(now, "ERROR 1"), event(now, "fine")])
        .await
        .unwrap();
    world.put("two", vec![event(now, "ERROR 2")]).await.unwrap();
    let shown = update(&world, &mut events).await;
    assert_eq!(shown.session_metadata.as_ref().unwrap().sampled, Some(false));
    let first = shown.session_results.as_ref().unwrap()[0].clone();
    assert_eq!(first.log_group_identifier.as_deref(), Some(APP));
    assert_eq!(messages(shown), ["ERROR 1"]);
    assert!(messages(update(&world, &mut events).await).is_empty());
}

#[tokio::test]
async fn of_too_many_some_are_shown_and_a_session_ends() {
    let world = world();
    world.group().await.unwrap();
    world.stream("one").await.unwrap();
    let mut events = tail(&world, StartLiveTailRequest::default()).await.unwrap();
    events.next().await.unwrap().unwrap();
    world.fill("one", 5000).await;
    let shown = update(&world, &mut events).await;
    assert_eq!(shown.session_metadata.as_ref().unwrap().sampled, Some(true));
    let count = messages(shown).len();
    assert!((200..=500).contains(&count), "{count}");
    world.clock.advance(Duration::from_secs(3 * 60 * 60));
    let clock = Arc::clone(&world.clock);
    let turn = async {
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(1));
    };
    let (end, ()) = tokio::join!(events.next(), turn);
    assert_eq!(code(end.unwrap()), "SessionTimeoutException");
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn a_session_that_cannot_be_is_refused() {
    let world = world();
    world.group().await.unwrap();
    let start = async |input| world.logs.start_live_tail(&world.context, input).await;
    let over = |identifiers: &[&str]| StartLiveTailRequest {
        log_group_identifiers: identifiers.iter().map(|it| (*it).to_owned()).collect(),
        ..Default::default()
    };
    assert_eq!(code(start(over(&["/app"])).await), "InvalidParameterException");
    assert_eq!(
        code(start(over(&[&format!("{APP}:*")])).await),
        "InvalidParameterException"
    );
    assert_eq!(
        code(start(over(&[&format!("{APP}s")])).await),
        "ResourceNotFoundException"
    );
    let both = StartLiveTailRequest {
        log_stream_names: Some(vec!["one".into()]),
        ..over(&[APP, APP])
    };
    assert_eq!(code(start(both).await), "InvalidParameterException");
    let mut open = Vec::new();
    for _ in 0..15 {
        open.push(start(over(&[APP])).await.unwrap());
    }
    assert_eq!(code(start(over(&[APP])).await), "LimitExceededException");
    // Whoever leaves makes room.
    open.clear();
    start(over(&[APP])).await.unwrap();
}
