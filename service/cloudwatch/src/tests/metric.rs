use super::*;

fn stat(id: &str, name: &str, stat: &str, period: i32) -> MetricDataQuery {
    MetricDataQuery {
        id: id.into(),
        metric_stat: Some(MetricStat {
            metric: Metric {
                namespace: Some("app".into()),
                metric_name: Some(name.into()),
                dimensions: None,
            },
            period,
            stat: stat.into(),
            unit: None,
        }),
        ..MetricDataQuery::default()
    }
}

fn expression(id: &str, text: &str) -> MetricDataQuery {
    MetricDataQuery {
        id: id.into(),
        expression: Some(text.into()),
        ..MetricDataQuery::default()
    }
}

impl World {
    async fn data(
        &self,
        queries: Vec<MetricDataQuery>,
        max: Option<i32>,
        token: Option<String>,
    ) -> GetMetricDataOutput {
        let input = GetMetricDataInput {
            metric_data_queries: queries,
            start_time: at(0),
            end_time: at(600),
            scan_by: Some(ScanBy::TimestampAscending),
            max_datapoints: max,
            next_token: token,
            ..GetMetricDataInput::default()
        };
        self.cloudwatch
            .get_metric_data(&self.context, input)
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn queries_and_expressions_are_answered_together() {
    let world = world();
    world.wait(600);
    world
        .put(vec![
            datum("errors", 10, 1.0),
            datum("errors", 70, 3.0),
            datum("calls", 10, 10.0),
            datum("calls", 70, 10.0),
        ])
        .await;
    let mut calls = stat("calls", "calls", "Sum", 60);
    calls.return_data = Some(false);
    let answer = world
        .data(
            vec![
                expression("rate", "errors / calls * 100"),
                calls,
                stat("errors", "errors", "Sum", 60),
            ],
            None,
            None,
        )
        .await;
    let results = answer.metric_data_results.unwrap();
    let shown: Vec<_> = results
        .iter()
        .map(|it| (it.id.as_deref().unwrap(), it.values.clone().unwrap()))
        .collect();
    assert_eq!(shown, [("rate", vec![10.0, 30.0]), ("errors", vec![1.0, 3.0])]);
    assert_eq!(results[0].timestamps.as_ref().unwrap(), &[at(0), at(60)]);
}

#[tokio::test]
async fn values_come_in_pages() {
    let world = world();
    world.wait(600);
    world
        .put((0..10).map(|it| datum("x", it * 60, it as f64)).collect())
        .await;
    let query = || vec![stat("a", "x", "Sum", 60), stat("b", "x", "Maximum", 60)];
    let (mut token, mut seen) = (None, vec![]);
    loop {
        let page = world.data(query(), Some(7), token).await;
        for result in page.metric_data_results.unwrap() {
            seen.extend(result.values.unwrap());
        }
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    let once: Vec<f64> = (0..10).map(f64::from).collect();
    assert_eq!(seen, [once.clone(), once].concat());
}

#[tokio::test]
async fn statistics_begin_where_the_question_begins() {
    let world = world();
    world.wait(900);
    world
        .put((0..10).map(|it| datum("x", it * 60, 1.0)).collect())
        .await;
    let input = GetMetricStatisticsInput {
        namespace: "app".into(),
        metric_name: "x".into(),
        start_time: at(60),
        end_time: at(660),
        period: 300,
        statistics: Some(vec![Statistic::Sum, Statistic::Average]),
        extended_statistics: Some(vec!["p50".into()]),
        ..GetMetricStatisticsInput::default()
    };
    let found = world
        .cloudwatch
        .get_metric_statistics(&world.context, input)
        .await
        .unwrap()
        .datapoints
        .unwrap();
    let shown: Vec<_> = found
        .iter()
        .map(|it| {
            (
                it.timestamp.unwrap(),
                it.sum.unwrap(),
                it.average.unwrap(),
                it.sample_count,
            )
        })
        .collect();
    assert_eq!(shown, [(at(60), 5.0, 1.0, None), (at(360), 4.0, 1.0, None)]);
    assert_eq!(found[0].extended_statistics.as_ref().unwrap()["p50"], 1.0);
}

#[tokio::test]
async fn what_cannot_be_measured_is_refused() {
    let world = world();
    for (datum, code) in [
        (
            MetricDatum {
                value: Some(f64::NAN),
                ..datum("x", 0, 0.0)
            },
            "InvalidParameterValue",
        ),
        (
            MetricDatum {
                value: None,
                ..datum("x", 0, 0.0)
            },
            "MissingParameter",
        ),
        (datum("x", -15 * 86_400, 1.0), "InvalidParameterValue"),
        (datum("x", 3 * 3600, 1.0), "InvalidParameterValue"),
        (
            MetricDatum {
                values: Some(vec![1.0]),
                ..datum("x", 0, 1.0)
            },
            "InvalidParameterCombination",
        ),
        (
            MetricDatum {
                value: None,
                values: Some(vec![1.0, 2.0]),
                counts: Some(vec![1.0]),
                ..datum("x", 0, 1.0)
            },
            "InvalidParameterValue",
        ),
    ] {
        let input = PutMetricDataInput {
            namespace: "app".into(),
            metric_data: Some(vec![datum]),
            ..PutMetricDataInput::default()
        };
        assert_eq!(
            world
                .cloudwatch
                .put_metric_data(&world.context, input)
                .await
                .unwrap_err()
                .code,
            code
        );
    }
    let input = PutMetricDataInput {
        namespace: "AWS/ECS".into(),
        metric_data: Some(vec![datum("x", 0, 1.0)]),
        ..PutMetricDataInput::default()
    };
    assert_eq!(
        world
            .cloudwatch
            .put_metric_data(&world.context, input)
            .await
            .unwrap_err()
            .code,
        "InvalidParameterValue"
    );
}

#[tokio::test]
async fn a_query_that_leads_back_to_itself_is_refused() {
    let world = world();
    let input = GetMetricDataInput {
        metric_data_queries: vec![expression("a", "b + 1"), expression("b", "a + 1")],
        start_time: at(0),
        end_time: at(60),
        ..GetMetricDataInput::default()
    };
    let error = world
        .cloudwatch
        .get_metric_data(&world.context, input)
        .await
        .unwrap_err();
    assert!(error.message.contains("refers to itself"), "{error}");
}

#[tokio::test]
async fn dashboards_are_kept_and_looked_through() {
    let world = world();
    let put = |body: &str| PutDashboardInput {
        dashboard_name: "main".into(),
        dashboard_body: body.into(),
        ..PutDashboardInput::default()
    };
    for body in [
        "",
        "[]",
        "{}",
        r#"{"widgets":{}}"#,
        r#"{"widgets":[{"type":"nope","properties":{}}]}"#,
        r#"{"widgets":[{"type":"text"}]}"#,
    ] {
        let error = world
            .cloudwatch
            .put_dashboard(&world.context, put(body))
            .await
            .unwrap_err();
        assert_eq!(error.code, "InvalidParameterInput", "{body}");
    }
    let body =
        r#"{"widgets":[{"type":"text","x":0,"y":0,"width":6,"height":3,"properties":{"markdown":"hi"}}]}"#;
    world
        .cloudwatch
        .put_dashboard(&world.context, put(body))
        .await
        .unwrap();
    let get = || GetDashboardInput {
        dashboard_name: "main".into(),
    };
    let found = world
        .cloudwatch
        .get_dashboard(&world.context, get())
        .await
        .unwrap();
    assert_eq!(found.dashboard_body.as_deref(), Some(body));
    let delete = DeleteDashboardsInput {
        dashboard_names: vec!["main".into()],
    };
    world
        .cloudwatch
        .delete_dashboards(&world.context, delete)
        .await
        .unwrap();
    assert_eq!(
        world
            .cloudwatch
            .get_dashboard(&world.context, get())
            .await
            .unwrap_err()
            .code,
        "ResourceNotFound"
    );
}
