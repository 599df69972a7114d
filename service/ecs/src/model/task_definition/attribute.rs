//! What a task definition needs of an instance.

use std::collections::BTreeSet;

use aws_shape::ecs as shape;

/// What an instance's agent must be able to do, by the names that AWS documents.
pub(crate) fn required(request: &shape::RegisterTaskDefinitionRequest) -> BTreeSet<String> {
    let mut names = BTreeSet::from(["com.amazonaws.ecs.capability.docker-remote-api.1.18".to_owned()]);
    let mut need = |name: &str| names.extend([name.to_owned()]);
    if request.network_mode == Some(shape::NetworkMode::Awsvpc) {
        need("ecs.capability.task-eni");
    }
    if request.task_role_arn.is_some() {
        need(match &request.network_mode {
            Some(shape::NetworkMode::Host) => "com.amazonaws.ecs.capability.task-iam-role-network-host",
            _ => "com.amazonaws.ecs.capability.task-iam-role",
        });
    }
    if request.pid_mode.is_some() || request.ipc_mode.is_some() {
        need("ecs.capability.pid-ipc-namespace-sharing");
    }
    for container in &request.container_definitions {
        if let Some(log) = &container.log_configuration {
            need(&format!(
                "com.amazonaws.ecs.capability.logging-driver.{}",
                log.log_driver
            ));
            if request.execution_role_arn.is_some() && log.log_driver == shape::LogDriver::Awslogs {
                need("ecs.capability.execution-role-awslogs");
            }
        }
        if container
            .image
            .as_ref()
            .is_some_and(|image| image.contains(".dkr.ecr."))
        {
            need("com.amazonaws.ecs.capability.ecr-auth");
        }
        if container.privileged == Some(true) {
            need("com.amazonaws.ecs.capability.privileged-container");
        }
        if container.health_check.is_some() {
            need("ecs.capability.container-health-check");
        }
        if container.depends_on.as_ref().is_some_and(|it| !it.is_empty()) {
            need("ecs.capability.container-ordering");
        }
        for secret in container.secrets.iter().flatten() {
            need(match secret.value_from.starts_with("arn:aws:secretsmanager:") {
                true => "ecs.capability.secrets.asm.environment-variables",
                false => "ecs.capability.secrets.ssm.environment-variables",
            });
        }
    }
    names
}
