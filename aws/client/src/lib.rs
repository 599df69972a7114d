//! The services' traits over HTTP: what the client half uses to speak to Wharf or to AWS.
//!
//! Requests are written and answers read by the same codecs as the server's; credentials, regions, profiles and
//! endpoints come from the standard AWS configuration by `aws-config`, signatures from `aws-sigv4`.

mod config;
mod endpoint;
mod metadata;
mod retry;
mod send;
mod sign;
mod tls;
mod transport;

#[rustfmt::skip]
mod service {
    mod acm;
    mod applicationautoscaling;
    mod autoscaling;
    mod cloudwatch;
    mod ec2;
    mod ecr;
    mod ecs;
    mod elbv2;
    mod iam;
    mod logs;
    mod route53;
    mod secretsmanager;
    mod servicediscovery;
    mod ssm;
    mod sts;
}

pub use config::{ConfigError, Keys, Overrides};
pub use metadata::Metadata;
pub use send::{Client, UNREACHABLE};
pub use tls::tls;
