use std::time::Duration;

use aws_shape::logs::*;
use base_reconcile::Reconciler as _;
use contract::log::{Line, LogStore as _, StreamId};

use super::world::*;
use crate::Retention;

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

#[tokio::test]
async fn groups_are_found_by_names_patterns_and_identifiers() {
    let world = world();
    for name in ["/app", "/api/one", "/api/two"] {
        let input = CreateLogGroupRequest {
            log_group_name: name.into(),
            ..Default::default()
        };
        world.logs.create_log_group(&world.context, input).await.unwrap();
    }
    let describe = async |input| {
        let answer = world
            .logs
            .describe_log_groups(&world.context, input)
            .await
            .unwrap();
        let groups = answer.log_groups.unwrap().into_iter();
        groups.filter_map(|it| it.log_group_name).collect::<Vec<_>>()
    };
    let pattern = DescribeLogGroupsRequest {
        log_group_name_pattern: Some("two".into()),
        ..Default::default()
    };
    assert_eq!(describe(pattern).await, ["/api/two"]);
    let arn = "arn:aws:logs:us-east-1:000000000000:log-group:/api/one".to_owned();
    let identifiers = DescribeLogGroupsRequest {
        log_group_identifiers: Some(vec![arn, "/app".into()]),
        ..Default::default()
    };
    assert_eq!(describe(identifiers).await, ["/api/one", "/app"]);
    let foreign = DescribeLogGroupsRequest {
        log_group_identifiers: Some(vec!["arn:aws:logs:us-east-1:999999999999:log-group:/app".into()]),
        ..Default::default()
    };
    let refused = world.logs.describe_log_groups(&world.context, foreign).await;
    assert_eq!(code(refused), "InvalidParameterException");
    let list = ListLogGroupsRequest {
        log_group_name_pattern: Some("^/api/|nothing".into()),
        limit: Some(1),
        ..Default::default()
    };
    let answer = world.logs.list_log_groups(&world.context, list).await.unwrap();
    assert_eq!(
        answer.log_groups.unwrap()[0].log_group_name.as_deref(),
        Some("/api/one")
    );
    assert!(answer.next_token.is_some());
}

#[tokio::test]
async fn tags_go_by_name_too() {
    let world = world();
    world.group().await.unwrap();
    let input = TagLogGroupRequest {
        log_group_name: "/app".into(),
        tags: [("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())].into(),
    };
    world.logs.tag_log_group(&world.context, input).await.unwrap();
    let input = UntagLogGroupRequest {
        log_group_name: "/app".into(),
        tags: vec!["a".into()],
    };
    world.logs.untag_log_group(&world.context, input).await.unwrap();
    let input = ListTagsLogGroupRequest {
        log_group_name: "/app".into(),
    };
    let tags = world
        .logs
        .list_tags_log_group(&world.context, input)
        .await
        .unwrap()
        .tags
        .unwrap();
    assert_eq!(tags, [("b".to_owned(), "2".to_owned())].into());
    let input = TagLogGroupRequest {
        log_group_name: "/app".into(),
        tags: (0..51).map(|n| (n.to_string(), String::new())).collect(),
    };
    assert_eq!(
        code(world.logs.tag_log_group(&world.context, input).await),
        "TooManyTagsException"
    );
}
