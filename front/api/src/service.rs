//! The services behind the endpoint.

use std::sync::Arc;

use aws_protocol::{ApiError, Context, ServiceSchema, Value};
use aws_shape::{
    acm, applicationautoscaling, autoscaling, cloudwatch, ec2, ecr, ecs, elbv2, iam, logs, route53,
    secretsmanager, servicediscovery, ssm, sts,
};

macro_rules! services {
    ($($name:ident),*) => {
        /// One implementor of each service's trait.
        #[derive(Clone)]
        pub struct Services {
            $(pub $name: Arc<dyn $name::Api>,)*
        }

        /// The schemas of all services.
        pub static SCHEMAS: &[&ServiceSchema] = &[$(&$name::SERVICE),*];

        impl Services {
            /// Calls an operation of the service that this schema is of.
            pub(crate) async fn call(
                &self,
                service: &'static ServiceSchema,
                context: &Context,
                operation: &str,
                input: Value,
            ) -> Result<Value, ApiError> {
                $(if std::ptr::eq(service, &$name::SERVICE) {
                    return $name::dispatch(&*self.$name, context, operation, input).await;
                })*
                Err(service.unknown_operation(operation))
            }
        }
    };
}

services!(
    acm,
    applicationautoscaling,
    autoscaling,
    cloudwatch,
    ec2,
    ecr,
    ecs,
    elbv2,
    iam,
    logs,
    route53,
    secretsmanager,
    servicediscovery,
    ssm,
    sts
);
