use std::collections::BTreeMap;
use std::time::Duration;

use aws_protocol::Value;
use aws_shape::logs::*;

use super::world::*;

fn start(world: &World, text: &str) -> StartQueryRequest {
    StartQueryRequest {
        log_group_name: Some("/app".into()),
        start_time: world.now() / 1000 - 60,
        end_time: world.now() / 1000 + 60,
        query_string: text.into(),
        ..Default::default()
    }
}

async fn results(world: &World, id: &str) -> GetQueryResultsResponse {
    for _ in 0..1000 {
        let input = GetQueryResultsRequest {
            query_id: id.into(),
            ..Default::default()
        };
        let answer = world.logs.get_query_results(&world.context, input).await.unwrap();
        if !matches!(answer.status, Some(QueryStatus::Scheduled | QueryStatus::Running)) {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the query does not end");
}

fn fields(row: &[ResultField]) -> BTreeMap<String, String> {
    let field = |it: &ResultField| Some((it.field.clone()?, it.value.clone()?));
    row.iter().filter_map(field).collect()
}

async fn begin() -> World {
    let world = world();
    world.group().await.unwrap();
    world.stream("one").await.unwrap();
    let lines = [
        "{\"level\":\"error\",\"ms\":7}",
        "{\"level\":\"info\",\"ms\":9}",
        "plain error",
    ];
    let now = world.now();
    let events = (now..).zip(lines).map(|(at, line)| event(at, line));
    world.put("one", events.collect()).await.unwrap();
    world
}

#[tokio::test]
async fn a_query_is_started_and_its_results_lead_to_lines() {
    let world = begin().await;
    let query = start(&world, "fields ms, level | filter level = \"error\"");
    let id = world
        .logs
        .start_query(&world.context, query)
        .await
        .unwrap()
        .query_id
        .unwrap();
    let answer = results(&world, &id).await;
    assert_eq!(answer.status, Some(QueryStatus::Complete));
    let statistics = answer.statistics.unwrap();
    assert_eq!(
        (statistics.records_matched, statistics.records_scanned),
        (Some(1.0), Some(3.0))
    );
    assert_eq!(statistics.bytes_scanned, Some(58.0));
    let rows = answer.results.unwrap();
    assert_eq!(rows.len(), 1);
    let row = fields(&rows[0]);
    assert_eq!((row["ms"].as_str(), row["level"].as_str()), ("7", "error"));
    let record = GetLogRecordRequest {
        log_record_pointer: row["@ptr"].clone(),
        unmask: None,
    };
    let record = world
        .logs
        .get_log_record(&world.context, record)
        .await
        .unwrap()
        .log_record
        .unwrap();
    assert_eq!(record["@message"], "{\"level\":\"error\",\"ms\":7}");
    assert_eq!(
        (record["@logStream"].as_str(), record["level"].as_str()),
        ("one", "error")
    );
    let nothing = GetLogRecordRequest {
        log_record_pointer: "nothing".into(),
        unmask: None,
    };
    assert_eq!(
        code(world.logs.get_log_record(&world.context, nothing).await),
        "InvalidParameterException"
    );
    let described = DescribeQueriesRequest {
        status: Some(QueryStatus::Complete),
        ..Default::default()
    };
    let described = world
        .logs
        .describe_queries(&world.context, described)
        .await
        .unwrap()
        .queries
        .unwrap();
    assert_eq!(described[0].query_id.as_ref(), Some(&id));
    let stop = StopQueryRequest { query_id: id };
    assert_eq!(
        code(world.logs.stop_query(&world.context, stop).await),
        "InvalidParameterException"
    );
}

#[tokio::test]
async fn results_of_several_groups_come_by_time_and_in_pages() {
    let world = begin().await;
    let other = CreateLogGroupRequest {
        log_group_name: "/other".into(),
        ..Default::default()
    };
    world.logs.create_log_group(&world.context, other).await.unwrap();
    let stream = CreateLogStreamRequest {
        log_group_name: "/other".into(),
        log_stream_name: "two".into(),
    };
    world
        .logs
        .create_log_stream(&world.context, stream)
        .await
        .unwrap();
    let put = PutLogEventsRequest {
        log_group_name: "/other".into(),
        log_stream_name: "two".into(),
        log_events: vec![event(world.now() + 1, "between"), event(world.now() + 5, "last")],
        ..Default::default()
    };
    world.logs.put_log_events(&world.context, put).await.unwrap();
    let query = StartQueryRequest {
        log_group_name: None,
        log_group_identifiers: Some(vec![
            "/app".into(),
            "arn:aws:logs:us-east-1:000000000000:log-group:/other".into(),
        ]),
        ..start(&world, "fields @logStream | limit 4")
    };
    let id = world
        .logs
        .start_query(&world.context, query)
        .await
        .unwrap()
        .query_id
        .unwrap();
    results(&world, &id).await;
    let (mut token, mut seen) = (None, Vec::new());
    loop {
        let input = GetQueryResultsRequest {
            query_id: id.clone(),
            next_token: token,
            max_items: Some(3),
        };
        let page = world.logs.get_query_results(&world.context, input).await.unwrap();
        seen.extend(
            page.results
                .unwrap()
                .iter()
                .map(|row| fields(row)["@logStream"].clone()),
        );
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["two", "one", "two", "one"]);
}

#[tokio::test]
async fn a_query_that_cannot_be_read_says_where() {
    let world = begin().await;
    let query = start(&world, "fields @message | filtr x");
    let refused = world.logs.start_query(&world.context, query).await.unwrap_err();
    assert_eq!(refused.code, "MalformedQueryException");
    assert_eq!(
        refused.message,
        "unexpected symbol found filtr at line 1 and position 19"
    );
    let Some(Value::Structure(compile)) = refused.fields.get("queryCompileError") else {
        panic!("it has no queryCompileError");
    };
    let Some(Value::Structure(location)) = compile.get("location") else {
        panic!("it has no location");
    };
    assert_eq!(location.get("startCharOffset"), Some(&Value::Integer(18)));
    assert_eq!(location.get("endCharOffset"), Some(&Value::Integer(23)));
    let mut nowhere = start(&world, "fields @message");
    nowhere.log_group_name = Some("/nowhere".into());
    assert_eq!(
        code(world.logs.start_query(&world.context, nowhere).await),
        "ResourceNotFoundException"
    );
    let mut both = start(&world, "fields @message");
    both.log_group_names = Some(vec!["/app".into()]);
    assert_eq!(
        code(world.logs.start_query(&world.context, both).await),
        "InvalidParameterException"
    );
}

#[tokio::test]
async fn a_query_that_waits_can_be_stopped_and_is_forgotten() {
    let world = begin().await;
    let query = start(&world, "fields @message");
    let id = world
        .logs
        .start_query(&world.context, query)
        .await
        .unwrap()
        .query_id
        .unwrap();
    // Nothing else has run yet on this thread, so that the query waits still.
    let stop = StopQueryRequest { query_id: id.clone() };
    assert_eq!(
        world.logs.stop_query(&world.context, stop).await.unwrap().success,
        Some(true)
    );
    assert_eq!(results(&world, &id).await.status, Some(QueryStatus::Cancelled));
    world.clock.advance(Duration::from_secs(61 * 60));
    let other = start(&world, "fields @message");
    world.logs.start_query(&world.context, other).await.unwrap();
    let gone = GetQueryResultsRequest {
        query_id: id,
        ..Default::default()
    };
    assert_eq!(
        code(world.logs.get_query_results(&world.context, gone).await),
        "ResourceNotFoundException"
    );
}

#[tokio::test]
async fn fields_of_a_group_and_saved_queries() {
    let world = begin().await;
    world.clock.advance(Duration::from_secs(1));
    let input = GetLogGroupFieldsRequest {
        log_group_name: Some("/app".into()),
        ..Default::default()
    };
    let found = world
        .logs
        .get_log_group_fields(&world.context, input)
        .await
        .unwrap();
    let found: BTreeMap<String, i32> = found
        .log_group_fields
        .unwrap()
        .into_iter()
        .map(|it| (it.name.unwrap(), it.percent.unwrap()))
        .collect();
    assert_eq!((found["@message"], found["level"]), (100, 66));
    let put = PutQueryDefinitionRequest {
        name: "errors".into(),
        query_string: "filter level = 'error'".into(),
        log_group_names: Some(vec!["/app".into()]),
        ..Default::default()
    };
    let id = world
        .logs
        .put_query_definition(&world.context, put.clone())
        .await
        .unwrap();
    let id = id.query_definition_id.unwrap();
    let change = PutQueryDefinitionRequest {
        query_definition_id: Some(id.clone()),
        name: "faults".into(),
        ..put.clone()
    };
    world
        .logs
        .put_query_definition(&world.context, change)
        .await
        .unwrap();
    let input = DescribeQueryDefinitionsRequest {
        query_definition_name_prefix: Some("fau".into()),
        ..Default::default()
    };
    let found = world
        .logs
        .describe_query_definitions(&world.context, input)
        .await
        .unwrap();
    let found = found.query_definitions.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].query_definition_id.as_ref(), Some(&id));
    let delete = DeleteQueryDefinitionRequest {
        query_definition_id: id,
    };
    world
        .logs
        .delete_query_definition(&world.context, delete.clone())
        .await
        .unwrap();
    let again = world.logs.delete_query_definition(&world.context, delete).await;
    assert_eq!(code(again), "ResourceNotFoundException");
}
