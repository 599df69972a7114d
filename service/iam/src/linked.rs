//! Roles that belong to services: made by name of the service, trusted by nobody else.

use aws_protocol::{ApiError, Context};
use aws_shape::iam as shape;
use serde_json::json;

use crate::model::Role;
use crate::{Iam, ROLES, role};

/// Services whose role is called otherwise than after the first part of their name.
const NAMES: [(&str, &str); 6] = [
    ("autoscaling.amazonaws.com", "AutoScaling"),
    ("ecs.amazonaws.com", "ECS"),
    (
        "ecs.application-autoscaling.amazonaws.com",
        "ApplicationAutoScaling_ECSService",
    ),
    ("elasticloadbalancing.amazonaws.com", "ElasticLoadBalancing"),
    ("spot.amazonaws.com", "EC2Spot"),
    ("replication.ecr.amazonaws.com", "ECRReplication"),
];
const SESSION_SECONDS_MAX: i32 = 3600;

fn invalid(message: String) -> ApiError {
    ApiError::client("InvalidInput", message)
}

pub(super) async fn create_service_linked_role(
    iam: &Iam,
    context: &Context,
    input: shape::CreateServiceLinkedRoleRequest,
) -> Result<shape::CreateServiceLinkedRoleResponse, ApiError> {
    let service = input.aws_service_name;
    let known = NAMES.iter().find(|(name, _)| *name == service);
    let (_, word) = known.ok_or_else(|| {
        invalid(format!(
            "Service principal {service} is not one whose service-linked role Wharf knows."
        ))
    })?;
    let suffix = match input.custom_suffix {
        // Only Auto Scaling has more than one.
        Some(suffix) if *word == "AutoScaling" => format!("_{suffix}"),
        Some(_) => return Err(invalid(format!("Custom suffix is not allowed for {service}"))),
        None => String::new(),
    };
    let name = format!("AWSServiceRoleFor{word}{suffix}");
    let path = format!("/aws-service-role/{service}/");
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": [service]}, "Action": ["sts:AssumeRole"]}],
    });
    let role = Role {
        arn: format!("arn:aws:iam::{}:role{path}{name}", context.scope.account),
        id: format!("AROA{}", iam.ids.hex(17).to_uppercase()),
        created_at: iam.clock.now(),
        trust: trust.to_string(),
        description: input.description,
        session_seconds_max: SESSION_SECONDS_MAX,
        policies: vec![],
        inline: Default::default(),
        tags: Default::default(),
        name,
        path,
    };
    let answer = role::shape(&role);
    let key = role::key(&context.scope.account, &role.name);
    iam.store
        .write(move |tx| {
            if tx.get(ROLES, &key).is_some() {
                return Err(invalid(format!(
                    "Service role name {} has been taken in this account, please try a different suffix.",
                    role.name
                )));
            }
            tx.put(ROLES, &key, role);
            Ok(())
        })
        .await?;
    Ok(shape::CreateServiceLinkedRoleResponse { role: Some(answer) })
}
