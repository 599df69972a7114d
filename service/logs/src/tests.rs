use std::sync::Arc;
use std::time::Duration;

use aws_protocol::{ApiError, Context};
use aws_shape::logs::*;
use base_clock::{Clock as _, ManualClock};
use base_id::Scope;
use base_reconcile::Reconciler as _;
use base_store::Store;
use contract::log::{Line, LogStore, StreamId};
use dataplane_logs::LogFile;

use crate::{Logs, Retention};

struct World {
    logs: Logs,
    lines: Arc<LogFile>,
    store: Store,
    clock: Arc<ManualClock>,
    context: Context,
    _folder: tempfile::TempDir,
}

fn world() -> World {
    let clock = Arc::new(ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap()));
    let folder = tempfile::tempdir().unwrap();
    let lines = Arc::new(LogFile::open(&folder.path().join("lines"), clock.clone()).unwrap());
    let store = Store::in_memory();
    let logs = Logs::new(store.clone(), clock.clone(), lines.clone());
    let context = Context {
        scope: Scope::new("000000000000", "us-east-1"),
        request_id: "r".into(),
        principal_arn: "arn:aws:iam::000000000000:root".into(),
        access_key: "k".into(),
    };
    World {
        logs,
        lines,
        store,
        clock,
        context,
        _folder: folder,
    }
}

