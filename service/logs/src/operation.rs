//! The operations, one line each.

mod event;
mod group;
mod stream;
mod tag;

use aws_protocol::{ApiError, operations};
use aws_shape::logs::*;

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
}

/// The group that a request names, by name or by ARN.
fn group_name(name: Option<String>, identifier: Option<String>) -> Result<String, ApiError> {
    match (name, identifier) {
        (Some(_), Some(_)) => Err(invalid(
            "Specify either logGroupName or logGroupIdentifier, not both.",
        )),
        (Some(name), None) => Ok(name),
        (None, Some(id)) => Ok(id
            .split(":log-group:")
            .nth(1)
            .unwrap_or(&id)
            .trim_end_matches(":*")
            .to_owned()),
        (None, None) => Err(invalid("Specify logGroupName or logGroupIdentifier.")),
    }
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::client("InvalidParameterException", message)
}
