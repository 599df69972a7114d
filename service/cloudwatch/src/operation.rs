//! The operations, one line each; the nouns' files say what happens.

mod alarm;
mod composite;
mod dashboard;
mod data;
mod describe;
mod history;
mod list;
mod put;
mod statistics;
mod tag;

use aws_protocol::operations;
use aws_shape::cloudwatch::*;

use crate::CloudWatch;

operations! { CloudWatch as Api:
    put_metric_data(PutMetricDataInput) -> () = put;
    get_metric_data(GetMetricDataInput) -> GetMetricDataOutput = data;
    get_metric_statistics(GetMetricStatisticsInput) -> GetMetricStatisticsOutput = statistics;
    list_metrics(ListMetricsInput) -> ListMetricsOutput = list;
    put_metric_alarm(PutMetricAlarmInput) -> () = alarm;
    delete_alarms(DeleteAlarmsInput) -> () = alarm;
    set_alarm_state(SetAlarmStateInput) -> () = alarm;
    enable_alarm_actions(EnableAlarmActionsInput) -> () = alarm;
    disable_alarm_actions(DisableAlarmActionsInput) -> () = alarm;
    put_composite_alarm(PutCompositeAlarmInput) -> () = composite;
    describe_alarms(DescribeAlarmsInput) -> DescribeAlarmsOutput = describe;
    describe_alarms_for_metric(DescribeAlarmsForMetricInput) -> DescribeAlarmsForMetricOutput = describe;
    describe_alarm_history(DescribeAlarmHistoryInput) -> DescribeAlarmHistoryOutput = history;
    put_dashboard(PutDashboardInput) -> PutDashboardOutput = dashboard;
    get_dashboard(GetDashboardInput) -> GetDashboardOutput = dashboard;
    list_dashboards(ListDashboardsInput) -> ListDashboardsOutput = dashboard;
    delete_dashboards(DeleteDashboardsInput) -> DeleteDashboardsOutput = dashboard;
    tag_resource(TagResourceInput) -> TagResourceOutput = tag;
    untag_resource(UntagResourceInput) -> UntagResourceOutput = tag;
    list_tags_for_resource(ListTagsForResourceInput) -> ListTagsForResourceOutput = tag;
}
