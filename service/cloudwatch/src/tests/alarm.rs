use std::sync::Mutex;

use async_trait::async_trait;
use base_reconcile::Reconciler as _;
use contract::alarm::{ActionTarget, Firing};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::{Actions, Alarms};

const POLICY: &str =
    "arn:aws:autoscaling:us-east-1:000000000000:scalingPolicy:1:resource/ecs/service/c/s:policyName/p";

#[derive(Default)]
struct Target(Mutex<Vec<Firing>>);

#[async_trait]
impl ActionTarget for Target {
    fn takes(&self, action: &str) -> bool {
        action == POLICY
    }
    async fn act(&self, firing: Firing) -> Result<String, String> {
        self.0.lock().unwrap().push(firing);
        Ok("scaled".into())
    }
}

fn alarm(name: &str, actions: &[&str]) -> PutMetricAlarmInput {
    PutMetricAlarmInput {
        alarm_name: name.into(),
        namespace: Some("app".into()),
        metric_name: Some("x".into()),
        statistic: Some(Statistic::Average),
        period: Some(60),
        evaluation_periods: Some(2),
        threshold: Some(5.0),
        comparison_operator: Some(ComparisonOperator::GreaterThanThreshold),
        alarm_actions: Some(actions.iter().map(|it| (*it).to_owned()).collect()),
        ..PutMetricAlarmInput::default()
    }
}

impl World {
    async fn look(&self, target: &Arc<Target>) {
        Alarms::new(self.cloudwatch.clone()).activate().await.unwrap();
        let actions = Actions::new(self.cloudwatch.clone(), vec![target.clone()], client());
        while actions.activate().await.unwrap() == base_reconcile::Outcome::Again {}
    }

    async fn state(&self, name: &str) -> (String, String) {
        let input = DescribeAlarmsInput {
            alarm_names: Some(vec![name.into()]),
            alarm_types: Some(vec![AlarmType::MetricAlarm, AlarmType::CompositeAlarm]),
            ..DescribeAlarmsInput::default()
        };
        let found = self
            .cloudwatch
            .describe_alarms(&self.context, input)
            .await
            .unwrap();
        let metric = found
            .metric_alarms
            .unwrap()
            .pop()
            .map(|it| (it.state_value, it.state_reason));
        let composite = found
            .composite_alarms
            .unwrap()
            .pop()
            .map(|it| (it.state_value, it.state_reason));
        let (value, reason) = metric.or(composite).unwrap();
        (value.unwrap().as_str().to_owned(), reason.unwrap())
    }
}

/// Nothing here is asked over TLS.
fn client() -> reqwest::Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    let tls = tls
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .build()
        .unwrap()
}

#[tokio::test]
async fn an_alarm_goes_off_repeats_and_ends() {
    let (world, target) = (world(), Arc::new(Target::default()));
    world
        .cloudwatch
        .put_metric_alarm(&world.context, alarm("high", &[POLICY]))
        .await
        .unwrap();
    assert_eq!(
        world.state("high").await,
        (
            "INSUFFICIENT_DATA".into(),
            "Unchecked: Initial alarm creation".into()
        )
    );
    world.put(vec![datum("x", 0, 9.0), datum("x", 60, 8.0)]).await;
    world.wait(125);
    world.look(&target).await;
    let (state, reason) = world.state("high").await;
    assert_eq!(state, "ALARM");
    assert!(
        reason.starts_with("Threshold Crossed: 2 out of the last 2 datapoints [8.0 ("),
        "{reason}"
    );
    world.look(&target).await;
    assert_eq!(target.0.lock().unwrap().len(), 1, "not again within a minute");
    world.put(vec![datum("x", 120, 7.0)]).await;
    world.wait(60);
    world.look(&target).await;
    let fired = target.0.lock().unwrap().clone();
    assert_eq!(
        fired.iter().map(|it| it.value).collect::<Vec<_>>(),
        [Some(8.0), Some(7.0)]
    );
    world.put(vec![datum("x", 180, 1.0)]).await;
    world.wait(60);
    world.look(&target).await;
    assert_eq!(world.state("high").await.0, "OK");
    let history = DescribeAlarmHistoryInput {
        alarm_name: Some("high".into()),
        ..DescribeAlarmHistoryInput::default()
    };
    let items = world
        .cloudwatch
        .describe_alarm_history(&world.context, history)
        .await
        .unwrap()
        .alarm_history_items
        .unwrap();
    let kinds: Vec<_> = items
        .iter()
        .rev()
        .map(|it| it.history_item_type.clone().unwrap().as_str().to_owned())
        .collect();
    assert_eq!(
        kinds,
        [
            "ConfigurationUpdate",
            "StateUpdate",
            "Action",
            "Action",
            "StateUpdate"
        ]
    );
}

