//! The operations, one line each.

mod event;
mod group;
mod live_tail;
mod metric_filter;
mod query;
mod query_definition;
mod stream;
mod subscription_filter;
mod tag;

use aws_protocol::{ApiError, operations};
use aws_shape::logs::*;
use base_id::Scope;

use crate::Logs;

operations! { Logs as Api:
    create_log_group(CreateLogGroupRequest) -> () = group;
    delete_log_group(DeleteLogGroupRequest) -> () = group;
    describe_log_groups(DescribeLogGroupsRequest) -> DescribeLogGroupsResponse = group;
    put_retention_policy(PutRetentionPolicyRequest) -> () = group;
    delete_retention_policy(DeleteRetentionPolicyRequest) -> () = group;
    create_log_stream(CreateLogStreamRequest) -> () = stream;
    delete_log_stream(DeleteLogStreamRequest) -> () = stream;
    describe_log_streams(DescribeLogStreamsRequest) -> DescribeLogStreamsResponse = stream;
    put_log_events(PutLogEventsRequest) -> PutLogEventsResponse = event;
    get_log_events(GetLogEventsRequest) -> GetLogEventsResponse = event;
    filter_log_events(FilterLogEventsRequest) -> FilterLogEventsResponse = event;
    list_tags_for_resource(ListTagsForResourceRequest) -> ListTagsForResourceResponse = tag;
    tag_resource(TagResourceRequest) -> () = tag;
    untag_resource(UntagResourceRequest) -> () = tag;
    list_log_groups(ListLogGroupsRequest) -> ListLogGroupsResponse = group;
    list_tags_log_group(ListTagsLogGroupRequest) -> ListTagsLogGroupResponse = tag;
    tag_log_group(TagLogGroupRequest) -> () = tag;
    untag_log_group(UntagLogGroupRequest) -> () = tag;
    put_metric_filter(PutMetricFilterRequest) -> () = metric_filter;
    describe_metric_filters(DescribeMetricFiltersRequest) -> DescribeMetricFiltersResponse = metric_filter;
    delete_metric_filter(DeleteMetricFilterRequest) -> () = metric_filter;
    test_metric_filter(TestMetricFilterRequest) -> TestMetricFilterResponse = metric_filter;
    put_subscription_filter(PutSubscriptionFilterRequest) -> () = subscription_filter;
    describe_subscription_filters(DescribeSubscriptionFiltersRequest) -> DescribeSubscriptionFiltersResponse = subscription_filter;
    delete_subscription_filter(DeleteSubscriptionFilterRequest) -> () = subscription_filter;
    start_live_tail(StartLiveTailRequest) -> StartLiveTailResponse = live_tail;
    start_query(StartQueryRequest) -> StartQueryResponse = query;
    stop_query(StopQueryRequest) -> StopQueryResponse = query;
    get_query_results(GetQueryResultsRequest) -> GetQueryResultsResponse = query;
    describe_queries(DescribeQueriesRequest) -> DescribeQueriesResponse = query;
    get_log_record(GetLogRecordRequest) -> GetLogRecordResponse = query;
    get_log_group_fields(GetLogGroupFieldsRequest) -> GetLogGroupFieldsResponse = query;
    put_query_definition(PutQueryDefinitionRequest) -> PutQueryDefinitionResponse = query_definition;
    describe_query_definitions(DescribeQueryDefinitionsRequest) -> DescribeQueryDefinitionsResponse = query_definition;
    delete_query_definition(DeleteQueryDefinitionRequest) -> DeleteQueryDefinitionResponse = query_definition;
}

/// The group that a request names, by name or by ARN.
fn group_name(scope: &Scope, name: Option<String>, identifier: Option<String>) -> Result<String, ApiError> {
    match (name, identifier) {
        (Some(_), Some(_)) => Err(invalid(
            "Specify either logGroupName or logGroupIdentifier, not both.",
        )),
        (Some(name), None) => Ok(name),
        (None, Some(id)) => identified(scope, &id),
        (None, None) => Err(invalid("Specify logGroupName or logGroupIdentifier.")),
    }
}

/// The group of this account and region that a name or an ARN names.
fn identified(scope: &Scope, identifier: &str) -> Result<String, ApiError> {
    if !identifier.starts_with("arn:") {
        return Ok(identifier.to_owned());
    }
    let name = identifier.strip_prefix(&scope.arn("logs", "log-group:"));
    let name = name.map(|name| name.trim_end_matches(":*").to_owned());
    name.ok_or_else(|| {
        invalid(format!(
            "{identifier} is not the ARN of a log group of this account and region."
        ))
    })
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::client("InvalidParameterException", message)
}

/// Log transformers are not served, so that there are no transformed lines to apply a filter to.
fn refuse_transformed(
    transformed: Option<bool>,
    criteria: Option<&str>,
    system_fields: Option<&[String]>,
) -> Result<(), ApiError> {
    if transformed == Some(true) || criteria.is_some() || system_fields.is_some_and(|it| !it.is_empty()) {
        return Err(invalid(
            "Wharf does not serve applyOnTransformedLogs, fieldSelectionCriteria and system fields of filters yet.",
        ));
    }
    Ok(())
}
