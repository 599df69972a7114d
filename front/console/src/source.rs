//! Where a page's facts come from: the AWS APIs, asked as any client asks them.

use std::sync::Arc;

use aws_protocol::{ApiError, Context};
use aws_shape::{autoscaling, cloudwatch, ec2, ecs, elbv2, logs, route53};
use base_clock::Clock;
use base_id::Scope;

/// One account in one region.
#[derive(Clone)]
pub struct Source {
    pub ecs: Arc<dyn ecs::Api>,
    pub elbv2: Arc<dyn elbv2::Api>,
    pub ec2: Arc<dyn ec2::Api>,
    pub autoscaling: Arc<dyn autoscaling::Api>,
    pub logs: Arc<dyn logs::Api>,
    pub cloudwatch: Arc<dyn cloudwatch::Api>,
    pub route53: Arc<dyn route53::Api>,
    pub clock: Arc<dyn Clock>,
    pub scope: Scope,
}

/// Pages of one listing that are asked for.
pub(crate) const PAGES_MAX: usize = 20;

impl Source {
    pub(crate) fn context(&self) -> Context {
        Context {
            scope: self.scope.clone(),
            request_id: "console".to_owned(),
            principal_arn: format!("arn:aws:iam::{}:root", self.scope.account),
            access_key: "console".to_owned(),
        }
    }
}

/// The rest of an ARN after its last slash; or after its last colon; or all.
pub(crate) fn last(arn: &str) -> &str {
    arn.rsplit(['/', ':']).next().unwrap_or(arn)
}

/// A listing that failed is said on the page, with AWS's words.
pub(crate) fn sentence(error: &ApiError) -> String {
    format!("{}: {}", error.code, error.message)
}
