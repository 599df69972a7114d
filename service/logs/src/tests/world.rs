//! A service over lines in memory.

use std::sync::Arc;

use aws_protocol::{ApiError, Context};
use aws_shape::logs::*;
use base_clock::{Clock as _, ManualClock};
use base_id::Scope;
use base_store::Store;

use super::lines::MemoryLines;
use crate::Logs;

pub(super) struct World {
    pub(super) logs: Logs,
    pub(super) lines: Arc<MemoryLines>,
    pub(super) store: Store,
    pub(super) clock: Arc<ManualClock>,
    pub(super) context: Context,
}

pub(super) fn world() -> World {
    let clock = Arc::new(ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap()));
    let lines = Arc::new(MemoryLines::new(clock.clone()));
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
    }
}

impl World {
    pub(super) fn now(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    pub(super) async fn group(&self) -> Result<(), ApiError> {
        let input = CreateLogGroupRequest {
            log_group_name: "/app".into(),
            ..Default::default()
        };
        self.logs.create_log_group(&self.context, input).await
    }

    pub(super) async fn stream(&self, name: &str) -> Result<(), ApiError> {
        let input = CreateLogStreamRequest {
            log_group_name: "/app".into(),
            log_stream_name: name.into(),
        };
        self.logs.create_log_stream(&self.context, input).await
    }

    pub(super) async fn put(
        &self,
        stream: &str,
        events: Vec<InputLogEvent>,
    ) -> Result<PutLogEventsResponse, ApiError> {
        let input = PutLogEventsRequest {
            log_group_name: "/app".into(),
            log_stream_name: stream.into(),
            log_events: events,
            ..Default::default()
        };
        self.logs.put_log_events(&self.context, input).await
    }

    /// `count` lines one millisecond apart.
    pub(super) async fn fill(&self, stream: &str, count: i64) {
        let now = self.now();
        let events = (0..count).map(|n| event(now + n, &format!("line {n}")));
        self.put(stream, events.collect()).await.unwrap();
    }

    pub(super) async fn get(&self, input: GetLogEventsRequest) -> (Vec<String>, String, String) {
        let answer = self.logs.get_log_events(&self.context, input).await.unwrap();
        let events = answer.events.unwrap().into_iter();
        (
            events.filter_map(|event| event.message).collect(),
            answer.next_forward_token.unwrap(),
            answer.next_backward_token.unwrap(),
        )
    }

    pub(super) async fn streams(&self) -> Vec<String> {
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

pub(super) fn event(at: i64, message: &str) -> InputLogEvent {
    InputLogEvent {
        timestamp: at,
        message: message.into(),
    }
}

pub(super) fn page(token: Option<String>, limit: i32) -> GetLogEventsRequest {
    GetLogEventsRequest {
        log_group_name: Some("/app".into()),
        log_stream_name: "one".into(),
        next_token: token,
        limit: Some(limit),
        ..Default::default()
    }
}

pub(super) fn code<T: std::fmt::Debug>(result: Result<T, ApiError>) -> String {
    result.unwrap_err().code.to_string()
}
