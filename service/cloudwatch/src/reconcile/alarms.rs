//! Looks at every alarm's metrics and writes down what state it is in.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use base_id::Scope;
use base_reconcile::{Outcome, Reconciler};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{actions_of, enter, set_off};
use crate::CloudWatch;
use crate::model::{Alarm, Body, Metric, Source, State};
use crate::plan::composite;
use crate::plan::metric::{self, ALARM, INSUFFICIENT_DATA, OK, PERIODS_BEYOND, Verdict};
use crate::query::{self, Span};
use crate::table::{self, ALARMS, STATES};

const LOOK_EVERY: SignedDuration = SignedDuration::from_secs(5);
/// As long as an alarm stays in its state, scaling goes on.
const REPEAT_EVERY: SignedDuration = SignedDuration::from_secs(60);

pub struct Alarms {
    cloudwatch: CloudWatch,
}

impl Alarms {
    /// What wakes it.
    pub const READS: &[&str] = &[ALARMS.name];

    pub fn new(cloudwatch: CloudWatch) -> Self {
        Self { cloudwatch }
    }

    /// What this alarm is found in; `None` when nothing is to be written.
    async fn look(&self, scope: &Scope, alarm: &Metric, now: Timestamp) -> Result<Option<State>, String> {
        let period = alarm
            .queries
            .iter()
            .filter_map(|it| match &it.source {
                Source::Measure(measure) => Some(i64::from(measure.period_seconds)),
                Source::Expression(_) => it.period_seconds.map(i64::from),
            })
            .max()
            .unwrap_or(60);
        let count = usize::try_from(alarm.evaluation_periods).unwrap_or(1) + PERIODS_BEYOND;
        let end = now.as_second() - now.as_second().rem_euclid(period);
        let span = Span {
            from: end - count as i64 * period,
            to: end,
        };
        let found = query::run(&*self.cloudwatch.metrics, &scope.key(), &alarm.queries, span)
            .await
            .map_err(|error| error.to_string())?;
        let shown = alarm
            .queries
            .iter()
            .zip(found)
            .find(|(query, _)| query.return_data != Some(false));
        let series = shown
            .and_then(|(_, all)| all.into_iter().next())
            .unwrap_or_default();
        let points: Vec<Option<f64>> = (0..count as i64)
            .map(|step| series.points.get(&(span.from + step * period)).copied())
            .collect();
        let verdict = metric::evaluate(alarm, &points);
        let at = |place: usize| Timestamp::from_second(span.from + place as i64 * period).unwrap_or(now);
        Ok(verdict.state.map(|state| State {
            value: state.to_owned(),
            reason: reason(alarm, &verdict, state, &at),
            reason_data: Some(reason_data(alarm, &verdict, period, now, at(0))),
            last_value: verdict.counted.last().map(|(_, value)| *value),
            ..table::unchecked(now)
        }))
    }

    async fn save(
        &self,
        place: &str,
        alarm: &Arc<Alarm>,
        found: State,
        now: Timestamp,
    ) -> Result<(), String> {
        let (scope, ids) = (Scope::of_key(place), self.cloudwatch.ids.clone());
        let (place, alarm) = (place.to_owned(), Arc::clone(alarm));
        let saved = self.cloudwatch.store.write(move |tx| {
            // Changed or deleted meanwhile: the next look is for that one.
            if tx.get(ALARMS, &place).as_ref() == Some(&alarm) {
                let state = tx.get(STATES, &place);
                let repeats = state.filter(|it| it.value == found.value && is_due(it, now));
                enter(tx, &scope, &alarm, found.clone(), now, &*ids);
                if repeats.is_some() {
                    for action in actions_of(&alarm, &found.value)
                        .iter()
                        .filter(|it| it.starts_with("arn:"))
                    {
                        set_off(tx, &scope, &alarm, &found, &found.value, action, now, &*ids);
                    }
                    if let Some(state) = tx.get(STATES, &place) {
                        tx.put(
                            STATES,
                            &place,
                            State {
                                acted_at: Some(now),
                                ..State::clone(&state)
                            },
                        );
                    }
                }
            }
            Ok::<_, base_store::StoreError>(())
        });
        saved.await.map_err(|error| error.to_string())
    }
}

/// Whether what is repeated is due again.
fn is_due(state: &State, now: Timestamp) -> bool {
    state
        .acted_at
        .is_some_and(|at| now.duration_since(at) >= REPEAT_EVERY)
}

/// Whether there is anything new to say.
fn is_news(alarm: &Alarm, before: Option<&State>, found: &State, now: Timestamp) -> bool {
    let Some(before) = before else { return true };
    let repeats = actions_of(alarm, &found.value)
        .iter()
        .any(|it| it.starts_with("arn:"));
    before.value != found.value || before.last_value != found.last_value || (repeats && is_due(before, now))
}

