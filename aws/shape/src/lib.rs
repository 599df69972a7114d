//! What the AWS services can be asked: generated types, schemas and one trait per service.
//!
//! A service implements its trait; a test may put a fake in its place; `aws-client` implements the same trait
//! over HTTP. Input and output types have the names of AWS's own model.

use aws_protocol::{ApiError, Shaped, Value};

#[rustfmt::skip]
mod service {
    pub mod acm;
    pub mod applicationautoscaling;
    pub mod autoscaling;
    pub mod cloudwatch;
    pub mod ec2;
    pub mod ecr;
    pub mod ecs;
    pub mod elbv2;
    pub mod iam;
    pub mod logs;
    pub mod route53;
    pub mod secretsmanager;
    pub mod servicediscovery;
    pub mod ssm;
    pub mod sts;
}

pub use service::{
    acm, applicationautoscaling, autoscaling, cloudwatch, ec2, ecr, ecs, elbv2, iam, logs, route53,
    secretsmanager, servicediscovery, ssm, sts,
};

/// An operation's input from a decoded message. The message was checked against the schema before, so what
/// does not fit is our fault.
fn input<T: Shaped>(value: Value) -> Result<T, ApiError> {
    T::read(value).map_err(ApiError::internal)
}

#[cfg(test)]
mod tests;
