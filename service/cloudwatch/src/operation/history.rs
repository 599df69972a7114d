//! What happened to alarms.

use aws_protocol::{ApiError, Context, page};
use aws_shape::cloudwatch::*;

use crate::table::{HISTORY, key};
use crate::{CloudWatch, error};

const PAGE_MAX: usize = 100;

pub(super) async fn describe_alarm_history(
    cloudwatch: &CloudWatch,
    context: &Context,
    input: DescribeAlarmHistoryInput,
) -> Result<DescribeAlarmHistoryOutput, ApiError> {
    let kinds = input.alarm_types.unwrap_or_else(|| vec![AlarmType::MetricAlarm]);
    let found = cloudwatch
        .store
        .snapshot()
        .prefix(HISTORY, &key(&context.scope.key(), ""));
    let mut items: Vec<AlarmHistoryItem> = found
        .into_iter()
        .map(|(_, it)| it)
        .filter(|it| {
            input.alarm_name.as_ref().is_none_or(|name| *name == it.alarm)
                && input
                    .history_item_type
                    .as_ref()
                    .is_none_or(|kind| kind.as_str() == it.kind)
                && input.start_date.is_none_or(|start| it.at >= start)
                && input.end_date.is_none_or(|end| it.at <= end)
        })
        .map(|it| AlarmHistoryItem {
            alarm_name: Some(it.alarm.clone()),
            alarm_type: Some(if it.is_composite {
                AlarmType::CompositeAlarm
            } else {
                AlarmType::MetricAlarm
            }),
            timestamp: Some(it.at),
            history_item_type: Some(it.kind.as_str().into()),
            history_summary: Some(it.summary.clone()),
            history_data: Some(it.data.clone()),
            ..AlarmHistoryItem::default()
        })
        .filter(|it| it.alarm_type.as_ref().is_some_and(|kind| kinds.contains(kind)))
        .collect();
    if input.scan_by != Some(ScanBy::TimestampAscending) {
        items.reverse();
    }
    let (items, next_token) =
        page(items, input.max_records, PAGE_MAX, input.next_token.as_deref()).map_err(|_| error::token())?;
    Ok(DescribeAlarmHistoryOutput {
        alarm_history_items: Some(items),
        next_token,
    })
}