#[async_trait]
impl Reconciler for Alarms {
    fn name(&self) -> &'static str {
        "cloudwatch alarms"
    }

    async fn activate(&self) -> Result<Outcome, String> {
        let snapshot = self.cloudwatch.store.snapshot();
        let now = self.cloudwatch.clock.now();
        let alarms = snapshot.list(ALARMS);
        let mut failures = Vec::new();
        for (place, alarm) in &alarms {
            let Body::Metric(metric) = &alarm.body else {
                continue;
            };
            let before = snapshot.get(STATES, place);
            match self.look(&Scope::of_key(place), metric, now).await {
                Ok(Some(found)) if is_news(alarm, before.as_deref(), &found, now) => {
                    self.save(place, alarm, found, now).await?;
                }
                Ok(_) => {}
                Err(error) => failures.push(format!("{}: {error}", alarm.name)),
            }
        }
        self.composites(now).await?;
        for failure in failures {
            tracing::warn!(%failure, "an alarm cannot be looked at");
        }
        if alarms.is_empty() {
            return Ok(Outcome::Settled);
        }
        now.checked_add(LOOK_EVERY)
            .map(Outcome::Until)
            .map_err(|error| error.to_string())
    }
}

impl Alarms {
    /// Composite alarms, by what the others were just found in.
    async fn composites(&self, now: Timestamp) -> Result<(), String> {
        let snapshot = self.cloudwatch.store.snapshot();
        let states: BTreeMap<String, String> = snapshot
            .list(STATES)
            .into_iter()
            .map(|(place, state)| (place, state.value.clone()))
            .collect();
        for (place, alarm) in snapshot.list(ALARMS) {
            let Body::Composite(it) = &alarm.body else {
                continue;
            };
            let rule = composite::parse(&it.rule)?;
            let home = Scope::of_key(&place).key();
            let state = |name: &str| {
                states
                    .get(&table::key(&home, name))
                    .cloned()
                    .unwrap_or_else(|| INSUFFICIENT_DATA.to_owned())
            };
            let value = if composite::holds(&rule, &state) {
                ALARM
            } else {
                OK
            };
            if states.get(&place).is_some_and(|before| before == value) {
                continue;
            }
            let told: Vec<String> = composite::children(&rule)
                .into_iter()
                .map(|name| format!("{name} is in {}", state(name)))
                .collect();
            let found = State {
                value: value.to_owned(),
                reason: format!(
                    "The rule {} {}: {}",
                    it.rule,
                    if value == ALARM { "holds" } else { "does not hold" },
                    told.join(", ")
                ),
                ..table::unchecked(now)
            };
            self.save(&place, &alarm, found, now).await?;
        }
        Ok(())
    }
}

fn reason(alarm: &Metric, verdict: &Verdict, state: &str, at: &impl Fn(usize) -> Timestamp) -> String {
    let Verdict {
        counted,
        breaching,
        missing,
        ..
    } = verdict;
    if state == INSUFFICIENT_DATA {
        let count = alarm.evaluation_periods;
        return format!(
            "Insufficient Data: {count} datapoint{} unknown.",
            if count == 1 { " was" } else { "s were" }
        );
    }
    let shown = counted.iter().rev().filter(|(_, value)| {
        (state == ALARM) == metric::breaches(&alarm.comparison, *value, alarm.threshold)
    });
    // Numbers as Java writes them, and with it AWS: 3.0.
    let shown: Vec<String> = shown
        .map(|(place, value)| format!("{value:?} ({})", at(*place).strftime("%d/%m/%y %H:%M:%S")))
        .collect();
    let words = match alarm.comparison.as_str() {
        "GreaterThanOrEqualToThreshold" => "greater than or equal to",
        "GreaterThanThreshold" => "greater than",
        "LessThanThreshold" => "less than",
        _ => "less than or equal to",
    };
    let (count, total) = (
        if state == ALARM {
            *breaching
        } else {
            counted.len() - breaching
        },
        counted.len(),
    );
    let was = if count == 1 { "was" } else { "were" };
    let not = if state == ALARM { "" } else { "not " };
    let filled = match missing {
        0 => String::new(),
        missing => format!(
            "; {missing} missing datapoint{} treated as {}",
            if *missing == 1 { " was" } else { "s were" },
            alarm.missing.map_or("missing", |it| it.text())
        ),
    };
    format!(
        "Threshold Crossed: {count} out of the last {total} datapoints [{}] {was} {not}{words} the threshold ({:?}) (minimum {} datapoint{} for OK -> ALARM transition){filled}.",
        shown.join(", "),
        alarm.threshold,
        metric::needed(alarm),
        if metric::needed(alarm) == 1 { "" } else { "s" }
    )
}

fn reason_data(alarm: &Metric, verdict: &Verdict, period: i64, now: Timestamp, start: Timestamp) -> String {
    let statistic = match alarm.queries.first().map(|it| &it.source) {
        Some(Source::Measure(measure)) if alarm.is_plain => Some(measure.statistic.clone()),
        _ => None,
    };
    json!({
        "version": "1.0",
        "queryDate": now.to_string(),
        "startDate": start.to_string(),
        "statistic": statistic,
        "period": period,
        "recentDatapoints": verdict.counted.iter().map(|(_, value)| value).collect::<Vec<_>>(),
        "threshold": alarm.threshold,
    })
    .to_string()
}
