//! Measurements, asked for once in ten seconds however many pages show them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aws_shape::cloudwatch;
use jiff::{SignedDuration, Timestamp};

use crate::source::Source;

/// How long an answer is good for, in seconds.
const FRESH_SECONDS: i64 = 10;
/// Answers that are kept.
const KEPT_MAX: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Stat {
    Average,
    Sum,
    P50,
    P95,
}

impl Stat {
    fn word(self) -> &'static str {
        match self {
            Self::Average => "Average",
            Self::Sum => "Sum",
            Self::P50 => "p50",
            Self::P95 => "p95",
        }
    }
}

/// One metric as AWS names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Metric {
    pub(crate) title: &'static str,
    pub(crate) namespace: &'static str,
    pub(crate) name: &'static str,
    pub(crate) dimensions: Vec<(&'static str, String)>,
    pub(crate) stat: Stat,
}

/// A metric's points, oldest first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) title: &'static str,
    pub(crate) points: Vec<(Timestamp, f64)>,
}

/// Metrics, seconds, period.
type Question = (Vec<Metric>, i64, i32);
/// In which ten seconds it was asked, and what was answered.
type Answer = (i64, Option<Vec<Line>>);

#[derive(Default)]
pub(crate) struct Cache(Mutex<HashMap<Question, Answer>>);

impl Cache {
    /// The lines of the last `seconds`, a point for each `period`; `None` when nobody measures.
    pub(crate) async fn lines(
        &self,
        source: &Source,
        metrics: Vec<Metric>,
        seconds: i64,
        period: i32,
    ) -> Option<Vec<Line>> {
        if metrics.is_empty() {
            return None;
        }
        let now = source.clock.now();
        let turn = now.as_second() / FRESH_SECONDS;
        let question = (metrics, seconds, period);
        {
            let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((at, lines)) = kept.get(&question)
                && *at == turn
            {
                return lines.clone();
            }
        }
        let lines = ask(source, &question, now).await;
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.retain(|_, (at, _)| *at == turn);
        }
        if kept.len() < KEPT_MAX {
            kept.insert(question, (turn, lines.clone()));
        }
        lines
    }
}

async fn ask(source: &Source, question: &Question, now: Timestamp) -> Option<Vec<Line>> {
    let (metrics, seconds, period) = question;
    let queries = metrics.iter().enumerate().map(|(index, metric)| {
        let dimensions = metric
            .dimensions
            .iter()
            .map(|(name, value)| cloudwatch::Dimension {
                name: (*name).to_owned(),
                value: value.clone(),
            });
        cloudwatch::MetricDataQuery {
            id: format!("m{index}"),
            metric_stat: Some(cloudwatch::MetricStat {
                metric: cloudwatch::Metric {
                    namespace: Some(metric.namespace.to_owned()),
                    metric_name: Some(metric.name.to_owned()),
                    dimensions: Some(dimensions.collect()),
                },
                period: *period,
                stat: metric.stat.word().to_owned(),
                unit: None,
            }),
            return_data: Some(true),
            ..Default::default()
        }
    });
    let input = cloudwatch::GetMetricDataInput {
        metric_data_queries: queries.collect(),
        start_time: now - SignedDuration::from_secs(*seconds),
        end_time: now,
        ..Default::default()
    };
    let answer = source
        .cloudwatch
        .get_metric_data(&source.context(), input)
        .await
        .ok()?;
    let results: Vec<_> = answer.metric_data_results.into_iter().flatten().collect();
    let lines = metrics.iter().enumerate().map(|(index, metric)| {
        let id = format!("m{index}");
        let found = results.iter().find(|it| it.id.as_deref() == Some(id.as_str()));
        let times = found.and_then(|it| it.timestamps.clone()).unwrap_or_default();
        let values = found.and_then(|it| it.values.clone()).unwrap_or_default();
        let mut points: Vec<_> = times.into_iter().zip(values).collect();
        // What is still being counted would look like a fall.
        points.retain(|(at, _)| *at + SignedDuration::from_secs(i64::from(*period)) <= now);
        points.sort_by_key(|(at, _)| *at);
        Line {
            title: metric.title,
            points,
        }
    });
    Some(lines.collect())
}
