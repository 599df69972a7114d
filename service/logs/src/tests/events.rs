use aws_shape::logs::*;

use super::world::*;

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
        vec![event(now, &"x".repeat(1 << 20))],
        (0..10_001).map(|_| event(now, "x")).collect(),
    ];
    for batch in batches {
        assert_eq!(code(world.put("one", batch).await), "InvalidParameterException");
    }
    let far = vec![event(i64::MIN, "a"), event(i64::MAX, "b")];
    let far = world
        .put("one", far)
        .await
        .unwrap()
        .rejected_log_events_info
        .unwrap();
    assert_eq!(far.too_old_log_event_end_index, Some(1));
    assert_eq!(far.too_new_log_event_start_index, Some(1));
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
async fn what_retention_would_remove_is_rejected() {
    let world = world();
    world.group().await.unwrap();
    world.stream("one").await.unwrap();
    let input = PutRetentionPolicyRequest {
        log_group_name: "/app".into(),
        retention_in_days: 3,
    };
    world
        .logs
        .put_retention_policy(&world.context, input)
        .await
        .unwrap();
    let (now, day) = (world.now(), 24 * 60 * 60 * 1000);
    let batch = vec![
        event(now - 20 * day, "too old"),
        event(now - 5 * day, "expired"),
        event(now, "kept"),
    ];
    // What is rejected does not count for the span of a batch.
    let rejected = world
        .put("one", batch)
        .await
        .unwrap()
        .rejected_log_events_info
        .unwrap();
    assert_eq!(rejected.too_old_log_event_end_index, Some(1));
    assert_eq!(rejected.expired_log_event_end_index, Some(2));
    assert_eq!(world.get(page(None, 10)).await.0, ["kept"]);
}

#[tokio::test]
async fn a_search_asks_the_store_for_what_every_match_contains() {
    let world = world();
    world.group().await.unwrap();
    world.stream("one").await.unwrap();
    let now = world.now();
    let lines = [
        "{\"level\":\"error\",\"ms\":7}",
        "{\"level\":\"info\",\"ms\":9}",
        "error in words",
    ];
    let events = (now..).zip(lines).map(|(at, line)| event(at, line)).collect();
    world.put("one", events).await.unwrap();
    let find = async |pattern: &str| {
        let input = FilterLogEventsRequest {
            log_group_identifier: Some("arn:aws:logs:us-east-1:000000000000:log-group:/app".into()),
            filter_pattern: Some(pattern.into()),
            ..Default::default()
        };
        let answer = world.logs.filter_log_events(&world.context, input).await?;
        Ok(answer
            .events
            .unwrap()
            .into_iter()
            .filter_map(|it| it.message)
            .collect::<Vec<_>>())
    };
    assert_eq!(
        find("{ $.level = \"error\" && $.ms > 5 }").await.unwrap(),
        [lines[0]]
    );
    assert_eq!(world.lines.asked_for(), ["error", "level", "ms"]);
    assert_eq!(find("[first = error, ...]").await.unwrap(), [lines[2]]);
    assert_eq!(find("%e[r]+or%").await.unwrap().len(), 2);
    let refused: Result<_, aws_protocol::ApiError> = find("Status: x").await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code, "InvalidParameterException");
    assert!(
        refused.message.contains("':' (at character 7"),
        "{}",
        refused.message
    );
}