#[tokio::test]
async fn a_composite_alarm_follows_its_rule() {
    let (world, target) = (world(), Arc::new(Target::default()));
    world
        .cloudwatch
        .put_metric_alarm(&world.context, alarm("a", &[]))
        .await
        .unwrap();
    let composite = |rule: &str| PutCompositeAlarmInput {
        alarm_name: "both".into(),
        alarm_rule: rule.into(),
        ..PutCompositeAlarmInput::default()
    };
    let error = world
        .cloudwatch
        .put_composite_alarm(&world.context, composite("ALARM(nobody)"))
        .await
        .unwrap_err();
    assert_eq!(error.code, "ValidationError");
    world
        .cloudwatch
        .put_composite_alarm(&world.context, composite("ALARM(a) OR FALSE"))
        .await
        .unwrap();
    world.look(&target).await;
    assert_eq!(world.state("both").await.0, "OK");
    world.put(vec![datum("x", 0, 9.0), datum("x", 60, 9.0)]).await;
    world.wait(125);
    world.look(&target).await;
    assert_eq!(world.state("both").await.0, "ALARM");
    let delete = DeleteAlarmsInput {
        alarm_names: vec!["a".into()],
    };
    assert_eq!(
        world
            .cloudwatch
            .delete_alarms(&world.context, delete)
            .await
            .unwrap_err()
            .code,
        "ValidationError"
    );
}

#[tokio::test]
async fn an_http_target_is_told() {
    let (world, target) = (world(), Arc::new(Target::default()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/hook", listener.local_addr().unwrap());
    let told = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (mut text, mut buffer) = (String::new(), [0; 8192]);
        while !text.contains("StateChangeTime") {
            let count = stream.read(&mut buffer).await.unwrap();
            text.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap();
        text
    });
    world
        .cloudwatch
        .put_metric_alarm(&world.context, alarm("high", &[&address]))
        .await
        .unwrap();
    let set = SetAlarmStateInput {
        alarm_name: "high".into(),
        state_value: StateValue::Alarm,
        state_reason: "by hand".into(),
        state_reason_data: None,
    };
    world
        .cloudwatch
        .set_alarm_state(&world.context, set)
        .await
        .unwrap();
    world.look(&target).await;
    let text = told.await.unwrap();
    assert!(
        text.starts_with("POST /hook ") && text.contains("\"NewStateReason\":\"by hand\""),
        "{text}"
    );
}

#[tokio::test]
async fn alarms_that_cannot_be_are_refused() {
    let world = world();
    for (input, says) in [
        (alarm("a", &["nonsense"]), "Invalid arn syntax"),
        (
            alarm("a", &["arn:aws:sns:us-east-1:000000000000:topic"]),
            "does not serve the action",
        ),
        (
            PutMetricAlarmInput {
                period: Some(7),
                ..alarm("a", &[])
            },
            "Period",
        ),
        (
            PutMetricAlarmInput {
                evaluation_periods: Some(2000),
                ..alarm("a", &[])
            },
            "more than a day",
        ),
        (
            PutMetricAlarmInput {
                datapoints_to_alarm: Some(3),
                ..alarm("a", &[])
            },
            "DatapointsToAlarm",
        ),
        (
            PutMetricAlarmInput {
                treat_missing_data: Some("x".into()),
                ..alarm("a", &[])
            },
            "TreatMissingData",
        ),
        (
            PutMetricAlarmInput {
                statistic: None,
                ..alarm("a", &[])
            },
            "Statistic",
        ),
        (
            PutMetricAlarmInput {
                threshold: None,
                ..alarm("a", &[])
            },
            "Threshold",
        ),
    ] {
        let error = world
            .cloudwatch
            .put_metric_alarm(&world.context, input)
            .await
            .unwrap_err();
        assert!(error.message.contains(says), "{says}: {error}");
    }
}