impl World {
    fn now(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    async fn group(&self) -> Result<(), ApiError> {
        let input = CreateLogGroupRequest {
            log_group_name: "/app".into(),
            ..Default::default()
        };
        self.logs.create_log_group(&self.context, input).await
    }

    async fn stream(&self, name: &str) -> Result<(), ApiError> {
        let input = CreateLogStreamRequest {
            log_group_name: "/app".into(),
            log_stream_name: name.into(),
        };
        self.logs.create_log_stream(&self.context, input).await
    }

    async fn put(&self, stream: &str, events: Vec<InputLogEvent>) -> Result<PutLogEventsResponse, ApiError> {
        let input = PutLogEventsRequest {
            log_group_name: "/app".into(),
            log_stream_name: stream.into(),
            log_events: events,
            ..Default::default()
        };
        self.logs.put_log_events(&self.context, input).await
    }

    /// `count` lines one millisecond apart.
    async fn fill(&self, stream: &str, count: i64) {
        let now = self.now();
        let events = (0..count).map(|n| event(now + n, &format!("line {n}")));
        self.put(stream, events.collect()).await.unwrap();
    }

    async fn get(&self, input: GetLogEventsRequest) -> (Vec<String>, String, String) {
        let answer = self.logs.get_log_events(&self.context, input).await.unwrap();
        let events = answer.events.unwrap().into_iter();
        (
            events.filter_map(|event| event.message).collect(),
            answer.next_forward_token.unwrap(),
            answer.next_backward_token.unwrap(),
        )
    }

    async fn streams(&self) -> Vec<String> {
        let input = DescribeLogStreamsRequest {
            log_group_name: Some("/app".into()),
            ..Default::default()
        };
        let answer = self
            .logs
            .describe_log_streams(&self.context, input)
            .await
            .unwrap();
        let streams = answer.log_streams.unwrap().into_iter();
        streams.filter_map(|stream| stream.log_stream_name).collect()
    }
}

fn event(at: i64, message: &str) -> InputLogEvent {
    InputLogEvent {
        timestamp: at,
        message: message.into(),
    }
}

fn page(token: Option<String>, limit: i32) -> GetLogEventsRequest {
    GetLogEventsRequest {
        log_group_name: Some("/app".into()),
        log_stream_name: "one".into(),
        next_token: token,
        limit: Some(limit),
        ..Default::default()
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, ApiError>) -> String {
    result.unwrap_err().code.to_string()
}

#[tokio::test]
async fn groups_and_streams_are_made_once() {
    let world = world();
    assert_eq!(code(world.stream("one").await), "ResourceNotFoundException");
    world.group().await.unwrap();
    assert_eq!(code(world.group().await), "ResourceAlreadyExistsException");
    world.stream("one").await.unwrap();
    assert_eq!(code(world.stream("one").await), "ResourceAlreadyExistsException");
    assert_eq!(world.streams().await, ["one"]);
    let refused = world.put("two", vec![event(world.now(), "x")]).await;
    assert_eq!(code(refused), "ResourceNotFoundException");
    let input = CreateLogGroupRequest {
        log_group_name: "/cheap".into(),
        log_group_class: Some(LogGroupClass::InfrequentAccess),
        ..Default::default()
    };
    let refused = world.logs.create_log_group(&world.context, input).await;
    assert_eq!(code(refused), "InvalidParameterException");
}

#[tokio::test]
async fn pages_go_forwards_and_backwards_and_an_end_repeats_its_token() {
    let world = world();
    world.group().await.unwrap();
    world.stream("one").await.unwrap();
    let (none, start, _) = world.get(page(None, 2)).await;
    assert!(none.is_empty());
    world.fill("one", 5).await;
    let (lines, ..) = world.get(page(Some(start), 10)).await;
    assert_eq!(lines.len(), 5, "a token of an empty stream leads to what comes");
    let head = GetLogEventsRequest {
        start_from_head: Some(true),
        ..page(None, 2)
    };
    let (lines, forward, backward) = world.get(head).await;
    assert_eq!(lines, ["line 0", "line 1"]);
    let (lines, next, _) = world.get(page(Some(forward), 10)).await;
    assert_eq!(lines, ["line 2", "line 3", "line 4"]);
    let (lines, same, back) = world.get(page(Some(next.clone()), 10)).await;
    assert!(lines.is_empty());
    assert_eq!(same, next);
    let (lines, ..) = world.get(page(Some(back), 1)).await;
    assert_eq!(lines, ["line 3"]);
    let (lines, _, same) = world.get(page(Some(backward.clone()), 10)).await;
    assert!(lines.is_empty());
    assert_eq!(same, backward);
    let (lines, ..) = world.get(page(None, 2)).await;
    assert_eq!(lines, ["line 3", "line 4"], "without a token the latest come");
    let bad = world
        .logs
        .get_log_events(&world.context, page(Some("x".into()), 1))
        .await;
    assert_eq!(code(bad), "InvalidParameterException");
}

#[tokio::test]
async fn a_page_has_a_limit_in_bytes_too() {
    let world = world();
    world.group().await.unwrap();
    world.stream("one").await.unwrap();
    for n in 0..4 {
        let long = n.to_string().repeat(500_000);
        world
            .put("one", vec![event(world.now() + n, &long)])
            .await
            .unwrap();
    }
    let (lines, _, back) = world.get(page(None, 10)).await;
    let firsts = |lines: &[String]| lines.iter().map(|line| line[..1].to_owned()).collect::<String>();
    assert_eq!(firsts(&lines), "23");
    let (lines, ..) = world.get(page(Some(back), 10)).await;
    assert_eq!(firsts(&lines), "01");
    let (mut token, mut seen) = (None, String::new());
    loop {
        let input = FilterLogEventsRequest {
            log_group_name: Some("/app".into()),
            next_token: token,
            ..Default::default()
        };
        let answer = world.logs.filter_log_events(&world.context, input).await.unwrap();
        let lines = answer.events.unwrap().into_iter().filter_map(|it| it.message);
        let lines: Vec<String> = lines.collect();
        assert!(lines.len() < 4);
        seen.push_str(&firsts(&lines));
        token = answer.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, "0123");
}

#[tokio::test]
async fn batches_keep_to_their_limits() {
    let world = world();
    world.group().await.unwrap();
    world.stream("one").await.unwrap();
    let now = world.now();
    let day = 24 * 60 * 60 * 1000;
    let batches = [
        vec![event(now + 1, "b"), event(now, "a")],
        vec![event(now - day - 1, "a"), event(now, "b")],
        vec![event(i64::MIN, "a"), event(i64::MAX, "b")],
        vec![event(now, &"x".repeat(1 << 20))],
        (0..10_001).map(|_| event(now, "x")).collect(),
    ];
    for batch in batches {
        assert_eq!(code(world.put("one", batch).await), "InvalidParameterException");
    }
    let old = world
        .put("one", vec![event(now - 15 * day, "old")])
        .await
        .unwrap();
    let rejected = old.rejected_log_events_info.unwrap();
    assert_eq!(rejected.too_old_log_event_end_index, Some(1));
    let new = vec![event(now, "kept"), event(now + 3 * 60 * 60 * 1000, "new")];
    let new = world
        .put("one", new)
        .await
        .unwrap()
        .rejected_log_events_info
        .unwrap();
    assert_eq!(new.too_new_log_event_start_index, Some(1));
    assert_eq!(world.get(page(None, 10)).await.0, ["kept"]);
}

#[tokio::test]
async fn filters_find_lines_of_all_streams_page_by_page() {
    let world = world();
    world.group().await.unwrap();
    for name in ["one", "two"] {
        world.stream(name).await.unwrap();
        world.fill(name, 3).await;
    }
    let (mut token, mut seen) = (None, Vec::new());
    loop {
        let input = FilterLogEventsRequest {
            log_group_name: Some("/app".into()),
            filter_pattern: Some("line -1".into()),
            limit: Some(3),
            next_token: token,
            ..Default::default()
        };
        let answer = world.logs.filter_log_events(&world.context, input).await.unwrap();
        let found = answer.events.unwrap().into_iter();
        seen.extend(found.map(|it| (it.log_stream_name.unwrap(), it.message.unwrap())));
        token = answer.next_token;
        if token.is_none() {
            break;
        }
    }
    seen.sort();
    let expected = [
        ("one", "line 0"),
        ("one", "line 2"),
        ("two", "line 0"),
        ("two", "line 2"),
    ];
    assert_eq!(
        seen,
        expected.map(|(stream, line)| (stream.to_owned(), line.to_owned()))
    );
}

#[tokio::test]
async fn a_group_that_is_made_again_begins_empty() {
    let world = world();
    world.group().await.unwrap();
    world.stream("one").await.unwrap();
    world.fill("one", 2).await;
    let input = DeleteLogGroupRequest {
        log_group_name: "/app".into(),
    };
    world
        .logs
        .delete_log_group(&world.context, input.clone())
        .await
        .unwrap();
    // A container that has not noticed goes on writing.
    let id = StreamId {
        scope: world.context.scope.key(),
        group: "/app".into(),
        stream: "app/app/1".into(),
    };
    let line = Line {
        at_ms: world.now(),
        message: "late".into(),
    };
    world.lines.append(&id, vec![line], None).await.unwrap();
    world.group().await.unwrap();
    assert!(world.streams().await.is_empty());
    world
        .logs
        .delete_log_group(&world.context, input.clone())
        .await
        .unwrap();
    let again = world.logs.delete_log_group(&world.context, input).await;
    assert_eq!(code(again), "ResourceNotFoundException");
}

#[tokio::test]
async fn retention_removes_what_is_too_old() {
    let world = world();
    world.group().await.unwrap();
    world.stream("one").await.unwrap();
    world.fill("one", 2).await;
    let input = PutRetentionPolicyRequest {
        log_group_name: "/app".into(),
        retention_in_days: 1,
    };
    world
        .logs
        .put_retention_policy(&world.context, input.clone())
        .await
        .unwrap();
    let odd = PutRetentionPolicyRequest {
        retention_in_days: 2,
        ..input
    };
    let refused = world.logs.put_retention_policy(&world.context, odd).await;
    assert_eq!(code(refused), "InvalidParameterException");
    let retention = Retention::new(world.store.clone(), world.clock.clone(), world.lines.clone());
    retention.activate().await.unwrap();
    assert_eq!(world.get(page(None, 10)).await.0.len(), 2);
    world.clock.advance(Duration::from_secs(25 * 60 * 60));
    retention.activate().await.unwrap();
    assert!(world.get(page(None, 10)).await.0.is_empty());
}
